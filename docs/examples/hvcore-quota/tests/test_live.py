"""Quotas in real containers, as the kernel has them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore.errors import NotRunning
from hvcore.system import current_layout
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.spec import LxcSteps
from hvcore_quota import Quota, get_quota, set_quota
from hvcore_quota.command import main

pytestmark = pytest.mark.live

FORK_MANY = "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done"
SPIN = "timeout 1 sh -c 'while :; do :; done'; true"


@pytest.fixture
def start(lxc_host: LiveHost) -> Callable[..., str]:
    def start(**parameters: int | tuple[str, ...]) -> str:
        instance = lxc_host.instance(**parameters)
        lxc_host.hypervisor.start_instance(instance)
        return instance.name

    return start


@pytest.fixture
def disk() -> str:
    """The number of a whole disk of this node."""
    for name in sorted(os.listdir("/sys/block")):
        if not name.startswith(("loop", "ram", "zram")) and Path(f"/sys/block/{name}/dev").exists():
            return Path(f"/sys/block/{name}/dev").read_text().strip()
    pytest.skip("this node has no disk")


def say(host: LiveHost, name: str, script: str) -> str:
    done = host.hypervisor.exec_in_instance(name, ["sh", "-c", script])
    return (done.stdout + done.stderr).decode()


def throttled(host: LiveHost, name: str) -> int:
    """How often the kernel has taken the CPU away."""
    group = host.hypervisor.scope.choose(LxcSteps.lxc_cgroups).group(name)
    text = Path(f"{current_layout().directory('cpu', group)}/cpu.stat").read_text()
    return {key: int(value) for key, value in map(str.split, text.splitlines())}["nr_throttled"]


def test_a_start_sets_all_limits(lxc_host: LiveHost, start: Callable[..., str], disk: str) -> None:
    rule = f"{disk} rbps=1048576 wiops=120"
    name = start(quota_cpu_percent=50, quota_pids_max=20, quota_io=(rule,))
    quota = get_quota(lxc_host.hypervisor, name)
    assert (quota.cpu_percent, quota.pids_max, [str(one) for one in quota.io]) == (50, 20, [rule])


def test_a_container_without_parameters_has_the_limits_of_lxc(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    assert get_quota(lxc_host.hypervisor, start()) == Quota(100, 0, ())


def test_the_kernel_holds_to_the_processes(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    name = start(quota_pids_max=20)
    assert "can't fork" in say(lxc_host, name, FORK_MANY)
    set_quota(lxc_host.hypervisor, name, Quota(pids_max=0))
    assert "can't fork" not in say(lxc_host, name, FORK_MANY)


def test_the_kernel_holds_to_the_bandwidth(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    name = start()
    set_quota(lxc_host.hypervisor, name, Quota(cpu_percent=10))
    before = throttled(lxc_host, name)
    say(lxc_host, name, SPIN)
    assert throttled(lxc_host, name) > before


def test_a_live_change_leaves_the_rest_alone(lxc_host: LiveHost, start: Callable[..., str], disk: str) -> None:
    name = start(quota_cpu_percent=50, quota_pids_max=20)
    set_quota(lxc_host.hypervisor, name, Quota(io=[f"{disk} wbps=2097152"]))
    quota = get_quota(lxc_host.hypervisor, name)
    assert (quota.cpu_percent, quota.pids_max, [str(one) for one in quota.io]) == (50, 20, [f"{disk} wbps=2097152"])
    set_quota(lxc_host.hypervisor, name, Quota(io=[f"{disk} wbps=max"]))
    assert get_quota(lxc_host.hypervisor, name).io == ()


def test_the_command_changes_and_shows(
    lxc_host: LiveHost,
    start: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = start()
    monkeypatch.setenv("HVCORE_STATE_DIR", str(lxc_host.state_dir))
    monkeypatch.setenv("HVCORE_LOG_DIR", str(lxc_host.log_dir))
    assert main([name, "--cpu-percent", "25", "--pids-max", "30"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cpu_percent": 25, "pids_max": 30, "io": []}
    assert main([f"{name}-none"]) == NotRunning.exit_status
    assert "does not run" in capsys.readouterr().err


def test_what_does_not_run_has_no_quota(lxc_host: LiveHost) -> None:
    with pytest.raises(NotRunning):
        set_quota(lxc_host.hypervisor, lxc_host.instance().name, Quota(pids_max=1))
