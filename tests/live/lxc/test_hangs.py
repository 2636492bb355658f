"""Starts that hang inside LXC, where its background process is no part of lxc-start's group any more."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hvcore.errors import OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.steps import STEPS
from hvcore_lxc.strays import lxc_processes

pytestmark = pytest.mark.live


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("hook", ["pre-start", "mount", "start"])
def test_a_container_that_hangs_while_it_starts(
    lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any, hook: str, paused: bool
) -> None:
    """The hook runs on the node, or in the container, and LXC waits for it for ever."""
    script = "/sbin/hangs" if hook == "start" else f"{lxc_host.root}/sbin/hangs"
    hanging = lxc_host.instance(startup_timeout=1, extra_config=f"lxc.hook.{hook} = {script}")
    began = time.monotonic()
    with pytest.raises(OperationFailed) as caught:
        lxc.start_instance(hanging, startup_paused=paused)
    assert time.monotonic() - began < 20
    assert (caught.value.step, caught.value.undone) == ("container", tuple(reversed(STEPS)))
    assert caught.value.left_behind == ()
    assert "startup_timeout" in str(caught.value.resolution), caught.value.explain()
    leak_check.check()


def test_starts_that_hang_do_not_keep_others_from_stopping(
    lxc: Hypervisor, lxc_host: LiveHost, running: Any, in_child: Any, until: Any, paths: Any
) -> None:
    instance = running()
    hook = f"lxc.hook.pre-start = {lxc_host.root}/sbin/hangs"
    hanging = lxc_host.instance("hangs", startup_timeout=60, extra_config=hook)
    child = in_child(lambda: lxc_host.load().start_instance(hanging))
    until(lambda: len(lxc_processes(paths, hanging.name)) > 1)
    began = time.monotonic()
    lxc.stop_instance(instance.name, force=True)
    assert time.monotonic() - began < 10
    child.kill()
    assert lxc.recover().is_clean
