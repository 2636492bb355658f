"""The node's resources, read from fixture trees in the kernel's formats."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.model.node import Node, NodeInfo
from hvcore.system.node import linux_node_info

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMINFO = (
    "MemTotal:       32263108 kB\nMemFree:         1234567 kB\nMemAvailable:   21604764 kB\n"
    "Buffers:          400000 kB\nCached:         19000000 kB\nActive:         25000000 kB\nHugePages_Total:       0\n"
)
NO_SYSFS = "/nonexistent/sysfs"


def cpuinfo_text(cpus: int) -> str:
    return "".join(f"processor\t: {cpu}\nmodel name\t: processor : 9 of this make\n\n" for cpu in range(cpus))


def read(tmp_path: Path, *, meminfo: str | bytes = MEMINFO, cpus: int = 4, sysfs: str | Path = NO_SYSFS) -> NodeInfo:
    memory, processors = tmp_path / "meminfo", tmp_path / "cpuinfo"
    memory.write_bytes(meminfo if isinstance(meminfo, bytes) else meminfo.encode())
    processors.write_text(cpuinfo_text(cpus))
    return linux_node_info(memory, processors, sysfs=sysfs)


def sysfs_tree(
    root: Path, *, nodes: str | None = None, cpus: str | None = None, packages: Mapping[int, str | None] | None = None
) -> Path:
    """Make the part of sysfs that holds the topology; None leaves a file or a CPU's topology out."""
    node, cpu = root / "devices/system/node", root / "devices/system/cpu"
    node.mkdir(parents=True)
    cpu.mkdir(parents=True)
    for other in ("cpufreq", "cpuidle", "hotplug"):
        (cpu / other).mkdir()
    if nodes is not None:
        (node / "online").write_text(nodes)
    if cpus is not None:
        (cpu / "online").write_text(cpus)
    for number, package in (packages or {}).items():
        (cpu / f"cpu{number}").mkdir()
        if package is not None:
            (cpu / f"cpu{number}/topology").mkdir()
            (cpu / f"cpu{number}/topology/physical_package_id").write_text(package)
    return root


# The memory and the CPUs.


def test_gives_the_figures_of_the_reference_vector(tmp_path: Path) -> None:
    assert read(tmp_path) == NodeInfo(
        memory_total_mib=31506,
        memory_free_mib=21098,
        memory_dom0_mib=10408,
        cpu_total=4,
        cpu_nodes=1,
        cpu_sockets=1,
        cpu_dom0=4,
    )


def test_reads_this_node() -> None:
    info = linux_node_info()
    assert 0 < info.memory_free_mib <= info.memory_total_mib
    assert info.cpu_total == info.cpu_dom0 >= len(os.sched_getaffinity(0))
    assert info.cpu_nodes >= 1
    assert info.cpu_sockets >= 1


def test_takes_topology_from_sysfs_when_only_the_reports_are_given(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "cpuinfo").write_text(cpuinfo_text(4))
    here = linux_node_info()
    given_reports = linux_node_info(str(tmp_path / "meminfo"), str(tmp_path / "cpuinfo"))
    assert given_reports.memory_total_mib == 31506
    assert (given_reports.cpu_nodes, given_reports.cpu_sockets) == (here.cpu_nodes, here.cpu_sockets)


@pytest.mark.parametrize(
    ("lines", "free_mib"),
    [
        ("MemFree: 1535 kB\nBuffers: 1535 kB\nCached: 1535 kB\n", 3),  # each is rounded down before the sum, not after
        ("MemFree: 4096 kB\n", 4),
        ("MemFree: 4096 kB\nCached: 2048 kB\n", 6),
    ],
)
def test_computes_free_memory_where_the_kernel_does_not_say(tmp_path: Path, lines: str, free_mib: int) -> None:
    info = read(tmp_path, meminfo=f"MemTotal: 10240 kB\n{lines}SwapCached: 999999 kB\n")
    assert (info.memory_total_mib, info.memory_free_mib, info.memory_dom0_mib) == (10, free_mib, 10 - free_mib)


