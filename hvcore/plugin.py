"""What a plugin author imports.

A hypervisor is two files: a driver that inherits ``BaseHypervisor`` and marks its answers with ``@hookimpl``, and a
``HypervisorPlugin`` that an entry point of the group ``hvcore.hypervisors`` names::

    [project.entry-points."hvcore.hypervisors"]
    mine = "my_package.plugin:plugin"

An extension of one hypervisor is an object with ``@hookimpl`` methods, named by an entry point of
``hvcore.<hypervisor>``; an extension of all of them is named by one of ``hvcore.all``. It states the contract that it was
written for in its attribute ``hvcore_contract``. ``Extension`` wraps it when its order matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import field, frozen

from hvcore.base import BaseHypervisor
from hvcore.context import DriverContext
from hvcore.markers import hookimpl
from hvcore.scope import Scope
from hvcore.spec.kinds import Deprecation, Kind, choose, collect, command, notify
from hvcore.spec.versions import CONTRACT_VERSION, ContractWarning, speaks

__all__ = [
    "CONTRACT_VERSION",
    "BaseHypervisor",
    "ContractWarning",
    "Deprecation",
    "DriverContext",
    "Extension",
    "HypervisorPlugin",
    "Kind",
    "Scope",
    "choose",
    "collect",
    "command",
    "hookimpl",
    "notify",
    "speaks",
]


def _no_defaults(_context: DriverContext) -> Sequence[object]:
    return ()


def _names(value: Iterable[str]) -> tuple[str, ...]:
    # One name alone is meant as one, not as its letters.
    return (value,) if isinstance(value, str) else tuple(value)


@frozen(eq=False)
class HypervisorPlugin:
    """A hypervisor, as its entry point hands it over.

    Attributes:
        name: the hypervisor's name; the entry point has the same.
        summary: what it is, in one line.
        driver: makes the driver; called once per scope, after discovery, and must only store its argument.
        steps: further spec classes that only this hypervisor's extensions know.
        defaults: makes the default answers to ``steps``; they are asked after every extension.
        contract: the version of the contract that the driver was written for, such as ``"1.0"``; None is taken as the first.
    """

    name: str
    summary: str
    driver: Callable[[DriverContext], BaseHypervisor]
    steps: tuple[type, ...] = ()
    defaults: Callable[[DriverContext], Sequence[object]] = _no_defaults
    contract: str | None = None


@frozen(eq=False)
class Extension:
    """An extension together with its place among the others.

    Attributes:
        implementation: the object with the ``@hookimpl`` methods.
        before: names of extensions that are asked after this one.
        after: names of extensions that are asked before this one.
        contract: the version of the contract that it was written for; None leaves it to the object's ``hvcore_contract``.
    """

    implementation: object
    before: tuple[str, ...] = field(default=(), converter=_names)
    after: tuple[str, ...] = field(default=(), converter=_names)
    contract: str | None = None
