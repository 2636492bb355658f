"""Network interfaces: on a bridge of the test's own, and none."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, InvalidInput
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.model.stats import NicStats
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
MAC = "aa:00:00:12:34:56"
NET = Path("/sys/class/net")


@pytest.fixture
def bridge(unique_tag: str, leak_check: Any) -> Iterator[str]:
    """A bridge with a pinned address; without one it would change with every container."""
    name = f"{unique_tag}br"
    make = ["ip", "link", "add", name, "address", "02:00:00:00:00:01", "type", "bridge"]
    done = subprocess.run(make, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs a bridge: {done.stderr.strip()}")
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield name
    subprocess.run(["ip", "link", "delete", name], check=True)


def test_a_bridged_nic_with_its_address(
    lxc: Hypervisor, running: Running, bridge: str, paths: LxcPaths, leak_check: Any
) -> None:
    instance = running(nics=[Nic("bridged", link=bridge, mac=MAC, ip="192.0.2.10/24", name="lan0")])
    device = paths.host_device(instance.name, 0)
    assert os.path.basename(os.readlink(NET / device / "master")) == bridge
    guest = lxc.exec_in_instance(instance.name, ["ip", "addr", "show", "lan0"]).stdout.decode()
    assert MAC in guest
    assert "192.0.2.10/24" in guest
    assert "UP" in guest
    lxc.stop_instance(instance.name, timeout_s=20)
    assert not (NET / device).exists()
    subprocess.run(["ip", "link", "show", bridge], check=True, stdout=subprocess.DEVNULL)


def test_several_nics_each_with_a_device_of_its_own(
    lxc: Hypervisor, running: Running, bridge: str, paths: LxcPaths
) -> None:
    instance = running(
        nics=[Nic("bridged", link=bridge), Nic("none"), Nic("bridged", link=bridge, ip="2001:db8::1/64")]
    )
    listing = lxc.exec_in_instance(instance.name, ["ls", "/sys/class/net"]).stdout.decode().split()
    assert sorted(listing) == ["eth0", "eth2", "lo"]
    assert sorted(os.listdir(NET / bridge / "brif")) == sorted(paths.host_device(instance.name, n) for n in (0, 2))


@pytest.mark.parametrize("nics", [(), (Nic("none"),)])
def test_without_a_nic_the_guest_has_only_its_own_loopback(lxc: Hypervisor, running: Running, nics: Any) -> None:
    instance = running(nics=nics)
    assert lxc.exec_in_instance(instance.name, ["ls", "/sys/class/net"]).stdout.split() == [b"lo"]
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert os.readlink(f"/proc/{info.pid}/ns/net") != os.readlink("/proc/self/ns/net")


@pytest.mark.parametrize(
    "how", ["force", "monitor killed", "monitor killed, guest alive", "guest switched off", "reboot"]
)
def test_the_host_device_is_gone(
    lxc: Hypervisor,
    running: Running,
    bridge: str,
    paths: LxcPaths,
    kernel: Any,
    until: Any,
    leak_check: Any,
    how: str,
) -> None:
    outlives = "guest alive" in how
    instance = running(
        nics=[Nic("bridged", link=bridge, mac=MAC)],
        extra_config="lxc.monitor.signal.pdeath = 0" if outlives else (),
        drop_capabilities=(),
    )
    device = paths.host_device(instance.name, 0)
    assert (NET / device).exists()
    if "monitor killed" in how:
        [monitor] = kernel.monitors(paths.lxcpath, instance.name)
        os.kill(monitor, 9)
        until(lambda: not kernel.is_alive(monitor))
        if not outlives:
            until(lambda: lxc.list_instances() == ())
    elif how == "guest switched off":
        lxc.exec_in_instance(instance.name, ["poweroff", "-f"])
        until(lambda: lxc.list_instances() == ())
    elif how == "reboot":
        lxc.reboot_instance(instance.name)
        assert (NET / device).exists()
        assert MAC in lxc.exec_in_instance(instance.name, ["ip", "link"]).stdout.decode()
    lxc.stop_instance(instance.name, force=True)
    assert not (NET / device).exists()


def test_a_guest_that_reboots_itself_keeps_its_nic(
    lxc: Hypervisor, running: Running, bridge: str, paths: LxcPaths, until: Any
) -> None:
    instance = running(nics=[Nic("bridged", link=bridge, mac=MAC)], drop_capabilities=())
    before = lxc.get_instance_info(instance.name)
    assert before is not None
    lxc.exec_in_instance(instance.name, ["reboot", "-f"])
    until(lambda: (now := lxc.get_instance_info(instance.name)) and now.pid not in {before.pid, None})
    until(lambda: (NET / paths.host_device(instance.name, 0)).exists())
    assert MAC in lxc.exec_in_instance(instance.name, ["ip", "link"]).stdout.decode()


def test_a_bridge_that_is_missing(
    lxc: Hypervisor, lxc_host: LiveHost, unique_tag: str, paths: LxcPaths, leak_check: Any
) -> None:
    instance = lxc_host.instance(nics=[Nic("bridged", link=f"{unique_tag}no")])
    leak_check.watch(paths.host_device(instance.name, 0))
    with pytest.raises(CommandFailed) as caught:
        lxc.start_instance(instance)
    assert f"{unique_tag}no" in " ".join(caught.value.details), caught.value.explain()
    assert caught.value.step == "container"
    assert caught.value.left_behind == ()
    leak_check.check()


def test_modes_that_lxc_has_not_yet(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        lxc.start_instance(lxc_host.instance(nics=[Nic("routed")]))
    assert caught.value.key == "nics[0].mode"
    leak_check.check()


def test_traffic_is_counted_as_the_guest_sees_it(
    lxc: Hypervisor, running: Running, bridge: str, paths: LxcPaths, until: Any
) -> None:
    instance = running(nics=[Nic("none"), Nic("bridged", link=bridge, ip="192.0.2.10/24")])

    def counted() -> NicStats:
        stats = lxc.instance_stats(instance)
        assert stats is not None
        [nic] = stats.nics
        return nic

    before = counted()
    assert before.device == paths.host_device(instance.name, 1)
    lxc.exec_in_instance(instance, ["arping", "-c", "3", "-I", "eth1", "-w", "1", "192.0.2.99"])
    until(lambda: counted().sent_packets > before.sent_packets)
    after = counted()
    assert 0 < after.sent_bytes <= int((NET / after.device / "statistics" / "rx_bytes").read_text())
    assert after.received_bytes <= int((NET / after.device / "statistics" / "tx_bytes").read_text())
    together = {stats.name: stats.nics[0].device for stats in lxc.all_instances_stats()}
    assert together == {instance.name: after.device}