def test_prefers_the_kernels_own_figure_and_does_not_look_at_the_rest(tmp_path: Path) -> None:
    meminfo = "junk\nMemTotal: 4096 kB\nMemFree: ?\nBuffers:\nMemAvailable: 2048 kB\nNewThing: x y z\n: 3\n\n"
    assert read(tmp_path, meminfo=meminfo).memory_free_mib == 2


@pytest.mark.parametrize(
    ("meminfo", "said", "detail"),
    [
        ("", "MemTotal", None),
        ("MemAvailable: 1 kB\n", "MemTotal", None),
        ("memtotal: 1 kB\nMemAvailable: 1 kB\n", "MemTotal", None),
        ("MemTotal: 4096 kB\nBuffers: 1 kB\n", "MemFree", None),
        ("X: 1\nMemTotal:\nMemAvailable: 1 kB\n", "MemTotal", "line 2: MemTotal: (empty)"),
        ("MemTotal: 4096 kB\nMemAvailable:   \n", "MemAvailable", "line 2: MemAvailable: (empty)"),
        ("MemTotal: many kB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: 'many kB'"),
        ("MemTotal: -5 kB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: '-5 kB'"),
        ("MemTotal: +5 kB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: '+5 kB'"),
        ("MemTotal: 1_0 kB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: '1_0 kB'"),
        ("MemTotal: 1.5 kB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: '1.5 kB'"),
        ("MemTotal: 4096 MB\nMemAvailable: 1 kB\n", "MemTotal", "line 1: MemTotal: '4096 MB'"),
        ("MemTotal: 4096 kB\nMemFree: 1 kB\nCached: x\n", "Cached", "line 3: Cached: 'x'"),
    ],
)
def test_refuses_a_memory_report_that_lacks_a_number(
    tmp_path: Path, meminfo: str, said: str, detail: str | None
) -> None:
    with pytest.raises(OperationFailed) as caught:
        read(tmp_path, meminfo=meminfo)
    error = caught.value
    assert str(tmp_path / "meminfo") in error.message
    assert said in error.message
    assert error.details == (f"file: {tmp_path / 'meminfo'}", *([detail] if detail else []))
    assert error.resolution
    assert "/proc/meminfo" in error.resolution


@pytest.mark.parametrize("digits", ["\u0661\u0662\u0663", "9" * 5000])
def test_refuses_numbers_that_only_python_would_read(tmp_path: Path, digits: str) -> None:
    with pytest.raises(OperationFailed) as caught:
        read(tmp_path, meminfo=f"MemTotal: {digits} kB\nMemAvailable: 1 kB\n")
    assert "MemTotal" in caught.value.message
    assert all(len(detail) < 250 for detail in caught.value.details[1:])


@pytest.mark.parametrize("missing", ["meminfo", "cpuinfo"])
@pytest.mark.parametrize("kind", ["absent", "directory", "nul"])
def test_names_a_report_that_cannot_be_read(tmp_path: Path, missing: str, kind: str) -> None:
    files: dict[str, str] = {}
    for name, text in (("meminfo", MEMINFO), ("cpuinfo", cpuinfo_text(1))):
        files[name] = str(tmp_path / name)
        if name != missing:
            Path(files[name]).write_text(text)
        elif kind == "directory":
            Path(files[name]).mkdir()
        elif kind == "nul":
            files[name] += "\0"
    with pytest.raises(OperationFailed, match="cannot be read") as caught:
        linux_node_info(files["meminfo"], files["cpuinfo"], sysfs=NO_SYSFS)
    assert repr(files[missing]) in caught.value.message
    assert caught.value.details == (f"file: {files[missing]}",)
    assert caught.value.resolution
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        (b"processor\t: 0\nflags\t\t: fpu \xff\xfe\n\nprocessor : 17\n", 2),
        (b"processor: 0", 1),
        (b"processor\t: 0\nprocessor\t: \nprocessor\t: 1 2\nprocessors\t: 3\n processor\t: 4\nProcessor\t: 5\n", 1),
    ],
)
def test_counts_the_processor_lines_only(tmp_path: Path, text: bytes, cpus: int) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "cpuinfo").write_bytes(text)
    info = linux_node_info(tmp_path / "meminfo", tmp_path / "cpuinfo", sysfs=NO_SYSFS)
    assert (info.cpu_total, info.cpu_dom0) == (cpus, cpus)


