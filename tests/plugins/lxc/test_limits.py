"""What a node keeps LXC from doing, on nodes of the tests' own making."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hvcore.system.findings
import hvcore_lxc.limits
import hvcore_lxc.requirements
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Capability, Support
from hvcore.plugin import hookimpl
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.testing.cgroups import FakeCgroups
from hvcore.testing.commands import FakeRunner, Reply
from hvcore.testing.hypervisors import make_hypervisor
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.limits import limits
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin

PROGRAMS = {"lxc-start", "lxc-attach", "lxc-console", "ip", "mount"}
CONTROLLERS = {"memory", "cpu", "cpuset", "devices", "freezer"}
Said = dict[str, tuple[str, str]]


class Node:
    """A node that lacks nothing, until a test takes something away."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = tmp_path
        self.programs = set(PROGRAMS)
        self.uid = 0
        self.version = "5.0.2\n"
        self.layout: CgroupLayout | None = self.v1(CONTROLLERS)
        self.devices = tmp_path / "dev"
        self.devices.mkdir()
        (self.devices / "loop-control").touch()
        for module in (hvcore.system.findings, hvcore_lxc.requirements, hvcore_lxc.limits):
            monkeypatch.setattr(module, "find_program", self._find)
        monkeypatch.setattr(hvcore.system.findings, "_DEVICES", self.devices)
        monkeypatch.setattr(os, "geteuid", lambda: self.uid)

    def v1(self, controllers: set[str]) -> CgroupLayout:
        return FakeCgroups.v1(self.place / "-".join(["v1", *sorted(controllers)]), sorted(controllers)).layout

    def v2(self, controllers: set[str]) -> CgroupLayout:
        return FakeCgroups.v2(self.place / "-".join(["v2", *sorted(controllers)]), sorted(controllers)).layout

    def hypervisor(self, *extensions: object) -> Hypervisor:
        runner = FakeRunner().answer(["lxc-start", "--version"], Reply(self.version))
        return make_hypervisor(plugin, *extensions, directory=self.place, runner=runner)

    def said(self, *extensions: object) -> Said:
        """The limits by operation: how far it is supported, and why; without those of no limit."""
        found: Said = {}
        for limit in limits(self.hypervisor(*extensions).context, self.layout):
            assert limit.reason
            assert limit.remedy
            assert limit.operation not in found, "a test takes one thing away"
            found[limit.operation] = (limit.support.value, limit.reason)
        return found

    def _find(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_a_node_that_lacks_nothing(node: Node) -> None:
    assert node.said() == {}
    node.layout = node.v2({"memory", "cpu", "cpuset"})
    assert node.said() == {}


def test_every_limit_is_of_an_operation(node: Node) -> None:
    node.uid, node.programs, node.layout = 1000, set(), CgroupLayout(CgroupMode.NONE, {}, None, frozenset())
    hypervisor = node.hypervisor()
    known = {capability.operation for capability in hypervisor.capabilities()}
    assert {limit.operation for limit in limits(hypervisor.context, node.layout)} <= known


def test_without_root(node: Node) -> None:
    node.uid = 1000
    said = node.said()
    assert said["start_instance"] == ("no", "containers are started by root")
    assert said["stop_instance"] == said["exec_in_instance"] == ("no", "containers belong to root")
    for question in ("list_instances", "get_all_instances_info", "plan_start", "verify", "get_instance_console"):
        assert question not in said


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "lxc-start",
            dict.fromkeys(("start_instance", "reboot_instance", "get_node_info"), ("no", "lxc-start is not installed")),
        ),
        ("lxc-attach", {"exec_in_instance": ("no", "lxc-attach is not installed")}),
        (
            "lxc-console",
            {
                "get_instance_console": (
                    "limited",
                    "its command does not run on this node, where lxc-console is not installed",
                )
            },
        ),
        (
            "ip",
            dict.fromkeys(
                ("stop_instance", "cleanup_instance", "recover"),
                ("limited", "a NIC that outlives its container cannot be removed: ip is not installed"),
            ),
        ),
        ("mount", {"start_instance": ("limited", "only directories can be disks: mount is not installed")}),
    ],
)
def test_without_a_program(node: Node, program: str, expected: Said) -> None:
    node.programs.remove(program)
    assert node.said() == expected


@pytest.mark.parametrize(("version", "fits"), [("3.1.0\n", False), ("4.0.0\n", True), ("I do not know\n", True)])
def test_an_lxc_that_is_too_old(node: Node, version: str, fits: bool) -> None:
    node.version = version
    too_old = ("no", "LXC 3.1.0 is too old")
    assert node.said() == ({} if fits else {"start_instance": too_old, "reboot_instance": too_old})


