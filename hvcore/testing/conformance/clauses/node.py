"""What a hypervisor says of its node and of its own health."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import fields

from hvcore.model.node import NodeInfo
from hvcore.model.verify import VerifyStatus
from hvcore.system.mountinfo import read_mounts
from hvcore.system.node import linux_node_info
from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure, is_of
from hvcore.testing.conformance.trial import Trial

__all__ = ["NodeClauses"]

_NODE = "Ganeti GetNodeInfo"
_VERIFY = "Ganeti Verify"
_OPTIONAL = frozenset({"memory_hv_mib", "hv_version"})


class NodeClauses:
    """The node, and whether instances can run there."""

    @clause("Every number of the node that is not optional is there, whole and not below zero.", source=_NODE)
    def test_node_has_every_number(self, trial: Trial) -> None:
        node = allowed("a question for the node", trial.hypervisor.get_node_info)
        for name in (field.name for field in fields(NodeInfo) if field.name not in _OPTIONAL):
            number: object = getattr(node, name, None)
            is_whole = isinstance(number, int) and not isinstance(number, bool) and number >= 0
            ensure(is_whole, f"{name} is {number!r}")

    @clause("The node's memory is in MiB.", source=_NODE)
    def test_node_memory_is_in_mib(self, trial: Trial) -> None:
        told_mib, real_mib = trial.hypervisor.get_node_info().memory_total_mib, linux_node_info().memory_total_mib
        ensure(real_mib / 2 <= told_mib <= real_mib * 2, f"it says {told_mib}, where the kernel has {real_mib} MiB")

    @clause("No part of the node is greater than the whole.", source=_NODE)
    def test_node_adds_up(self, trial: Trial) -> None:
        node = trial.hypervisor.get_node_info()
        for part, whole in (
            ("memory_free_mib", "memory_total_mib"),
            ("memory_dom0_mib", "memory_total_mib"),
            ("cpu_dom0", "cpu_total"),
            ("cpu_sockets", "cpu_total"),
        ):
            numbers = getattr(node, part), getattr(node, whole)
            ensure(numbers[0] <= numbers[1], f"{part} is {numbers[0]} and {whole} is {numbers[1]}")
        ensure(min(node.cpu_total, node.cpu_nodes, node.cpu_sockets) >= 1, f"it has no CPU, node or socket: {node}")

    @clause("The hypervisor's version is a tuple of whole numbers, or None.", source="Ganeti hv_version")
    def test_node_tells_a_version(self, trial: Trial) -> None:
        version = trial.hypervisor.get_node_info().hv_version
        if version is not None:
            is_version = is_of(version, tuple) and version and all(is_of(part, int) for part in version)
            ensure(is_version, f"hv_version is {version!r}")

    @clause("The node is the same with the hypervisor's parameters and without.", source="Ganeti 2.9 hvparams=None")
    def test_node_takes_parameters(self, trial: Trial) -> None:
        parameters = trial.hypervisor.fill_parameters(trial.instance.parameters)
        first = trial.hypervisor.get_node_info()
        second = allowed("a question for the node with parameters", trial.hypervisor.get_node_info, parameters)
        ensure(_steady(first) == _steady(second), f"without parameters it is {first}, with them {second}")

    @clause("Where an instance can start, the hypervisor is not undetected.", source=_VERIFY)
    def test_verify_detects(self, trial: Trial) -> None:
        report = allowed("a check", trial.hypervisor.verify)
        ensure(report.status is not VerifyStatus.UNDETECTED, f"it says that it is undetected: {report.text()}")

    @clause("A check names the hypervisor, and of each finding what was looked at and what was found.", source=_VERIFY)
    def test_verify_names_its_findings(self, trial: Trial) -> None:
        report = allowed("a check", trial.hypervisor.verify)
        ensure(report.hypervisor == trial.hypervisor.name, f"the report is of {report.hypervisor!r}")
        mute = [finding for finding in report.findings if not (finding.name and finding.detail)]
        ensure(not mute, f"these findings say nothing: {mute}")

    @clause("Whatever a check finds wrong comes with a remedy.", source=_VERIFY)
    def test_verify_has_remedies(self, trial: Trial) -> None:
        report = allowed("a check", trial.hypervisor.verify)
        hopeless = [finding.name for finding in report.findings if not finding.ok and not finding.remedy]
        ensure(not hopeless, f"these findings have no remedy: {', '.join(hopeless)}")

    @clause("A check changes nothing: no file, no mount.", source="Ganeti's defect: Verify mounts cgroup hierarchies")
    def test_verify_changes_nothing(self, trial: Trial) -> None:
        before = set(_traces(trial))
        parameters = trial.hypervisor.fill_parameters(trial.instance.parameters)
        for given in (None, parameters):
            allowed("a check", trial.hypervisor.verify, given)
        made = sorted(set(_traces(trial)) - before)
        ensure(not made, f"a check made {', '.join(made)}")


def _steady(node: NodeInfo) -> tuple[object, ...]:
    return node.memory_total_mib, node.cpu_total, node.cpu_nodes, node.cpu_sockets, node.hv_version


def _traces(trial: Trial) -> Iterator[str]:
    context = trial.hypervisor.context
    for top in (context.state_dir.parent, context.log_dir.parent):
        for directory, folders, files in os.walk(top):
            yield from (str(Path(directory, name)) for name in (*folders, *files))
    # Others mount what they like meanwhile; a check has no business with these.
    for mount in read_mounts():
        if mount.fs_type.startswith("cgroup") or mount.mount_point.startswith(str(context.state_dir.parent)):
            yield f"mount {mount.mount_point}"
