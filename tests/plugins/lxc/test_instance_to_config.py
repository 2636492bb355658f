"""From an instance file to the text that LXC reads: whatever a user writes, no line is added."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hvcore
from hvcore.errors import InvalidInput, MissingRequirement
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance_file import parse_instance
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.config import build_document
from hvcore_lxc.document import ConfigDocument, render
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.params import words
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin
from hvcore_lxc.steps import Definition

HIERARCHIES = {name: f"/nowhere/{name}" for name in ("memory", "cpu", "cpuset", "devices", "freezer")}
V1 = CgroupLayout(CgroupMode.V1, HIERARCHIES, None, frozenset())
V2 = CgroupLayout(CgroupMode.V2, {}, "/nowhere", frozenset({"memory", "cpu", "cpuset"}))
PATHS = LxcPaths(Path("/run/hvcore/lxc"), Path("/var/log/hvcore/lxc"), "")

# Every key that the default configuration may set; what a user adds comes through extra_config.
KEYS = re.compile(
    r"lxc\.(uts\.name|rootfs\.path|init\.cmd|mount\.auto|pty\.max|tty\.max|console\.logfile|cap\.drop"
    r"|cgroup\.dir\.(container|monitor|monitor\.pivot)"
    r"|cgroup\.(memory\.limit_in_bytes|cpu\.cfs_period_us|cpu\.cfs_quota_us|cpuset\.cpus|devices\.(allow|deny))"
    r"|cgroup2\.(memory\.max|memory\.swap\.max|cpu\.max|cpuset\.cpus|devices\.(allow|deny))"
    r"|net\.[0-7]\.(type|veth\.pair|link|name|flags|hwaddr|ipv4\.address|ipv6\.address)"
    r"|environment|mount\.entry)"
)


@cache
def hypervisor() -> Hypervisor:
    host = hvcore.load(plugins=[plugin], discover=False, state_dir="/run/hvcore", log_dir="/var/log/hvcore")
    return host.hypervisor("lxc")


def toml(value: object) -> str:
    """Write a value so that TOML gives it back, whatever characters it has."""
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08X}" for c in value) + '"'
    if isinstance(value, list):
        items = cast("list[object]", value)
        return "[" + ", ".join(map(toml, items)) + "]"
    return str(value).lower()


hostile = st.sampled_from(
    [
        "\nlxc.uts.name = evil",
        "a\rlxc.hook.start = /bin/evil",
        "a\0lxc.cap.drop =",
        "x\u2028lxc.net.0.type = none",
        "x\x85y",
        "\x1c",
        "# x",
        "a = b",
        "'",
        '"quoted"',
        " blanks ",
        "a,b",
        "\\n",
        "",
    ]
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
wild = hostile | text | st.tuples(text, hostile).map("".join)


items = st.lists(wild, max_size=3)
extra = items.map(lambda values: [f"lxc.environment = V={value}" for value in values])

# Section -> key -> what a sensible user writes, and what else may come.
Values = st.SearchStrategy[object]
FIELDS: dict[str, dict[str, tuple[Values, Values]]] = {
    "": {
        "name": (st.sampled_from(["web1", "a.b-c"]), wild),
        "hypervisor": (st.just("lxc"), wild),
        "uuid": (st.just(""), wild),
    },
    "[backend]": {
        "memory_mib": (st.sampled_from([1, 64, 2**31]), wild),
        "vcpus": (st.just(2), st.sampled_from([0, 8192, 2**70]) | wild),
    },
    "[parameters]": {
        "cpu_mask": (st.sampled_from(["", "0-1", " 1 , 0 "]), wild),
        "devices": (st.sampled_from([["c 1:3 rw"], [], "c 1:3 rw, a *:* rwm"]), items | wild),
        "drop_capabilities": (st.sampled_from([["sys_time"], [], "kill,mknod"]), items | wild),
        "extra_cgroups": (st.sampled_from([[], "pids"]), items | wild),
        "extra_config": (st.just([]), items | wild | extra | extra),
        "num_ttys": (st.sampled_from([0, 6, 2**20]), wild),
        "startup_timeout": (st.sampled_from([0, 30]), wild),
        "shutdown_timeout": (st.sampled_from([0, 120]), wild),
        "shutdown_signal": (st.sampled_from(["", "SIGPWR", "15"]), wild),
        "init": (st.sampled_from(["", "/sbin/init"]), wild.map(lambda value: f"/bin/{value}") | wild),
    },
    "[[disks]]": {
        "path": (st.just("/srv/root"), wild.map(lambda value: f"/{value}") | wild),
        "kind": (st.sampled_from(["image", "block"]), wild),
    },
    "[[nics]]": {
        "mode": (st.sampled_from(["bridged", "none"]), wild),
        "link": (st.sampled_from(["br0", "b'r'", '"br"']), wild),
        "mac": (st.sampled_from(["", "aa:00:00:12:34:56"]), wild),
        "ip": (st.sampled_from(["", "192.0.2.1/24", "2001:db8::1/64"]), wild),
        "name": (st.sampled_from(["", "#1", "'x'"]), wild),
    },
}
KEY_NAMES = [(section, key) for section, keys in FIELDS.items() for key in keys]


@st.composite
def instance_files(draw: st.DrawFn) -> str:
    """An instance file in which one or two values are anything."""
    odd = draw(st.sets(st.sampled_from(KEY_NAMES), max_size=2))
    lines: list[str] = []
    for section, keys in FIELDS.items():
        lines.append(section)
        for key, (sensible, other) in keys.items():
            lines.append(f"{key} = {toml(draw(other if (section, key) in odd else sensible))}")
    return "\n".join(lines)


def read_back(line: str) -> tuple[str, str]:
    """Read one line after LXC's rules."""
    key, _, value = line.partition("=")
    value = value.strip(" \t")
    wrapped = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
    return key.rstrip(" \t"), value[1:-1] if wrapped else value