# -- disks


@pytest.mark.parametrize(("devices", "fits"), [((), False), (("loop0",), True), (("loops", "loopy1"), False)])
def test_loop_devices(node: Node, devices: tuple[str, ...], fits: bool) -> None:
    (node.devices / "loop-control").unlink()
    for name in devices:
        (node.devices / name).touch()
    expected = f"image files cannot be disks: there is neither {node.devices}/loop-control nor a loop device"
    assert node.said() == ({} if fits else {"start_instance": ("limited", expected)})


class Overlay:
    """An extension that mounts disks its own way."""

    @hookimpl
    def lxc_mounter(self) -> None:
        """Decline."""


def test_the_needs_of_another_mounter_are_not_known(node: Node) -> None:
    (node.devices / "loop-control").unlink()
    assert node.said(Overlay()) == {}


# -- cgroups

NO_FREEZER = {
    "start_instance": ("limited", "not paused: no freezer controller"),
    "pause_instance": ("no", "no freezer controller"),
    "resume_instance": ("no", "no freezer controller"),
}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (
            "memory",
            dict.fromkeys(("start_instance", "balloon_instance_memory"), ("no", "no memory controller")),
        ),
        ("devices", {"start_instance": ("no", "no devices controller")}),
        ("cpu", {"start_instance": ("limited", "only with a cpu_mask: no cpu controller")}),
        ("cpuset", {"start_instance": ("limited", "only without a cpu_mask: no cpuset controller")}),
        ("cpu cpuset", {"start_instance": ("no", "no cpu controller")}),
        ("freezer", NO_FREEZER),
    ],
)
def test_a_controller_that_is_missing(node: Node, missing: str, expected: Said) -> None:
    node.layout = node.v1(CONTROLLERS - set(missing.split()))
    assert node.said() == expected


def test_version_2_freezes_without_a_controller(node: Node) -> None:
    node.layout = node.v2({"memory", "cpu"})
    assert node.said() == {"start_instance": ("limited", "only without a cpu_mask: no cpuset controller")}


def test_a_hierarchy_that_cannot_be_written(node: Node) -> None:
    whole = node.layout
    assert whole is not None
    where = whole.controllers["freezer"]
    node.layout = CgroupLayout(whole.mode, whole.controllers, None, frozenset(), frozenset({where}))
    assert node.said()["pause_instance"] == ("no", f"{where} is read-only")


def test_without_cgroups(node: Node) -> None:
    node.layout = CgroupLayout(CgroupMode.NONE, {}, None, frozenset())
    operations = "plan_start start_instance reboot_instance pause_instance resume_instance balloon_instance_memory"
    assert node.said() == dict.fromkeys(operations.split(), ("no", "no cgroup hierarchy is mounted"))


class OwnCgroups:
    """A cgroup manager of whose needs nothing is known."""

    def __init__(self, layout: CgroupLayout) -> None:
        self._inner = DefaultCgroups(LxcPaths(Path("/s"), Path("/l"), "0"), layout)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class Elsewhere:
    """An extension that manages cgroups its own way."""

    def __init__(self, layout: CgroupLayout) -> None:
        self.layout = layout

    @hookimpl
    def lxc_cgroups(self) -> object:
        return OwnCgroups(self.layout)


class Given:
    """An extension that gives the default manager a layout of its own."""

    def __init__(self, layout: CgroupLayout) -> None:
        self.layout = layout

    @hookimpl
    def lxc_cgroups(self) -> DefaultCgroups:
        return DefaultCgroups(LxcPaths(Path("/s"), Path("/l"), "0"), self.layout)


def test_capabilities(node: Node) -> None:
    """As the whole hypervisor tells them, with what it does not implement."""

    def told(*extensions: object) -> dict[str, Capability]:
        return {capability.operation: capability for capability in node.hypervisor(*extensions).capabilities()}

    found = told(Given(node.v1(CONTROLLERS - {"freezer"})))
    assert found["pause_instance"].support is Support.NO
    assert found["pause_instance"].reason == "no freezer controller"
    assert found["start_instance"].support is Support.LIMITED
    assert found["stop_instance"] == Capability("stop_instance", Support.YES)
    assert found["migrate_instance"].reason == "lxc does not implement it"
    # Of an extension's own manager nothing is known but that it is there.
    assert told(Elsewhere(node.v1(set())))["pause_instance"].support is Support.YES


def test_nothing_is_made(node: Node, tmp_path: Path) -> None:
    hypervisor = node.hypervisor()
    before = sorted(tmp_path.rglob("*"))
    hypervisor.capabilities()
    hypervisor.verify()
    assert sorted(tmp_path.rglob("*")) == before
