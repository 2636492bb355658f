"""The calls of a migration in whatever order, between whichever nodes: the instance is always on exactly one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import hvcore
from hvcore.errors import HypervisorError, OperationFailed
from hvcore.fake.plugin import plugin
from hvcore.model.devices import DeviceType
from hvcore.model.disk import Disk

NODES = ("one", "two", "three")
WEB1 = hvcore.Instance("web1", "fake")
nodes = st.sampled_from(NODES)


class Protocol(RuleBasedStateMachine):
    """Three nodes, one instance, and managers that follow no order."""

    @initialize(home=nodes, paused=st.booleans())
    def start(self, home: str, paused: bool) -> None:
        self.base = Path(mkdtemp(prefix="hvcore-protocol-"))
        self.infos = [""]
        self.paused = paused
        self.nodes: dict[str, hvcore.Hypervisor] = {}
        for name in NODES:
            host = hvcore.load(
                state_dir=self.base / name, log_dir=self.base / "log" / name, plugins=[plugin], discover=False
            )
            self.nodes[name] = host.hypervisor("fake")
        self.nodes[home].start_instance(WEB1, startup_paused=paused)

    def teardown(self) -> None:
        if hasattr(self, "base"):
            shutil.rmtree(self.base)

    def running(self) -> list[str]:
        return [name for name, node in self.nodes.items() if node.list_instances()]

    @rule(node=nodes)
    def describe(self, node: str) -> None:
        with suppress(OperationFailed):
            self.infos.append(self.nodes[node].migration_info(WEB1))

    @rule(node=nodes, which=st.integers(0, 99))
    def accept(self, node: str, which: int) -> None:
        with suppress(OperationFailed):
            self.nodes[node].accept_instance(WEB1, self.infos[-1 - which % len(self.infos)], str(self.base / node))

    @rule(node=nodes, other=nodes, live=st.booleans())
    def migrate(self, node: str, other: str, live: bool) -> None:
        with suppress(HypervisorError):
            self.nodes[node].migrate_instance(WEB1, str(self.base / other), live=live)

    @rule(node=nodes, other=nodes, live=st.booleans())
    def migrate_as_one_should(self, node: str, other: str, live: bool) -> None:
        self.describe(node)
        self.accept(other, 0)
        self.migrate(node, other, live)

    @rule(node=nodes, success=st.booleans(), live=st.booleans())
    def finalize_source(self, node: str, success: bool, live: bool) -> None:
        with suppress(OperationFailed):
            self.nodes[node].finalize_migration_source(WEB1, success, live)

    @rule(node=nodes, success=st.booleans(), which=st.integers(0, 99))
    def finalize_target(self, node: str, success: bool, which: int) -> None:
        with suppress(OperationFailed):
            self.nodes[node].finalize_migration_dst(WEB1, self.infos[-1 - which % len(self.infos)], success)

    @rule(node=nodes)
    def recover(self, node: str) -> None:
        assert self.nodes[node].recover().is_clean
        assert self.nodes[node].recover("web1").recoveries == ()

    @rule(node=nodes, verb=st.sampled_from(["cleanup_instance", "stop_instance", "reboot_instance", "pause_instance"]))
    def meddle(self, node: str, verb: str) -> None:
        if node in self.running():
            return
        with suppress(HypervisorError):
            getattr(self.nodes[node], verb)("web1")

    @rule(node=nodes)
    def plug(self, node: str) -> None:
        with suppress(HypervisorError):
            self.nodes[node].hot_add_device("web1", DeviceType.DISK, Disk("/srv/web1"), 0)

    @invariant()
    def it_is_on_one_node(self) -> None:
        if hasattr(self, "nodes"):
            assert len(self.running()) == 1

    @rule()
    def put_all_in_order(self) -> None:
        for node in self.nodes.values():
            assert node.recover().is_clean
        (owner,) = self.running()
        for name, node in self.nodes.items():
            assert (self.base / name / "fake" / "web1").exists() == (name == owner)
            assert not node.recover().recoveries
        info: Any = self.nodes[owner].get_instance_info("web1")
        assert (info.state is hvcore.InstanceState.PAUSED) == self.paused
        assert self.nodes[owner].verify_instance("web1")
        with suppress(HypervisorError):
            self.nodes[owner].hotplug_supported("web1")


Protocol.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
TestProtocol = Protocol.TestCase
