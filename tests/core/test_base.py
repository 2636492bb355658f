"""The base of every driver: what does not depend on the hypervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import hvcore
from hvcore.errors import InvalidInput
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl

if TYPE_CHECKING:
    from hvcore.model.instance import Instance
    from hvcore.model.parameters import ParameterValue
    from tests.core.conftest import MakeHost


def toy(driver: Any = BaseHypervisor) -> HypervisorPlugin:
    return HypervisorPlugin("toy", "a toy", driver)


def test_the_base_answers_what_does_not_depend_on_the_hypervisor(make_host: MakeHost) -> None:
    class Declares(BaseHypervisor):
        ANCILLARY_FILES = frozenset({"/etc/toy", "/etc/toy.opt"})
        ANCILLARY_FILES_OPT = frozenset({"/etc/toy.opt"})
        CAN_MIGRATE = True

    base = make_host(toy(Declares)).hypervisor("toy")
    instance: Instance = hvcore.Instance("web1", "toy")
    nothing: dict[str, ParameterValue] = {}
    assert base.verify_instance(instance) is True
    assert base.can_migrate is True
    assert base.migration_info(instance) == ""
    assert base.versions_safe_for_migration((1, 2), (1, 2))
    assert not base.versions_safe_for_migration((1, 2), (1, 3))
    assert base.get_ancillary_files().optional == {"/etc/toy.opt"}
    assert base.parameters == ()
    assert base.assess_parameters(nothing) == ()
    assert base.recover().is_clean
    assert base.get_node_info().memory_total_mib > 0
    base.restore_instance(instance)
    base.cleanup_instance("web1")
    base.accept_instance(instance, "", "127.0.0.1")
    with pytest.raises(InvalidInput, match="not supported"):
        base.check_parameter_syntax({"zebra": 1})


@pytest.mark.parametrize(
    ("least_mib", "most_mib", "free_mib", "wanted"),
    [(64, 128, 1000, 128), (64, 128, 100, 100), (64, 128, 10, 64), (None, 128, 10, 128)],
)
def test_the_startup_memory_is_what_is_free_within_bounds(
    make_host: MakeHost, least_mib: int | None, most_mib: int, free_mib: int, wanted: int
) -> None:
    class Node(BaseHypervisor):
        @hookimpl
        def get_node_info(self, parameters: Any) -> hvcore.NodeInfo:
            return hvcore.NodeInfo(2000, free_mib, 0, 1, 1, 1, 1)

    node = Node(make_host(toy()).hypervisor("toy").context)
    instance = hvcore.Instance("web1", "toy", memory_mib=most_mib, memory_min_mib=least_mib)
    assert node.startup_memory_mib(instance) == wanted
