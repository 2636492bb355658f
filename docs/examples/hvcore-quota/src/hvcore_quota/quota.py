"""Quotas as values: what an instance, or a person at the command line, asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Self

from attrs import field, frozen

from hvcore import Instance, InvalidInput

__all__ = ["CPU_PERIOD_US", "FULL_PERCENT", "IO_KEYS", "NO_LIMIT", "IoRule", "Quota"]

CPU_PERIOD_US = 100_000
"""The period of the CPU bandwidth, which is the kernel's own default.

Source: Linux, Documentation/scheduler/sched-bwc.rst.
"""

FULL_PERCENT = 100
NO_LIMIT = "max"
IO_KEYS = ("rbps", "wbps", "riops", "wiops")
_RULE = re.compile(r"(?P<device>[0-9]{1,4}:[0-9]{1,7})(?P<limits>(?: (?:[rw]bps|[rw]iops)=(?:max|[1-9][0-9]{0,17}))+)")
_MOST_PERCENT = 100
_MOST_PIDS = 2**22


@frozen
class IoRule:
    """The limits of one block device.

    Attributes:
        device: its number, such as ``8:0``; a whole disk, not a partition.
        limits: ``rbps`` and ``wbps`` (bytes a second), ``riops`` and ``wiops`` (operations a second) -> a number or ``max``.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, ``io.max``.
    """

    device: str
    limits: Mapping[str, str] = field(hash=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rule that a text such as ``8:0 rbps=1048576 wiops=120`` describes.

        Raises:
            InvalidInput: it is no such text.
        """
        match = _RULE.fullmatch(" ".join(text.split()))
        if match is None:
            raise InvalidInput(
                f"{text!r} is no I/O rule", key="io", value=text, allowed="a text such as '8:0 rbps=1048576 wiops=120'"
            )
        return cls(match["device"], dict(word.split("=") for word in match["limits"].split()))

    def __str__(self) -> str:
        return " ".join((self.device, *(f"{key}={self.limits[key]}" for key in IO_KEYS if key in self.limits)))


def _rules(rules: Iterable[IoRule | str]) -> tuple[IoRule, ...]:
    return tuple(IoRule.parse(rule) if isinstance(rule, str) else rule for rule in rules)


@frozen
class Quota:
    """What a container may use; None and an empty list leave a limit as it is.

    Args:
        cpu_percent: of each of its vcpus, the part that it may use: 1 to 100.
        pids_max: its processes and threads at most; 0 for any number.
        io: one rule for each block device, as rules or as texts.

    Raises:
        InvalidInput: a number is out of its range, or a text is no rule.
    """

    cpu_percent: int | None = field(default=None)
    pids_max: int | None = field(default=None)
    io: tuple[IoRule, ...] = field(default=(), converter=_rules)

    def __attrs_post_init__(self) -> None:
        _check("cpu_percent", self.cpu_percent, 1, _MOST_PERCENT)
        _check("pids_max", self.pids_max, 0, _MOST_PIDS)

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """Return what an instance's parameters ask for; what they leave at its default is left to LXC."""
        values = instance.parameters
        percent, pids, rules = (values.get(f"quota_{name}") for name in ("cpu_percent", "pids_max", "io"))
        return cls(
            cpu_percent=None if percent in {None, FULL_PERCENT} else int(str(percent)),
            pids_max=int(str(pids)) if pids else None,
            io=rules if isinstance(rules, tuple) else (),
        )

    def cpu_time_us(self, vcpus: int) -> int:
        """Return the CPU time in every period, in microseconds."""
        return vcpus * CPU_PERIOD_US * (self.cpu_percent or FULL_PERCENT) // FULL_PERCENT


def _check(key: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput(f"{key} is out of its range", key=key, value=value, allowed=f"{least} to {most}")
