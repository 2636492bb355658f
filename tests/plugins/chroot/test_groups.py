"""The cgroups of instances, on trees of every layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.errors import OperationFailed, Unsupported
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore_chroot import groups as groups_module
from hvcore_chroot.groups import Groups
from hvcore_chroot.paths import ChrootPaths

PATHS = ChrootPaths(Path("/s"), Path("/l"), "abc")


def groups(layout: CgroupLayout, monkeypatch: pytest.MonkeyPatch) -> Groups:
    monkeypatch.setattr(groups_module, "current_layout", lambda: layout)
    return Groups(PATHS)


def layout_of(mode: str, tree: Path) -> CgroupLayout:
    v1 = {"freezer": f"{tree}/freezer", "memory": f"{tree}/memory"} if mode in {"v1", "hybrid"} else {}
    unified = f"{tree}/unified" if mode in {"v2", "hybrid"} else None
    for point in (*v1.values(), *([unified] if unified else [])):
        Path(point).mkdir(parents=True)
    return CgroupLayout(CgroupMode(mode), v1, unified, frozenset())


@pytest.mark.parametrize(("mode", "home"), [("v1", "freezer"), ("hybrid", "freezer"), ("v2", "unified")])
def test_one_group_in_the_hierarchy_that_freezes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, home: str
) -> None:
    found = groups(layout_of(mode, tmp_path), monkeypatch)
    monkeypatch.setattr(Groups, "thaw", lambda *_: None)
    for name in ("inst1", "inst10", "tasks"):
        found.make(name)
        found.make(name)
    parent = tmp_path / home / "hvcore-abc.chroot"
    assert sorted(path.name for path in parent.iterdir()) == ["ct-inst1", "ct-inst10", "ct-tasks"]
    assert sorted(found.names()) == ["inst1", "inst10", "tasks"]
    assert found.entries("inst1") == (f"{parent}/ct-inst1/cgroup.procs",)
    found.remove("inst1")
    found.remove("inst1")
    assert sorted(found.names()) == ["inst10", "tasks"]
    found.remove("inst10")
    found.remove("tasks")
    assert not parent.exists()
    assert not list((tmp_path / "memory").iterdir()) if mode != "v2" else True


def test_on_hybrid_without_the_freezer_version_2_freezes(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = CgroupLayout(CgroupMode.HYBRID, {"memory": "/m"}, "/u", frozenset())
    assert groups(layout, monkeypatch).home == "/u"


@pytest.mark.parametrize(
    "layout",
    [
        CgroupLayout(CgroupMode.NONE, {}, None, frozenset()),
        CgroupLayout(CgroupMode.V1, {"memory": "/m"}, None, frozenset()),
        CgroupLayout(CgroupMode.V2, {}, "/u", frozenset(), frozenset({"/u"})),
    ],
)
def test_without_a_freezer_there_is_nothing_but_a_reason(monkeypatch: pytest.MonkeyPatch, layout: CgroupLayout) -> None:
    found = groups(layout, monkeypatch)
    assert (found.home, found.entries("x"), found.pids("x"), found.is_frozen("x")) == (None, (), frozenset(), False)
    found.make("x")
    found.thaw("x")
    found.kill("x", 1)
    found.remove("x")
    with pytest.raises(Unsupported, match="this node has no cgroup freezer") as caught:
        found.freeze("x")
    assert caught.value.resolution


def test_processes_that_are_only_to_be_waited_for_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = groups(layout_of("v1", tmp_path), monkeypatch)
    group = tmp_path / "freezer/hvcore-abc.chroot/ct-x/sub"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("7\n8\n")
    monkeypatch.setattr("hvcore.system.process_usage.is_dead", lambda pid: pid == 8)
    assert found.pids("x") == {7}


def test_a_group_that_cannot_be_removed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = groups(layout_of("v1", tmp_path), monkeypatch)
    (tmp_path / "freezer/hvcore-abc.chroot/ct-x").mkdir(parents=True)
    monkeypatch.setattr("hvcore.system.cgroup_tree.remove_group", lambda *_: ("/that/one",))
    with pytest.raises(OperationFailed, match="ct-x cannot be removed") as caught:
        found.remove("x")
    assert caught.value.details == ("/that/one",)


def test_a_parent_that_cannot_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "freezer").mkdir()
    (tmp_path / "freezer/hvcore-abc.chroot").write_text("a file")
    layout = CgroupLayout(CgroupMode.V1, {"freezer": f"{tmp_path}/freezer"}, None, frozenset())
    with pytest.raises(OperationFailed, match="cannot be listed: Not a directory"):
        groups(layout, monkeypatch).names()
