"""What extensions can lean on: whose verb is called, parameters of their own, and the contract as a value."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING

import pytest

import hvcore
from hvcore.errors import InvalidParameter
from hvcore.plugin import (
    BaseHypervisor,
    Check,
    HypervisorPlugin,
    Kind,
    Parameter,
    ParameterType,
    ParameterValue,
    contract_hooks,
    current_hypervisor,
    hookimpl,
)

if TYPE_CHECKING:
    from tests.core.conftest import MakeHost


def test_an_extension_of_all_hypervisors_learns_whose_verb_is_called(make_host: MakeHost) -> None:
    heard: list[str] = []

    class Listener:
        @hookimpl(wrapper=True)
        def list_instances(self) -> Generator[None, tuple[str, ...], tuple[str, ...]]:
            heard.append(current_hypervisor())
            return (yield)

    class Empty(BaseHypervisor):
        @hookimpl
        def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
            return ()

    plugins = [HypervisorPlugin(name, "one of two", Empty) for name in ("one", "two")]
    host = make_host(*plugins, extensions={"all": [Listener()]})
    for name in ("one", "two"):
        host.hypervisor(name).list_instances()
    assert heard == ["one", "two"]
    assert current_hypervisor() == ""


def test_an_extension_may_declare_parameters_of_its_own(make_host: MakeHost) -> None:
    declared = Parameter("colour", ParameterType.STRING, "red", "the colour", Check(syntax=str.islower))

    class Colour:
        @hookimpl(wrapper=True)
        def get_parameters(self) -> Generator[None, tuple[Parameter, ...], tuple[Parameter, ...]]:
            return (*(yield), declared)

    toy = make_host(HypervisorPlugin("toy", "a toy", BaseHypervisor), extensions={"toy": [Colour()]}).hypervisor("toy")
    assert toy.prepare_instance(hvcore.Instance("web1", "toy")).parameters == {"colour": "red"}
    with pytest.raises(InvalidParameter, match="colour"):
        toy.check_parameter_syntax({"colour": "RED"})


def test_the_contract_is_a_value(make_host: MakeHost) -> None:
    hooks = {hook.name: hook for hook in contract_hooks()}
    toy = make_host(HypervisorPlugin("toy", "a toy", BaseHypervisor)).hypervisor("toy")
    known = [(hook.name, hook.declaration.kind, hook.arguments) for hook in toy.scope.hooks]
    assert [(hook.name, hook.kind, hook.arguments) for hook in hooks.values()] == known
    assert hooks["pause_instance"].arguments == ("instance_name",)
    assert hooks["instance_started"].kind is Kind.NOTIFY


@pytest.mark.parametrize("module", ["hvcore.plugin", "hvcore.system", "hvcore_lxc.spec"])
def test_every_name_that_a_module_offers_is_there(module: str) -> None:
    offered = importlib.import_module(module)
    for name in offered.__all__:
        assert getattr(offered, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        offered.nonsense  # noqa: B018
