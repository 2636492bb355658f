"""Migration between two nodes, both of which are broken in the same way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import AlreadyRunning, HypervisorError, NotRunning
from hvcore.fake.clock import read_clock
from hvcore.fake.driver import FakeDriver
from hvcore.model.migration import MigrationState, MigrationStatus
from hvcore.plugin import hookimpl


class Moves(FakeDriver):
    """A driver that can end, start and alter what it moves."""

    def end(self, name: str) -> None:
        FakeDriver.stop_instance(self, None, name, True, False, None)

    def alter(self, name: str, **fields: Any) -> None:
        machine = self._machine(name)
        machine.set_state(evolve(machine.require_running(read_clock()), **fields))


@breaks("migration-arrives", "what has arrived is lost")
class LosesWhatArrives(Moves):
    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        super().finalize_migration_dst(instance, info, success)
        if success:
            self.end(instance.name)


@breaks("migration-arrives", "what has arrived stays paused")
class ArrivesPaused(Moves):
    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        super().finalize_migration_dst(instance, info, success)
        if success:
            self.pause_instance(instance.name)


class Copies(Moves):
    """A driver that forgets to end what has left."""

    @hookimpl
    def finalize_migration_source(self, instance: Any, success: bool, live: bool) -> None:
        super().finalize_migration_source(instance, success, live)
        if success:
            self.start_instance(instance, (), False)


breaks("migration-departs", "what has left runs on")(Copies)
breaks("migration-ends-in-either-order", "what has left runs on")(Copies)
breaks("migration-not-live", "what has left runs on")(Copies)


@breaks("migration-departs", "the definition of what has left stays")
class RemembersWhatLeft(Moves):
    left: Any = None

    @hookimpl
    def finalize_migration_source(self, instance: Any, success: bool, live: bool) -> None:
        super().finalize_migration_source(instance, success, live)
        self.left = instance if success else None

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        return super().get_instance_definition(instance_name) or self.left


@breaks("migration-leaves-nothing", "a file of what has left stays")
class LeavesFilesBehind(Moves):
    @hookimpl
    def finalize_migration_source(self, instance: Any, success: bool, live: bool) -> None:
        super().finalize_migration_source(instance, success, live)
        (self.context.state_dir / f"{instance.name}.migrated").touch()


class Reports(Moves):
    def change(self, status: MigrationStatus) -> MigrationStatus:
        raise NotImplementedError

    @hookimpl
    def get_migration_status(self, instance: Any) -> Any:
        return self.change(super().get_migration_status(instance))


@breaks("migration-completes", "a migration is never done")
class NeverDone(Reports):
    def change(self, status: MigrationStatus) -> MigrationStatus:
        return evolve(status, status=MigrationState.ACTIVE)


@breaks("migration-completes", "a migration that goes well is said to have failed")
class SaysThatItFailed(Reports):
    def change(self, status: MigrationStatus) -> MigrationStatus:
        return evolve(status, status=MigrationState.FAILED)


@breaks("migration-makes-progress", "less and less is moved")
class MovesBackwards(Reports):
    asked = 0

    def change(self, status: MigrationStatus) -> MigrationStatus:
        self.asked += 1
        state = MigrationState.ACTIVE if self.asked < 3 else MigrationState.COMPLETED
        return MigrationStatus(state, transferred_bytes=100 - self.asked, total_bytes=100)


class Arrives(Moves):
    fields: dict[str, Any] = {}

    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        super().finalize_migration_dst(instance, info, success)
        if success:
            self.arrived(instance)

    def arrived(self, instance: Any) -> None:
        self.alter(instance.name, **self.fields)


@breaks("migration-keeps-the-definition", "the definition loses its disks on the way")
class LosesDisks(Arrives):
    def arrived(self, instance: Any) -> None:
        self._machine(instance.name).files.write_definition(evolve(instance, disks=()))


@breaks("migration-keeps-the-memory", "half of the memory arrives")
class LosesMemory(Arrives):
    fields = {"memory_mib": 64}


@breaks("migration-keeps-the-memory", "one CPU too many arrives")
class FindsACpu(Arrives):
    fields = {"vcpus": 2}


@breaks("migration-accepts-without-a-start", "to accept an instance is to start it")
class StartsWhatItAccepts(Moves):
    @hookimpl
    def accept_instance(self, instance: Any, info: str, target: str) -> None:
        self.start_instance(instance, (), False)


@breaks("migration-accepts-without-a-start", "to describe an instance is to end it")
class EndsWhatItDescribes(Moves):
    @hookimpl
    def migration_info(self, instance: Any) -> str:
        info = super().migration_info(instance)
        self.end(instance.name)
        return info


@breaks("migration-ends-in-either-order", "the target wants to be told last")
class WantsToBeLast(Moves):
    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        if success and not self._machine(instance.name).slot.has_arrived():
            raise NotRunning("the source was not told yet")
        super().finalize_migration_dst(instance, info, success)


@breaks("migration-not-live", "what is not moved live does not arrive")
class MovesOnlyLive(Moves):
    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Any, target: str, live: bool) -> None:
        super().migrate_instance(cluster_name, instance, target, live)
        if not live:
            self.end(instance.name)


class KeepsTheTrace(Moves):
    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        if success:
            super().finalize_migration_dst(instance, info, success)


breaks("migration-called-off-before-it-begins", "the target keeps what it prepared")(KeepsTheTrace)
breaks("migration-called-off-on-its-way", "the target keeps what it prepared")(KeepsTheTrace)
breaks("migration-called-off-by-the-target", "the target keeps what it prepared")(KeepsTheTrace)
breaks("migration-again", "the target keeps what it prepared")(KeepsTheTrace)


class EndsWhatWasCalledOff(Moves):
    @hookimpl
    def finalize_migration_source(self, instance: Any, success: bool, live: bool) -> None:
        super().finalize_migration_source(instance, success, live)
        if not success:
            self.end(instance.name)


breaks("migration-called-off-before-it-begins", "called off, it does not run anywhere")(EndsWhatWasCalledOff)
breaks("migration-called-off-on-its-way", "called off, it does not run anywhere")(EndsWhatWasCalledOff)
breaks("migration-called-off-by-the-target", "called off, it does not run anywhere")(EndsWhatWasCalledOff)


class ArrivesAllTheSame(Moves):
    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        super().finalize_migration_dst(instance, info, success)
        if not success:
            self.start_instance(instance, (), False)


breaks("migration-called-off-on-its-way", "called off, it runs on both nodes")(ArrivesAllTheSame)


@breaks("migration-again", "a node migrates once")
class MigratesOnce(Moves):
    begun = False

    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Any, target: str, live: bool) -> None:
        if self.begun:
            raise NotRunning("not again")
        self.begun = True
        super().migrate_instance(cluster_name, instance, target, live)


@breaks("migration-accepts-nothing-twice", "what runs is accepted again")
class AcceptsTwice(Moves):
    @hookimpl
    def accept_instance(self, instance: Any, info: str, target: str) -> None:
        with suppress(AlreadyRunning):
            super().accept_instance(instance, info, target)


@breaks("migration-accepts-nothing-twice", "what runs makes room for what is accepted")
class MakesRoom(Moves):
    @hookimpl
    def accept_instance(self, instance: Any, info: str, target: str) -> None:
        try:
            super().accept_instance(instance, info, target)
        except AlreadyRunning:
            self.end(instance.name)
            raise


@breaks("migration-to-nobody", "a migration to nobody is completed")
class ArrivesNowhere(Moves):
    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Any, target: str, live: bool) -> None:
        with suppress(HypervisorError):
            super().migrate_instance(cluster_name, instance, target, live)

    @hookimpl
    def get_migration_status(self, instance: Any) -> Any:
        return MigrationStatus(MigrationState.COMPLETED)


@breaks("migration-to-nobody", "a migration that fails ends the instance")
class DiesOnItsWay(Moves):
    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Any, target: str, live: bool) -> None:
        try:
            super().migrate_instance(cluster_name, instance, target, live)
        except HypervisorError:
            self.end(instance.name)
            raise

    @hookimpl
    def finalize_migration_source(self, instance: Any, success: bool, live: bool) -> None:
        with suppress(NotRunning):
            super().finalize_migration_source(instance, success, live)


@breaks("migration-of-what-does-not-run", "what does not run migrates")
class MovesTheDead(Moves):
    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Any, target: str, live: bool) -> None:
        with suppress(NotRunning):
            super().migrate_instance(cluster_name, instance, target, live)


@breaks("migration-then-a-stop", "what has arrived cannot be stopped")
class ArrivesForEver(Moves):
    arrived = False

    @hookimpl
    def finalize_migration_dst(self, instance: Any, info: str, success: bool) -> None:
        super().finalize_migration_dst(instance, info, success)
        self.arrived = success

    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if not self.arrived:
            super().stop_instance(instance, name, force, retry, timeout_s)