@given(instance_files(), st.sampled_from([V1, V2]), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_user_writes_adds_no_line(file: str, layout: CgroupLayout, paused: bool) -> None:
    try:
        instance = hypervisor().prepare_instance(parse_instance(file, "web1.toml"))
        lifecycle = Lifecycle(hypervisor().context, PATHS, DefaultCgroups(PATHS, layout))
        document = lifecycle.document(Definition(instance, (), paused))
        text = lifecycle.config_text(Definition(instance, (), paused))
    except InvalidInput:
        return
    # LXC ends a line at \r, \n and \0; Python, and whoever looks at the file, at more.
    lines = re.split("[\r\n\0]", text)[:-1]
    assert lines == text.splitlines()
    assert lines[0].startswith("# made by hvcore for ")
    assert all(line.startswith("lxc.") for line in lines[1:])
    assert [read_back(line) for line in lines[1:]] == [(entry.key, entry.value) for entry in document.entries]
    own = document.without("lxc.hook.start-host")
    assert len(document.entries) - len(own.entries) == int(paused)
    keys = [entry.key for entry in own.entries]
    given_keys = [str(item).partition("=")[0].strip() for item in words(instance.parameters["extra_config"])]
    assert all(KEYS.fullmatch(key) or key in given_keys for key in keys)
    for once in ("lxc.uts.name", "lxc.rootfs.path", "lxc.cgroup.dir.container"):
        assert keys.count(once) == 1
    assert document.values("lxc.uts.name") == (instance.name,)


def built(file: str, layout: CgroupLayout = V1) -> ConfigDocument:
    instance = hypervisor().prepare_instance(parse_instance(file, "web1.toml"))
    return build_document(instance, "/run/x/rootfs", DefaultCgroups(PATHS, layout).limits(instance), PATHS)


START = 'name = "web1"\nhypervisor = "lxc"\n'


@pytest.mark.parametrize("mode", ["routed", "openvswitch", "macvlan", "veth", "host"])
def test_modes_of_nics_that_are_not_supported(mode: str) -> None:
    nics = f'[[nics]]\nmode = "none"\n[[nics]]\nmode = "{mode}"\nlink = "br0"\n'
    with pytest.raises(InvalidInput, match=f"NICs of mode {mode} are not supported") as caught:
        built(START + nics)
    assert (caught.value.key, caught.value.value) == ("nics[1].mode", mode)
    assert caught.value.allowed == "bridged or none"


def test_two_nics_of_one_name() -> None:
    nics = '[[nics]]\nmode = "bridged"\nlink = "br0"\nname = "eth1"\n[[nics]]\nmode = "bridged"\nlink = "br0"\n'
    with pytest.raises(InvalidInput, match=r"nics\[0\] and nics\[1\] are both eth1") as caught:
        built(START + nics)
    assert caught.value.key == "nics[1].name"


def test_a_root_with_a_colon_is_still_a_directory_to_lxc() -> None:
    document = build_document(hvcore.Instance("web1", "lxc"), "/run/a:b c,d#e/ö", (), PATHS)
    # LXC takes what is before the first colon for the type of storage.
    assert document.values("lxc.rootfs.path") == ("dir:/run/a:b c,d#e/ö",)
    assert "lxc.rootfs.path = dir:/run/a:b c,d#e/ö\n" in render(document)


@pytest.mark.parametrize("name", ["a" * 63, "a." * 31 + "ab"])
def test_a_name_that_the_kernel_takes_is_the_host_name(name: str) -> None:
    assert len(name) <= 64
    assert build_document(hvcore.Instance(name, "lxc"), "/r", (), PATHS).values("lxc.uts.name") == (name,)


@pytest.mark.parametrize("name", ["ab." * 21 + "ab", "a" * 63 + ".b", ".".join(["a" * 63] * 3)])
def test_a_longer_name_gives_its_first_label(name: str) -> None:
    assert len(name) > 64
    first = name.split(".", maxsplit=1)[0]
    assert build_document(hvcore.Instance(name, "lxc"), "/r", (), PATHS).values("lxc.uts.name") == (first,)


def test_without_a_nic_the_guest_has_no_part_in_the_nodes_network() -> None:
    assert built(START).values("lxc.net.0.type") == ("empty",)


@pytest.mark.parametrize("layout", [V1, V2])
@pytest.mark.parametrize(("vcpus", "mask", "named"), [(1, "0-1", 2), (2, "0", 1), (3, "0,0,1", 2)])
def test_mask_and_vcpus_must_agree(layout: CgroupLayout, vcpus: int, mask: str, named: int) -> None:
    file = f'{START}[backend]\nvcpus = {vcpus}\n[parameters]\ncpu_mask = "{mask}"\n'
    with pytest.raises(InvalidInput, match=f"cpu_mask names {named} CPUs and the instance has {vcpus}") as caught:
        built(file, layout)
    assert (caught.value.code, caught.value.key, caught.value.value) == ("input.parameter", "cpu_mask", mask)


@pytest.mark.parametrize("missing", ["memory", "cpu", "cpuset", "devices"])
def test_a_controller_that_version_1_lacks(missing: str) -> None:
    hierarchies = {name: point for name, point in HIERARCHIES.items() if name != missing}
    layout = CgroupLayout(CgroupMode.V1, hierarchies, None, frozenset())
    file = f'{START}[parameters]\ncpu_mask = "{"0" if missing == "cpuset" else ""}"\n'
    with pytest.raises(MissingRequirement, match=f"no {missing} cgroup controller") as caught:
        built(file, layout)
    assert "kernel's command line" in str(caught.value.resolution)


@pytest.mark.parametrize("missing", ["memory", "cpu", "cpuset"])
def test_a_controller_that_version_2_lacks(missing: str) -> None:
    layout = CgroupLayout(CgroupMode.V2, {}, "/nowhere", frozenset({"memory", "cpu", "cpuset"} - {missing}))
    file = f'{START}[parameters]\ncpu_mask = "{"0" if missing == "cpuset" else ""}"\n'
    with pytest.raises(MissingRequirement, match=f"no {missing} cgroup controller") as caught:
        built(file, layout)
    assert "/nowhere" in str(caught.value.resolution)


def test_each_limit_goes_where_its_controller_is() -> None:
    layout = CgroupLayout(
        CgroupMode.HYBRID, {"memory": "/nowhere/memory"}, "/nowhere/unified", frozenset({"cpu", "cpuset"})
    )
    keys = {entry.key for entry in built(f"{START}[backend]\nvcpus = 2\n", layout).entries if "cgroup" in entry.key}
    assert {key for key in keys if ".dir." not in key} == {
        "lxc.cgroup.memory.limit_in_bytes",
        "lxc.cgroup2.cpu.max",
        "lxc.cgroup2.devices.deny",
        "lxc.cgroup2.devices.allow",
    }


def test_no_cgroups_at_all() -> None:
    with pytest.raises(MissingRequirement, match="no cgroup hierarchy is mounted") as caught:
        built(START, CgroupLayout(CgroupMode.NONE, {}, None, frozenset()))
    assert caught.value.resolution
