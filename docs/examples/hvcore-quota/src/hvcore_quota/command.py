"""The command ``hv-quota``: show the limits of a running container, or change them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import hvcore
from hvcore_quota.live import get_quota, set_quota
from hvcore_quota.quota import Quota

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the words after the command's name; None takes those of the process.

    Returns:
        The exit status, with the meanings that ``hv`` gives them.
    """
    parser = argparse.ArgumentParser(prog="hv-quota", description="Show or change the limits of a running container.")
    parser.add_argument("name", help="the instance")
    parser.add_argument("--cpu-percent", type=int, metavar="N", help="part of each vcpu, 1 to 100")
    parser.add_argument("--pids-max", type=int, metavar="N", help="processes at most; 0 for any number")
    parser.add_argument(
        "--io", action="append", default=[], metavar="RULE", help="such as '8:0 rbps=1048576 wiops=max'"
    )
    given = parser.parse_args(arguments)
    try:
        lxc = hvcore.load().hypervisor("lxc")
        if given.cpu_percent is not None or given.pids_max is not None or given.io:
            set_quota(lxc, given.name, Quota(given.cpu_percent, given.pids_max, given.io))
        quota = get_quota(lxc, given.name)
    except hvcore.HypervisorError as error:
        print(error.explain(), file=sys.stderr)
        return error.exit_status
    io = [str(rule) for rule in quota.io]
    print(json.dumps({"cpu_percent": quota.cpu_percent, "pids_max": quota.pids_max, "io": io}))
    return 0
