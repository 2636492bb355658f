"""What only looks: the node, its health, ancillary files, and plans."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import HypervisorError
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.verify import VerifyStatus
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


def test_node_info_is_this_nodes(lxc: Hypervisor) -> None:
    info = lxc.get_node_info()
    total_kib = int(
        next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line).split()[1]
    )
    assert info.memory_total_mib == total_kib // 1024
    assert 0 < info.memory_free_mib <= info.memory_total_mib
    assert info.cpu_total == os.cpu_count()
    said = subprocess.run(["lxc-start", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    assert ".".join(map(str, info.hv_version or ())) in said


def test_a_node_that_runs_containers_is_healthy(lxc: Hypervisor) -> None:
    report = lxc.verify()
    assert (report.status, report.text()) == (VerifyStatus.HEALTHY, None)
    assert {"lxc-start", "root", "cgroups"} <= {finding.name for finding in report.findings}


def test_verifying_and_planning_change_nothing_on_the_node(own_directory: Path, lxc_host: LiveHost) -> None:
    """In a mount namespace of its own, where nobody else's mounts come and go; Ganeti's check mounted cgroup hierarchies."""
    script = textwrap.dedent(
        """
        import os, sys, hvcore
        from pathlib import Path
        from hvcore.model.disk import Disk
        from hvcore.testing.leaks import snapshot

        def look():
            directory = sys.argv[1]
            tags = [os.path.basename(directory)]
            return snapshot(tags, [directory]), os.listdir("/run/lxc")

        def mounts():
            # Those of others may go, when their mount points are removed; none may come.
            return {line.split(" ", 1)[1] for line in Path("/proc/self/mountinfo").read_text().splitlines()}

        state, log = sys.argv[1] + "/new/state", sys.argv[1] + "/new/log"
        before, mounts_before = look(), mounts()
        lxc = hvcore.load(state_dir=state, log_dir=log).hypervisor("lxc")
        instance = hvcore.Instance("web", "lxc", disks=(Disk(sys.argv[2]),), parameters={"num_ttys": 0})
        assert lxc.verify().text() is None, lxc.verify()
        assert [step.name for step in lxc.plan_start(instance).steps] == ["state", "mount", "config", "cgroups", "container"]
        assert lxc.list_instances() == () == lxc.get_all_instances_info()
        assert lxc.get_instance_info("web") is None and lxc.get_instance_definition("web") is None
        lxc.get_node_info()
        lxc.get_ancillary_files()
        lxc.validate_parameters({})
        after = look()
        assert before == after, (before, after)
        assert mounts() <= mounts_before, mounts() - mounts_before
        """
    )
    subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", script, own_directory, lxc_host.root],
        check=True,
    )


def test_an_unhealthy_node_says_what_to_do(lxc_host: LiveHost, own_directory: Path) -> None:
    script = textwrap.dedent(
        """
        import hvcore, hvcore.system.commands, sys
        # The standard directories are searched as well, whatever PATH says.
        hvcore.system.commands._SAFE_PATH = "/nowhere"
        report = hvcore.load(state_dir=sys.argv[1], log_dir=sys.argv[1]).hypervisor("lxc").verify()
        assert report.status == "undetected", report
        assert "lxc-start is not installed" in report.text()
        assert all(finding.remedy for finding in report.findings if not finding.ok)
        """
    )
    environment = {**os.environ, "PATH": str(own_directory)}
    subprocess.run([sys.executable, "-c", script, own_directory / "x"], check=True, env=environment)


def test_lxc_shares_no_files_between_nodes(lxc: Hypervisor) -> None:
    files = lxc.get_ancillary_files()
    assert (files.paths, files.optional) == (frozenset(), frozenset())


def test_a_plan_says_what_a_start_does(lxc: Hypervisor, running: Running, lxc_host: LiveHost, paths: LxcPaths) -> None:
    instance = lxc_host.instance(memory_mib=48, init="/sbin/quick")
    plan = lxc.plan_start(instance)
    assert not paths.instance_dir(instance.name).exists()
    lxc.start_instance(instance)
    assert plan.documents == {str(paths.config(instance.name)): paths.config(instance.name).read_text()}
    details = "\n".join(line for step in plan.steps for line in step.details)
    assert str(lxc_host.root) in details
    assert str(48 << 20) in details
    assert "lxc-start" in details


def test_a_plan_for_what_cannot_be_started_says_so(lxc: Hypervisor, lxc_host: LiveHost, own_directory: Path) -> None:
    for impossible in (
        lxc_host.instance(disks=[Disk(str(own_directory / "nothing"))]),
        lxc_host.instance(disks=[]),
        lxc_host.instance(cpu_mask="0", vcpus=2),
        lxc_host.instance(colour="red"),
    ):
        with pytest.raises(HypervisorError) as caught:
            lxc.plan_start(impossible)
        assert caught.value.operation == "plan_start" or caught.value.exit_status == 2


def test_capabilities_tell_what_lxc_can_do(lxc: Hypervisor) -> None:
    can: dict[str, Any] = {capability.operation: capability.support for capability in lxc.capabilities()}
    assert {can[name] for name in ("start_instance", "reboot_instance", "exec_in_instance", "recover")} == {"yes"}
    assert not {name for name, support in can.items() if support == "limited"}
    assert {can[name] for name in ("migrate_instance", "hot_add_device")} == {"no"}
