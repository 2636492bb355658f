"""The node that a migration leaves.

The instance runs here until it is handed over, which is one rename(2); whatever fails before that changes nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import evolve

from hvcore.errors import InvalidInput, NotRunning, OperationFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.faults import meet
from hvcore.fake.manifest import Manifest
from hvcore.fake.peer import Peer, address_of, own_address
from hvcore.fake.recovery import raise_failure, require_settled, take_down
from hvcore.model.migration import MigrationState, MigrationStatus
from hvcore.system.journal import Phase

if TYPE_CHECKING:
    from hvcore.fake.machine import Machine
    from hvcore.fake.state import RunState

__all__ = ["describe_for_target", "finalize", "hand_over", "migrate", "status"]


def describe_for_target(machine: Machine) -> str:
    """Return what the target must know.

    Raises:
        NotRunning: the instance does not run.
        OperationFailed: it has no definition to send.
    """
    state = machine.require_staying(read_clock())
    meet("describe", state.behaviour)
    definition = machine.files.read_definition()
    if definition is None:
        raise OperationFailed(f"the definition of {machine.name} is lost", resolution="restore the instance first")
    manifest = Manifest(
        migration=os.urandom(8).hex(),
        run=state.run,
        source=own_address(machine.context),
        memory_mib=state.memory_mib,
        is_paused=state.is_paused,
        definition=definition,
    )
    return manifest.to_text()


def migrate(machine: Machine, target: str, live: bool) -> None:
    """Begin to move an instance to a node that has accepted it.

    Raises:
        InvalidInput: the target is no address, or this node.
        NotRunning: the instance does not run.
        OperationFailed: the target does not wait for it as it is now, or its guest is about to shut down.
    """
    require_settled(machine)
    state = machine.require_staying(read_clock())
    if state.halts_at_s is not None:
        raise OperationFailed(f"{machine.name} shuts down", resolution="start it on the other node")
    address = address_of(target)
    if address == own_address(machine.context):
        raise InvalidInput(
            f"{machine.name} is on that node already", key="target", value=target, allowed="another state directory"
        )
    migration = _agreed(machine, Peer(machine.context, address, machine.name))

    def do() -> None:
        machine.set_state(state.departing(read_clock(), migration, address, live))
        machine.console.say(f"leaves for {address}{'' if live else ', not live'}")

    machine.change("migrate", state, do)


def status(machine: Machine) -> MigrationStatus:
    """Return how far a migration is.

    Raises:
        NotRunning: the instance does not run here.
        OperationFailed: it is not being migrated.
    """
    state = machine.require_running(read_clock())
    meet("status", state.behaviour)
    return _status(machine, state)


def finalize(machine: Machine, success: bool) -> None:
    """End a migration: hand the instance over and forget it, or keep it.

    Raises:
        NotRunning: it shall be kept, and does not run here.
        OperationFailed: it shall be forgotten, and has not been moved.
    """
    require_settled(machine)
    state = machine.running(read_clock())
    if success:
        if state is not None:
            _leave(machine, state)
    elif state is None:
        raise NotRunning(
            f"{machine.name} does not run here, so it cannot be kept",
            resolution="look whether it has arrived at its target; if not, start it",
        )
    else:
        meet("finalize-source", state.behaviour)
        if state.departure is not None:
            machine.set_state(state.settled(read_clock()))
            machine.console.say("stays here")


def hand_over(source: Peer | Machine, state: RunState, target: Peer | Machine) -> None:
    """Let an instance be on its target from now on, and no longer on its source; the caller holds the source's lock.

    Args:
        source: the instance on the node that it leaves.
        state: what the machine is there.
        target: the instance on the node that it goes to.

    Raises:
        OperationFailed: the transfer is not complete, or the target no longer waits; nothing has changed.
    """
    departure = state.departure
    if departure is None:
        raise OperationFailed(
            "no transfer has begun",
            resolution="call migrate_instance on the source, or end the migration without success",
        )
    moved = departure.status(read_clock())
    if moved.status is not MigrationState.COMPLETED:
        raise OperationFailed(
            f"the transfer is {moved.status}: {moved.transferred_bytes} of {moved.total_bytes} bytes are moved",
            resolution="wait until it is completed, or end the migration without success on both nodes",
        )
    target.files.slot.take(source.files.state, departure.migration)
    source.bell.ring()


def _leave(machine: Machine, state: RunState) -> None:
    def do() -> None:
        if state.departure is not None:
            hand_over(machine, state, Peer(machine.context, state.departure.target, machine.name))

    def undo() -> None:
        if machine.files.read_state() is None:
            raise OperationFailed("the instance has been handed over and is on its target")

    if state.departure is None:
        raise OperationFailed(f"{machine.name} is not being migrated", resolution="begin the migration anew")
    machine.act("finalize-source", state.behaviour, do, undo)
    machine.console.say(f"has left for {state.departure.target}")
    machine.journal.enter(Phase.STOPPING)
    raise_failure(take_down(machine))


def _agreed(machine: Machine, peer: Peer) -> str:
    """Return the name of the migration for which the target waits.

    Raises:
        OperationFailed: it waits for nothing, for another node, or for the instance as it was before.
    """
    migration = peer.files.slot.expected()
    if migration is None or peer.files.slot.sender() != own_address(machine.context):
        raise OperationFailed(
            f"{peer.address} does not wait for {machine.name} from here",
            resolution="call accept_instance there with what migration_info says here",
        )
    if peer.files.read_definition() != machine.files.read_definition():
        raise OperationFailed(
            f"{machine.name} has changed since {peer.address} accepted it",
            resolution="end the migration without success there, and begin anew with migration_info",
        )
    return migration


def _status(machine: Machine, state: RunState) -> MigrationStatus:
    departure = state.departure
    if departure is None:
        raise OperationFailed(f"{machine.name} is not being migrated", resolution="begin with migration_info")
    now = departure.status(read_clock())
    peer = Peer(machine.context, departure.target, machine.name)
    # A target that no longer waits will never have it.
    return now if peer.files.slot.expected() == departure.migration else evolve(now, status=MigrationState.FAILED)
