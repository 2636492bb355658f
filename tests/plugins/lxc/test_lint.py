"""The linter, rule by rule, on nodes that are directories."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.lint import LintFinding, Severity
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore_lxc.lint.facts import NodeFacts
from hvcore_lxc.lint.linter import lint

V1 = CgroupLayout(
    CgroupMode.V1,
    {name: f"/cgroup/{name}" for name in ("memory", "cpu", "cpuset", "devices", "pids")},
    None,
    frozenset(),
)
V2 = CgroupLayout(CgroupMode.V2, {}, "/cgroup", frozenset({"memory", "cpu", "cpuset", "pids", "io", "hugetlb"}))
GOOD = """\
# all that is needed
lxc.uts.name = web1
lxc.rootfs.path = dir:/srv/web1
lxc.init.cmd = /sbin/init
lxc.net.0.type = veth
lxc.net.0.link = br0
lxc.net.0.flags = up
lxc.mount.entry = /srv/data mnt none bind,create=dir 0 0
lxc.cgroup2.memory.max = 64M
lxc.cgroup2.cpuset.cpus = 0-1
lxc.cgroup2.devices.deny = a
lxc.cgroup2.devices.allow = c 1:3 rwm
lxc.cap.drop = sys_time
lxc.cap.drop = sys_module
lxc.hook.pre-start = /usr/bin/hook with words
"""


@pytest.fixture
def node(tmp_path: Path) -> NodeFacts:
    """A node with LXC 6 and version 2, two CPUs, 1 GiB, one bridge, one root."""
    files = {
        "proc/meminfo": "MemTotal:        1048576 kB\nMemFree: 1 kB\n",
        "sys/devices/system/cpu/online": "0-1\n",
        "sys/devices/system/node/online": "0\n",
        "proc/sys/kernel/pid_max": "32768\n",
        "proc/sys/kernel/pty/max": "4096\n",
        "proc/sys/fs/nr_open": "1048576\n",
        "proc/sys/net/ipv4/ip_forward": "0\n",
        "sys/class/net/br0/bridge/stp_state": "0\n",
        "sys/class/net/eth0/mtu": "1500\n",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n",
        "srv/web1/bin/busybox": "",
        "srv/data/x": "",
        "usr/bin/hook": "",
        "usr/bin/plain": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "usr/bin/hook").chmod(0o755)
    (tmp_path / "srv/web1/sbin").mkdir()
    (tmp_path / "srv/web1/sbin/init").symlink_to("/bin/busybox")
    (tmp_path / "srv/web1/sbin/loop").symlink_to("loop")
    return NodeFacts((6, 0), V2, str(tmp_path))


def on_v1(node: NodeFacts) -> NodeFacts:
    return NodeFacts((5, 0, 2), V1, node.root)


def rules(text: str, node: NodeFacts) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in lint(text, "web1.conf", node)]


def only(text: str, node: NodeFacts) -> LintFinding:
    (finding,) = lint(text, "web1.conf", node)
    return finding


def test_nothing_is_wrong_with_a_good_configuration(node: NodeFacts) -> None:
    assert lint(GOOD, "web1.conf", node) == ()
    assert lint("", "web1.conf", node) == ()


def test_a_finding_says_where_and_what_was_meant(node: NodeFacts) -> None:
    finding = only("# one\n  lxc.uts.nam =  web1\n", node)
    assert (finding.rule, finding.severity) == ("unknown-key", Severity.ERROR)
    assert (finding.file, finding.line, finding.column) == ("web1.conf", 2, 3)
    assert (finding.key, finding.value, finding.suggestion) == ("lxc.uts.nam", "web1", "lxc.uts.name")
    assert str(finding) == (
        "web1.conf:2:3: error: LXC has no key 'lxc.uts.nam'; did you mean 'lxc.uts.name'? [unknown-key]"
    )
    assert finding.to_dict()["severity"] == "error"


# line -> the rule, and what was meant
ONE_LINE = {
    "lcx.net.0.type = veth": ("ignored-line", "lxc.net.0.type"),
    "uts.name = x": ("ignored-line", "lxc.uts.name"),
    "LXC.uts.name = x": ("ignored-line", "lxc.uts.name"),
    "garbage": ("ignored-line", ""),
    "lxc.environment": ("no-value", "lxc.environment = "),
    "\ufefflxc.uts.name = x": ("byte-order-mark", "lxc.uts.name = x"),
    "lxc.uts.name = x\0y": ("null-byte", ""),
    "lxc.utsname = x": ("legacy-key", "lxc.uts.name"),
    "lxc.network.link = br0": ("legacy-key", "lxc.net.0.link"),
    "lxc.limit.nofile = 5": ("legacy-key", "lxc.prlimit.nofile"),
    "lxc.pivotdir = x": ("legacy-key", ""),
    "lxc.prlimit.nofiles = 5": ("unknown-key", "lxc.prlimit.nofile"),
    "lxc.environment.hooks = A=1": ("newer-key", ""),
    "lxc.arch = x86-64": ("value", "x86_64"),
    "lxc.cap.drop = CAP_SYS_TIME": ("value", "sys_time"),
    "lxc.cap.drop = chown sys_tyme": ("value", "chown sys_time"),
    "lxc.tty.max = 010": ("value", ""),
    "lxc.net = veth": ("value", ""),
    "lxc.mount.entry = garbage": ("value", ""),
    "lxc.tty.max = 4 # four": ("value trailing-comment", "4"),
    "lxc.cap.drop =": ("empty-value", ""),
    "lxc.mount.fstab =": ("empty-value", ""),
    "lxc.cgroup2.memory.mx = 1": ("cgroup-file", "lxc.cgroup2.memory.max"),
    "lxc.cgroup2.memory.max = much": ("value", ""),
    "lxc.cgroup2.cpuset.cpus = 3-1": ("value", ""),
    "lxc.cgroup2.rdma.max = x hca_handle=1": ("cgroup-controller", ""),
    "lxc.cgroup.memory.limit_in_bytes = 64M": ("cgroup-layout", "lxc.cgroup2.memory.max = 64M"),
    "lxc.cgroup.memory.swappiness = 0": ("cgroup-layout", ""),
    "lxc.cgroup2.memory.max = 2G": ("over-node", ""),
    "lxc.cgroup2.cpuset.cpus = 0-2": ("over-node", ""),
    "lxc.cgroup2.cpuset.mems = 1": ("over-node", ""),
    "lxc.cgroup2.cpu.max = 300000 100000": ("over-node", ""),
    "lxc.cgroup2.pids.max = 99999": ("over-node", ""),
    "lxc.cgroup2.hugetlb.1GB.max = 1G": ("over-node", ""),
    "lxc.cgroup2.hugetlb.big.max = 1G": ("cgroup-file", ""),
    "lxc.tty.max = 5000": ("over-node", ""),
    "lxc.prlimit.nofile = 1:2000000": ("over-node", ""),
    "lxc.rootfs.path = /no/root": ("missing-file", ""),
    "lxc.rootfs.path = lvm:/dev/no": ("missing-device", ""),
    "lxc.rootfs.path = lvm:/srv": ("missing-device", ""),
    "lxc.rootfs.path = dir:/srv/data/x": ("missing-file", "loop:/srv/data/x"),
    "lxc.mount.entry = /no x none bind 0 0": ("missing-file", ""),
    "lxc.mount.entry = /dev/no x ext4 ro 0 0": ("missing-device", ""),
    "lxc.mount.entry = /srv x none bind,creat=dir": ("mount-option", "create=dir"),
    "lxc.mount.fstab = /no": ("missing-file", ""),
    "lxc.include = /no": ("missing-file", ""),
    "lxc.include = /no/": ("missing-file", ""),
    "lxc.console.path = /dev/no": ("missing-device", ""),
    "lxc.console.logfile = /no/x.log": ("missing-file", ""),
    "lxc.hook.pre-start = /no": ("missing-file", ""),
    "lxc.hook.pre-start = /usr/bin/plain": ("missing-file", ""),
    "lxc.hook.mount = 'unclosed": ("value", ""),
    "lxc.seccomp.profile = /no": ("missing-file", ""),
    "lxc.sysctl.net.ipv4.forward = 1": ("missing-file", ""),
    "lxc.namespace.share.net = /no": ("missing-file", ""),
    "lxc.namespace.share.net = 999999": ("missing-file", ""),
    "lxc.cgroup2.devices.allow = /dev/no rw": ("missing-device", ""),
    "lxc.apparmor.profile = generated": ("missing-feature", ""),
    "lxc.selinux.context = x": ("missing-feature", ""),
    "lxc.net.0.type = vet": ("value", "veth"),
    "lxc.net.0.name = eth0": ("interface-type", "lxc.net.0.type"),
}


@pytest.mark.parametrize("line", ONE_LINE)
def test_one_line(node: NodeFacts, line: str) -> None:
    wanted, meant = ONE_LINE[line]
    found = lint(f"{line}\n", "web1.conf", node)
    assert [finding.rule for finding in found] == wanted.split()
    assert found[-1].suggestion == meant
    assert {finding.line for finding in found} == {1}


FINE = [
    "lxc.mount.entry = /no x none bind,optional 0 0",
    "lxc.mount.entry = tmpfs tmp tmpfs size=1m 0 0",
    "lxc.mount.entry = proc proc proc nodev 0 0",
    "lxc.hook.start = /only/inside",
    "lxc.hook.pre-start = true",
    "lxc.console.path = none",
    "lxc.apparmor.profile = unconfined",
    "lxc.rootfs.path = zfs:tank/web1",
    "lxc.rootfs.path = overlay:/srv/web1:/srv/data",
    "lxc.sysctl.net.ipv4.ip_forward = 1",
    "lxc.environment = A=1 # not a comment",
    "lxc.cgroup2.cpu.max = max",
    "lxc.cgroup2.hugetlb.2MB.max = 1G",
    "lxc.prlimit.nofile = unlimited",
    "lxc.net.0.type = empty",
]


@pytest.mark.parametrize("line", FINE)
def test_lines_that_are_fine(node: NodeFacts, line: str) -> None:
    assert lint(f"{line}\n", "web1.conf", node) == ()


# -- several lines


def test_a_repeated_key_is_told_where_the_first_one_is(node: NodeFacts) -> None:
    finding = only("lxc.uts.name = a\nlxc.tty.max = 1\nlxc.uts.name = b\n", node)
    assert (finding.rule, finding.line, finding.severity) == ("repeated-key", 3, Severity.WARNING)
    assert "line 1" in finding.message


def test_keys_that_add_may_be_repeated_and_equal_lines_not(node: NodeFacts) -> None:
    assert rules("lxc.environment = A=1\nlxc.environment = B=1\nlxc.environment = A=1\n", node) == [
        ("repeated-line", 3)
    ]
    assert rules("lxc.cgroup2.io.max = 8:0 rbps=1\nlxc.cgroup2.io.max = 8:1 rbps=1\n", node) == []
    assert rules("lxc.cgroup2.pids.max = 1\nlxc.cgroup2.pids.max = 2\n", node) == [("repeated-key", 2)]


def test_an_empty_value_clears_what_stands_above(node: NodeFacts) -> None:
    assert rules("lxc.cap.drop = chown\nlxc.cap.drop =\nlxc.cap.drop = chown\n", node) == []
    interface = "lxc.net.0.type = veth\nlxc.net.0.name = a\n"
    assert rules(f"{interface}lxc.net =\n{interface}", node) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lxc.cap.drop = chown", "lxc.cap.keep = kill"),
        ("lxc.cap.keep = chown", "lxc.cap.drop = kill"),
        ("lxc.namespace.keep = net", "lxc.namespace.clone = pid"),
    ],
)
def test_keys_that_exclude_each_other(node: NodeFacts, first: str, second: str) -> None:
    assert rules(f"{first}\n{second}\n", node) == [("exclusive-keys", 2)]


def test_an_interface_needs_its_type_first(node: NodeFacts) -> None:
    assert rules("lxc.net.0.veth.pair = a\nlxc.net.0.type = veth\n", node) == [("interface-type", 1)]
    assert rules("lxc.net.0.type = macvlan\nlxc.net.0.veth.pair = a\n", node) == [
        ("interface-type", 1),  # it has no link
        ("interface-type", 2),
    ]
    assert rules("lxc.net.0.type = empty\nlxc.net.0.link = br0\n", node) == [("interface-type", 2)]


def test_names_and_addresses_of_interfaces_are_distinct(node: NodeFacts) -> None:
    settings = ("type = veth", "name = eth0", "hwaddr = 02:00:00:00:00:01")
    lines = [f"lxc.net.{number}.{setting}" for number in (0, 1) for setting in settings]
    assert rules("\n".join(lines), node) == [("interface-clash", 5), ("interface-clash", 6)]


@pytest.mark.parametrize(("link", "rule"), [("nobr0", "missing-device"), ("eth0", "missing-device")])
def test_a_link_is_a_bridge_that_is_there(node: NodeFacts, link: str, rule: str) -> None:
    text = f"lxc.net.0.type = veth\nlxc.net.0.link = {link}\n"
    assert rules(text, node) == [(rule, 2)]
    if link == "eth0":
        assert rules(text.replace("veth", "macvlan"), node) == []
        assert rules(f"{text}lxc.net.0.veth.mode = router\n", node) == []


def test_init_is_looked_for_inside_the_root(node: NodeFacts) -> None:
    root = "lxc.rootfs.path = dir:/srv/web1\nlxc.init.cmd = "
    assert rules(f"{root}/sbin/init -x", node) == []
    assert rules(f"{root}busybox", node) == []
    assert rules(f"{root}/bin/../sbin/init", node) == []
    for program in ("/sbin/no", "/sbin/loop", "no", "/usr/bin/hook"):
        assert rules(root + program, node) == [("missing-file", 2)]


def test_the_target_of_a_mount_is_below_the_root(node: NodeFacts) -> None:
    text = "lxc.rootfs.path = dir:/srv/web1\nlxc.mount.entry = /srv/data /mnt none bind 0 0\n"
    finding = only(text, node)
    assert (finding.rule, finding.line, finding.suggestion) == ("mount-target", 2, "mnt")
    assert text.splitlines()[1][finding.column - 1 :].startswith("/mnt")
    assert rules(text.replace(" /mnt", " /srv/web1/mnt"), node) == []


# -- layouts and releases


def test_settings_for_both_layouts_are_meant(node: NodeFacts) -> None:
    both = "lxc.cgroup.devices.deny = a\nlxc.cgroup2.devices.deny = a\n"
    assert lint(both, "x", node) == lint(both, "x", on_v1(node)) == ()


def test_version_2_has_no_effect_beside_version_1(node: NodeFacts) -> None:
    assert rules("lxc.cgroup2.memory.max = 1M\n", on_v1(node)) == [("cgroup-layout", 1)]
    assert rules("lxc.cgroup.cpuset.cpus = 0\nlxc.cgroup.blkio.weight = 10\n", on_v1(node)) == [
        ("cgroup-controller", 2)
    ]
    # The kernel of that node shows none of these files.
    assert rules("lxc.cgroup.memory.limit_in_bytes = 1M\n", on_v1(node)) == [("cgroup-file", 1)]
    assert ("over-node", 1) in rules("lxc.cgroup.cpu.cfs_quota_us = 900000\n", on_v1(node))


def test_lxc_7_has_no_version_1(node: NodeFacts) -> None:
    seven = NodeFacts((7, 0, 0), V2, node.root)
    found = lint("lxc.cgroup.pids.max = 5\nlxc.environment.hooks = A=1\n", "x", seven)
    assert [finding.rule for finding in found] == ["removed-key", "cgroup-layout"]
    assert found[0].suggestion == "lxc.cgroup2.pids.max"


def test_without_a_layout_nothing_is_said_about_it() -> None:
    assert lint("lxc.cgroup.pids.max = 5\nlxc.cgroup2.pids.max = 5\n", "x", NodeFacts(root="/nowhere")) == ()


# -- files that are included


def test_included_files_are_looked_at_too(node: NodeFacts) -> None:
    root = Path(node.root)
    (root / "etc/more").mkdir(parents=True)
    (root / "etc/a.conf").write_text(
        "lxc.include = /etc/more\nlxc.include = /etc/a.conf\nlxc.net.0.flags = up\nlxc.cap.keep =\n"
    )
    (root / "etc/more/b.conf").write_text("lxc.utsname = x\n")
    (root / "etc/more/ignored").write_text("garbage\n")
    found = lint("lxc.include = /etc/a.conf\nlxc.cap.drop =\nlxc.net.0.name = a\n", "web1.conf", node)
    assert [(finding.file, finding.rule) for finding in found] == [("/etc/more/b.conf", "legacy-key")]


def test_what_is_made_at_the_start_is_not_missing(node: NodeFacts) -> None:
    text = "lxc.rootfs.path = dir:/run/hv/web1/rootfs\nlxc.console.logfile = /var/log/hv/web1.log\n"
    assert len(lint(text, "x", node)) == 2
    assert lint(text, "x", NodeFacts(node.lxc_version, V2, node.root, ("/run/hv", "/var/log/hv"))) == ()


# -- every text


@given(st.text(st.characters() | st.sampled_from("\r\n =#\t\"'\0lxc.net0"), max_size=120))
def test_every_text_can_be_judged(text: str) -> None:
    for finding in lint(text, "x", NodeFacts(root="/nowhere")):
        assert finding.line <= text.count("\n") + text.count("\r") + 1
        assert finding.column >= 1
        assert finding.message
