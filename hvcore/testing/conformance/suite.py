"""The class that an author inherits: every clause, and the fixtures that they are tried on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import ClassVar

import pytest
from attrs import evolve

from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.testing.conformance.clause import Clause, Level, Verdict, clauses_of
from hvcore.testing.conformance.clauses.balloon import BalloonClauses
from hvcore.testing.conformance.clauses.capabilities import CapabilityClauses
from hvcore.testing.conformance.clauses.cleanup import CleanupClauses
from hvcore.testing.conformance.clauses.console import ConsoleClauses
from hvcore.testing.conformance.clauses.devices import DeviceClauses
from hvcore.testing.conformance.clauses.errors import ErrorClauses
from hvcore.testing.conformance.clauses.events import EventClauses
from hvcore.testing.conformance.clauses.execution import ExecClauses
from hvcore.testing.conformance.clauses.files import FilesClauses
from hvcore.testing.conformance.clauses.inventory import InventoryClauses
from hvcore.testing.conformance.clauses.leftovers import LeftoverClauses
from hvcore.testing.conformance.clauses.migration import MigrationClauses
from hvcore.testing.conformance.clauses.names import NameClauses
from hvcore.testing.conformance.clauses.node import NodeClauses
from hvcore.testing.conformance.clauses.params import ParamsClauses
from hvcore.testing.conformance.clauses.pause import PauseClauses
from hvcore.testing.conformance.clauses.plan import PlanClauses
from hvcore.testing.conformance.clauses.processes import ProcessClauses
from hvcore.testing.conformance.clauses.reboot import RebootClauses
from hvcore.testing.conformance.clauses.runtime import RuntimeClauses
from hvcore.testing.conformance.clauses.start import StartClauses
from hvcore.testing.conformance.clauses.stats import StatsClauses
from hvcore.testing.conformance.clauses.stop import StopClauses
from hvcore.testing.conformance.collector import PROPERTY, Collector
from hvcore.testing.conformance.elsewhere import AnotherProcess, ChildProcess
from hvcore.testing.conformance.promise import ensure
from hvcore.testing.conformance.trial import Offers, Trial
from hvcore.testing.leaks import snapshot

__all__ = ["HypervisorConformance"]


class HypervisorConformance(
    CapabilityClauses,
    StartClauses,
    PlanClauses,
    StopClauses,
    CleanupClauses,
    RebootClauses,
    PauseClauses,
    BalloonClauses,
    InventoryClauses,
    StatsClauses,
    EventClauses,
    NodeClauses,
    RuntimeClauses,
    ConsoleClauses,
    ExecClauses,
    ParamsClauses,
    FilesClauses,
    ErrorClauses,
    NameClauses,
    ProcessClauses,
    LeftoverClauses,
    DeviceClauses,
    MigrationClauses,
):
    """Every clause of the contract, tried on your hypervisor.

    Inherit it in a test module of your own and give it two fixtures: ``hypervisor``, a ``Hypervisor`` with a state
    directory of the test's own, and ``instance``, an ``Instance`` that can start there and does not run. Every other fixture
    has a default; override it in the class.
    """

    required_level: ClassVar[str] = "core"
    """The level, ``core``, ``full`` or ``migration``, whose clauses may not be declared unsupported."""

    plugin_address: ClassVar[str] = ""
    """Where other processes find your ``HypervisorPlugin``, as ``package.module:name``; "" means by its entry point."""

    patience_s: ClassVar[float] = 30.0
    """Seconds after which something with a time limit of at most a second is taken as hanging."""

    @pytest.fixture
    def sibling_instance(self, instance: Instance) -> Instance:
        """Another instance that can run beside ``instance``, with a name that begins with that one's."""
        return evolve(instance, name=f"{instance.name}0")

    @pytest.fixture
    def stubborn_instance(self) -> Instance | None:
        """An instance whose guest ignores requests to shut down; None when there is none."""
        return None

    @pytest.fixture
    def failing_instance(self) -> Instance | None:
        """An instance whose start fails on its way; None when there is none."""
        return None

    @pytest.fixture
    def spare_disk(self) -> Disk | None:
        """A disk that may be added to the running instance; None when there is none."""
        return None

    @pytest.fixture
    def spare_nic(self) -> Nic | None:
        """A network interface that may be added to the running instance; None when there is none."""
        return None

    @pytest.fixture
    def second_hypervisor(self) -> Hypervisor | None:
        """The same kind of hypervisor on another node, or with another state directory; None when there is none."""
        return None

    @pytest.fixture
    def migration_target(self) -> str:
        """The address under which ``migrate_instance`` reaches ``second_hypervisor``."""
        return ""

    @pytest.fixture
    def another_process(self, hypervisor: Hypervisor) -> AnotherProcess:
        """The same hypervisor in other processes; the default starts Python and loads it there."""
        return ChildProcess(hypervisor, self.plugin_address)

    @pytest.fixture
    def leftovers(self, hypervisor: Hypervisor, instance: Instance) -> Callable[[], Collection[str]]:
        """Lists what is on the node of the test's instances; the default finds all that mentions the instance's name."""

        def look() -> list[str]:
            found = snapshot((instance.name,), (hypervisor.context.state_dir,))
            return [f"{kind}: {item}" for kind, items in found.items() for item in items]

        return look

    @pytest.fixture
    def offers(
        self,
        sibling_instance: Instance,
        another_process: AnotherProcess,
        leftovers: Callable[[], Collection[str]],
        stubborn_instance: Instance | None,
        failing_instance: Instance | None,
        spare_disk: Disk | None,
        spare_nic: Nic | None,
        second_hypervisor: Hypervisor | None,
        migration_target: str,
    ) -> Offers:
        """All that is offered beside hypervisor and instance; not to be overridden."""
        return Offers(
            sibling=sibling_instance,
            another_process=another_process,
            leftovers=leftovers,
            stubborn=stubborn_instance,
            failing=failing_instance,
            disk=spare_disk,
            nic=spare_nic,
            second=second_hypervisor,
            target=migration_target,
        )

    @pytest.fixture
    def trial(
        self,
        request: pytest.FixtureRequest,
        hypervisor: Hypervisor,
        instance: Instance,
        offers: Offers,
        record_property: Callable[[str, object], None],
    ) -> Iterator[Trial]:
        """What a clause is tried on; whatever it leaves running is ended afterwards. Not to be overridden."""
        _let_verdicts_be_gathered(request.config)

        def record(_: Clause, verdict: Verdict, reason: str) -> None:
            record_property(PROPERTY, f"{verdict}; {reason}")

        trial = Trial(hypervisor, instance, offers, record, Level(self.required_level), self.patience_s)
        for used in (instance, offers.sibling, offers.stubborn, offers.failing):
            if used is not None:
                trial.uses(used)
        trial.require_clean()
        yield trial
        trial.clean()

    def test_the_suite_is_whole(self) -> None:
        """No clause of the suite was replaced or taken away in the class that inherits it."""
        changed = [
            clause.id
            for clause in clauses_of(HypervisorConformance)
            if getattr(type(self), clause.test, None) is not getattr(HypervisorConformance, clause.test)
        ]
        ensure(not changed, f"these clauses were replaced in {type(self).__name__}: {', '.join(changed)}")


def _let_verdicts_be_gathered(config: pytest.Config) -> None:
    """Make this process sum the suites up at the end of its run, unless somebody does so already."""
    plugins = config.pluginmanager
    if not any(isinstance(plugin, Collector) for plugin in plugins.get_plugins()):
        plugins.register(Collector(clauses_of(HypervisorConformance)), "hvcore-conformance")
