"""Every hook of the contract through the verb that calls it: arguments, answer, lock, and Ganeti 2.6's form by name alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hvcore.errors import InvalidInput, InvalidParameter
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.event import EventReason, GuestEnd
from hvcore.model.execution import ExecRequest, ExecResult
from hvcore.model.files import AncillaryFiles
from hvcore.model.info import InstanceInfo
from hvcore.model.instance import BlockDevice, Disk, Nic
from hvcore.model.lint import LintFinding, Severity, Translation
from hvcore.model.nic import NicMode
from hvcore.model.node import Node, NodeInfo
from hvcore.model.plan import ChangePlan, StartPlan
from hvcore.model.recovery import RecoveryReport
from hvcore.model.state import InstanceState
from hvcore.model.stats import CpuStats, InstanceStats, MemoryStats
from hvcore.model.verify import VerifyReport

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

INFO = InstanceInfo("web1", "toy", InstanceState.RUNNING, 128, 1, 0.5)
STATS = InstanceStats("web1", "toy", InstanceState.RUNNING, 1.0, CpuStats(), MemoryStats())
NIC = Nic(NicMode.NONE)


# Life cycle.


def test_start_instance(contract: Contract) -> None:
    contract.hypervisor.start_instance(contract.definition)
    assert [
        call.hook for call in contract.calls if call.hook.startswith(("check", "validate", "start", "instance"))
    ] == [
        "check_parameter_syntax",
        "validate_parameters",
        "start_instance",
        "instance_started",
    ]
    assert contract.only("start_instance", locked=True) == {
        "instance": contract.filled,
        "block_devices": (BlockDevice(Disk("/srv/web1"), "/srv/web1"),),
        "startup_paused": False,
    }
    device = BlockDevice(Disk("/srv/web1"), "/run/web1:0", "uri")
    contract.hypervisor.start_instance(contract.definition, block_devices=[device], startup_paused=True)
    assert contract.only("start_instance", locked=True) == {
        "instance": contract.filled,
        "block_devices": (device,),
        "startup_paused": True,
    }


def test_plan_start(contract: Contract) -> None:
    plan = contract.answers["plan_start"] = StartPlan("toy", "web1", (), {})
    assert contract.hypervisor.plan_start(contract.definition, startup_paused=True) is plan
    assert contract.only("plan_start") == {
        "instance": contract.filled,
        "block_devices": (BlockDevice(Disk("/srv/web1"), "/srv/web1"),),
        "startup_paused": True,
    }


@pytest.mark.parametrize("answer", [True, False])
def test_verify_instance(contract: Contract, answer: bool) -> None:
    contract.answers["verify_instance"] = answer
    contract.forms(contract.hypervisor.verify_instance, "verify_instance")


def test_restore_instance(contract: Contract) -> None:
    contract.forms(contract.hypervisor.restore_instance, "restore_instance", locked=True)
    contract.hypervisor.restore_instance("web1")
    assert contract.only("restore_instance", locked=True)["block_devices"] == (
        BlockDevice(Disk("/srv/web1"), "/srv/web1"),
    )


def test_stop_instance(contract: Contract) -> None:
    stop = contract.hypervisor.stop_instance
    stop(contract.definition, force=True, retry=True, timeout_s=2.5)
    assert contract.only("stop_instance", locked=True) == {
        "instance": contract.filled,
        "name": "web1",
        "force": True,
        "retry": True,
        "timeout_s": 2.5,
    }
    by_name = {"instance": None, "name": "web1", "force": False, "retry": False, "timeout_s": None}
    seed: list[Callable[[], None]] = [
        lambda: stop("web1"),
        lambda: stop(name="web1"),
        lambda: stop(None, False, False, "web1"),
        lambda: stop("web1", name="web1"),
    ]
    for call in seed:
        call()
        assert contract.only("stop_instance", locked=True) == by_name
    stop(None, force=True, name="web1")  # as Ganeti's watcher does
    assert contract.only("stop_instance", locked=True) == by_name | {"force": True}


def test_cleanup_instance(contract: Contract) -> None:
    for _ in range(2):
        contract.hypervisor.cleanup_instance("web1")
        assert contract.only("cleanup_instance", locked=True) == {"instance_name": "web1"}


def test_reboot_instance(contract: Contract) -> None:
    contract.forms(contract.hypervisor.reboot_instance, "reboot_instance", locked=True)


def test_pause_instance(contract: Contract) -> None:
    for form in (contract.definition, "web1"):
        contract.hypervisor.pause_instance(form)
        assert contract.only("pause_instance", locked=True) == {"instance_name": "web1"}


def test_resume_instance(contract: Contract) -> None:
    for form in (contract.definition, "web1"):
        contract.hypervisor.resume_instance(form)
        assert contract.only("resume_instance", locked=True) == {"instance_name": "web1"}


def test_balloon_instance_memory(contract: Contract) -> None:
    verb = contract.hypervisor.balloon_instance_memory
    contract.forms(verb, "balloon_instance_memory", 256, locked=True)
    verb("web1", 64)
    assert contract.only("balloon_instance_memory", locked=True)["memory_mib"] == 64
    for wrong in (0, -1, 2**40):
        with pytest.raises(InvalidInput, match="memory_mib cannot be"):
            verb("web1", wrong)


def test_recover(contract: Contract) -> None:
    report = contract.answers["recover"] = RecoveryReport("toy")
    assert contract.hypervisor.recover() is report
    assert contract.only("recover") == {"instance_name": None}
    assert contract.hypervisor.recover("web1") is report
    # The driver takes the lock of each instance that it works on.
    assert contract.only("recover") == {"instance_name": "web1"}


# Inventory.


def test_list_instances(contract: Contract) -> None:
    names = contract.answers["list_instances"] = ("db1", "web1")
    assert contract.hypervisor.list_instances() is names
    assert contract.only("list_instances") == {"parameters": None}
    contract.hypervisor.list_instances({"count": 1})
    assert contract.only("list_instances") == {"parameters": {"count": 1}}


@pytest.mark.parametrize("answer", [INFO, None])
def test_get_instance_info(contract: Contract, answer: InstanceInfo | None) -> None:
    contract.answers["get_instance_info"] = answer
    for form in (contract.definition, "web1"):
        assert contract.hypervisor.get_instance_info(form) is answer
        assert contract.only("get_instance_info") == {"instance_name": "web1", "parameters": None}
    contract.hypervisor.get_instance_info("web1", {"count": 1})
    assert contract.only("get_instance_info")["parameters"] == {"count": 1}


@pytest.mark.parametrize("answer", [STATS, None])
def test_get_instance_stats(contract: Contract, answer: InstanceStats | None) -> None:
    contract.answers["get_instance_stats"] = answer
    for form in (contract.definition, "web1"):
        assert contract.hypervisor.instance_stats(form) is answer
        assert contract.only("get_instance_stats") == {"instance_name": "web1"}


def test_get_all_instances_stats(contract: Contract) -> None:
    everyone = contract.answers["get_all_instances_stats"] = (STATS,)
    assert contract.hypervisor.all_instances_stats() is everyone
    assert contract.only("get_all_instances_stats") == {}


def test_get_all_instances_info(contract: Contract) -> None:
    infos = contract.answers["get_all_instances_info"] = (INFO,)
    assert contract.hypervisor.get_all_instances_info() is infos
    assert contract.only("get_all_instances_info") == {"parameters": None}


@pytest.mark.parametrize("known", [True, False])
def test_get_instance_definition(contract: Contract, known: bool) -> None:
    answer = contract.answers["get_instance_definition"] = contract.filled if known else None
    assert contract.hypervisor.get_instance_definition("web1") is answer
    assert contract.only("get_instance_definition") == {"instance_name": "web1"}


def test_get_node_info(contract: Contract) -> None:
    info = contract.answers["get_node_info"] = NodeInfo(4, 3, 1, 1, 1, 1, 1)
    assert contract.hypervisor.get_node_info() is info
    assert contract.only("get_node_info") == {"parameters": None}


def test_verify(contract: Contract) -> None:
    report = contract.answers["verify"] = VerifyReport("toy")
    assert contract.hypervisor.verify() is report
    assert contract.only("verify") == {"parameters": None}


# Console.


def test_get_instance_console(contract: Contract) -> None:
    console = InstanceConsole("web1", ConsoleKind.MESSAGE, message="none")
    contract.answers["get_instance_console"] = console
    verb = contract.hypervisor.get_instance_console
    contract.forms(verb, "get_instance_console")
    verb("web1")
    assert contract.only("get_instance_console")["primary_node"] == Node(os.uname().nodename)
    node = Node("node1", ssh_port=2222, group="rack1")
    assert verb(contract.definition, primary_node=node) is console
    assert contract.only("get_instance_console")["primary_node"] is node


def test_exec_in_instance(contract: Contract) -> None:
    result = contract.answers["exec_in_instance"] = ExecResult(3)
    for form in (contract.definition, "web1"):
        assert contract.hypervisor.exec_in_instance(form, ["ls", "-l"]) is result
        assert contract.only("exec_in_instance") == {"instance_name": "web1", "request": ExecRequest(("ls", "-l"))}
    contract.hypervisor.exec_in_instance(
        "web1",
        ("cat",),
        stdin=b"in",
        environment={"A": "b"},
        working_directory="/srv",
        timeout_s=1.5,
    )
    assert contract.only("exec_in_instance")["request"] == ExecRequest(("cat",), b"in", {"A": "b"}, "/srv", 1.5)
    contract.hypervisor.exec_in_instance("web1", ["sh"], attached=True)
    assert contract.only("exec_in_instance")["request"] == ExecRequest(("sh",), attached=True)


# Node, files and parameters.


def test_powercycle_node(contract: Contract) -> None:
    for unconfirmed in ({}, {"confirmed": False}, {"confirmed": 1}, {"confirmed": "yes"}):
        verb: Any = contract.hypervisor.powercycle_node
        with pytest.raises(InvalidInput, match="must be confirmed"):
            verb(**unconfirmed)
    assert contract.calls == []
    contract.hypervisor.powercycle_node(confirmed=True)
    assert contract.only("powercycle_node") == {"parameters": None}


def test_get_ancillary_files(contract: Contract) -> None:
    files = contract.answers["get_ancillary_files"] = AncillaryFiles(["/etc/toy"], ["/etc/toy"])
    assert contract.hypervisor.get_ancillary_files() is files
    assert contract.only("get_ancillary_files") == {}


def test_get_parameters(contract: Contract) -> None:
    assert contract.hypervisor.parameters is contract.answers["get_parameters"]
    assert contract.only("get_parameters") == {}


def test_check_parameter_syntax(contract: Contract) -> None:
    contract.hypervisor.check_parameter_syntax({"count": "7"})
    assert contract.only("check_parameter_syntax") == {"parameters": {"cpu_mask": "", "count": 7}}
    with pytest.raises(InvalidParameter, match="zebra"):
        contract.hypervisor.check_parameter_syntax({"zebra": 1})


def test_validate_parameters(contract: Contract) -> None:
    contract.hypervisor.validate_parameters({})
    assert contract.only("validate_parameters") == {"parameters": {"cpu_mask": "", "count": 3}}


def test_assess_parameters(contract: Contract) -> None:
    advice = contract.answers["assess_parameters"] = ("count is high",)
    assert contract.hypervisor.assess_parameters({"cpu_mask": "0-1"}) is advice
    assert contract.only("assess_parameters") == {"parameters": {"cpu_mask": "0-1", "count": 3}}


# Configurations.


def test_lint_configuration(contract: Contract) -> None:
    found = contract.answers["lint_configuration"] = (LintFinding("rule", Severity.ERROR, "wrong", "/x"),)
    assert contract.hypervisor.lint_configuration("a = 1\n", "/x") is found
    assert contract.only("lint_configuration") == {"text": "a = 1\n", "path": "/x"}


def test_translate_configuration(contract: Contract) -> None:
    today = contract.answers["translate_configuration"] = Translation("b = 1\n")
    assert contract.hypervisor.translate_configuration("a = 1\n", "/x") is today
    assert contract.only("translate_configuration") == {"text": "a = 1\n", "path": "/x"}


def test_plan_change(contract: Contract) -> None:
    plan = contract.answers["plan_change"] = ChangePlan("toy", "web1")
    assert contract.hypervisor.plan_change(contract.definition) is plan
    assert contract.only("plan_change") == {
        "instance": contract.filled,
        "block_devices": (BlockDevice(Disk("/srv/web1"), "/srv/web1"),),
    }


# Notices.


def test_instance_started(contract: Contract) -> None:
    contract.hypervisor.start_instance(contract.definition)
    assert contract.only("instance_started") == {"instance": contract.filled}
    contract.hypervisor.reboot_instance("web1")
    assert contract.only("instance_started") == {"instance": contract.filled}


def test_instance_stopped(contract: Contract) -> None:
    contract.hypervisor.stop_instance("web1")
    assert contract.only("instance_stopped") == {"instance_name": "web1"}


# Events.


def test_watch_guest(contract: Contract) -> None:
    contract.answers["list_instances"] = ("web1",)
    with contract.hypervisor.watch_events() as watch:
        assert watch.wait(0) is None
    assert contract.only("watch_guest") == {"instance_name": "web1"}


def test_get_guest_end(contract: Contract) -> None:
    contract.hypervisor.start_instance(contract.definition)
    contract.calls.clear()
    contract.answers["list_instances"] = ()
    contract.answers["get_guest_end"] = GuestEnd(EventReason.SIGNAL, 9)
    contract.hypervisor.cleanup_instance("web1")
    assert [call.hook for call in contract.calls] == ["get_guest_end", "cleanup_instance"]
    assert contract.only("cleanup_instance", locked=True) == {"instance_name": "web1"}
    with contract.hypervisor.watch_events("") as watch:
        events = [watch.wait(0) for _ in range(3)]
    assert events[2] is not None
    assert (events[2].instance, events[2].reason, events[2].status) == ("web1", EventReason.SIGNAL, 9)
