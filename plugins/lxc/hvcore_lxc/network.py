"""The host's ends of containers' NICs."""

from __future__ import annotations

import os

from hvcore.model.instance import MAX_NICS
from hvcore.system.commands import Runner
from hvcore_lxc.paths import LxcPaths

__all__ = ["remove_host_devices"]

_TIMEOUT_S = 10.0


def remove_host_devices(runner: Runner, paths: LxcPaths, name: str) -> None:
    """Remove what is left of an instance's host devices; usually the kernel has done so with the guest's network.

    Args:
        runner: the door to other programs.
        paths: where the instance keeps what.
        name: the instance's name.

    Raises:
        CommandFailed: ip(8) failed; the details are its words.
    """
    for index in range(MAX_NICS):
        device = paths.host_device(name, index)
        if os.path.exists(f"/sys/class/net/{device}"):
            done = runner.run(["ip", "link", "delete", device], timeout_s=_TIMEOUT_S, check=False)
            if os.path.exists(f"/sys/class/net/{device}"):
                done.require_success()
