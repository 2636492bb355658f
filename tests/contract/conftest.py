"""A hypervisor whose driver records what arrives and answers what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

import hvcore
from hvcore.errors import Busy
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Disk, Instance
from hvcore.model.parameters import NONNEGATIVE_INT, Parameter, ParameterType
from hvcore.plugin import BaseHypervisor, DriverContext, HypervisorPlugin, hookimpl
from hvcore.scope import Hook, Scope
from hvcore.spec.contract import CONTRACT_SPECS
from hvcore.spec.kinds import Kind
from hvcore.system.locks import InstanceLocks

PARAMETERS = (
    Parameter("cpu_mask", ParameterType.STRING, "", "the CPUs it may use"),
    Parameter("count", ParameterType.INT, 3, "how many", check=NONNEGATIVE_INT),
)
INSTANCE = Instance("web1", "toy", parameters={"cpu_mask": "0"}, disks=(Disk("/srv/web1"),))
FILLED = hvcore.Instance("web1", "toy", parameters={"cpu_mask": "0", "count": 3}, disks=(Disk("/srv/web1"),))
CONTRACT_HOOKS = Scope("toy", CONTRACT_SPECS).hooks


@frozen
class Call:
    """What a hook was called with, and whether its instance was locked then."""

    hook: str
    arguments: dict[str, Any]
    locked: bool


@define(eq=False)
class Contract:
    """A hypervisor of that driver, with what it was asked and what it shall answer."""

    definition = INSTANCE
    filled = FILLED

    hypervisor: Hypervisor = field(init=False)
    calls: list[Call] = field(factory=list[Call])
    answers: dict[str, Any] = field(factory=dict[str, Any])

    def record(self, context: DriverContext, hook: str, arguments: dict[str, Any]) -> Any:
        instance = arguments.get("instance")
        name = arguments.get("instance_name") or arguments.get("name") or getattr(instance, "name", None)
        self.calls.append(Call(hook, arguments, name is not None and is_locked(context.locks.directory, name)))
        return self.answers.get(hook)

    def only(self, hook: str, *, locked: bool = False) -> dict[str, Any]:
        """Return the arguments of the one call of a hook, which must have every argument of its spec and the lock or not."""
        [call] = [call for call in self.calls if call.hook == hook]
        [spec] = [each for each in CONTRACT_HOOKS if each.name == hook]
        assert tuple(call.arguments) == spec.arguments
        assert call.locked is locked
        self.calls.clear()
        return call.arguments

    def forms(self, verb: Callable[..., Any], hook: str, *arguments: Any, locked: bool = False) -> None:
        """Call a verb with the definition and with the name alone, and look at what arrives and what comes back."""
        for form in (self.definition, "web1"):
            self.calls.clear()
            assert verb(form, *arguments) is self.answers.get(hook)
            assert self.only(hook, locked=locked)["instance"] == self.filled


def is_locked(directory: Path, name: str) -> bool:
    try:
        with InstanceLocks(directory).hold(name, "look"):
            return False
    except Busy:
        return True


def recording(hook: Hook) -> Callable[..., Any]:
    """Return a function with the very signature of a hook that records its call."""
    names = ", ".join(hook.arguments)
    passed = ", ".join(f"{name}={name}" for name in hook.arguments)
    space: dict[str, Any] = {}
    source = f"def {hook.name}(self, {names}): return self.contract.record(self.context, {hook.name!r}, dict({passed}))"
    exec(source, space)
    marked: Callable[..., Any] = hookimpl(space[hook.name])
    return marked


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    made = Contract()
    made.answers |= {"get_parameters": PARAMETERS, "get_instance_definition": FILLED}
    commands = [hook for hook in CONTRACT_HOOKS if hook.declaration.kind is Kind.COMMAND]
    notices = [hook for hook in CONTRACT_HOOKS if hook.declaration.kind is Kind.NOTIFY]
    fields = {"contract": made}
    driver: type[BaseHypervisor] = type("Driver", (BaseHypervisor,), fields | {h.name: recording(h) for h in commands})
    listener: Any = type("Listener", (), fields | {hook.name: recording(hook) for hook in notices})()

    def with_context(context: DriverContext) -> BaseHypervisor:
        listener.context = context
        return driver(context)

    host = hvcore.load(
        state_dir=tmp_path / "state",
        log_dir=tmp_path / "log",
        plugins=[HypervisorPlugin("toy", "records", with_context)],
        extensions={"toy": [listener]},
        discover=False,
    )
    made.hypervisor = host.hypervisor("toy")
    made.calls.clear()
    return made
