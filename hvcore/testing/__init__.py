"""What plugin authors test with; ``hvcore.testing.fixtures`` has the pytest fixtures, to be imported in a ``conftest.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvcore.testing.cgroups import FakeCgroups as FakeCgroups
    from hvcore.testing.commands import FakeRunner as FakeRunner
    from hvcore.testing.commands import Reply as Reply
    from hvcore.testing.commands import starting_with as starting_with
    from hvcore.testing.conformance.suite import HypervisorConformance as HypervisorConformance
    from hvcore.testing.faults import FailAt as FailAt
    from hvcore.testing.faults import KillAt as KillAt
    from hvcore.testing.faults import steps_of as steps_of
    from hvcore.testing.hypervisors import make_hypervisor as make_hypervisor

# A name's module below this package; each is imported when the name is first used.
_HOMES = {
    "FailAt": "faults",
    "FakeCgroups": "cgroups",
    "FakeRunner": "commands",
    "HypervisorConformance": "conformance.suite",
    "KillAt": "faults",
    "Reply": "commands",
    "make_hypervisor": "hypervisors",
    "starting_with": "commands",
    "steps_of": "faults",
}

__all__ = [
    "FailAt",
    "FakeCgroups",
    "FakeRunner",
    "HypervisorConformance",
    "KillAt",
    "Reply",
    "make_hypervisor",
    "starting_with",
    "steps_of",
]


# Checkers read the imports above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
