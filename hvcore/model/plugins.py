"""What is installed, as the host sees it."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

__all__ = ["BrokenPlugin", "InstalledPlugin", "PluginReport"]


@frozen
class InstalledPlugin:
    """A plugin that was found.

    Attributes:
        group: its entry-point group, such as ``hvcore.hypervisors``.
        name: the entry point's name.
        distribution: the distribution it comes from, with its version.
        summary: what it says of itself; "" when it was not loaded.
        hooks: the hooks it answers or wraps; for a hypervisor those of its driver.
        disabled: why it is not used; "" when it is.
        contract: the version of the contract that it states; None when it states none, or was not loaded.
        order: of a hypervisor, who is asked in its scope, in that order: extensions, default steps, the driver.
        joined: of an extension, the hypervisors that it joined.
        notes: what its author or the operator should know, though it works: no contract, deprecated names, failed notices.
    """

    group: str
    name: str
    distribution: str
    summary: str = ""
    hooks: tuple[str, ...] = ()
    disabled: str = ""
    contract: str | None = None
    order: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class BrokenPlugin:
    """A plugin that cannot be used; the others are not disturbed by it.

    Attributes:
        group: its entry-point group.
        name: the entry point's name.
        distribution: the distribution it comes from, with its version.
        reason: what is wrong, in one line.
        resolution: what to do about it.
        traceback: where it happened, for its author.
    """

    group: str
    name: str
    distribution: str
    reason: str
    resolution: str
    traceback: str


@frozen
class PluginReport:
    """Everything installed for hvcore.

    Attributes:
        hypervisors: the hypervisors.
        extensions: the extensions, of one hypervisor or of all.
        broken: what cannot be used, with the reason.
    """

    hypervisors: tuple[InstalledPlugin, ...]
    extensions: tuple[InstalledPlugin, ...]
    broken: tuple[BrokenPlugin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data with stable keys, ready for JSON."""
        return asdict(self)
