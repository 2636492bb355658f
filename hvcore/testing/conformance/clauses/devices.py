"""What changes of a running instance's devices promise."""

from __future__ import annotations

from hvcore.errors import HotplugError
from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["DeviceClauses"]

_GANETI = "Ganeti 2.10 HotAddDevice, HotDelDevice, HotModDevice"
_SUPPORT = "Ganeti 2.10 HotplugSupported, VerifyHotplugSupport"
_RESIZE = "Ganeti 3.1 ResizeDisk"
_SIZE_BYTES = 1 << 40


class DeviceClauses:
    """Hotplug and growing disks."""

    @clause("The devices of a running instance can be changed.", "hotplug_supported", level=Level.FULL, source=_SUPPORT)
    def test_hotplug_of_what_runs(self, trial: Trial) -> None:
        trial.start()
        allowed("a question for hotplug", trial.hypervisor.hotplug_supported, trial.name)

    @clause(
        "The devices of what does not run cannot be changed: HotplugError.",
        "hotplug_supported",
        "verify_hotplug_support",
        level=Level.FULL,
        source=_SUPPORT,
    )
    def test_hotplug_of_what_does_not_run(self, trial: Trial) -> None:
        what = "a question for hotplug of what does not run"
        refused(HotplugError, what, trial.hypervisor.hotplug_supported, trial.instance)
        change = DeviceAction.ADD, DeviceType.DISK
        refused(HotplugError, what, trial.hypervisor.verify_hotplug_support, trial.instance, *change)

    @clause(
        "Each kind of change is possible, or HotplugError says why not.",
        "verify_hotplug_support",
        level=Level.FULL,
        source=_SUPPORT,
    )
    def test_hotplug_says_what_is_possible(self, trial: Trial) -> None:
        trial.start()
        for kind in DeviceType:
            for action in DeviceAction:
                try:
                    trial.hypervisor.verify_hotplug_support(trial.name, action, kind)
                except HotplugError as error:
                    ensure(error.message, f"{action} of a {kind} is not possible, and nothing says why")

    @clause("A disk is added, and has a name then.", "hot_add_device", level=Level.FULL, source=_GANETI)
    def test_hotplug_adds_a_disk(self, trial: Trial) -> None:
        disk = trial.disk()
        trial.start()
        _add(trial, DeviceType.DISK, disk)

    @clause("A NIC is added, and has a name then.", "hot_add_device", level=Level.FULL, source=_GANETI)
    def test_hotplug_adds_a_nic(self, trial: Trial) -> None:
        nic = trial.nic()
        trial.start()
        _add(trial, DeviceType.NIC, nic)

    @clause(
        "A disk that was added can be taken away, once.",
        "hot_add_device",
        "hot_del_device",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_hotplug_takes_a_disk(self, trial: Trial) -> None:
        disk = trial.disk()
        trial.start()
        _add_and_take(trial, DeviceType.DISK, disk)

    @clause(
        "A NIC that was added can be taken away, once.",
        "hot_add_device",
        "hot_del_device",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_hotplug_takes_a_nic(self, trial: Trial) -> None:
        nic = trial.nic()
        trial.start()
        _add_and_take(trial, DeviceType.NIC, nic)

    @clause(
        "A NIC that was added can be changed, and has a name then.",
        "hot_add_device",
        "hot_mod_device",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_hotplug_changes_a_nic(self, trial: Trial) -> None:
        nic = trial.nic()
        trial.start()
        _add(trial, DeviceType.NIC, nic)
        change = trial.hypervisor.hot_mod_device
        name = allowed("a change of a nic", change, trial.name, DeviceType.NIC, nic, len(trial.instance.nics))
        ensure(name, f"a nic that was changed is called {name!r}")

    @clause("What is not there cannot be changed: HotplugError.", "hot_mod_device", level=Level.FULL, source=_GANETI)
    def test_hotplug_changes_what_is_there(self, trial: Trial) -> None:
        nic = trial.nic()
        trial.start()
        place = len(trial.instance.nics)
        change = trial.hypervisor.hot_mod_device
        refused(HotplugError, "a change of a nic that is not there", change, trial.name, DeviceType.NIC, nic, place)

    @clause(
        "A device is not added to what does not run: HotplugError.", "hot_add_device", level=Level.FULL, source=_GANETI
    )
    def test_hotplug_adds_to_what_runs(self, trial: Trial) -> None:
        nic, place = trial.nic(), len(trial.instance.nics)
        add = trial.hypervisor.hot_add_device
        refused(HotplugError, "a nic for what does not run", add, trial.instance, DeviceType.NIC, nic, place)

    @clause("A device that is added leaves the guest running.", "hot_add_device", level=Level.FULL, source=_GANETI)
    def test_hotplug_keeps_the_guest(self, trial: Trial) -> None:
        nic = trial.nic()
        trial.start()
        before = trial.info()
        _add(trial, DeviceType.NIC, nic)
        after = trial.info()
        ensure((after.state, after.pid) == (before.state, before.pid), f"a new nic made of {before} {after}")

    @clause("After hotplug, stop and cleanup nothing is left.", "hot_add_device", level=Level.FULL, source=_GANETI)
    def test_hotplug_leaves_nothing(self, trial: Trial) -> None:
        nic, before = trial.nic(), trial.offers.leftovers()
        trial.start()
        _add(trial, DeviceType.NIC, nic)
        trial.stop()
        trial.must_leave_nothing(before, "a life with hotplug")

    @clause("A running instance is told that a disk has grown.", "resize_disk", level=Level.FULL, source=_RESIZE)
    def test_resize_disk_of_what_runs(self, trial: Trial) -> None:
        trial.start()
        for disk in trial.instance.disks[:1]:
            allowed("a resize", trial.hypervisor.resize_disk, trial.name, disk, _SIZE_BYTES)
        ensure(trial.runs(), "a resize ended the instance")

    @clause(
        "What does not run, and what has no such disk, is told nothing: HotplugError.",
        "resize_disk",
        level=Level.FULL,
        source=_RESIZE,
    )
    def test_resize_disk_of_what_is_not_there(self, trial: Trial) -> None:
        disk = Disk("/nonexistent/disk")
        what = "a resize of what does not run"
        refused(HotplugError, what, trial.hypervisor.resize_disk, trial.instance, disk, _SIZE_BYTES)
        trial.start()
        what = "a resize of a disk that it does not have"
        refused(HotplugError, what, trial.hypervisor.resize_disk, trial.name, disk, _SIZE_BYTES)


def _place(trial: Trial, kind: DeviceType) -> int:
    return len(trial.instance.disks if kind is DeviceType.DISK else trial.instance.nics)


def _extra(device: Disk | Nic) -> HotplugExtra | None:
    return HotplugExtra(device.path) if isinstance(device, Disk) else None


def _add(trial: Trial, kind: DeviceType, device: Disk | Nic) -> None:
    add = trial.hypervisor.hot_add_device
    name = allowed(f"a new {kind}", add, trial.name, kind, device, _place(trial, kind), _extra(device))
    ensure(name, f"a {kind} that was added is called {name!r}")


def _add_and_take(trial: Trial, kind: DeviceType, device: Disk | Nic) -> None:
    _add(trial, kind, device)
    take = trial.hypervisor.hot_del_device
    place, extra = _place(trial, kind), _extra(device)
    allowed(f"taking away a {kind}", take, trial.name, kind, device, place, extra)
    refused(HotplugError, f"taking away a {kind} twice", take, trial.name, kind, device, place, extra)
