"""CPU masks: ``0-2,5`` for a set of CPUs, and several of them, one per virtual CPU, with colons between.

Source: Ganeti's CPU mask grammar (``ParseCpuMask``, ``ParseMultiCpuMask``); cpuset(7), "List format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hvcore.errors import InvalidInput
from hvcore.model.refusal import refused, shown

__all__ = ["ALL_CPUS", "MAX_CPU_NUMBER", "format_cpu_mask", "parse_cpu_mask", "parse_multi_cpu_mask"]

MAX_CPU_NUMBER = 8191
"""The highest CPU number that a machine can have.

Source: the kernel's CONFIG_NR_CPUS is at most 8192 (``NR_CPUS_RANGE_END`` in arch/x86/Kconfig; other architectures stop
at or below it).
"""

ALL_CPUS = -1
"""Stands for every CPU in the answer of ``parse_multi_cpu_mask``, as in Ganeti."""

_MAX_CPUS = MAX_CPU_NUMBER + 1
_MAX_CPUS_IN_MULTI_MASK = 2**20  # one vCPU of 128 on each CPU of 8192: memory stays bounded whatever is written
# Blanks are spaces: tabs, line ends and other control characters are refused.
_ITEM = re.compile(" *([0-9]+) *(?:- *([0-9]+) *)?")
_ALLOWED = f"CPU numbers from 0 to {MAX_CPU_NUMBER} and ranges of them with commas between, such as 0-2,5"
_ALLOWED_MULTI = f'"all", or {_ALLOWED}; one such mask per virtual CPU, with colons between'


def parse_cpu_mask(text: object, key: str = "cpu_mask") -> tuple[int, ...]:
    """Parse a single CPU mask.

    Args:
        text: numbers and ``low-high`` ranges with commas between; blanks around numbers are ignored. "" and None mean
            no mask.
        key: the key that an error names.

    Returns:
        The CPU numbers in the order they were written, duplicates kept; at most 8192 of them.

    Raises:
        InvalidInput: it is not well-formed, or names more than a machine can have.
    """
    if text is None or text == "":
        return ()
    if not isinstance(text, str):
        raise refused(key, text, _ALLOWED)
    return _parse(text, text, key, _ALLOWED)


def parse_multi_cpu_mask(text: object, key: str = "cpu_mask") -> tuple[tuple[int, ...], ...]:
    """Parse one CPU mask per virtual CPU.

    Args:
        text: masks with colons between. Each is "all", a single mask, or empty. "" and None mean no mask.
        key: the key that an error names.

    Returns:
        One tuple per virtual CPU: ``(-1,)`` for "all", otherwise its CPU numbers in ascending order, each once.

    Raises:
        InvalidInput: one is not well-formed, or there are more than a machine can have.
    """
    if text is None or text == "":
        return ()
    if not isinstance(text, str):
        raise refused(key, text, _ALLOWED_MULTI)
    parts = text.split(":")
    if len(parts) > _MAX_CPUS:
        raise refused(key, text, _ALLOWED_MULTI, why=f"it has {len(parts)} masks, {_MAX_CPUS} are the most")
    known: dict[str, tuple[int, ...]] = {"all": (ALL_CPUS,), "": ()}
    size = 0
    for part in parts:
        if part not in known:
            known[part] = tuple(sorted(set(_parse(part, text, key, _ALLOWED_MULTI))))
            size += len(known[part])
        if size > _MAX_CPUS_IN_MULTI_MASK:
            raise refused(key, text, _ALLOWED_MULTI, why=f"its masks name more than {_MAX_CPUS_IN_MULTI_MASK} CPUs")
    return tuple(known[part] for part in parts)


def format_cpu_mask(cpus: Iterable[int], key: str = "cpu_mask") -> str:
    """Return the shortest mask of a set of CPUs, as the kernel prints it.

    Args:
        cpus: CPU numbers in any order; duplicates count once.
        key: the key that an error names.

    Returns:
        Ascending numbers and ranges, such as ``0-2,5``; "" for none.

    Raises:
        InvalidInput: a number is not one of a CPU.
    """
    ranges: list[tuple[int, int]] = []
    for cpu in sorted(set(cpus)):
        if not 0 <= cpu <= MAX_CPU_NUMBER:
            raise refused(key, cpu, f"CPU numbers from 0 to {MAX_CPU_NUMBER}")
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1] = (ranges[-1][0], cpu)
        else:
            ranges.append((cpu, cpu))
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def _parse(mask: str, text: object, key: str, allowed: str) -> tuple[int, ...]:
    cpus: list[int] = []
    for item in mask.split(","):
        low, high = _bounds(item, text, key, allowed)
        cpus.extend(range(low, high + 1))
        if len(cpus) > _MAX_CPUS:
            raise refused(key, text, allowed, why=f"a mask names {_MAX_CPUS} CPUs at most")
    return tuple(cpus)


def _bounds(item: str, text: object, key: str, allowed: str) -> tuple[int, int]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _bad_item(item, "is neither a CPU number nor a range", text, key, allowed)
    # Leading zeros are dropped and digits counted before the conversion: Python refuses to convert thousands of them.
    low, high = ((digits or match.group(1)).lstrip("0") or "0" for digits in match.groups())
    if any(len(digits) > len(str(MAX_CPU_NUMBER)) or int(digits) > MAX_CPU_NUMBER for digits in (low, high)):
        raise _bad_item(item, f"is above {MAX_CPU_NUMBER}, the highest CPU number there is", text, key, allowed)
    if int(low) > int(high):
        raise _bad_item(item, "runs backwards", text, key, allowed)
    return int(low), int(high)


def _bad_item(item: str, problem: str, text: object, key: str, allowed: str) -> InvalidInput:
    return refused(key, text, allowed, why=f"{shown(item)} {problem}")
