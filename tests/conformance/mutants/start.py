from __future__ import annotations

from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import AlreadyRunning, HypervisorError, OperationFailed
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.plugin import hookimpl


@breaks("start-runs", "a start does nothing and says that all is well")
@breaks("start-lists", "a start does nothing, so nothing is listed")
class StartsNothing(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any) -> None:
        pass

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        return None


@breaks("start-runs", "every start is a paused one")
class StartsPaused(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, True)


@breaks("start-keeps-the-definition", "the definition loses its parameters")
class ForgetsParameters(FakeDriver):
    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        known = super().get_instance_definition(instance_name)
        return known and evolve(known, parameters={})


class StartsOtherwise(FakeDriver):
    def changed(self, instance: Instance) -> Instance:
        raise NotImplementedError

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(self.changed(instance), block_devices, startup_paused)


@breaks("start-gives-the-memory", "an instance gets half of its memory")
class HalvesTheMemory(StartsOtherwise):
    def changed(self, instance: Instance) -> Instance:
        return evolve(instance, memory_mib=instance.memory_mib // 2)


@breaks("start-gives-memory-between-bounds", "an instance gets less than the least it can do with")
class StarvesBelowTheLeast(StartsOtherwise):
    def changed(self, instance: Instance) -> Instance:
        least_mib = instance.memory_min_mib or instance.memory_mib
        return evolve(instance, memory_mib=least_mib - 1, memory_min_mib=None)


@breaks("start-gives-memory-between-bounds", "an instance gets more than the most it may have")
class GivesTooMuch(StartsOtherwise):
    def changed(self, instance: Instance) -> Instance:
        return evolve(instance, memory_mib=instance.memory_mib + 1, memory_min_mib=None)


@breaks("start-gives-the-cpus", "every instance gets two CPUs")
class GivesTwoCpus(StartsOtherwise):
    def changed(self, instance: Instance) -> Instance:
        return evolve(instance, vcpus=2)


@breaks("start-twice-is-refused", "a second start is passed over in silence")
class StartsTwiceInSilence(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except AlreadyRunning:
            return


@breaks("start-twice-is-refused", "a second start fails with an error that does not say why")
class StartsTwiceWithAnotherError(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except AlreadyRunning as error:
            raise OperationFailed("it failed") from error


@breaks("start-twice-changes-nothing", "a second start writes the definition before it finds that it must not")
class WritesBeforeItLooks(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        machine = self._machine(instance.name)
        if machine.files.directory.is_dir():
            machine.files.write_definition(instance)
        super().start_instance(instance, block_devices, startup_paused)


@breaks("start-again-after-a-stop", "a name can be started only once")
@breaks("cleanup-then-start", "what was cleaned up cannot be started any more")
class StartsOnce(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        if (self.context.log_dir / f"used-{instance.name}").exists():
            raise OperationFailed("the name is used up")
        super().start_instance(instance, block_devices, startup_paused)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        super().cleanup_instance(instance_name)
        self.context.log_dir.mkdir(parents=True, exist_ok=True)
        (self.context.log_dir / f"used-{instance_name}").touch()


@breaks("start-again-from-another-definition", "the first definition of a name is kept for ever")
class KeepsTheFirstDefinition(FakeDriver):
    known: dict[str, Any]

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        self.known = {instance.name: instance, **getattr(self, "known", {})}
        super().start_instance(self.known[instance.name], block_devices, startup_paused)


class DropsUnknownParameters(Hypervisor):
    def prepare_instance(self, instance: Instance) -> Instance:
        names = {parameter.name for parameter in self.parameters}
        known = {name: value for name, value in instance.parameters.items() if name in names}
        return super().prepare_instance(evolve(instance, parameters=known))


breaks("start-refuses-an-unknown-parameter", "what is not declared is dropped")(DropsUnknownParameters)
breaks("plan-refuses-an-unknown-parameter", "what is not declared is dropped")(DropsUnknownParameters)


@breaks("start-refuses-another-hypervisors-instance", "every instance is taken as its own")
class TakesAll(Hypervisor):
    def prepare_instance(self, instance: Instance) -> Instance:
        return super().prepare_instance(evolve(instance, hypervisor=self.name))


class LeavesTheDefinition(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except AlreadyRunning:
            raise
        except HypervisorError:
            machine = self._machine(instance.name)
            machine.files.make_directory()
            machine.files.write_definition(instance)
            raise


breaks("start-that-fails-is-undone", "a start that fails leaves the definition")(LeavesTheDefinition)
breaks("nothing-is-left-of-a-failed-start", "a start that fails leaves files")(LeavesTheDefinition)


@breaks("start-that-fails-is-undone", "a start that fails says that it left something")
class SaysThatItLeftSomething(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except OperationFailed as error:
            error.left_behind = ("root: busy",)
            raise


@breaks("start-that-failed-can-be-repeated", "after a failure the name is blocked")
class BlocksAfterAFailure(FakeDriver):
    failed = False

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        if self.failed:
            raise OperationFailed("it failed before")
        self.failed = True
        super().start_instance(instance, block_devices, startup_paused)


@breaks("start-paused", "a paused start is an ordinary one")
class StartsAwake(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, False)


@breaks("start-paused-then-resumed", "what was started paused cannot be resumed")
class StaysPaused(FakeDriver):
    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        pass
