"""What a node needs, looked at without changing anything."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hvcore
import hvcore.system.findings
import hvcore_lxc.limits
import hvcore_lxc.requirements
from hvcore.errors import MissingRequirement
from hvcore.hypervisor import Hypervisor
from hvcore.model.verify import Finding, VerifyStatus
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.system.findings import directory_finding
from hvcore_lxc.plugin import plugin
from hvcore_lxc.requirements import require_root_and_tools

TOOLS = ("lxc-start", "lxc-attach", "lxc-console")
ALL = "memory cpu cpuset devices freezer"


def v1(controllers: str = ALL, read_only: str = "") -> CgroupLayout:
    points = {name: f"/cg/{name}" for name in controllers.split()}
    return CgroupLayout(CgroupMode.V1, points, None, frozenset(), frozenset(f"/cg/{n}" for n in read_only.split()))


def v2(controllers: str = "memory cpu cpuset", *read_only: str) -> CgroupLayout:
    return CgroupLayout(CgroupMode.V2, {}, "/cg", frozenset(controllers.split()), frozenset(read_only))


class Node:
    """A node of the tests' own making: its tools, its user, its cgroups."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.state, self.log = tmp_path / "state", tmp_path / "log"
        self._bin = tmp_path / "bin"
        self._bin.mkdir()
        # Whatever the machine has installed is not seen.
        for module in (hvcore.system.findings, hvcore_lxc.requirements, hvcore_lxc.limits):
            self._patch.setattr(module, "find_program", self._find)
        self._patch.setenv("PATH", str(self._bin))
        self.install(*TOOLS, "ip", "mount")
        self.uid = 0
        self._patch.setattr(os, "geteuid", lambda: self.uid)
        self.layout = v1()
        self._patch.setattr(hvcore_lxc.requirements, "current_layout", lambda: self.layout)

    def _find(self, tool: str) -> str | None:
        return str(self._bin / tool) if (self._bin / tool).exists() else None

    def install(self, *tools: str, version: str = "5.0.2") -> None:
        for tool in tools:
            (self._bin / tool).write_text(f"#!/bin/sh\necho '{version}'\n")
            (self._bin / tool).chmod(0o755)

    def remove(self, tool: str) -> None:
        (self._bin / tool).unlink()

    def hypervisor(self) -> Hypervisor:
        host = hvcore.load(plugins=[plugin], discover=False, state_dir=self.state, log_dir=self.log)
        return host.hypervisor("lxc")

    def finding(self, name: str) -> Finding:
        return next(finding for finding in self.hypervisor().verify().findings if finding.name == name)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_a_good_node(node: Node, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    report = node.hypervisor().verify()
    assert report.status is VerifyStatus.HEALTHY
    assert report.text() is None
    assert report.versions == {"lxc": "5.0.2", "kernel": os.uname().release, "cgroups": "v1"}
    assert [finding.name for finding in report.findings] == [
        *TOOLS,
        "LXC version",
        "root",
        "cgroups",
        *(f"cgroup {controller}" for controller in ALL.split()),
        "state directory",
        "log directory",
    ]
    assert all(finding.detail and not finding.remedy for finding in report.findings)
    # Unlike Ganeti's, which mounts cgroup hierarchies.
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_tool(node: Node, tool: str) -> None:
    node.remove(tool)
    report = node.hypervisor().verify()
    assert report.text() == f"{tool} is not installed"
    assert "apt-get install lxc" in node.finding(tool).remedy
    assert ("lxc" in report.versions) is (tool != "lxc-start")
    expected = VerifyStatus.UNDETECTED if tool == "lxc-start" else VerifyStatus.UNHEALTHY
    assert report.status is expected


@pytest.mark.parametrize(("version", "ok"), [("4.0.0", True), ("7.0.0", True), ("3.1.0", False), ("2.0", False)])
def test_lxcs_version(node: Node, version: str, ok: bool) -> None:
    node.install("lxc-start", version=version)
    finding = node.finding("LXC version")
    assert finding.ok is ok
    assert finding.detail == (version if ok else f"LXC {version} is too old")
    assert bool(finding.remedy) is not ok


def test_an_lxc_that_does_not_say_its_version(node: Node) -> None:
    node.install("lxc-start", version="segmentation fault")
    finding = node.finding("LXC version")
    assert not finding.ok
    assert "segmentation fault" in finding.detail
    assert finding.remedy


def test_not_root(node: Node) -> None:
    node.uid = 1000
    assert node.finding("root") == Finding("root", False, "not root", "run it as root")


# -- cgroups


@pytest.mark.parametrize("controller", ALL.split())
def test_a_controller_that_version_1_lacks(node: Node, controller: str) -> None:
    node.layout = v1(ALL.replace(controller, "") if controller != "cpu" else "memory cpuset devices freezer")
    report = node.hypervisor().verify()
    assert report.text() == f"no {controller} controller"
    assert report.status is VerifyStatus.UNHEALTHY
    assert "kernel's command line" in node.finding(f"cgroup {controller}").remedy


@pytest.mark.parametrize("controller", ["memory", "cpu", "cpuset"])
def test_a_controller_that_version_2_lacks(node: Node, controller: str) -> None:
    node.layout = v2(" ".join({"memory", "cpu", "cpuset"} - {controller}))
    assert node.hypervisor().verify().text() == f"no {controller} controller"


def test_version_2_needs_no_controller_for_devices_and_for_freezing(node: Node) -> None:
    node.layout = v2()
    assert node.hypervisor().verify().status is VerifyStatus.HEALTHY
    assert node.finding("cgroups").detail == "v2"
    assert node.finding("cgroup freezer").detail == "/cg (version 2)"


def test_a_hybrid_machine_has_each_where_it_is(node: Node) -> None:
    node.layout = CgroupLayout(
        CgroupMode.HYBRID, {"memory": "/cg/memory", "cpu": "/cg/cpu"}, "/cg/unified", frozenset({"cpuset"})
    )
    assert node.hypervisor().verify().status is VerifyStatus.HEALTHY
    assert node.finding("cgroup memory").detail == "/cg/memory"
    assert node.finding("cgroup cpuset").detail == "/cg/unified (version 2)"


@pytest.mark.parametrize(
    ("layout", "where"), [(v1(read_only="memory"), "/cg/memory"), (v2("memory cpu cpuset", "/cg"), "/cg")]
)
def test_a_hierarchy_that_cannot_be_written(node: Node, layout: CgroupLayout, where: str) -> None:
    node.layout = layout
    finding = node.finding("cgroup memory")
    assert finding == Finding("cgroup memory", False, f"{where} is read-only", f"mount {where} writable")


def test_no_cgroups(node: Node) -> None:
    node.layout = CgroupLayout(CgroupMode.NONE, {}, None, frozenset())
    assert node.hypervisor().verify().text() == "no cgroup hierarchy is mounted"
    assert "mount cgroup2" in node.finding("cgroups").remedy


# -- directories


def test_directories_that_can_be_made(node: Node) -> None:
    assert node.finding("state directory").detail == f"{node.state}/lxc"
    assert not node.state.exists()


def test_a_file_where_a_directory_should_be(node: Node) -> None:
    node.state.touch()
    finding = node.finding("state directory")
    assert (finding.ok, finding.detail) == (False, f"{node.state} cannot be written")
    assert "HVCORE_STATE_DIR" in finding.remedy
    assert node.finding("log directory").ok


@contextmanager
def as_nobody() -> Generator[None]:
    """Be an ordinary user for a while; whoever runs the tests may be one already."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "locked"
    directory.mkdir()
    directory.chmod(0)
    yield directory
    directory.chmod(0o700)


def test_a_directory_that_may_not_even_be_looked_into(locked: Path) -> None:
    with as_nobody():
        finding = directory_finding("state directory", locked / "hvcore" / "lxc", "HVCORE_STATE_DIR")
    assert not finding.ok
    assert finding.detail == f"{locked}/hvcore/lxc cannot be looked at: Permission denied"
    assert "HVCORE_STATE_DIR" in finding.remedy


def test_a_directory_that_may_not_be_written() -> None:
    with as_nobody():
        finding = directory_finding("log directory", Path("/proc/hvcore/lxc"), "HVCORE_LOG_DIR")
    assert (finding.ok, finding.detail) == (False, "/proc cannot be written")


# -- before a start


def test_a_start_is_possible(node: Node) -> None:
    require_root_and_tools()


def test_a_start_without_root(node: Node) -> None:
    node.uid = 1000
    with pytest.raises(MissingRequirement, match="containers are started by root") as caught:
        require_root_and_tools()
    assert "fake" in str(caught.value.resolution)


def test_a_start_without_lxc(node: Node) -> None:
    node.remove("lxc-start")
    with pytest.raises(MissingRequirement, match="lxc-start is not installed") as caught:
        require_root_and_tools()
    assert "apt-get install lxc" in str(caught.value.resolution)
