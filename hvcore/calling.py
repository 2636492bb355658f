"""Whose verb is being called, for extensions that join every hypervisor and answer for all of them with one object."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["CALLING", "current_hypervisor"]

CALLING: ContextVar[str] = ContextVar("CALLING", default="")
"""The name of the hypervisor whose verb this thread or task is in; "" outside of any."""


def current_hypervisor() -> str:
    """Return the name of the hypervisor whose verb is being called; "" outside of any verb."""
    return CALLING.get()
