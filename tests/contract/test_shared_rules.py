"""What all verbs share: who is told, what is refused before a driver sees it, and what an error names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hvcore.errors import HypervisorError, InstanceNotFound, InvalidInput, OperationFailed, StopTimeout
from hvcore.model.instance import Instance

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


@pytest.mark.parametrize("hook", ["start_instance", "reboot_instance", "stop_instance"])
def test_nobody_is_told_of_what_failed(contract: Contract, hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[str] = []

    def fail(context: object, asked: str, arguments: dict[str, Any]) -> Any:
        asked_for.append(asked)
        if asked == hook:
            raise StopTimeout("it still runs")
        return contract.answers.get(asked)

    monkeypatch.setattr(type(contract), "record", staticmethod(fail))
    with pytest.raises(OperationFailed) as caught:
        getattr(contract.hypervisor, hook)(contract.definition)
    assert caught.value.operation == hook
    assert asked_for[-1] == hook


def test_a_name_that_is_not_known_is_not_found(contract: Contract) -> None:
    contract.answers["get_instance_definition"] = None
    for verb in ("verify_instance", "reboot_instance", "get_instance_console", "migration_info", "hotplug_supported"):
        with pytest.raises(InstanceNotFound, match="there is no instance 'gone'") as caught:
            getattr(contract.hypervisor, verb)("gone")
        assert (caught.value.instance, caught.value.operation, caught.value.hypervisor) == ("gone", verb, "toy")
        assert caught.value.exit_status == 4


@pytest.mark.parametrize("name", ["", "..", "a/b", "../x", "x" * 201, "a\nb", "é", "-a"])
@pytest.mark.parametrize(
    "verb",
    [
        "verify_instance", "restore_instance", "stop_instance", "cleanup_instance", "reboot_instance", "pause_instance",
        "resume_instance", "recover", "get_instance_info", "get_instance_definition", "get_instance_console",
        "migration_info", "get_migration_status", "hotplug_supported",
    ],
)  # fmt: skip
def test_a_name_that_is_none_reaches_no_driver_and_no_lock(contract: Contract, verb: str, name: str) -> None:
    with pytest.raises(InvalidInput, match="name cannot be") as caught:
        getattr(contract.hypervisor, verb)(name)
    assert caught.value.operation == verb
    assert contract.calls == []
    assert not contract.hypervisor.context.locks.directory.exists()


def test_a_definition_of_another_hypervisor_is_refused(contract: Contract) -> None:
    stranger = Instance("web1", "chroot")
    for verb in ("start_instance", "plan_start", "stop_instance", "reboot_instance", "verify_instance"):
        with pytest.raises(InvalidInput, match="web1 is an instance of chroot, not of toy") as caught:
            getattr(contract.hypervisor, verb)(stranger)
        assert caught.value.allowed == "toy"
        assert (caught.value.operation, caught.value.instance) == (verb, "web1")


def test_errors_from_anywhere_in_a_verb_name_hypervisor_verb_and_instance(contract: Contract) -> None:
    odd = Instance("web1", "toy", parameters={"zebra": 1})
    with pytest.raises(HypervisorError) as caught:
        contract.hypervisor.start_instance(odd)
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance) == ("toy", "start_instance", "web1")
    assert contract.hypervisor.start_instance.__name__ == "start_instance"
