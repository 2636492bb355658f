"""A plan tells what a start would do, needs neither root nor LXC, and touches nothing."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from attrs import frozen

from hvcore.errors import InvalidInput, InvalidParameter, MissingRequirement, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import BlockDevice, Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore.model.parameters import ParameterValue
from hvcore.plugin import hookimpl
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.testing.commands import FakeRunner
from hvcore.testing.hypervisors import make_hypervisor
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.document import ConfigDocument, ConfigEntry
from hvcore_lxc.mounter import MountAction, Mounter
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin
from hvcore_lxc.steps import STEPS

CONTROLLERS = {name: f"/nowhere/{name}" for name in ("memory", "cpu", "cpuset", "devices", "freezer")}
LAYOUT = CgroupLayout(CgroupMode.V1, CONTROLLERS, None, frozenset())


class Cgroups:
    """An extension that gives the driver a layout of its own."""

    def __init__(self, paths: LxcPaths, layout: CgroupLayout = LAYOUT) -> None:
        self.manager: CgroupManager = DefaultCgroups(paths, layout)

    @hookimpl
    def lxc_cgroups(self) -> CgroupManager | None:
        return self.manager


def load(tmp_path: Path, *extensions: object, layout: CgroupLayout = LAYOUT) -> Hypervisor:
    paths = LxcPaths(tmp_path / "state/lxc", tmp_path / "log/lxc", "0123abcd")
    return make_hypervisor(plugin, Cgroups(paths, layout), *extensions, directory=tmp_path, runner=FakeRunner())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "guest").mkdir()
    return tmp_path / "guest"


def an_instance(root: Path, *nics: Nic, **parameters: ParameterValue) -> Instance:
    return Instance("web1", "lxc", disks=(Disk(str(root)),), nics=nics, parameters=parameters)


def everything_below(directory: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in directory.rglob("*")}


def test_a_plan_needs_no_root_and_touches_nothing(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "")
    before = everything_below(tmp_path)
    plan = load(tmp_path).plan_start(an_instance(root))
    assert everything_below(tmp_path) == before
    assert (plan.hypervisor, plan.instance) == ("lxc", "web1")
    assert tuple(step.name for step in plan.steps) == STEPS


def test_what_each_step_would_do(tmp_path: Path, root: Path) -> None:
    plan = load(tmp_path).plan_start(an_instance(root))
    steps = {step.name: step for step in plan.steps}
    state = tmp_path / "state/lxc"
    assert steps["state"].summary == f"save the definition in {state}/web1"
    assert steps["mount"].summary == "mount 1 disk(s), default mounter"
    assert steps["mount"].details == (f"directory {root} on {state}/web1/rootfs",)
    assert steps["config"].summary == f"write {state}/web1/config"
    assert steps["cgroups"].summary.endswith("/ct-web1, default (v1) manager")
    assert "lxc.cgroup.memory.limit_in_bytes = 134217728" in steps["cgroups"].details
    assert steps["container"].summary == "start it and see that init runs"
    assert steps["container"].details == (f"lxc-start -P {state} -n web1 -o {tmp_path}/log/lxc/web1.lxc.log -l INFO",)


def test_interfaces_are_listed_before_the_command_that_makes_them(tmp_path: Path, root: Path) -> None:
    nics = (Nic(NicMode.BRIDGED, "br0", ip="192.0.2.1/24"), Nic(NicMode.BRIDGED, "br1", name="lan"))
    first, second, command = load(tmp_path).plan_start(an_instance(root, *nics)).steps[-1].details
    assert first.startswith("interface 0: type veth, veth.pair hv")
    assert first.endswith("link br0, name eth0, flags up, ipv4.address 192.0.2.1/24")
    assert second.endswith("link br1, name lan, flags up")
    assert command.startswith("lxc-start ")


def test_the_document_is_the_whole_configuration(tmp_path: Path, root: Path) -> None:
    plan = load(tmp_path).plan_start(an_instance(root, num_ttys=2, init="/bin/app -x"))
    ((path, text),) = plan.documents.items()
    assert path == f"{tmp_path}/state/lxc/web1/config"
    lines = text.splitlines()
    assert "lxc.tty.max = 2" in lines
    assert "lxc.init.cmd = /bin/app -x" in lines
    assert all(detail in lines for step in plan.steps if step.name == "cgroups" for detail in step.details)


def test_a_paused_start_says_so_and_has_its_gate(tmp_path: Path, root: Path) -> None:
    hypervisor = load(tmp_path)
    plan = hypervisor.plan_start(an_instance(root), startup_paused=True)
    assert plan.steps[-1].summary == "start it frozen before init's first instruction"
    (paused,), (running,) = plan.documents.values(), hypervisor.plan_start(an_instance(root)).documents.values()
    (added,) = set(paused.splitlines()) - set(running.splitlines())
    assert added.startswith("lxc.hook.start-host = ")


@pytest.mark.parametrize(
    ("modes", "warned"),
    [((), True), ((NicMode.NONE,), True), ((NicMode.BRIDGED,), False), ((NicMode.NONE, NicMode.BRIDGED), False)],
)
def test_no_network_is_a_warning(tmp_path: Path, root: Path, modes: tuple[NicMode, ...], warned: bool) -> None:
    nics = [Nic(mode, link="br0" if mode is NicMode.BRIDGED else "") for mode in modes]
    plan = load(tmp_path).plan_start(an_instance(root, *nics))
    expected = ("web1 has no NIC: its network is only its own loopback",)
    assert plan.warnings == (expected if warned else ())


def test_the_disks_that_are_offered_are_planned(tmp_path: Path, root: Path) -> None:
    instance = an_instance(Path("/not/there"))
    plan = load(tmp_path).plan_start(instance, [BlockDevice(instance.disks[0], str(root))])
    assert plan.steps[1].details == (f"directory {root} on {tmp_path}/state/lxc/web1/rootfs",)


def test_a_plan_of_what_cannot_be_started(tmp_path: Path, root: Path) -> None:
    hypervisor = load(tmp_path)
    with pytest.raises(OperationFailed, match="cannot be used as a disk") as missing:
        hypervisor.plan_start(an_instance(tmp_path / "missing"))
    assert (missing.value.hypervisor, missing.value.operation, missing.value.instance) == ("lxc", "plan_start", "web1")
    with pytest.raises(InvalidInput, match="no disk to be its root"):
        hypervisor.plan_start(Instance("web1", "lxc"))
    with pytest.raises(InvalidInput, match="mode routed are not supported"):
        hypervisor.plan_start(an_instance(root, Nic(NicMode.ROUTED)))
    with pytest.raises(InvalidParameter, match="cpu_mask names 2 CPUs"):
        hypervisor.plan_start(an_instance(root, cpu_mask="0-1"))
    with pytest.raises(MissingRequirement, match="no cgroup hierarchy"):
        load(tmp_path, layout=CgroupLayout(CgroupMode.NONE, {}, None, frozenset())).plan_start(an_instance(root))
    assert not (tmp_path / "state/lxc/web1").exists()


# -- steps that others override show in the plan


@frozen
class Tape:
    """A mounter that only plans."""

    root: str

    @property
    def name(self) -> str:
        return "tape"

    def plan(self) -> tuple[MountAction, ...]:
        return (MountAction("/dev/st0", self.root, "tape"),)

    def mount(self) -> None:
        raise AssertionError("a plan mounts nothing")

    def unmount(self) -> None:
        raise AssertionError("a plan unmounts nothing")


class Overrides:
    """An extension that mounts tapes, shortens the terminals and adds an entry."""

    @hookimpl
    def lxc_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter | None:
        return Tape(root)

    @hookimpl(wrapper=True)
    def lxc_config(
        self, instance: Instance, root: str, limits: tuple[ConfigEntry, ...]
    ) -> Generator[None, ConfigDocument, ConfigDocument]:
        document = yield
        return document.replace("lxc.tty.max", "1").without("lxc.cap.drop")

    @hookimpl
    def lxc_config_entries(self, instance: Instance, document: ConfigDocument) -> Iterable[ConfigEntry]:
        return (ConfigEntry("lxc.environment", f"LINES={len(document.entries)}"),)


def test_overridden_steps_are_planned(tmp_path: Path) -> None:
    plan = load(tmp_path, Overrides()).plan_start(an_instance(Path("/not/there")))
    assert plan.steps[1].summary == "mount 1 disk(s), tape mounter"
    assert plan.steps[1].details == (f"tape /dev/st0 on {tmp_path}/state/lxc/web1/rootfs",)
    lines = next(iter(plan.documents.values())).splitlines()
    assert "lxc.tty.max = 1" in lines
    assert not any(line.startswith("lxc.cap.drop") for line in lines)
    assert lines[-1] == f"lxc.environment = LINES={len(lines) - 2}"


class EvilEntries:
    """An extension that tries to add two lines at once."""

    @hookimpl
    def lxc_config_entries(self, instance: Instance, document: ConfigDocument) -> Iterable[ConfigEntry]:
        return (ConfigEntry("lxc.environment", "A=1\nlxc.cap.drop ="),)


def test_not_even_an_extension_can_break_the_syntax(tmp_path: Path, root: Path) -> None:
    with pytest.raises(InvalidInput, match=r"U\+000A"):
        load(tmp_path, EvilEntries()).plan_start(an_instance(root))
