"""The node that a migration goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.errors import AlreadyRunning, InvalidInput, OperationFailed
from hvcore.fake.behaviour import Behaviour
from hvcore.fake.clock import read_clock
from hvcore.fake.faults import meet
from hvcore.fake.manifest import Manifest
from hvcore.fake.peer import Peer, address_of, own_address
from hvcore.fake.recovery import raise_failure, require_settled, take_down
from hvcore.fake.source import hand_over
from hvcore.system.journal import Phase

if TYPE_CHECKING:
    from hvcore.fake.machine import Machine
    from hvcore.model.instance import Instance

__all__ = ["accept", "finalize"]

_SOURCE_WAIT_S = 10.0


def accept(machine: Machine, instance: Instance, info: str, target: str, free_mib: int) -> None:
    """Make ready for an instance that another node is about to send.

    Args:
        machine: the machine here.
        instance: the definition; its parameters may ask for a failure.
        info: what the source said.
        target: this node's address.
        free_mib: memory that the node has free.

    Raises:
        InvalidInput: the address is another node's.
        AlreadyRunning: an instance of that name runs here.
        OperationFailed: one is being received already, the node has not enough memory, or a step failed and all were undone.
    """
    manifest = _checked(machine, info, target)
    require_settled(machine)
    if machine.running(read_clock()) is not None:
        raise AlreadyRunning(f"{machine.name} runs here already", resolution="look which of the two is wanted")
    if manifest.memory_mib > free_mib:
        raise OperationFailed(
            f"{machine.name} has {manifest.memory_mib} MiB, and the node has {free_mib} MiB free",
            resolution="balloon it first, or stop another instance here",
        )
    steps = machine.accept_steps(
        manifest.definition,
        Behaviour.of(instance.parameters),
        manifest.memory_mib,
        manifest.migration,
        manifest.source,
    )
    machine.build(steps)


def finalize(machine: Machine, instance: Instance, info: str, success: bool) -> None:
    """End a migration: let the instance run here, or remove every trace of it.

    Args:
        machine: the machine here.
        instance: the definition; its parameters may ask for a failure.
        info: what the source said; "" means whatever is being received.
        success: whether it arrived.

    Raises:
        OperationFailed: it shall be here and is not, or shall not be here and is.
        Busy: somebody works on it on the source.
    """
    manifest = Manifest.from_text(info) if info else None
    expected = machine.slot.expected()
    is_meant = expected is not None and (manifest is None or manifest.migration == expected)
    behaviour = Behaviour.of(instance.parameters)
    if success:
        _arrive(machine, manifest, behaviour, is_meant=is_meant)
        return
    meet("finalize-target", behaviour)
    if is_meant:
        _call_off(machine)
    elif not machine.slot.is_there():
        require_settled(machine)  # what a killed accept_instance left


def _arrive(machine: Machine, manifest: Manifest | None, behaviour: Behaviour, *, is_meant: bool) -> None:
    def do() -> None:
        if machine.files.read_state() is None:
            _fetch(machine)
        machine.settle_arrival()

    def undo() -> None:
        if machine.running(read_clock()) is not None:
            raise OperationFailed("the instance has arrived and is here; the next command on it finishes the migration")

    if is_meant:
        machine.act("finalize-target", behaviour, do, undo)
        return
    require_settled(machine)
    state = machine.running(read_clock())
    if state is None or (manifest is not None and manifest.run != state.run):
        raise OperationFailed(
            f"{machine.name} is not being received here by that migration",
            resolution="look whether it runs on its source, and begin anew with migration_info",
        )


def _fetch(machine: Machine) -> None:
    """Take an instance from its source, which has not been told yet that it is moved.

    Raises:
        OperationFailed: the source does not give it.
    """
    peer = Peer(machine.context, machine.slot.sender() or "/", machine.name)
    with peer.locks.hold(machine.name, "finalize_migration_dst", wait_s=_SOURCE_WAIT_S):
        state = peer.files.running(read_clock())
        if state is not None:
            hand_over(peer, state, machine)
    if not machine.slot.has_arrived():
        raise OperationFailed(
            f"{machine.name} no longer runs on its source {peer.address}",
            resolution="end the migration without success here, and start the instance",
        )


def _call_off(machine: Machine) -> None:
    if machine.running(read_clock()) is not None or not machine.slot.close():
        raise OperationFailed(
            f"{machine.name} has arrived and runs here",
            resolution="end the migration with success, or stop the instance",
        )
    machine.journal.enter(Phase.STOPPING)
    raise_failure(take_down(machine))
    machine.console.say("the migration was called off")


def _checked(machine: Machine, info: str, target: str) -> Manifest:
    """Return the description of the instance that shall come.

    Raises:
        InvalidInput: the address is another node's.
        OperationFailed: the description is none of this instance on another node.
    """
    here = own_address(machine.context)
    if address_of(target) != here:
        raise InvalidInput(f"this node is {here}, not {target}", key="target", value=target, allowed=here)
    manifest = Manifest.from_text(info)
    if manifest.definition.name != machine.name:
        raise OperationFailed(
            f"the description is that of {manifest.definition.name}, not of {machine.name}",
            resolution="hand over what migration_info says of this instance",
        )
    if manifest.source == here:
        raise OperationFailed(f"{machine.name} comes from this very node", resolution="choose another target")
    return manifest
