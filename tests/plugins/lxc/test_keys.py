"""The model of LXC's keys: complete, consistent, and what liblxc itself knows."""

from __future__ import annotations

import ctypes
import ctypes.util

import pytest

from hvcore_lxc.keys.cgroup_files import cgroup_files, find_cgroup_file, size_bytes
from hvcore_lxc.keys.legacy import NOT_NEEDED, RENAMED, renamed
from hvcore_lxc.keys.model import Key
from hvcore_lxc.keys.table import GROUPS, KEYS, find_key, keys_of, net_index

INTERFACES = GROUPS["Interfaces"]
ALL = [*KEYS, *INTERFACES]
each_key = pytest.mark.parametrize("key", ALL, ids=[key.name for key in ALL])


def test_the_entries_of_two_releases() -> None:
    old, new = ({key.name for key in keys_of(version)} for version in ((5, 0, 2), (7, 0, 0)))
    # LXC's own tables have 86 and 87 entries.
    assert (len(old), len(new)) == (86, 87)
    assert old - new == {"lxc.cgroup.*"}
    assert new - old == {"lxc.environment.hooks", "lxc.environment.runtime"}
    assert len(INTERFACES) == 25


def test_no_key_stands_twice() -> None:
    names = [key.name for key in ALL]
    assert len(set(names)) == len(names)


@each_key
def test_the_example_of_a_key_is_what_it_takes(key: Key) -> None:
    assert key.grammar.accepts(key.example) is not key.only_clears
    assert key.summary
    assert not key.summary.endswith(".")
    assert key.grammar.allowed
    assert key.removed is None or key.since < key.removed


@each_key
def test_a_key_is_found_as_it_is_written(key: Key) -> None:
    written = key.name.replace(".N.", ".7.", 1).replace("*", (key.subkeys or ("some.thing",))[0])
    if key.name != "lxc.net.*":  # its members are the keys of interfaces
        assert find_key(written) is key


def test_only_a_word_that_lxc_knows_may_stand_in_some_families() -> None:
    assert find_key("lxc.prlimit.nofile") is not None
    assert find_key("lxc.prlimit.nofiles") is None
    assert find_key("lxc.namespace.share.net") is not None
    assert find_key("lxc.namespace.share.") is None
    assert find_key("lxc.sysctl.net.ipv4.ip_forward") is not None


@pytest.mark.parametrize(
    "name",
    ["lxc.cgroup2.", "lxc.net.0", "lxc.net.x.type", "lxc.net.0.typo", "lxc.uts", "uts.name", "", "lxc.utsname"],
)
def test_what_is_no_key(name: str) -> None:
    assert find_key(name) is None


def test_the_number_of_an_interface() -> None:
    assert net_index("lxc.net.12.type") == 12
    assert net_index("lxc.net.12") == 12
    assert net_index("lxc.network.0.type") is None


