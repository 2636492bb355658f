"""A hypervisor of a test's own in one line: one driver, the extensions that the test names, and nothing else.

Neither what else is installed nor the environment has a say, and an extension that a host would set aside is an error::

    lxc = make_hypervisor("lxc", MyMounter(), directory=tmp_path, runner=FakeRunner())
    lxc.scope.choose(LxcSteps.lxc_mounter, ...)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from attrs import evolve

import hvcore
from hvcore import discovery
from hvcore.context import DriverContext
from hvcore.errors import InvalidPlugin, UnknownHypervisor
from hvcore.hypervisor import Hypervisor
from hvcore.plugin import BaseHypervisor, HypervisorPlugin
from hvcore.scope import Scope
from hvcore.settings import Settings
from hvcore.system.commands import Runner
from hvcore.system.operation import Observer

__all__ = ["Driver", "HypervisorFactory", "make_hypervisor"]

Driver: TypeAlias = str | HypervisorPlugin | Callable[[DriverContext], BaseHypervisor]
"""Whose driver: the name of an installed hypervisor, a plugin, or a driver's class."""


def make_hypervisor(
    driver: Driver,
    *extensions: object,
    directory: Path,
    name: str = "toy",
    steps: Iterable[type] = (),
    runner: Runner | None = None,
    observer: Observer | None = None,
    prepare: Callable[[DriverContext], DriverContext] = lambda context: context,
) -> Hypervisor:
    """Return a hypervisor around a sealed scope; it is loaded and nothing is touched.

    Args:
        driver: whose driver.
        extensions: join its scope, each perhaps in an ``Extension`` that says its place.
        directory: state is kept in ``state`` below it, and logs in ``log``. Two hypervisors over one directory see the same
            instances, as two processes do.
        name: the hypervisor's name, where ``driver`` is a class.
        steps: its own step specs, likewise.
        runner: the door to other programs; None takes the real one.
        observer: told of every step.
        prepare: replaces any other part of the driver's surroundings, after these.

    Raises:
        UnknownHypervisor: no installed hypervisor has that name.
        InvalidPlugin: the driver or an extension breaks a rule.
        HookConflict: two of them claim one hook.
    """
    plugin = _plugin_of(driver, name, tuple(steps))

    def surround(context: DriverContext) -> DriverContext:
        changes: dict[str, Any] = {"runner": runner, "observer": observer}
        given = {field: value for field, value in changes.items() if value is not None}
        return prepare(evolve(context, **given))

    host = hvcore.load(
        settings=Settings(directory / "state", directory / "log"),
        plugins=[plugin],
        extensions={plugin.name: extensions},
        discover=False,
        prepare=surround,
    )
    hypervisor = host.hypervisor(plugin.name)
    for fault in host.plugins().broken:
        raise InvalidPlugin(
            fault.reason, hypervisor=plugin.name, details=[fault.traceback], resolution=fault.resolution
        )
    return hypervisor


class HypervisorFactory:
    """``make_hypervisor`` over one directory; the fixture ``hypervisor_factory`` is one.

    Args:
        directory: the directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(
        self,
        driver: Driver,
        *extensions: object,
        name: str = "toy",
        steps: Iterable[type] = (),
        runner: Runner | None = None,
        observer: Observer | None = None,
        prepare: Callable[[DriverContext], DriverContext] = lambda context: context,
    ) -> Hypervisor:
        """Return a hypervisor; see ``make_hypervisor``."""
        return make_hypervisor(
            driver,
            *extensions,
            directory=self.directory,
            name=name,
            steps=steps,
            runner=runner,
            observer=observer,
            prepare=prepare,
        )

    def scope(self, driver: Driver, *extensions: object, name: str = "toy", steps: Iterable[type] = ()) -> Scope:
        """Return the sealed scope of such a hypervisor, to call single hooks."""
        return self(driver, *extensions, name=name, steps=steps).scope


def _plugin_of(driver: Driver, name: str, steps: tuple[type, ...]) -> HypervisorPlugin:
    if isinstance(driver, HypervisorPlugin):
        return driver
    if not isinstance(driver, str):
        return HypervisorPlugin(name, f"{name}, made by a test", driver, steps)
    installed = {c.name: c for c in discovery.find_all() if c.group == discovery.HYPERVISORS_GROUP}
    if driver not in installed:
        raise UnknownHypervisor(
            f"there is no hypervisor {driver!r}; installed: {', '.join(sorted(installed)) or 'none'}",
            hypervisor=driver,
            resolution="install the distribution that provides it, or pass its driver's class",
        )
    plugin = discovery.load(installed[driver])
    if not isinstance(plugin, HypervisorPlugin):
        raise InvalidPlugin(f"{driver!r} is of type {type(plugin).__name__}, not a HypervisorPlugin")
    return plugin
