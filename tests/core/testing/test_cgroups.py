"""Cgroups made of files, used by the code that uses the kernel's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.system.cgroup_layout import CgroupMode, current_layout
from hvcore.system.cgroup_tree import event_value, is_populated, pids_below
from hvcore.system.cgroups import freeze_group, is_frozen, thaw_group
from hvcore.system.kernel_files import read_value, write_value
from hvcore.testing.cgroup_files import NO_LIMIT_V1
from hvcore.testing.cgroups import FakeCgroups

GROUP = "guests/web1"
KINDS: dict[str, Callable[[Path], FakeCgroups]] = {
    "v1": FakeCgroups.v1,
    "hybrid": FakeCgroups.hybrid,
    "v2": FakeCgroups.v2,
}


@pytest.fixture(params=KINDS)
def cgroups(request: pytest.FixtureRequest, tmp_path: Path) -> FakeCgroups:
    return KINDS[str(request.param)](tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_layout_is_the_one_that_is_found(kind: str, tmp_path: Path) -> None:
    layout = KINDS[kind](tmp_path).layout
    assert layout.mode is CgroupMode(kind)
    assert layout == current_layout(str(tmp_path))
    assert (layout.unified is None) is (kind == "v1")
    assert ("memory" in layout.controllers) is (kind != "v2")
    assert ("memory" in layout.unified_controllers) is (kind == "v2")
    assert all(Path(point).is_relative_to(tmp_path) and Path(point).is_dir() for point in layout.hierarchies)


def test_co_mounted_controllers_share_their_directory(tmp_path: Path) -> None:
    layout = FakeCgroups.v1(tmp_path).layout
    assert layout.controllers["cpu"] == layout.controllers["cpuacct"]
    assert layout.controllers["systemd"].endswith("/systemd")


def test_controllers_on_both_versions(tmp_path: Path) -> None:
    cgroups = FakeCgroups(tmp_path, v1=["net_cls"], unified=["memory", "net_cls"])
    cgroups.put(GROUP)
    assert cgroups.layout.unified_controllers == {"memory"}
    assert cgroups.read("memory", GROUP, "memory.max") == "max"
    assert cgroups.read("unified", GROUP, "cgroup.controllers") == "memory"


def test_this_machine_has_the_same_files(tmp_path: Path) -> None:
    """What is made up here for a controller, the kernel has as well, as far as this machine has the controller."""
    real = current_layout()
    cgroups = FakeCgroups(
        tmp_path,
        v1=[name for name in real.controllers if name not in {"systemd", "elogind", "openrc"}],
        unified=real.unified_controllers if real.unified else None,
        has_swap=False,
    )
    cgroups.put("group")
    for controller, point in real.controllers.items():
        below = [entry.path for entry in os.scandir(point) if entry.is_dir()]
        if controller in cgroups.layout.controllers and below:
            missing = set(os.listdir(cgroups.directory(controller, "group"))) - set(os.listdir(below[0]))
            assert missing == set(), controller


def test_the_root_has_no_file_that_the_kernels_has_not(tmp_path: Path) -> None:
    v1 = FakeCgroups.v1(tmp_path / "1").layout.controllers
    assert not list(Path(v1["freezer"]).glob("freezer.*"))
    assert Path(v1["memory"], "memory.memsw.limit_in_bytes").exists()
    unified = Path(str(FakeCgroups.v2(tmp_path / "2").layout.unified))
    for name in ("cgroup.events", "cgroup.freeze", "cgroup.kill", "memory.max", "cpu.max"):
        assert not (unified / name).exists()
    assert {"cgroup.controllers", "cgroup.procs", "cpu.stat"} <= set(os.listdir(unified))


# -- processes


def test_processes_are_in_every_hierarchy(cgroups: FakeCgroups) -> None:
    cgroups.put(GROUP, 20, 10)
    for point in cgroups.layout.hierarchies:
        assert Path(point, GROUP, "cgroup.procs").read_text() == "10\n20\n"
    assert is_populated(cgroups.layout, GROUP)
    assert is_populated(cgroups.layout, "guests")
    cgroups.put(GROUP)
    assert not is_populated(cgroups.layout, GROUP)


def test_a_process_is_in_one_cgroup_of_a_hierarchy(cgroups: FakeCgroups) -> None:
    cgroups.put(GROUP, 10, 20)
    cgroups.put(f"{GROUP}/init.scope", 20)
    for point in cgroups.layout.hierarchies:
        assert pids_below([f"{point}/guests"]) == {10, 20}
        assert Path(point, GROUP, "cgroup.procs").read_text() == "10\n"


def test_a_process_moves_where_it_is_written(cgroups: FakeCgroups) -> None:
    cgroups.put(GROUP, 10, 20)
    cgroups.put("guests/web2", 30)
    for point in cgroups.layout.hierarchies:
        write_value(f"{point}/guests/web2/cgroup.procs", "20")
    cgroups.settle()
    for point in cgroups.layout.hierarchies:
        assert Path(point, GROUP, "cgroup.procs").read_text() == "10\n"
        assert Path(point, "guests/web2/cgroup.procs").read_text() == "20\n30\n"


@pytest.mark.parametrize("group", ["", "/", "../other"])
def test_the_root_is_not_to_be_filled(cgroups: FakeCgroups, group: str) -> None:
    with pytest.raises(InvalidInput):
        cgroups.put(group, 1)


# -- files


def test_limits_are_read_back(cgroups: FakeCgroups) -> None:
    cgroups.put(GROUP)
    file = "memory.max" if cgroups.layout.mode is CgroupMode.V2 else "memory.limit_in_bytes"
    path = str(cgroups.directory("memory", GROUP) / file)
    assert read_value(path) in {"max", str(NO_LIMIT_V1)}
    write_value(path, "67108864")
    cgroups.settle()
    assert read_value(path) == cgroups.read("memory", GROUP, file) == "67108864"


def test_no_limit_on_version_1(tmp_path: Path) -> None:
    cgroups = FakeCgroups.v1(tmp_path)
    cgroups.put(GROUP)
    cgroups.write("memory", GROUP, "memory.limit_in_bytes", -1)
    cgroups.settle()
    assert cgroups.read("memory", GROUP, "memory.limit_in_bytes") == str(NO_LIMIT_V1)


@pytest.mark.parametrize("has_swap", [True, False])
def test_swap_is_counted_or_not(tmp_path: Path, has_swap: bool) -> None:
    v1 = FakeCgroups.v1(tmp_path / "1", has_swap=has_swap)
    v2 = FakeCgroups.v2(tmp_path / "2", has_swap=has_swap)
    for cgroups, file in ((v1, "memory.memsw.limit_in_bytes"), (v2, "memory.swap.max")):
        cgroups.put(GROUP)
        assert (cgroups.directory("memory", GROUP) / file).exists() is has_swap


def test_a_directory_that_others_make_gets_its_files(cgroups: FakeCgroups) -> None:
    cgroups.put(GROUP)
    made = cgroups.directory("memory", f"{GROUP}/inner")
    made.mkdir()
    with pytest.raises(OperationFailed):
        write_value(f"{made}/cgroup.procs", "1")
    cgroups.settle()
    assert (made / "cgroup.procs").read_text() == ""


def test_a_controller_that_is_not_there(tmp_path: Path) -> None:
    cgroups = FakeCgroups.v1(tmp_path, ["memory"])
    for controller in ("freezer", "unified"):
        with pytest.raises(ValueError, match=f"no {controller} controller"):
            cgroups.directory(controller, GROUP)


# -- what the kernel does


def test_freezing_on_version_1(tmp_path: Path) -> None:
    cgroups = FakeCgroups.v1(tmp_path)
    cgroups.put(GROUP, 10)
    freeze_group(cgroups.layout, GROUP)
    assert is_frozen(cgroups.layout, GROUP)
    thaw_group(cgroups.layout, GROUP)
    assert not is_frozen(cgroups.layout, GROUP)


def test_freezing_on_version_2_reaches_sub_cgroups(tmp_path: Path) -> None:
    cgroups = FakeCgroups.v2(tmp_path)
    cgroups.put(f"{GROUP}/inner", 10)
    cgroups.write("unified", GROUP, "cgroup.freeze", 1)
    cgroups.settle()
    assert is_frozen(cgroups.layout, GROUP)
    assert is_frozen(cgroups.layout, f"{GROUP}/inner")
    assert event_value(str(cgroups.directory("unified", "guests")), "frozen") == "0"
    cgroups.write("unified", GROUP, "cgroup.freeze", 0)
    cgroups.settle()
    assert not is_frozen(cgroups.layout, GROUP)


def test_killing_on_version_2_ends_sub_cgroups_too(tmp_path: Path) -> None:
    cgroups = FakeCgroups.v2(tmp_path)
    cgroups.put(GROUP, 10)
    cgroups.put(f"{GROUP}/inner", 20)
    cgroups.put("guests/web2", 30)
    write_value(str(cgroups.directory("unified", GROUP) / "cgroup.kill"), "1")
    cgroups.settle()
    assert not is_populated(cgroups.layout, GROUP)
    assert pids_below([str(cgroups.layout.unified)]) == {30}
    assert cgroups.read("unified", GROUP, "cgroup.kill") == ""
