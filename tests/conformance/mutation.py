"""Trying single clauses, without pytest, on ``fake`` and on what is broken in one place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve, frozen

import hvcore
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic
from hvcore.plugin import BaseHypervisor, HypervisorPlugin
from hvcore.testing.conformance import ChildProcess, Clause, Level, Verdict, clauses_of
from hvcore.testing.conformance.suite import HypervisorConformance
from hvcore.testing.conformance.trial import Offers, Trial

CLAUSES = {clause.id: clause for clause in clauses_of(HypervisorConformance)}
BROKEN_PATIENCE_S = 0.6
T = TypeVar("T", bound=type)


@frozen
class Mutant:
    """A hypervisor with one defect.

    Attributes:
        clause: the clause that must fail.
        defect: what it does wrong.
        kind: a driver, or a Hypervisor where no driver could do wrong.
    """

    clause: str
    defect: str
    kind: type

    def __str__(self) -> str:
        return f"{self.clause}-{self.kind.__name__}"


MUTANTS: list[Mutant] = []


def breaks(clause: str, defect: str) -> Callable[[T], T]:
    """Enter a broken hypervisor under the clause that it breaks; a class may break several."""

    def enter(kind: T) -> T:
        MUTANTS.append(Mutant(clause, defect, kind))
        return kind

    return enter


def load(place: Path, kind: type) -> Hypervisor:
    """Return a hypervisor whose driver or verbs are of a class."""
    driver: Any = kind if issubclass(kind, BaseHypervisor) else getattr(kind, "DRIVER", FakeDriver)
    plugin = HypervisorPlugin(name="fake", summary="one of a test's own", driver=driver)
    host = hvcore.load(state_dir=place / "state", log_dir=place / "log", plugins=[plugin], discover=False)
    healthy = host.hypervisor("fake")
    return kind(plugin, healthy.scope, healthy.context) if issubclass(kind, Hypervisor) else healthy


def files_below(*tops: Path) -> list[str]:
    return sorted(
        str(Path(where, name)) for top in tops for where, folders, files in os.walk(top) for name in (*folders, *files)
    )


def trial_of(
    place: Path, kind: type, *, level: Level = Level.CORE, patience_s: float = BROKEN_PATIENCE_S, **offers: Any
) -> tuple[Trial, list[tuple[Verdict, str]]]:
    """Return what a clause is tried on, and the list that its verdict goes to."""
    parameters = getattr(kind, "PARAMETERS_OF_A_GOOD_ONE", {})
    instance = hvcore.Instance("web1", "fake", parameters=parameters, disks=(Disk("/srv/web1"),))
    hypervisor = load(place, kind)
    verdicts: list[tuple[Verdict, str]] = []
    offered = Offers(
        sibling=evolve(instance, name="web10"),
        another_process=ChildProcess(load(place, FakeDriver), getattr(kind, "PLUGIN_ADDRESS", "")),
        leftovers=lambda: files_below(place / "state" / "fake"),
        disk=Disk("/srv/more", mount_point="/srv"),
        nic=Nic("bridged", link="br0", mac="aa:00:00:00:00:07"),
        second=load(place / "other", kind),
        target=str(place / "other" / "state"),
        stubborn=evolve(instance, parameters={**instance.parameters, "refuses_shutdown": True}),
        failing=evolve(instance, parameters={**instance.parameters, "fail_step": "boot"}),
    )
    return Trial(
        hypervisor,
        instance,
        evolve(offered, **offers),
        lambda clause, verdict, reason: verdicts.append((verdict, reason)),
        level,
        patience_s=patience_s,
    ), verdicts


def try_clause(clause: Clause, trial: Trial) -> None:
    """Try one clause; end with the healthy hypervisor whatever the broken one left running."""
    try:
        getattr(HypervisorConformance, clause.test)(HypervisorConformance(), trial)
    finally:
        for member in trial.hypervisor.scope.members:
            getattr(member.implementation, "let_go", int)()
        place = trial.hypervisor.context.state_dir.parents[1]
        for healthy in (load(place, FakeDriver), load(place / "other", FakeDriver)):
            for name in healthy.list_instances():
                healthy.stop_instance(name, force=True)
