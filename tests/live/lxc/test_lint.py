"""The linter against LXC itself: what it lets pass starts, what it finds does not or has no effect."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hvcore.errors import NotRunning
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore.model.plan import Effect
from hvcore.system.cgroup_layout import CgroupMode, current_layout
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.lint.facts import NodeFacts
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


class Start:
    """lxc-start itself, on a container of the test's own."""

    def __init__(self, directory: Path, name: str) -> None:
        self.lxcpath, self.name = directory, name
        (directory / name).mkdir(parents=True)

    @property
    def config(self) -> Path:
        return self.lxcpath / self.name / "config"

    def run(self, text: str) -> bool:
        """Start a container in the foreground, whose init ends at once; tell whether that went well."""
        self.config.write_text(text)
        command = ["lxc-start", "-P", str(self.lxcpath), "-n", self.name, "-F", "-o", str(self.lxcpath / "log")]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
        return done.returncode == 0


@pytest.fixture
def start(own_directory: Path, unique_tag: str) -> Iterator[Start]:
    starter = Start(own_directory / "raw", f"{unique_tag}-{uuid.uuid4().hex[:6]}")
    yield starter
    lock = Path(f"/run/lxc/lock{starter.lxcpath}/.{starter.name}")
    lock.unlink(missing_ok=True)
    for directory in lock.parents:
        if directory == Path("/run/lxc/lock") or not directory.is_dir() or os.listdir(directory):
            break
        directory.rmdir()


def config_of(start: Start, root: Path, *lines: str) -> str:
    parent = f"{start.name}.lint"
    return "\n".join(
        (
            f"lxc.uts.name = {start.name[:60]}",
            f"lxc.rootfs.path = dir:{root}",
            "lxc.init.cmd = /bin/true",
            "lxc.tty.max = 0",
            "lxc.console.path = none",
            f"lxc.cgroup.dir.container = {parent}/c",
            f"lxc.cgroup.dir.monitor = {parent}/m",
            f"lxc.cgroup.dir.monitor.pivot = {parent}",
            *lines,
            *(["lxc.net.0.type = empty"] if not any(line.startswith("lxc.net.") for line in lines) else []),
            "",
        )
    )


def remove_groups(start: Start) -> None:
    for hierarchy in current_layout().hierarchies:
        for directory in sorted(Path(hierarchy).glob(f"{start.name}.lint/**/"), key=lambda path: -len(path.parts)):
            directory.rmdir()


def rules(lxc: Hypervisor, start: Start, text: str) -> list[str]:
    return [finding.rule for finding in lxc.lint_configuration(text, str(start.config))]


def test_what_the_linter_lets_pass_starts(lxc: Hypervisor, lxc_host: LiveHost, start: Start) -> None:
    text = config_of(
        start, lxc_host.root, "lxc.environment = A=1", "lxc.mount.entry = /etc mnt none bind,create=dir 0 0"
    )
    try:
        assert rules(lxc, start, text) == []
        assert start.run(text)
    finally:
        remove_groups(start)


# liblxc takes every one of them; the start fails.
FAILS = {
    "lxc.mount.entry = garbage": "value",
    "lxc.mount.entry = /no/such/place mnt none bind,create=dir 0 0": "missing-file",
    "lxc.rootfs.path = dir:/no/such/root": "missing-file",
    "lxc.init.cmd = /no/such/init": "missing-file",
    "lxc.hook.pre-start = /no/such/hook": "missing-file",
    "lxc.prlimit.nofile = 1:99999999999": "over-node",
    "lxc.sysctl.net.no.such = 1": "missing-file",
    "lxc.net.0.name = eth0": "interface-type",
}


@pytest.mark.parametrize("line", FAILS)
def test_what_fails_at_the_start_is_found_before(lxc: Hypervisor, lxc_host: LiveHost, start: Start, line: str) -> None:
    text = config_of(start, lxc_host.root, line)
    try:
        assert FAILS[line] in rules(lxc, start, text)
        assert not start.run(text)
    finally:
        remove_groups(start)


@pytest.mark.skipif(current_layout().mode is CgroupMode.V2, reason="needs cgroup version 1")
def test_settings_of_the_other_version_have_no_effect_and_are_found(
    lxc: Hypervisor, lxc_host: LiveHost, start: Start
) -> None:
    text = config_of(start, lxc_host.root, "lxc.cgroup2.memory.max = notanumber")
    try:
        assert set(rules(lxc, start, text)) == {"cgroup-layout", "value"}
        assert start.run(text)
    finally:
        remove_groups(start)


def test_the_configuration_that_hvcore_renders_is_clean(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running("web", num_ttys=1, memory_mib=32)
    config = paths.config(instance.name)
    assert lxc.lint_configuration(config.read_text(), str(config)) == ()


def test_stock_configurations_are_clean(lxc: Hypervisor) -> None:
    common = Path("/usr/share/lxc/config/common.conf")
    if not common.exists():
        pytest.skip("needs the configurations that come with LXC")
    text = f"lxc.include = {common}\nlxc.net.0.type = empty\n"
    about_kernel = {"missing-feature", "cgroup-controller"}
    assert [str(found) for found in lxc.lint_configuration(text, "x") if found.rule not in about_kernel] == []


def test_the_facts_of_this_node(lxc: Hypervisor) -> None:
    facts = NodeFacts.of_node(lxc.context.runner)
    info = lxc.get_node_info()
    assert facts.lxc_version == info.hv_version
    assert len(facts.cpus) == info.cpu_total
    assert facts.memory_bytes is not None
    assert facts.memory_bytes // 2**20 == info.memory_total_mib


# -- what a new definition would change


def test_plan_change(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running("web", memory_mib=32)
    before = {path.name: path.read_bytes() for path in paths.instance_dir(instance.name).iterdir() if path.is_file()}
    assert lxc.plan_change(instance).changes == ()
    assert lxc.plan_change(instance).documents == {}

    bigger = evolve(instance, memory_mib=48)
    (change,) = lxc.plan_change(bigger).changes
    assert (change.key, change.before, change.after, change.effect) == ("backend.memory_mib", "32", "48", Effect.LIVE)
    lxc.balloon_instance_memory(instance, 48)
    assert lxc.plan_change(bigger).changes == ()

    other = evolve(bigger, nics=(Nic(NicMode.NONE),), parameters={**bigger.parameters, "num_ttys": 3})
    plan = lxc.plan_change(other)
    assert {change.key: change.effect for change in plan.changes} == {
        "parameters.num_ttys": Effect.RESTART,
        "nics[0]": Effect.RESTART,
    }
    assert plan.needs_restart
    assert "+lxc.tty.max = 3" in plan.documents[str(paths.config(instance.name))].splitlines()
    after = {path.name: path.read_bytes() for path in paths.instance_dir(instance.name).iterdir() if path.is_file()}
    assert before == after


def test_a_configuration_that_was_changed_by_hand_is_told(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running("web")
    config = paths.config(instance.name)
    config.write_text(config.read_text() + "lxc.environment = A=1\n")
    (change,) = lxc.plan_change(instance).changes
    assert (change.key, change.before, change.after) == ("lxc.environment", "A=1", "")


def test_nothing_runs_to_compare_with(lxc_host: LiveHost, lxc: Hypervisor, leak_check: Any) -> None:
    with pytest.raises(NotRunning):
        lxc.plan_change(lxc_host.instance("web"))
