"""Old configurations in today's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.lint import Severity
from hvcore_lxc.config_text import LineKind, read_text
from hvcore_lxc.keys.legacy import RENAMED
from hvcore_lxc.keys.table import find_key
from hvcore_lxc.lint.translate import translate

OLD = """\
# Container of 2015
lxc.utsname = web1
 lxc.rootfs=/srv/web1   
lxc.rootfs.backend = dir
lxc.tty = 4
lxc.id_map = u\t0 100000 65536

# the network
lxc.network.type = veth
lxc.network.link = br0
lxc.network.ipv4 = 192.0.2.1/24
lxc.network.type = empty
lxc.network.3.type = phys
lxc.limit.nofile = 1024
lxc.kmsg = 0
lxc.cgroup.memory.limit_in_bytes = 64M
lxc.cgroup.memory.memsw.limit_in_bytes = 96M
lxc.cgroup.cpu.cfs_period_us = 50000
lxc.cgroup.cpu.cfs_quota_us = 100000
lxc.cgroup.cpu.shares = 1024
lxc.cgroup.memory.swappiness = 0
lxc.cgroup.devices.deny = a
lxc.nonsense = 1
garbage
"""  # noqa: W291
NEW = """\
# Container of 2015
lxc.uts.name = web1
 lxc.rootfs.path = dir:/srv/web1
# no longer needed: lxc.rootfs.backend = dir
lxc.tty.max = 4
lxc.idmap = u\t0 100000 65536

# the network
lxc.net.0.type = veth
lxc.net.0.link = br0
lxc.net.0.ipv4.address = 192.0.2.1/24
lxc.net.1.type = empty
lxc.net.3.type = phys
lxc.prlimit.nofile = 1024
# no longer needed: lxc.kmsg = 0
lxc.cgroup2.memory.max = 64M
lxc.cgroup2.memory.swap.max = 33554432
lxc.cgroup2.cpu.max = 100000 50000
lxc.cgroup2.cpu.weight = 39
# no equal today: lxc.cgroup.memory.swappiness = 0
lxc.cgroup2.devices.deny = a
lxc.nonsense = 1
garbage
"""


def test_a_whole_file() -> None:
    translation = translate(OLD, "old.conf")
    assert translation.text == NEW
    told = [(finding.line, finding.rule, finding.severity, finding.key) for finding in translation.findings]
    assert told == [
        (4, "not-needed", Severity.WARNING, "lxc.rootfs.backend"),
        (15, "not-needed", Severity.WARNING, "lxc.kmsg"),
        (21, "no-equal", Severity.ERROR, "lxc.cgroup.memory.swappiness"),
    ]
    assert {finding.file for finding in translation.findings} == {"old.conf"}


def test_what_was_translated_stays_as_it_is() -> None:
    assert translate(NEW, "x").text == NEW
    assert translate(NEW, "x").findings == ()


@pytest.mark.parametrize(
    ("line", "today"),
    [
        ("lxc.cgroup.memory.limit_in_bytes = -1", "lxc.cgroup2.memory.max = max"),
        ("lxc.cgroup.memory.memsw.limit_in_bytes = -1", "lxc.cgroup2.memory.swap.max = max"),
        ("lxc.cgroup.cpu.cfs_quota_us = -1", "lxc.cgroup2.cpu.max = max 100000"),
        ("lxc.cgroup.cpu.shares = 2", "lxc.cgroup2.cpu.weight = 1"),
        ("lxc.cgroup.cpu.shares = 262144", "lxc.cgroup2.cpu.weight = 10000"),
        ("lxc.cgroup.blkio.weight = 1000", "lxc.cgroup2.io.weight = 10000"),
        ("lxc.cgroup.blkio.weight_device = 8:0 10", "lxc.cgroup2.io.weight = 8:0 1"),
        ("lxc.cgroup.blkio.throttle.read_bps_device = 8:0 5", "lxc.cgroup2.io.max = 8:0 rbps=5"),
        ("lxc.cgroup.blkio.throttle.write_iops_device = 8:0 0", "lxc.cgroup2.io.max = 8:0 wiops=max"),
        ("lxc.cgroup.hugetlb.2MB.limit_in_bytes = 4M", "lxc.cgroup2.hugetlb.2MB.max = 4M"),
        ("lxc.cgroup.cpuset.cpus = 0-1", "lxc.cgroup2.cpuset.cpus = 0-1"),
        ("lxc.cgroup.memory.limit_in_bytes =", "lxc.cgroup2.memory.max ="),
        ("lxc.rootfs = /a:b", "lxc.rootfs.path = dir:/a:b"),
        ("lxc.rootfs = overlayfs:/a:/b", "lxc.rootfs.path = overlayfs:/a:/b"),
        ("lxc.cgroup.dir = lxc", "lxc.cgroup.dir = lxc"),
    ],
)
def test_one_line(line: str, today: str) -> None:
    assert translate(f"{line}\r\n", "x").text == f"{today}\r\n"


@pytest.mark.parametrize(
    "line",
    [
        "lxc.cgroup.memory.memsw.limit_in_bytes = 1M",
        "lxc.cgroup.memory.oom_control = 1",
        "lxc.cgroup.net_cls.classid = 1",
        "lxc.cgroup.invented = 1",
        "lxc.cgroup.cpu.shares = many",
        "lxc.network.typo = 1",
        "lxc.limit.nofiles = 1",
    ],
)
def test_what_has_no_equal_stays_as_a_comment(line: str) -> None:
    translation = translate(f"  {line}\n", "x")
    assert translation.text == f"# no equal today: {line}\n"
    (finding,) = translation.findings
    assert (finding.rule, finding.line, finding.column) == ("no-equal", 1, 3)


@given(
    st.lists(
        st.sampled_from([f"{key} = 1" for key in RENAMED] + OLD.splitlines()) | st.text(max_size=20), max_size=12
    ).map("\n".join)
)
def test_comments_and_order_stay(text: str) -> None:
    before, translation = read_text(text), translate(text, "x")
    after = read_text(translation.text)
    kept = [line.text for line in before.lines if line.kind in {LineKind.COMMENT, LineKind.IGNORED}]
    rest = iter(after.lines)
    assert all(any(line.text == text for line in rest) for text in kept)
    assert not [line.key for line in after.entries if line.key in RENAMED]
    assert all(find_key(line.key) or line.key in text for line in after.entries)
    assert translate(translation.text, "x").text == translation.text
