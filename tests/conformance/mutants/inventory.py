"""Questions about instances and about the node."""

from __future__ import annotations

import time
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import InstanceNotFound, OperationFailed
from hvcore.fake.driver import FakeDriver
from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState
from hvcore.model.verify import Finding
from hvcore.plugin import hookimpl


@breaks("info-of-what-never-ran", "an instance that never ran is described as shut down")
@breaks("info-of-what-was-stopped", "a stopped instance is described as shut down")
class DescribesTheDead(FakeDriver):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        dead = InstanceInfo(instance_name, "fake", InstanceState.SHUTDOWN, 0, 0, 0.0)
        return super().get_instance_info(instance_name, parameters) or dead


@breaks("info-of-what-never-ran", "an instance that never ran is an error, as in Ganeti's chroot")
@breaks("info-of-what-was-stopped", "a stopped instance is an error, as in Ganeti's chroot")
class RaisesForTheDead(FakeDriver):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        info = super().get_instance_info(instance_name, parameters)
        if info is None:
            raise InstanceNotFound(f"there is no {instance_name}")
        return info


class Describes(FakeDriver):
    changes: dict[str, Any] = {}

    def change(self, info: InstanceInfo) -> InstanceInfo:
        return evolve(info, **self.changes)

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        info = super().get_instance_info(instance_name, parameters)
        return info and self.change(info)


@breaks("info-names-its-instance", "an info does not say of which hypervisor it is")
class DescribesForNobody(Describes):
    changes = {"hypervisor": ""}


@breaks("info-names-its-instance", "an info has the name in capitals")
class DescribesLoudly(Describes):
    def change(self, info: InstanceInfo) -> InstanceInfo:
        return evolve(info, name=info.name.upper())


@breaks("info-has-its-units", "the memory is a fraction")
class DescribesInFractions(Describes):
    changes = {"memory_mib": 127.5}


@breaks("info-has-its-units", "the CPUs are below zero")
class DescribesBelowZero(Describes):
    changes = {"vcpus": -1}


@breaks("info-has-its-units", "the CPU time is no number")
class DescribesNoTime(Describes):
    changes = {"cpu_seconds": float("nan")}


@breaks("info-has-its-units", "the CPU time is a text")
class DescribesTimeInWords(Describes):
    changes = {"cpu_seconds": "3 s"}


@breaks("info-has-its-units", "the state is a letter, as Xen's were")
class DescribesInLetters(Describes):
    changes = {"state": "r-----"}


@breaks("info-has-its-units", "the pid is a text")
class DescribesPidsInWords(Describes):
    changes = {"pid": "1234"}


@breaks("info-counts-cpu-time-upwards", "CPU time runs backwards")
class RunsBackwards(Describes):
    def change(self, info: InstanceInfo) -> InstanceInfo:
        return evolve(info, cpu_seconds=1e9 - time.monotonic())


class DescribesTogether(FakeDriver):
    def change(self, infos: list[InstanceInfo]) -> list[InstanceInfo]:
        raise NotImplementedError

    @hookimpl
    def get_all_instances_info(self, parameters: Any) -> Any:
        return tuple(self.change(list(super().get_all_instances_info(parameters))))


@breaks("info-of-all-agrees", "all infos together report no memory")
class ForgetsTheMemory(DescribesTogether):
    def change(self, infos: list[InstanceInfo]) -> list[InstanceInfo]:
        return [evolve(info, memory_mib=0) for info in infos]


@breaks("info-of-all-matches-the-list", "all infos together leave one out")
class LeavesOneOut(DescribesTogether):
    def change(self, infos: list[InstanceInfo]) -> list[InstanceInfo]:
        return infos[:-1]


@breaks("info-of-all-matches-the-list", "all infos together are not sorted")
class DescribesBackwards(DescribesTogether):
    def change(self, infos: list[InstanceInfo]) -> list[InstanceInfo]:
        return infos[::-1]


class Lists(FakeDriver):
    def change(self, names: list[str]) -> list[str]:
        raise NotImplementedError

    @hookimpl
    def list_instances(self, parameters: Any) -> Any:
        return tuple(self.change(list(super().list_instances(parameters))))


@breaks("list-is-sorted", "the list is not sorted")
class ListsBackwards(Lists):
    def change(self, names: list[str]) -> list[str]:
        return names[::-1]


@breaks("list-is-sorted", "the list names everything twice")
class ListsTwice(Lists):
    def change(self, names: list[str]) -> list[str]:
        return sorted(names * 2)


