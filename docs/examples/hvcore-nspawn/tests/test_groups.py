"""Limits and figures on version 2, made of plain files; version 1 is seen live where the node has it."""

from __future__ import annotations

from pathlib import Path

import pytest

import hvcore
from hvcore.errors import MissingRequirement
from hvcore.plugin import VerifyReport
from hvcore.system import CgroupLayout, CgroupMode, Runner
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.node import findings
from hvcore_nspawn.places import Places

WEB1 = hvcore.Instance("web1", "nspawn", vcpus=2)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "log")


@pytest.fixture
def groups(tmp_path: Path, places: Places) -> Groups:
    """A version 2 hierarchy of plain files, in which the kernel would have made the cgroup's files."""
    top = tmp_path / "cgroup"
    own = top / places.group("web1")
    own.mkdir(parents=True)
    for directory in (top, own.parent):
        (directory / "cgroup.subtree_control").touch()
    for name in ("memory.max", "memory.swap.max", "cpu.max"):
        (own / name).write_text("max\n")
    return Groups(places, CgroupLayout(CgroupMode.V2, {}, str(top), frozenset({"memory", "cpu"})))


def test_limits_of_version_2(groups: Groups) -> None:
    groups.make(WEB1, 64)
    (own,) = map(Path, groups.directories("web1"))
    assert (own / "memory.max").read_text() == str(64 * 2**20)
    assert (own / "memory.swap.max").read_text() == "0"
    assert (own / "cpu.max").read_text() == "200000 100000"
    assert (own.parent / "cgroup.subtree_control").read_text() == "+memory +cpu"


def test_what_has_no_guest_is_neither_named_nor_described(groups: Groups) -> None:
    (own,) = map(Path, groups.directories("web1"))
    (own / "cgroup.procs").touch()
    assert groups.names() == ()
    assert groups.describe("web1", "nspawn") is None
    assert groups.describe("web2", "nspawn") is None


def test_a_node_without_a_controller_is_told(places: Places) -> None:
    layout = CgroupLayout(CgroupMode.V2, {}, "/c", frozenset({"cpu"}))
    with pytest.raises(MissingRequirement, match="no memory cgroup controller"):
        Groups(places, layout).directories("web1")
    failed = {finding.name for finding in findings(Runner(), layout) if not finding.ok and finding.remedy}
    assert "cgroup memory" in failed
    assert not {"cgroup cpuacct", "cgroup freezer"} & failed


def test_a_node_without_the_tool_is_undetected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert VerifyReport("nspawn", findings(Runner())).status == "undetected"
