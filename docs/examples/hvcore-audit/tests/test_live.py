"""The audit of a real container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import PolicyRefused
from hvcore.system import mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live


def test_a_container_is_recorded_from_start_to_stop(
    lxc_host: LiveHost, lines: Callable[..., list[dict[str, Any]]]
) -> None:
    instance = lxc_host.instance()
    lxc_host.hypervisor.start_instance(instance)
    lxc_host.hypervisor.exec_in_instance(instance.name, ["true"])
    lxc_host.hypervisor.stop_instance(instance.name, force=True)
    told = [line["operation"] for line in lines() if line["instance"] == instance.name]
    assert [one for one in told if one in {"start_instance", "exec_in_instance", "stop_instance"}] == [
        "start_instance",
        "exec_in_instance",
        "stop_instance",
    ]
    (start,) = lines("start_instance")
    assert start["duration_ms"] > 0


def test_a_refused_start_touches_nothing(
    lxc_host: LiveHost, configure: Callable[[str], None], lines: Callable[..., list[dict[str, Any]]]
) -> None:
    configure('[policy]\nclosed = "the node is being emptied"\n')
    with pytest.raises(PolicyRefused, match="being emptied"):
        lxc_host.hypervisor.start_instance(lxc_host.instance())
    assert lxc_host.hypervisor.list_instances() == ()
    assert not mounts_below(read_mounts(), str(lxc_host.state_dir))
    assert lines("start_instance")[-1]["outcome"] == "refused"
