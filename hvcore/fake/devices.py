"""Changing the devices of a running machine: they stand in its definition, and its guest knows the sizes of its disks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve

from hvcore.errors import HotplugError, InvalidInput, NotRunning, OperationFailed, StateFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.faults import meet
from hvcore.fake.recovery import require_settled
from hvcore.model.devices import DeviceType
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic

if TYPE_CHECKING:
    from hvcore.fake.machine import Machine
    from hvcore.fake.state import RunState
    from hvcore.model.instance import Instance

__all__ = ["add", "change", "remove", "require_hotplug", "resize"]

_Device: TypeAlias = Disk | Nic
_Devices: TypeAlias = tuple[_Device, ...]
_KINDS: dict[DeviceType, type[_Device]] = {DeviceType.DISK: Disk, DeviceType.NIC: Nic}


def require_hotplug(machine: Machine) -> None:
    """Check that the devices of a machine can be changed now.

    Raises:
        HotplugError: they cannot.
    """
    meet("hotplug", _plugged(machine)[0].behaviour)


def add(machine: Machine, device_type: DeviceType, device: _Device, sequence: int) -> str:
    """Add a device at a place among those of its type, and return what it is called.

    Raises:
        HotplugError: there is no such place, or the device is there already.
    """

    def added(devices: _Devices) -> _Devices:
        if not 0 <= sequence <= len(devices):
            raise _no_place(device_type, sequence, len(devices))
        _require_new(device_type, device, devices)
        return (*devices[:sequence], device, *devices[sequence:])

    return _replug(machine, "hot-add", device_type, device, sequence, added)


def remove(machine: Machine, device_type: DeviceType, device: _Device, sequence: int) -> None:
    """Take the device at a place away.

    Raises:
        HotplugError: another device is there, or none.
    """

    def removed(devices: _Devices) -> _Devices:
        _require_place(device_type, sequence, devices)
        if not _is_same(devices[sequence], device):
            raise HotplugError(
                f"{device_type}{sequence} is another device",
                details=[f"it is {devices[sequence]}"],
                resolution="count the devices of the running instance anew",
            )
        return devices[:sequence] + devices[sequence + 1 :]

    _replug(machine, "hot-del", device_type, device, sequence, removed)


def change(machine: Machine, device_type: DeviceType, device: _Device, sequence: int) -> str:
    """Let the device at a place be as given, and return what it is called.

    Raises:
        HotplugError: there is none, or another place has the same device.
    """

    def changed(devices: _Devices) -> _Devices:
        _require_place(device_type, sequence, devices)
        before, after = devices[:sequence], devices[sequence + 1 :]
        _require_new(device_type, device, before + after)
        return (*before, device, *after)

    return _replug(machine, "hot-mod", device_type, device, sequence, changed)


def resize(machine: Machine, disk: Disk, new_size_bytes: int) -> None:
    """Tell the guest that a disk has grown.

    Raises:
        HotplugError: it has no such disk, or knows it to be larger.
    """
    require_settled(machine)
    state, definition = _plugged(machine)
    if new_size_bytes < 1:
        raise HotplugError(
            f"{new_size_bytes} bytes is no size of a disk", resolution="give its size in bytes, 1 or more"
        )
    if disk.path not in {known.path for known in definition.disks}:
        raise HotplugError(f"{machine.name} has no disk {disk.path}", resolution="'hv info' names those that it has")
    size_bytes = state.disk_sizes.get(disk.path, 0)
    if new_size_bytes < size_bytes:
        raise HotplugError(
            f"{disk.path} has {size_bytes} bytes and cannot shrink to {new_size_bytes}",
            resolution="a running guest's disk can only grow",
        )
    grown = evolve(state, disk_sizes={**state.disk_sizes, disk.path: new_size_bytes})
    machine.change("resize-disk", state, lambda: machine.set_state(grown))
    machine.console.say(f"disk {disk.path} has {new_size_bytes} bytes")


def _replug(
    machine: Machine,
    step: str,
    device_type: DeviceType,
    device: _Device,
    sequence: int,
    rearranged: Callable[[_Devices], _Devices],
) -> str:
    """Save a definition with other devices; when that fails, the old one is in force."""
    require_settled(machine)
    state, before = _plugged(machine)
    if not isinstance(device, _KINDS[device_type]):
        raise HotplugError(
            f"a {type(device).__name__} is no {device_type}", resolution="name the type that the device has"
        )
    after = _with_devices(before, device_type, rearranged)
    paths = {disk.path for disk in after.disks}
    sizes = {path: size for path, size in state.disk_sizes.items() if path in paths}

    def do() -> None:
        machine.files.write_definition(after)
        # A disk that comes back later may be another one, of another size.
        machine.set_state(evolve(state, disk_sizes=sizes))

    def undo() -> None:
        machine.set_state(state)
        machine.files.write_definition(before)

    machine.act(step, state.behaviour, do, undo)
    called = f"{device_type}{sequence}"
    machine.console.say(f"{step} {called}: {device}")
    return called


def _with_devices(
    definition: Instance, device_type: DeviceType, rearranged: Callable[[_Devices], _Devices]
) -> Instance:
    try:
        if device_type == DeviceType.DISK:
            disks = (disk for disk in rearranged(definition.disks) if isinstance(disk, Disk))
            return evolve(definition, disks=disks)
        return evolve(definition, nics=(nic for nic in rearranged(definition.nics) if isinstance(nic, Nic)))
    except InvalidInput as error:
        raise HotplugError(
            f"the instance cannot have these devices: {error}", resolution=error.resolution or "choose other devices"
        ) from error


def _plugged(machine: Machine) -> tuple[RunState, Instance]:
    """Return a machine that can have its devices changed, and its definition.

    Raises:
        HotplugError: it cannot, with the reason.
    """
    try:
        state, definition = machine.require_staying(read_clock()), machine.files.read_definition()
    except (NotRunning, StateFailed, OperationFailed) as error:
        raise HotplugError(error.message, details=error.details, resolution=error.resolution) from error
    if definition is None:
        raise HotplugError(f"the definition of {machine.name} is lost", resolution="restore the instance first")
    return state, definition


def _require_new(device_type: DeviceType, device: _Device, others: _Devices) -> None:
    for other in others:
        if _is_in_the_way(other, device):
            raise HotplugError(
                f"the instance has that {device_type} already",
                details=[f"it is {other}"],
                resolution="add one with a path, an address and a name of its own",
            )


def _require_place(device_type: DeviceType, sequence: int, devices: _Devices) -> None:
    if not 0 <= sequence < len(devices):
        raise _no_place(device_type, sequence, len(devices) - 1)


def _no_place(device_type: DeviceType, sequence: int, last: int) -> HotplugError:
    allowed = f"0 to {last}" if last >= 0 else "none"
    return HotplugError(
        f"there is no place for {device_type}{sequence}", resolution=f"count from 0; places that would do: {allowed}"
    )


def _is_same(one: _Device, other: _Device) -> bool:
    """Tell whether two values mean one device: the disk at a path, or the interface with a hardware address."""
    if isinstance(one, Disk) and isinstance(other, Disk):
        return one.path == other.path
    if isinstance(one, Nic) and isinstance(other, Nic) and one.mac and other.mac:
        return one.mac == other.mac
    return one == other


def _is_in_the_way(one: _Device, other: _Device) -> bool:
    """Tell whether an instance cannot have both devices; interfaces whose address and name it may choose never clash."""
    if isinstance(one, Nic) and isinstance(other, Nic):
        return bool(one.mac and one.mac == other.mac) or bool(one.name and one.name == other.name)
    return _is_same(one, other)
