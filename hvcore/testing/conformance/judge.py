"""Trying one clause: is it offered at all, is it kept, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hvcore.errors import Unsupported
from hvcore.testing.conformance.clause import Clause, Verdict
from hvcore.testing.conformance.promise import BrokenPromise, NotOffered
from hvcore.testing.conformance.support import why_unsupported

if TYPE_CHECKING:
    from hvcore.testing.conformance.trial import Trial

__all__ = ["judge"]


def judge(clause: Clause, body: Callable[[], None], trial: Trial) -> None:
    """Try a clause and record its verdict; one that fails records nothing and raises.

    Args:
        clause: the clause.
        body: tries it.
        trial: what it is tried on.

    Raises:
        BrokenPromise: it is not kept, or not offered though the required level includes it.
    """
    try:
        reason = _outcome(clause, body, trial)
    except BrokenPromise as broken:
        broken.clause = broken.clause or clause.id
        raise
    verdict = Verdict.IMPLEMENTED if reason is None else Verdict.UNSUPPORTED
    trial.record(clause, verdict, reason or "")


def _outcome(clause: Clause, body: Callable[[], None], trial: Trial) -> str | None:
    """Return why a clause is not offered, or None when it is kept."""
    try:
        for operation in clause.operations:
            _require(operation, trial)
        _try(body, trial)
    except NotOffered as declared:
        if clause.level in trial.required_level.included:
            message = f"level {trial.required_level} needs it, and it is not offered: {declared}"
            raise BrokenPromise(message) from declared
        return str(declared)
    return None


def _try(body: Callable[[], None], trial: Trial) -> None:
    try:
        body()
    except Unsupported as error:
        # An operation that the clause did not say it needs; declared or not makes the difference.
        _require(error.operation or "", trial)
        message = f"{error.operation} is declared as supported, and raised Unsupported"
        raise BrokenPromise(message) from error


def _require(operation: str, trial: Trial) -> None:
    reason = why_unsupported(trial.hypervisor, operation, trial.instance)
    if reason is not None:
        raise NotOffered(reason)