def test_refuses_a_cpu_report_without_processors(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="no processor line") as caught:
        read(tmp_path, cpus=0)
    assert str(tmp_path / "cpuinfo") in caught.value.message
    assert caught.value.resolution


# The topology.


@pytest.mark.parametrize(
    ("online", "nodes"),
    [
        ("0\n", 1),
        ("0-1\n", 2),
        ("0,2\n", 2),
        ("0-3,8,250-255\n", 11),
        ("0-1,4\n", 3),  # the third has CPUs and no memory, or the other way round: it is a node all the same
        ("0", 1),
        ("\n", 1),
        ("none\n", 1),
        ("0-9,1-0\n", 1),
        ("0-3,\n", 1),
        ("-1\n", 1),
    ],
)
def test_counts_the_numa_nodes_that_are_online(tmp_path: Path, online: str, nodes: int) -> None:
    tree = sysfs_tree(tmp_path / "sys", nodes=online)
    assert read(tmp_path, sysfs=tree).cpu_nodes == nodes


def test_does_not_expand_a_list_of_any_length(tmp_path: Path) -> None:
    tree = sysfs_tree(tmp_path / "sys", nodes="0-99999999", cpus="0-999999999", packages={0: "0", 1: "7"})
    info = read(tmp_path, sysfs=tree)
    assert (info.cpu_nodes, info.cpu_sockets) == (100_000_000, 2)


@pytest.mark.parametrize(
    ("cpus", "packages", "sockets"),
    [
        pytest.param("0-3\n", {0: "0\n", 1: "0\n", 2: "1\n", 3: "1\n"}, 2, id="two sockets"),
        pytest.param("0-1\n", {0: "36\n", 1: "3180\n"}, 2, id="numbers that do not start at 0"),
        pytest.param("0-11\n", {cpu: str(cpu % 2) for cpu in range(12)}, 2, id="two-digit CPU numbers"),
        pytest.param("0\n", {0: "0\n", 1: None}, 1, id="an offline CPU shows no topology"),
        pytest.param("0,2\n", {0: "0\n", 1: "1\n", 2: "0\n", 3: "1\n"}, 1, id="offline CPUs still show theirs"),
        pytest.param(None, {0: "0\n", 1: "1\n"}, 2, id="no list of online CPUs"),
        pytest.param("0-1\n", {0: "-1\n", 1: "-1\n"}, 1, id="the platform does not know"),
        pytest.param("0-1\n", {0: "0\n", 1: "-1\n"}, 1, id="the platform knows one only"),
        pytest.param("0-1\n", {0: "", 1: "x"}, 1, id="nothing usable"),
        pytest.param("0-1\n", {0: None, 1: None}, 1, id="a container without topology"),
        pytest.param("0-1\n", {}, 1, id="a container without CPU directories"),
    ],
)
def test_counts_the_sockets_of_online_cpus(
    tmp_path: Path, cpus: str | None, packages: dict[int, str | None], sockets: int
) -> None:
    tree = sysfs_tree(tmp_path / "sys", cpus=cpus, packages=packages)
    assert read(tmp_path, sysfs=tree).cpu_sockets == sockets


