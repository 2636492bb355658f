"""The marker that makes a method the answer to a hook."""

from __future__ import annotations

import pluggy

from hvcore.spec.kinds import PROJECT

__all__ = ["hookimpl"]

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method as the answer to a hook; ``@hookimpl(wrapper=True)`` as a wrapper around the answers."""
