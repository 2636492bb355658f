"""Starting and stopping a fake machine."""

from __future__ import annotations

import time

from attrs import evolve

from hvcore.errors import AlreadyRunning, OperationFailed, StopTimeout
from hvcore.fake.behaviour import Behaviour
from hvcore.fake.clock import read_clock
from hvcore.fake.faults import meet
from hvcore.fake.machine import Machine
from hvcore.fake.recovery import raise_failure, require_settled, take_down
from hvcore.fake.state import RunState
from hvcore.model.instance import Instance
from hvcore.system.journal import Phase

__all__ = ["balloon", "clean_up", "pause", "reboot", "restore", "resume", "start", "stop"]

_STOP_TIMEOUT_S = 120.0  # Ganeti's default


def start(machine: Machine, instance: Instance, memory_mib: int, paused: bool) -> None:
    """Start a machine that is off.

    Raises:
        AlreadyRunning: it is on.
        OperationFailed: a step failed; every step was undone.
    """
    require_settled(machine)
    if machine.running(read_clock()) is not None:
        raise AlreadyRunning(f"{instance.name} runs already", resolution="stop it first, or reboot it")
    steps = machine.start_steps(instance, Behaviour.of(instance.parameters), memory_mib, paused)
    machine.build(steps)


def stop(machine: Machine, force: bool, retry: bool, timeout_s: float | None) -> None:
    """Stop a machine; one that is off is only cleared away.

    Raises:
        StopTimeout: the guest was asked and still runs.
        OperationFailed: it is being migrated, or a step failed; the next command on the instance finishes the stop.
    """
    require_settled(machine)
    state = machine.running(read_clock())
    if state is None:
        return
    if not force:
        machine.require_staying(read_clock())
        _ask(machine, state, retry)
        if not _wait_for_guest(machine, state.run, _STOP_TIMEOUT_S if timeout_s is None else timeout_s):
            return
    machine.restore_journal()
    machine.journal.enter(Phase.STOPPING)
    meet("halt", state.behaviour, "the next command on the instance, or 'hv recover', finishes the stop")
    raise_failure(take_down(machine))
    machine.console.say("ended by force" if force else "shut down")


def reboot(machine: Machine) -> None:
    """Restart the guest of a running machine; what it is asked meanwhile waits.

    Raises:
        NotRunning: it does not run.
        OperationFailed: it could not be restarted.
    """
    require_settled(machine)
    before = machine.require_staying(read_clock())

    def do() -> None:
        machine.end_commands()
        time.sleep(before.behaviour.stop_delay_s + before.behaviour.start_delay_s)
        machine.set_state(before.rebooted(read_clock()))
        machine.console.say("rebooted")

    machine.change("reboot", before, do)


def pause(machine: Machine) -> None:
    """Stop the guest's time.

    Raises:
        NotRunning: it does not run.
    """
    require_settled(machine)
    state = machine.require_staying(read_clock())
    if not state.is_paused:
        machine.change("pause", state, lambda: machine.set_state(state.paused(read_clock())))
        machine.console.say("paused")


def resume(machine: Machine) -> None:
    """Let the guest's time go on.

    Raises:
        NotRunning: it does not run.
    """
    require_settled(machine)
    state = machine.require_staying(read_clock())
    if state.is_paused:
        machine.change("resume", state, lambda: machine.set_state(state.resumed(read_clock())))
        machine.console.say("resumed")


def balloon(machine: Machine, memory_mib: int, free_mib: int) -> None:
    """Give a running machine another amount of memory.

    Args:
        machine: the machine.
        memory_mib: how much it shall have.
        free_mib: how much the node has free; it may not grow by more.

    Raises:
        NotRunning: it does not run.
        OperationFailed: the node has not enough.
    """
    require_settled(machine)
    state = machine.require_staying(read_clock())
    growth_mib = memory_mib - state.memory_mib
    if growth_mib > max(free_mib, 0):
        raise OperationFailed(
            f"{machine.name} would grow by {growth_mib} MiB, and the node has {free_mib} MiB free",
            step="balloon",
            resolution="give it less, or stop another instance",
        )
    machine.change("balloon", state, lambda: machine.set_state(evolve(state, memory_mib=memory_mib)))
    machine.console.say(f"memory is {memory_mib} MiB")


def restore(machine: Machine, instance: Instance) -> None:
    """Make everything again that a running machine has beside its state.

    Raises:
        NotRunning: it does not run.
    """
    require_settled(machine)
    machine.restore(instance, machine.require_staying(read_clock()))


def clean_up(machine: Machine) -> None:
    """Remove what a machine left that is off.

    Raises:
        OperationFailed: it is on, or something cannot be removed.
    """
    machine.meet("cleanup")
    require_settled(machine)
    if machine.running(read_clock()) is not None:
        raise OperationFailed(f"{machine.name} runs, so it is not cleaned up", resolution="stop it first")


def _ask(machine: Machine, state: RunState, retry: bool) -> None:
    """Ask the guest to shut down, unless it was asked before in the same shutdown."""
    heard = state.halts_at_s is not None or state.behaviour.refuses_shutdown
    if retry and heard and not state.is_paused:
        return

    def do() -> None:
        machine.set_state(state.asked_to_halt(read_clock()))
        refused = ", which it ignores" if state.behaviour.refuses_shutdown else ""
        machine.console.say(f"asked to shut down{refused}")

    machine.change("shutdown", state, do)


def _wait_for_guest(machine: Machine, run: str, timeout_s: float) -> bool:
    """Wait until the guest has shut down; others may work on the instance meanwhile.

    Args:
        machine: the machine; the caller holds its lock, now and afterwards.
        run: which of its runs was asked.
        timeout_s: seconds to wait at most.

    Returns:
        True when the guest has shut down and left the rest to the caller; False when somebody else has stopped it.

    Raises:
        StopTimeout: it still runs.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        state, clock = machine.files.read_state(), read_clock()
        if state is None or state.run != run:
            return False
        if not state.is_alive(clock):
            return True
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise _timeout(machine.name, timeout_s)
        to_halt_s = state.seconds_to_halt(clock)
        wait_s = remaining_s if to_halt_s is None else min(remaining_s, to_halt_s)
        machine.bell.hang_up()
        # Listening begins under the lock, so that no change is missed between the look and the wait.
        with machine.bell.listening() as listener, machine.context.locks.yielded(machine.name, "stop_instance"):
            listener.wait(wait_s)


def _timeout(name: str, timeout_s: float) -> StopTimeout:
    return StopTimeout(
        f"{name} was asked to shut down and still runs after {timeout_s:g} s",
        step="shutdown",
        resolution="wait and ask again, or stop it by force",
    )
