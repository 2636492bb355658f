from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hvcore.errors import InvalidInput
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout, detect_layout, group_path

DATA = Path(__file__).parent.parent / "data" / "layouts"
FS = "/sys/fs/cgroup"


def v1(*names: str) -> dict[str, str]:
    """Controllers at their usual places; ``a,b`` are co-mounted."""
    return {part: f"{FS}/{name}" for name in names for part in name.split(",")}


ALL_V2 = frozenset({"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"})

EXPECTED = {
    "systemd-unified": CgroupLayout(CgroupMode.V2, {}, FS, ALL_V2),
    "systemd-hybrid": CgroupLayout(
        CgroupMode.HYBRID,
        v1("systemd", "net_cls,net_prio", "cpuset", "blkio", "rdma", "perf_event", "memory", "devices", "hugetlb")
        | v1("cpu,cpuacct", "pids", "freezer"),
        f"{FS}/unified",
        frozenset(),
    ),
    "systemd-legacy": CgroupLayout(
        CgroupMode.V1,
        v1("systemd", "pids", "cpu,cpuacct", "freezer", "blkio", "cpuset", "memory", "devices"),
        None,
        frozenset(),
    ),
    "openrc-elogind-hybrid": CgroupLayout(
        CgroupMode.HYBRID,
        v1("openrc", "cpuset", "cpu", "cpuacct", "blkio", "memory", "devices", "freezer", "pids", "elogind"),
        f"{FS}/unified",
        frozenset(),
    ),
    "openrc-unified": CgroupLayout(CgroupMode.V2, {}, FS, ALL_V2 - {"rdma", "misc"}),
    # The cpuset mount shows the hierarchy from above the cgroup namespace's root.
    "lxc-nested-v1": CgroupLayout(CgroupMode.V1, v1("systemd", "memory", "freezer", "cpu,cpuacct"), None, frozenset()),
    "lxc-nested-v2": CgroupLayout(CgroupMode.V2, {}, FS, frozenset({"cpu", "memory", "pids"})),
    "docker-v1-host-namespace": CgroupLayout(CgroupMode.NONE, {}, None, frozenset()),
    "docker-v1-private-namespace": CgroupLayout(
        CgroupMode.V1,
        v1("systemd", "memory", "cpu,cpuacct", "freezer"),
        None,
        frozenset(),
        read_only=frozenset(v1("systemd", "memory", "cpu,cpuacct", "freezer").values()),
    ),
    "docker-v2": CgroupLayout(CgroupMode.V2, {}, FS, ALL_V2, read_only=frozenset({FS})),
    "no-cgroups": CgroupLayout(CgroupMode.NONE, {}, None, frozenset()),
    "microvm-hybrid": CgroupLayout(
        CgroupMode.HYBRID,
        v1("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"),
        f"{FS}/unified",
        frozenset({"hugetlb"}),
    ),
    "unified-with-net-cls": CgroupLayout(CgroupMode.HYBRID, {"net_cls": "/opt/vpn/net_cls v1"}, FS, ALL_V2),
    # The first memory mount is hidden, the second is read-only, and freezer is hidden altogether.
    "hidden-by-tmpfs": CgroupLayout(CgroupMode.V1, {"memory": "/srv/memory"}, None, frozenset()),
}


def texts(name: str) -> tuple[str, str]:
    controllers = DATA / f"{name}.controllers"
    return (DATA / f"{name}.mountinfo").read_text(), controllers.read_text() if controllers.exists() else ""


def test_every_fixture_has_an_expectation() -> None:
    assert {path.stem for path in DATA.glob("*.mountinfo")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_detection(name: str) -> None:
    assert detect_layout(*texts(name)) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_directory_plays_the_machine(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    (tmp_path / "proc/self").mkdir(parents=True)
    shutil.copy(DATA / f"{name}.mountinfo", tmp_path / "proc/self/mountinfo")
    if expected.unified is not None:
        (tmp_path / expected.unified[1:]).mkdir(parents=True)
        (tmp_path / expected.unified[1:] / "cgroup.controllers").write_text(texts(name)[1])
    layout = current_layout(str(tmp_path))
    assert layout.mode == expected.mode
    assert layout.controllers == {key: f"{tmp_path}{point}" for key, point in expected.controllers.items()}
    assert layout.unified == (None if expected.unified is None else f"{tmp_path}{expected.unified}")
    assert layout.unified_controllers == expected.unified_controllers
    assert layout.read_only == {f"{tmp_path}{point}" for point in expected.read_only}


def test_a_controller_bound_to_version_1_is_not_one_of_version_2() -> None:
    layout = detect_layout(texts("microvm-hybrid")[0], "memory hugetlb")
    assert layout.unified_controllers == {"hugetlb"}
    assert layout.directory("memory", "guests/web1") == f"{FS}/memory/guests/web1"
    assert layout.directory("hugetlb", "/guests//web1/") == f"{FS}/unified/guests/web1"
    assert layout.directory("rdma", "guests/web1") is None


def test_each_hierarchy_is_named_once_and_version_2_last() -> None:
    assert detect_layout(*texts("systemd-hybrid")).hierarchies == (
        *(
            f"{FS}/{name}"
            for name in ("systemd", "net_cls,net_prio", "cpuset", "blkio", "rdma", "perf_event", "memory")
        ),
        *(f"{FS}/{name}" for name in ("devices", "hugetlb", "cpu,cpuacct", "pids", "freezer", "unified")),
    )


@pytest.mark.parametrize("relative", ["", "/", "//", ".", "..", "a/../b", "./a"])
def test_the_root_and_climbing_paths_are_refused(relative: str) -> None:
    with pytest.raises(InvalidInput):
        group_path(FS, relative)


def test_a_machine_without_proc_has_no_cgroups(tmp_path: Path) -> None:
    assert current_layout(str(tmp_path)) == CgroupLayout(CgroupMode.NONE, {}, None, frozenset())


def test_this_machine_names_only_directories_that_exist() -> None:
    for point in current_layout().hierarchies:
        assert (Path(point) / "cgroup.procs").exists()
