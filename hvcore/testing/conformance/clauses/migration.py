"""What a migration promises, in Ganeti's order and when it is called off on either side."""

from __future__ import annotations

import time

from hvcore.errors import OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.migration import MigrationState, MigrationStatus
from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import BrokenPromise, allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["MigrationClauses"]

_PROTOCOL = "Ganeti's migration protocol"
_ABORT = "Ganeti: both finalizes are called after a failure, too, in no promised order"
_NEEDED = (
    "migration_info",
    "accept_instance",
    "migrate_instance",
    "get_migration_status",
    "finalize_migration_source",
    "finalize_migration_dst",
)
_LOOK_S = 0.02


class MigrationClauses:
    """Moving a running instance to another node."""

    @clause("After a migration the instance runs on the target.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_arrives(self, trial: Trial) -> None:
        _end(trial, _carry(trial), success=True)
        info = trial.second().get_instance_info(trial.name)
        ensure(info is not None, "after a migration the target does not know the instance")
        ensure(info and info.state is InstanceState.RUNNING, f"after a migration the target says {info}")
        ensure(trial.name in trial.second().list_instances(), "after a migration the target does not list the instance")

    @clause(
        "After a migration the source does not know the instance.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL
    )
    def test_migration_departs(self, trial: Trial) -> None:
        _end(trial, _carry(trial), success=True)
        ensure(not trial.runs(), "after a migration the instance runs on the source")
        ensure(trial.name not in trial.hypervisor.list_instances(), "after a migration the source lists the instance")
        known = trial.hypervisor.get_instance_definition(trial.name)
        ensure(known is None, f"after a migration the source has the definition {known}")

    @clause("After a migration nothing is left on the source.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_leaves_nothing(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        _end(trial, _carry(trial), success=True)
        trial.must_leave_nothing(before, "a migration")

    @clause("A migration that goes well ends as completed.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_completes(self, trial: Trial) -> None:
        _begin(trial)
        seen = _wait(trial)
        ensure(seen[-1].status is MigrationState.COMPLETED, f"a migration ended as {seen[-1].status}")

    @clause(
        "The part that is moved never falls, and is 0 to 1 where it is known.",
        *_NEEDED,
        level=Level.MIGRATION,
        source="Ganeti objects.MigrationStatus",
    )
    def test_migration_makes_progress(self, trial: Trial) -> None:
        _begin(trial)
        parts = [status.progress for status in _wait(trial)]
        known = [part for part in parts if part is not None]
        ensure(known == sorted(known), f"the part that was moved was, one after the other, {parts}")
        ensure(all(0 <= part <= 1 for part in known), f"the part that was moved was {parts}")
        moved = [status.transferred_bytes for status in _wait(trial) if status.transferred_bytes is not None]
        ensure(all(number >= 0 for number in moved), f"moved were {moved} bytes")

    @clause("The definition arrives as it was.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_keeps_the_definition(self, trial: Trial) -> None:
        trial.start()
        before = trial.hypervisor.get_instance_definition(trial.name)
        _end(trial, _carry(trial, is_started=True), success=True)
        after = trial.second().get_instance_definition(trial.name)
        ensure(after == before, f"the definition was {before}, and on the target it is {after}")

    @clause("Memory and CPUs arrive as they were.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_keeps_the_memory(self, trial: Trial) -> None:
        trial.start()
        before = trial.info()
        _end(trial, _carry(trial, is_started=True), success=True)
        after = trial.second().get_instance_info(trial.name)
        kept = after is not None and (after.memory_mib, after.vcpus) == (before.memory_mib, before.vcpus)
        ensure(kept, f"on the source it was {before}, and on the target it is {after}")

    @clause("To accept an instance does not start it.", *_NEEDED, level=Level.MIGRATION, source="Ganeti AcceptInstance")
    def test_migration_accepts_without_a_start(self, trial: Trial) -> None:
        _accept(trial)
        found = trial.second().get_instance_info(trial.name)
        ensure(found is None, f"after accept_instance the target says {found}")
        ensure(trial.runs(), "after accept_instance the instance does not run on the source")

    @clause(
        "The target may be told of the end first.",
        *_NEEDED,
        level=Level.MIGRATION,
        source="Ganeti: the order of the finalizes is not promised",
    )
    def test_migration_ends_in_either_order(self, trial: Trial) -> None:
        info = _carry(trial)
        _end(trial, info, success=True, target_first=True)
        ensure(trial.second().get_instance_info(trial.name), "told first, the target does not run the instance")
        ensure(not trial.runs(), "told last, the source runs the instance still")

    @clause(
        "An instance that is not moved live arrives, too.",
        *_NEEDED,
        level=Level.MIGRATION,
        source="Ganeti MigrateInstance(live=False)",
    )
    def test_migration_not_live(self, trial: Trial) -> None:
        info = _carry(trial, live=False)
        _end(trial, info, success=True, live=False)
        ensure(trial.second().get_instance_info(trial.name), "what was not moved live did not arrive")
        ensure(not trial.runs(), "what was not moved live runs on the source still")

    @clause(
        "Called off before the transfer begins: it runs on the source, and the target has no trace.",
        *_NEEDED,
        level=Level.MIGRATION,
        source=_ABORT,
    )
    def test_migration_called_off_before_it_begins(self, trial: Trial) -> None:
        _end(trial, _accept(trial), success=False)
        _must_have_stayed(trial)

    @clause(
        "Called off on its way, the source first: it runs on the source, and the target has no trace.",
        *_NEEDED,
        level=Level.MIGRATION,
        source=_ABORT,
    )
    def test_migration_called_off_on_its_way(self, trial: Trial) -> None:
        _end(trial, _begin(trial), success=False)
        _must_have_stayed(trial)

    @clause(
        "Called off on its way, the target first: it runs on the source, and the target has no trace.",
        *_NEEDED,
        level=Level.MIGRATION,
        source=_ABORT,
    )
    def test_migration_called_off_by_the_target(self, trial: Trial) -> None:
        _end(trial, _begin(trial), success=False, target_first=True)
        _must_have_stayed(trial)

    @clause("What was called off can be begun anew.", *_NEEDED, level=Level.MIGRATION, source=_ABORT)
    def test_migration_again(self, trial: Trial) -> None:
        _end(trial, _begin(trial), success=False)
        _end(trial, _carry(trial, is_started=True), success=True)
        ensure(trial.second().get_instance_info(trial.name), "the second migration did not arrive")

    @clause(
        "A target that runs an instance of that name does not accept another one.",
        *_NEEDED,
        level=Level.MIGRATION,
        source="Ganeti's fake AcceptInstance",
    )
    def test_migration_accepts_nothing_twice(self, trial: Trial) -> None:
        trial.start()
        second, definition = trial.second(), trial.hypervisor.prepare_instance(trial.instance)
        allowed("a start on the target", second.start_instance, trial.instance)
        info = allowed("migration_info", trial.hypervisor.migration_info, trial.name)
        what = "accept_instance of what runs there"
        refused(OperationFailed, what, second.accept_instance, definition, info, trial.offers.target)
        ensure(trial.runs(), "a migration that was refused ended the instance on the source")
        ensure(second.get_instance_info(trial.name), "a migration that was refused ended the instance on the target")

    @clause(
        "A migration to a node that did not accept fails, and the instance runs on.",
        *_NEEDED,
        level=Level.MIGRATION,
        source=_PROTOCOL,
    )
    def test_migration_to_nobody(self, trial: Trial) -> None:
        trial.second()
        trial.start()
        trial.at_the_end(lambda: trial.hypervisor.finalize_migration_source(trial.name, success=False))
        try:
            trial.hypervisor.migrate_instance(trial.name, trial.offers.target)
            last = _wait(trial)[-1]
            ensure(last.has_failed, f"a migration to a node that did not accept ended as {last.status}")
        except OperationFailed as error:
            ensure(error.instance == trial.name, f"the refusal is about {error.instance}")
        allowed("ending it on the source", trial.hypervisor.finalize_migration_source, trial.name, success=False)
        ensure(trial.runs(), "a migration that failed ended the instance")

    @clause("What does not run does not migrate.", *_NEEDED, level=Level.MIGRATION, source=_PROTOCOL)
    def test_migration_of_what_does_not_run(self, trial: Trial) -> None:
        trial.second()
        what = "a migration of what does not run"
        refused(OperationFailed, what, trial.hypervisor.migrate_instance, trial.instance, trial.offers.target)

    @clause(
        "What has arrived is an instance like any other: it can be stopped and is forgotten.",
        *_NEEDED,
        level=Level.MIGRATION,
        source=_PROTOCOL,
    )
    def test_migration_then_a_stop(self, trial: Trial) -> None:
        _end(trial, _carry(trial), success=True)
        second = trial.second()
        allowed("a forced stop on the target", second.stop_instance, trial.name, force=True)
        allowed("a cleanup on the target", second.cleanup_instance, trial.name)
        left = second.get_instance_info(trial.name), second.get_instance_definition(trial.name)
        ensure(left == (None, None), f"after a stop the target says {left}")


def _accept(trial: Trial, *, is_started: bool = False) -> str:
    """Start an instance, let the target accept it, and return what the source said of it."""
    second = trial.second()
    if not is_started:
        trial.start()
    info = allowed("migration_info", trial.hypervisor.migration_info, trial.name)
    definition = trial.hypervisor.prepare_instance(trial.instance)
    trial.at_the_end(lambda: trial.hypervisor.finalize_migration_source(definition, success=False))
    trial.at_the_end(lambda: second.finalize_migration_dst(definition, info, success=False))
    allowed("accept_instance", second.accept_instance, definition, info, trial.offers.target)
    return info


def _begin(trial: Trial, *, is_started: bool = False, live: bool = True) -> str:
    """Begin a migration, and return what the source said of the instance."""
    info = _accept(trial, is_started=is_started)
    allowed("migrate_instance", trial.hypervisor.migrate_instance, trial.name, trial.offers.target, live=live)
    return info


def _wait(trial: Trial) -> list[MigrationStatus]:
    """Wait until a migration is no longer active, and return every status that was seen."""
    seen: list[MigrationStatus] = []
    deadline = time.monotonic() + trial.patience_s
    while not seen or seen[-1].is_active:
        if time.monotonic() > deadline:
            raise BrokenPromise(f"a migration is {seen[-1].status} after {trial.patience_s} s")
        seen.append(allowed("get_migration_status", trial.hypervisor.get_migration_status, trial.name))
        time.sleep(_LOOK_S if seen[-1].is_active else 0)
    return seen


def _carry(trial: Trial, *, is_started: bool = False, live: bool = True) -> str:
    """Begin a migration and wait for its end, and return what the source said of the instance."""
    info = _begin(trial, is_started=is_started, live=live)
    last = _wait(trial)[-1]
    ensure(not last.has_failed, f"a migration ended as {last.status}")
    return info


def _end(trial: Trial, info: str, *, success: bool, live: bool = True, target_first: bool = False) -> None:
    """Call both finalizes."""
    definition = trial.hypervisor.prepare_instance(trial.instance)

    def on_the_source() -> None:
        verb = trial.hypervisor.finalize_migration_source
        allowed("finalize_migration_source", verb, definition, success=success, live=live)

    def on_the_target() -> None:
        allowed("finalize_migration_dst", trial.second().finalize_migration_dst, definition, info, success=success)

    ends = [on_the_source, on_the_target]
    for end in reversed(ends) if target_first else ends:
        end()


def _must_have_stayed(trial: Trial) -> None:
    state = trial.info().state
    ensure(state is InstanceState.RUNNING, f"after a migration was called off its state is {state}")
    _must_have_no_trace(trial.second(), trial.name)


def _must_have_no_trace(node: Hypervisor, name: str) -> None:
    left = node.get_instance_info(name), node.get_instance_definition(name)
    ensure(left == (None, None), f"after a migration was called off the target says {left}")
    ensure(name not in node.list_instances(), "after a migration was called off the target lists the instance")
    found = node.recover(name).recoveries
    ensure(not found, f"after a migration was called off the target had to recover {found}")
