"""What plugin authors test with.

``HypervisorConformance`` is imported when it is first used, since it needs pytest and other parts of this package do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvcore.testing.conformance.suite import HypervisorConformance as HypervisorConformance

__all__ = ["HypervisorConformance"]


# Checkers read the import above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "HypervisorConformance":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from hvcore.testing.conformance.suite import HypervisorConformance

        return HypervisorConformance
