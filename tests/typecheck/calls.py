"""Calls through a scope and a hypervisor as type checkers see them. Nothing here runs."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_type

import hvcore
from hvcore import Host, Hypervisor, Instance, InstanceConsole, InstanceInfo, MigrationStatus, NodeInfo, VerifyReport
from hvcore.errors import HypervisorError
from hvcore.model.capability import Capability
from hvcore.model.event import InstanceEvent
from hvcore.model.execution import ExecResult
from hvcore.model.files import AncillaryFiles
from hvcore.model.lint import LintFinding, Translation
from hvcore.model.parameters import Parameter
from hvcore.model.plan import ChangePlan, StartPlan
from hvcore.model.recovery import RecoveryReport
from hvcore.model.stats import InstanceStats
from hvcore.plugin import Scope, choose, collect, notify
from hvcore.spec.inventory import InventorySpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore.spec.notices import NoticesSpec


class Steps:
    """Steps of a hypervisor's own."""

    @choose(since="1.0")
    def toy_mounter(self, root: str) -> bytes | None:
        """Choose."""
        raise NotImplementedError

    @collect(since="1.0")
    def toy_entries(self, size: int) -> Iterable[complex]:
        """Collect."""
        raise NotImplementedError

    @notify(since="1.0")
    def toy_told(self, name: str) -> None:
        """Tell."""
        raise NotImplementedError


def through_a_scope(scope: Scope, instance: Instance) -> None:
    """Call hooks by their spec functions."""
    assert_type(scope.command(InventorySpec.list_instances, parameters=None), tuple[str, ...])
    assert_type(scope.command(InventorySpec.get_instance_info, "web1", None), InstanceInfo | None)
    assert_type(scope.choose(Steps.toy_mounter, root="/"), bytes)
    assert_type(scope.collect(Steps.toy_entries, size=1), tuple[complex, ...])
    scope.notify(NoticesSpec.instance_started, instance=instance)

    scope.command(InventorySpec.lst_instances, parameters=None)  # type: ignore[attr-defined]
    scope.command(InventorySpec.list_instances)  # type: ignore[call-arg]
    scope.command(InventorySpec.list_instances, parameters=5)  # type: ignore[arg-type]
    scope.command(InventorySpec.list_instances, parameters=None, force=True)  # type: ignore[call-arg]
    scope.command(LifecycleSpec.pause_instance, instance_name=instance)  # type: ignore[arg-type]
    scope.command(LifecycleSpec.balloon_instance_memory, instance, "64")  # type: ignore[arg-type]
    scope.choose(Steps.toy_mounter, rot="/")  # type: ignore[call-arg]
    scope.collect(Steps.toy_entries, size="1")  # type: ignore[arg-type]
    scope.collect(LifecycleSpec.verify_instance, instance=instance)  # type: ignore[arg-type]
    scope.notify(Steps.toy_told, name=1)  # type: ignore[arg-type]


def through_a_hypervisor(lxc: Hypervisor, instance: Instance) -> None:
    """Call verbs."""
    assert_type(lxc.plan_start(instance), StartPlan)
    assert_type(lxc.plan_change(instance), ChangePlan)
    assert_type(lxc.lint_configuration("", "/x"), tuple[LintFinding, ...])
    assert_type(lxc.translate_configuration("", "/x"), Translation)
    assert_type(lxc.verify_instance("web1"), bool)
    assert_type(lxc.recover(), RecoveryReport)
    assert_type(lxc.list_instances(), tuple[str, ...])
    assert_type(lxc.get_instance_info("web1"), InstanceInfo | None)
    assert_type(lxc.get_all_instances_info(), tuple[InstanceInfo, ...])
    assert_type(lxc.get_instance_definition("web1"), Instance | None)
    assert_type(lxc.get_node_info(), NodeInfo)
    assert_type(lxc.verify(), VerifyReport)
    assert_type(lxc.capabilities(), tuple[Capability, ...])
    assert_type(lxc.get_instance_console(instance), InstanceConsole)
    assert_type(lxc.exec_in_instance("web1", ["true"]), ExecResult)
    assert_type(lxc.parameters, tuple[Parameter, ...])
    assert_type(lxc.assess_parameters({}), tuple[str, ...])
    assert_type(lxc.prepare_instance(instance), Instance)
    assert_type(lxc.get_ancillary_files(), AncillaryFiles)
    assert_type(lxc.can_migrate, bool)
    assert_type(lxc.migration_info("web1"), str)
    assert_type(lxc.get_migration_status("web1"), MigrationStatus)
    lxc.start_instance(instance, block_devices=(), startup_paused=True)
    lxc.stop_instance("web1", force=False, timeout_s=120)
    lxc.stop_instance(None, name="web1")

    lxc.start_instance("web1")  # type: ignore[arg-type]
    lxc.start_instance(instance, startup_paused="no")  # type: ignore[arg-type]
    lxc.stop_instance("web1", timeout="120")  # type: ignore[call-arg]
    lxc.stop_instance("web1", timeout_s="120")  # type: ignore[arg-type]
    lxc.balloon_instance_memory("web1", "64")  # type: ignore[arg-type]
    lxc.powercycle_node(True)  # type: ignore[call-arg]
    lxc.strat_instance(instance)  # type: ignore[attr-defined]


def through_a_host() -> None:
    """Load and ask."""
    with hvcore.load(state_dir="/run/other") as host:
        assert_type(host, Host)
        assert_type(host.hypervisor("lxc"), Hypervisor)
        assert_type(host.hypervisor_names, tuple[str, ...])
        assert_type(host.all_instances(), dict[str, tuple[InstanceInfo, ...] | HypervisorError])
        assert_type(host.find_instance("web1"), Hypervisor | None)
    hvcore.load(plugins=["lxc"])  # type: ignore[list-item]


async def for_asyncio() -> None:
    """Await the same verbs: with the same arguments, and the same answers."""
    async with hvcore.aio.load(state_dir="/run/x") as host:
        lxc = host.hypervisor("lxc")
        assert_type(await lxc.list_instances(), tuple[str, ...])
        assert_type(await lxc.get_instance_info("web1"), InstanceInfo | None)
        assert_type(await lxc.instance_stats("web1"), InstanceStats | None)
        assert_type(await lxc.stop_instance("web1", force=True, timeout_s=1.5), None)
        assert_type(await lxc.exec_in_instance("web1", ["true"], timeout_s=1.0), ExecResult)
        async for event in lxc.watch_events(after="lxc/a/1"):
            assert_type(event, InstanceEvent)
        await lxc.stop_instance("web1", forse=True)  # type: ignore[call-arg]
        await lxc.balloon_instance_memory("web1", "64")  # type: ignore[arg-type]
        await lxc.strat_instance("web1")  # type: ignore[attr-defined]
    hvcore.aio.load(state_dirr="/run/x")  # type: ignore[call-arg]


def watched(lxc: Hypervisor) -> None:
    """Watch events and statistics."""
    with lxc.watch_events() as watch:
        assert_type(watch.wait(timeout_s=1.0), InstanceEvent | None)
        for event in watch:
            assert_type(event, InstanceEvent)
    assert_type(lxc.all_instances_stats(), tuple[InstanceStats, ...])
