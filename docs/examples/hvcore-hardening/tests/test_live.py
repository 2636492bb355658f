"""Hardening, as a process inside a real container finds it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hvcore.testing.fixtures import LiveHost
from hvcore_hardening.extension import DROPPED

pytestmark = pytest.mark.live

# linux/capability.h: the number of each capability is its bit.
BITS = {
    "linux_immutable": 9, "net_raw": 13, "sys_rawio": 17, "sys_ptrace": 19, "sys_pacct": 20, "mknod": 27,
    "audit_control": 30, "mac_admin": 33, "syslog": 34, "wake_alarm": 35, "block_suspend": 36,
}  # fmt: skip
FILTERED = "2"


@pytest.fixture
def start(lxc_host: LiveHost) -> Callable[..., str]:
    def start(**parameters: bool | int | tuple[str, ...]) -> str:
        instance = lxc_host.instance(**parameters)
        lxc_host.hypervisor.start_instance(instance)
        return instance.name

    return start


def status_of_init(host: LiveHost, name: str) -> dict[str, str]:
    text = host.hypervisor.exec_in_instance(name, ["cat", "/proc/1/status"]).stdout.decode()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def test_the_table_of_bits_is_complete() -> None:
    assert BITS.keys() == set(DROPPED)


def test_a_hardened_guest_is_filtered_and_has_lost_capabilities(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    status = status_of_init(lxc_host, start())
    assert status["Seccomp"] == FILTERED
    assert status["NoNewPrivs"] == "1"
    bounding = int(status["CapBnd"], 16)
    assert [name for name, bit in BITS.items() if bounding >> bit & 1] == []
    assert bounding >> 0 & 1, "chown is not among those that are dropped"


def test_a_guest_that_opts_out_is_as_lxc_makes_it(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    status = status_of_init(lxc_host, start(hardening=False))
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("0", "0")
    assert int(status["CapBnd"], 16) >> BITS["net_raw"] & 1


def test_refused_calls_fail_and_others_work(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    run = lxc_host.hypervisor.exec_in_instance
    hardened = start()
    # A user namespace needs no capability, so only the filter can refuse it.
    refused = run(hardened, ["unshare", "-U", "true"])
    assert refused.exit_status != 0
    assert b"not permitted" in refused.stderr
    assert run(hardened, ["ls", "/"]).exit_status == 0
    assert run(hardened, ["mknod", "/tmp/null", "c", "1", "3"]).exit_status != 0


def test_tmp_is_private_and_bounded(lxc_host: LiveHost, start: Callable[..., str]) -> None:
    run = lxc_host.hypervisor.exec_in_instance
    name = start(hardening_tmp_mib=2)
    (mount,) = [
        line.split() for line in run(name, ["cat", "/proc/mounts"]).stdout.decode().splitlines() if " /tmp " in line
    ]
    assert mount[2] == "tmpfs"
    assert {"nodev", "nosuid", "noexec"} <= set(mount[3].split(","))
    assert run(name, ["dd", "if=/dev/zero", "of=/tmp/big", "bs=1M", "count=4"]).exit_status != 0
    assert list((lxc_host.root / "tmp").iterdir()) == []