@breaks("list-leaves-out-what-was-stopped", "what ran once is listed for ever")
@breaks("stop-ends", "what ran once is listed for ever")
class ListsForEver(Lists):
    seen: set[str] = set()

    def change(self, names: list[str]) -> list[str]:
        self.seen = self.seen | set(names)
        return sorted(self.seen)

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, startup_paused)
        self.seen = self.seen | {instance.name}


@breaks("questions-take-parameters", "with parameters nothing runs")
class ListsWithoutParameters(FakeDriver):
    @hookimpl
    def list_instances(self, parameters: Any) -> Any:
        return () if parameters else super().list_instances(parameters)


@breaks("questions-take-parameters", "a question with parameters fails")
class AsksWithoutParameters(FakeDriver):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        if parameters:
            raise OperationFailed("what are these?")
        return super().get_instance_info(instance_name, parameters)


@breaks("questions-leave-nothing", "a question makes the instance's directory")
class AsksOnDisk(FakeDriver):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        self._machine(instance_name).files.make_directory()
        return super().get_instance_info(instance_name, parameters)


@breaks("definition-of-what-never-ran", "a definition that is not there is an error")
class MissesDefinitions(FakeDriver):
    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        known = super().get_instance_definition(instance_name)
        if known is None:
            raise InstanceNotFound(f"there is no {instance_name}")
        return known


class DescribesTheNode(FakeDriver):
    changes: dict[str, Any] = {}

    @hookimpl
    def get_node_info(self, parameters: Any) -> Any:
        return evolve(super().get_node_info(parameters), **self.changes)


@breaks("node-has-every-number", "a number of the node is not known")
class KnowsNoCpus(DescribesTheNode):
    changes = {"cpu_nodes": None}


@breaks("node-has-every-number", "a number of the node is a fraction")
class CountsInFractions(DescribesTheNode):
    changes = {"memory_free_mib": 1024.5}


@breaks("node-memory-is-in-mib", "the node's memory is in KiB")
class CountsInKib(FakeDriver):
    @hookimpl
    def get_node_info(self, parameters: Any) -> Any:
        node = super().get_node_info(parameters)
        return evolve(node, memory_total_mib=node.memory_total_mib * 1024)


@breaks("node-adds-up", "more memory is free than there is")
class HasMoreThanAll(DescribesTheNode):
    changes = {"memory_free_mib": 2**40}


@breaks("node-adds-up", "the node has no sockets")
class HasNoSockets(DescribesTheNode):
    changes = {"cpu_sockets": 0}


@breaks("node-tells-a-version", "the version is a text")
class TellsAVersionInWords(DescribesTheNode):
    changes = {"hv_version": "5.0.2"}


@breaks("node-tells-a-version", "the version has no numbers")
class TellsAnEmptyVersion(DescribesTheNode):
    changes = {"hv_version": ("5", "0")}


@breaks("node-takes-parameters", "with parameters the node has one CPU more")
class CountsByParameters(FakeDriver):
    @hookimpl
    def get_node_info(self, parameters: Any) -> Any:
        node = super().get_node_info(parameters)
        return evolve(node, cpu_total=node.cpu_total + 1) if parameters else node


class Finds(FakeDriver):
    finding: Finding

    @hookimpl
    def verify(self, parameters: Any) -> Any:
        report = super().verify(parameters)
        return evolve(report, findings=(*report.findings, self.finding))


@breaks("verify-detects", "it does not find what it runs on")
class FindsNothing(Finds):
    finding = Finding("tools", False, "not found", "install them", essential=True)


@breaks("verify-names-its-findings", "a finding says nothing")
class FindsWithoutWords(Finds):
    finding = Finding("tools", True, "")


@breaks("verify-names-its-findings", "a check does not say of whom it is")
class FindsForAnother(FakeDriver):
    @hookimpl
    def verify(self, parameters: Any) -> Any:
        return evolve(super().verify(parameters), hypervisor="lxc")


@breaks("verify-has-remedies", "what is wrong has no remedy")
class FindsNoRemedy(Finds):
    finding = Finding("tools", False, "too old")


@breaks("verify-changes-nothing", "a check makes a directory, as Ganeti's LXC does")
class VerifiesOnDisk(FakeDriver):
    @hookimpl
    def verify(self, parameters: Any) -> Any:
        (self.context.state_dir / "cgroup").mkdir(parents=True, exist_ok=True)
        return super().verify(parameters)