REFUSED = {
    "lxc.tty.max": ["-1", "010", "4294967296", "x", "1 2"],
    "lxc.console.size": ["12M", "1TB", "-1"],
    "lxc.rootfs.path": ["/a:b", "nosuch:/x"],
    "lxc.idmap": ["u 0 100000", "x 0 1 1", "u 0 1 0", "u -1 1 1"],
    "lxc.uts.name": ["a" * 65, "two words"],
    "lxc.cap.drop": ["sys_tyme", "CAP_SYS_TIME", "none"],
    "lxc.mount.entry": ["garbage", "a b none", "a b none bind 0 0 0", "a b none bind x"],
    "lxc.mount.auto": ["proc:ro", "shmounts:"],
    "lxc.net.0.flags": ["down"],
    "lxc.net.0.hwaddr": ["not a mac", "01:00:00:00:00:01", "00:00:00:00:00:00", "0:1:2:3:4:5"],
    "lxc.net.0.ipv4.address": ["192.0.2.300", "2001:db8::1/64", "192.0.2.1/33", "192.0.2.1/24 x"],
    "lxc.net.0.ipv6.address": ["2001:db8::/129", "fe80::1%eth0"],
    "lxc.net.0.ipv4.gateway": ["192.0.2.1/24", "devx"],
    "lxc.net.0.veth.ipv4.route": ["192.0.2.0"],
    "lxc.net.0.link": ["sixteen-letters-", "a b", "."],
    "lxc.net.0.vlan.id": ["4095", "x"],
    "lxc.prlimit.nofile": ["1:2:3", "unlimite", ":5", "-1"],
    "lxc.signal.halt": ["SIGFOO", "0", "PWR"],
    "lxc.cgroup.dir": ["/absolute", "a/../b", ".."],
    "lxc.cgroup.dir.container.inner": ["a/b", ".."],
    "lxc.time.offset.boot": ["7d", "h", "1.5h"],
    "lxc.environment": ["LANG", "=x"],
    "lxc.seccomp.notify.proxy": ["/run/x"],
    "lxc.log.level": ["LOUD", "9"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_values_that_a_key_does_not_take(name: str, value: str) -> None:
    key = find_key(name)
    assert key is not None
    assert not key.grammar.accepts(value)


TAKEN = {
    "lxc.rootfs.path": ["/srv/web1", "dir:/a:b", "overlay:/a:/b", "loop:/x.img"],
    "lxc.net.0.hwaddr": ["00:16:3E:xx:xx:xx", "xx:xx:xx:xx:xx:xx"],
    "lxc.net.0.ipv4.address": ["192.0.2.1", "192.0.2.1/24 192.0.2.255"],
    "lxc.mount.entry": ["a\tb  none bind 0 0", "a b none bind", "a b none bind 0"],
    "lxc.mount.auto": ["proc sys:ro shmounts:/srv/mnt:/dev/x"],
    "lxc.rootfs.options": ["ro,nosuid,idmap=container", "data=x,rw"],
    "lxc.prlimit.nofile": ["unlimited", "1:unlimited", "1 : 2"],
    "lxc.log.level": ["debug", "3"],
    "lxc.cap.keep": ["none", "chown 5"],
    "lxc.signal.halt": ["SIGRTMIN+3", "15"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in TAKEN.items() for value in values])
def test_values_that_a_key_takes(name: str, value: str) -> None:
    key = find_key(name)
    assert key is not None
    assert key.grammar.accepts(value)


# -- keys of before 2.1


def test_every_old_key_has_a_present_one_that_exists() -> None:
    for old, new in RENAMED.items():
        assert find_key(old) is None, old
        assert find_key(new) is not None, new
    assert not set(RENAMED) & set(NOT_NEEDED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lxc.network.type", "lxc.net.2.type"),
        ("lxc.network.ipv4", "lxc.net.2.ipv4.address"),
        ("lxc.network.ipv4.gateway", "lxc.net.2.ipv4.gateway"),
        ("lxc.network.5.ipv6", "lxc.net.5.ipv6.address"),
        ("lxc.network", "lxc.net"),
        ("lxc.limit.nofile", "lxc.prlimit.nofile"),
        ("lxc.utsname", "lxc.uts.name"),
        ("lxc.uts.name", None),
        ("lxc.kmsg", None),
    ],
)
def test_what_an_old_key_is_called_today(old: str, new: str | None) -> None:
    assert renamed(old, 2) == new


# -- files of cgroups


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_cgroups_are_distinct(version: int) -> None:
    names = [file.name for file in cgroup_files(version)]
    assert len(set(names)) == len(names)
    for file in cgroup_files(version):
        assert find_cgroup_file(version, file.name.replace("*", "2MB")) is not None
        assert not file.grammar.accepts("not a value at all ...") or file.name == "notify_on_release"


def test_some_files_of_cgroups() -> None:
    for version, name, good, bad in (
        (2, "memory.max", "64M", "-1"),
        (2, "cpu.max", "50000 100000", "fast"),
        (2, "io.max", "8:0 rbps=1 wiops=max", "8:0 rps=1"),
        (2, "hugetlb.2MB.max", "max", "-1"),
        (1, "memory.limit_in_bytes", "-1", "max"),
        (1, "cpuset.cpus", "0-2,4", "all"),
        (1, "devices.deny", "a", "c 1:3"),
    ):
        file = find_cgroup_file(version, name)
        assert file is not None
        assert file.grammar.accepts(good)
        assert not file.grammar.accepts(bad)
    assert find_cgroup_file(2, "memory.limit_in_bytes") is None
    assert find_cgroup_file(1, "memory.max") is None


def test_sizes() -> None:
    texts = ("0", "7", "1K", "64m", "2G", "max", "1KB", "")
    assert [size_bytes(text) for text in texts] == [0, 7, 1024, 64 << 20, 2 << 30, None, None, None]


# -- liblxc


@pytest.mark.live
def test_liblxc_knows_the_same_keys() -> None:
    found = ctypes.util.find_library("lxc")
    assert found is not None
    liblxc = ctypes.CDLL(found)
    liblxc.lxc_get_version.restype = ctypes.c_char_p
    liblxc.lxc_config_item_is_supported.argtypes = [ctypes.c_char_p]
    liblxc.lxc_config_item_is_supported.restype = ctypes.c_bool
    version = tuple(int(part) for part in liblxc.lxc_get_version().decode().split("-")[0].split(".")[:3])

    def is_known(name: str) -> bool:
        return bool(liblxc.lxc_config_item_is_supported(name.encode()))

    for key in KEYS:
        # A family's entry is called by what its members begin with, with its last dot or without; "lxc.net" is an entry, too.
        names = {key.prefix, key.prefix.removesuffix(".")} if key.name != "lxc.net.*" else {key.prefix}
        assert any(map(is_known, names)) is key.is_known_to(version), key.name
    assert not [name for name in RENAMED if is_known(name)]