def test_counts_a_socket_with_several_dies_once(tmp_path: Path) -> None:
    tree = sysfs_tree(tmp_path / "sys", nodes="0-3", cpus="0-3", packages=dict.fromkeys(range(4), "0"))
    for cpu in range(4):
        (tree / f"devices/system/cpu/cpu{cpu}/topology/die_id").write_text(str(cpu // 2))
    info = read(tmp_path, sysfs=tree)
    assert (info.cpu_nodes, info.cpu_sockets) == (4, 1)


def test_falls_back_to_one_and_one_without_any_sysfs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for sysfs in (tmp_path / "empty", tmp_path / "absent", tmp_path / "meminfo"):
        info = read(tmp_path, sysfs=sysfs)
        assert (info.cpu_nodes, info.cpu_sockets) == (1, 1)


# Whatever stands in the files.

KEYS = st.sampled_from(["MemTotal", "MemAvailable", "MemFree", "Buffers", "Cached", "Active", "", " MemTotal"])
SIZES = st.one_of(
    st.integers(min_value=-1, max_value=2**80).map(lambda size: f"{size} kB"),
    st.sampled_from(["", "kB", "1", "0x10 kB", "1 kB kB", "1_0 kB", "+1 kB", "NaN kB", "1e3 kB", "\x1c1 kB", "1\tkB"]),
    st.text(max_size=8),
)
LINES = st.lists(st.tuples(KEYS, st.sampled_from([":", "", "::", " : "]), SIZES).map("".join), max_size=8)
REPORTS = st.one_of(st.binary(max_size=200), LINES.map("\n".join).map(lambda text: text.encode("utf-8", "replace")))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@given(report=REPORTS)
@example(report=b"MemTotal: \xd9\xa1 kB\nMemAvailable: 1 kB")
@example(report=b"MemTotal\nMemTotal:")
def test_any_memory_report_gives_a_node_or_an_error_that_explains(directory: Path, report: bytes) -> None:
    answer: NodeInfo | OperationFailed
    try:
        answer = read(directory, meminfo=report)
    except OperationFailed as error:
        answer = error
    if isinstance(answer, OperationFailed):
        assert str(directory / "meminfo") in answer.message
        assert all("\n" not in line for line in (answer.message, *answer.details))
        assert answer.resolution
    else:
        assert answer.memory_total_mib >= 0
        assert answer.memory_free_mib >= 0
        assert answer.memory_dom0_mib == answer.memory_total_mib - answer.memory_free_mib


@given(total=st.integers(0, 2**60), free=st.integers(0, 2**60), cpus=st.integers(1, 64))
def test_any_kernel_figures_follow_the_rule(directory: Path, total: int, free: int, cpus: int) -> None:
    info = read(directory, meminfo=f"MemTotal: {total} kB\nMemAvailable: {free} kB\n", cpus=cpus)
    assert info == NodeInfo(total // 1024, free // 1024, total // 1024 - free // 1024, cpus, 1, 1, cpus)


@given(nodes=st.text(max_size=12), cpus=st.text(max_size=12), package=st.text(max_size=6))
def test_any_sysfs_text_gives_at_least_one_of_each(
    tmp_path_factory: pytest.TempPathFactory, nodes: str, cpus: str, package: str
) -> None:
    root = tmp_path_factory.mktemp("sysfs")
    tree = sysfs_tree(root / "sys")
    for path, text in (
        ("node/online", nodes),
        ("cpu/online", cpus),
        ("cpu/cpu0/topology/physical_package_id", package),
    ):
        target = tree / "devices/system" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "replace"))
    info = read(root, sysfs=tree)
    assert info.cpu_nodes >= 1
    assert info.cpu_sockets == 1


# The values.


def test_node_info_is_plain_data_with_stable_keys() -> None:
    info = NodeInfo(8, 5, 3, 4, 2, 1, 4)
    assert info.to_dict() == {**attrs.asdict(info), "memory_hv_mib": None, "hv_version": None}
    full = attrs.evolve(info, memory_hv_mib=64, hv_version=(5, 0, 2))
    assert json.loads(json.dumps(full.to_dict())) == {**info.to_dict(), "memory_hv_mib": 64, "hv_version": [5, 0, 2]}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        info.cpu_total = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "name", ["node1", "node1.example.org", "192.0.2.7", "2001:db8::7", "::1", "fe80::1%eth0", "a_b"]
)
def test_a_node_takes_host_names_and_addresses(name: str) -> None:
    assert Node(name) == Node(name=name, ssh_port=22, group="")
    assert Node(name, 65535, "default").ssh_port == 65535


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"name": ""}, "node.name"),
        ({"name": "-oBatch"}, "node.name"),
        ({"name": "a b"}, "node.name"),
        ({"name": "a\n"}, "node.name"),
        ({"name": "root@a"}, "node.name"),
        ({"name": "a" * 254}, "node.name"),
        ({"name": "a", "ssh_port": 0}, "node.ssh_port"),
        ({"name": "a", "ssh_port": 65536}, "node.ssh_port"),
        ({"name": "a", "ssh_port": -22}, "node.ssh_port"),
    ],
)
def test_a_node_refuses_what_a_connecting_tool_would_misread(fields: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Node(**fields)
    assert caught.value.key == key
    assert caught.value.allowed
    assert caught.value.resolution
