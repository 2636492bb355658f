"""Errors, names that begin alike, several processes, and what is left."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import AlreadyRunning, HypervisorError, OperationFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.plugin import hookimpl
from hvcore.system.locks import InstanceLocks


class Complains(FakeDriver):
    def change(self, error: HypervisorError) -> HypervisorError:
        raise NotImplementedError

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except HypervisorError as error:
            raise self.change(error) from None


@breaks("errors-name-their-place", "an error is about another instance")
class ComplainsOfAnother(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        error.instance = "web2"
        return error


@breaks("errors-name-their-place", "an error is about another hypervisor")
class ComplainsForAnother(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        error.hypervisor = "lxc"
        return error


@breaks("errors-name-the-step", "a failure does not say at which step")
class ComplainsOfNoStep(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        error.step = None
        return error


@breaks("errors-are-of-their-kind", "a failure that can be expected is a fault of the plugin")
class RaisesAnything(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        if instance.parameters.get("fail_step"):
            raise KeyError("fail_step")
        super().start_instance(instance, block_devices, startup_paused)


@breaks("errors-are-of-their-kind", "a failure is no failure of an operation")
class RaisesTheRoot(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return HypervisorError("it failed")


@breaks("errors-are-one-line", "a message has two lines")
class ComplainsAtLength(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return AlreadyRunning(f"{error.message}\nand that is bad", resolution="stop it")


@breaks("errors-are-one-line", "a message ends in a full stop")
class ComplainsInSentences(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return AlreadyRunning(f"{error.message}.", resolution="stop it")


@breaks("errors-have-a-resolution", "an error does not say what to do")
class ComplainsInVain(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return AlreadyRunning(error.message)


@breaks("errors-become-json", "an error holds what is no JSON")
class ComplainsInObjects(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return AlreadyRunning(error.message, details=(object(),))  # type: ignore[arg-type]


@breaks("errors-become-json", "the code of a second start is that of any failure")
class ComplainsInGeneral(Complains):
    def change(self, error: HypervisorError) -> HypervisorError:
        return OperationFailed(error.message)


class Confuses(FakeDriver):
    """A driver that finds instances by the beginning of their names, as Ganeti finds mounts."""

    def alike(self, name: str) -> list[str]:
        return [found for found in FakeDriver.list_instances(self, None) if found.startswith(name)]

    def end(self, name: str) -> None:
        FakeDriver.stop_instance(self, None, name, True, False, None)


@breaks("names-stop-spares-the-longer", "a stop ends all names that begin alike")
class StopsAllAlike(Confuses):
    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: Any) -> None:
        for found in self.alike(name):
            self.end(found)


@breaks("names-stop-spares-the-shorter", "a stop ends what the name begins with")
class StopsTheBeginning(Confuses):
    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: Any) -> None:
        for found in self.alike(""):
            if name.startswith(found):
                self.end(found)


@breaks("names-cleanup-spares-the-longer", "a cleanup ends all names that begin alike")
class CleansAllAlike(Confuses):
    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        for found in self.alike(instance_name):
            self.end(found)


@breaks("names-cleanup-spares-the-longer", "a cleanup removes the definitions of all names that begin alike")
class CleansDefinitionsAlike(Confuses):
    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        for found in self.alike(instance_name):
            self._machine(found).files.definition.unlink(missing_ok=True)


@breaks("names-pause-spares-the-others", "a pause holds all names that begin alike")
class PausesAllAlike(Confuses):
    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        for found in self.alike(instance_name):
            super().pause_instance(found)


@breaks("names-are-told-apart", "an info is that of any name that begins alike")
class DescribesAllAlike(Confuses):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        found = next(iter(self.alike(instance_name)), instance_name)
        return super().get_instance_info(found, parameters)


@breaks("names-are-told-apart", "a definition is that of any name that begins alike")
class DefinesAllAlike(Confuses):
    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        found = next(iter(self.alike(instance_name)), instance_name)
        return super().get_instance_definition(found)


@breaks("names-run-side-by-side", "of names that begin alike one is listed")
class ListsOneOfAllAlike(Confuses):
    @hookimpl
    def list_instances(self, parameters: Any) -> Any:
        names = super().list_instances(parameters)
        return tuple(name for name in names if self.alike(name) == [name])


@breaks("names-run-side-by-side", "a name that begins like one that runs is taken")
class StartsOneOfAllAlike(Confuses):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        if any(instance.name.startswith(found) for found in self.alike("")):
            raise AlreadyRunning(f"{instance.name} runs already")
        super().start_instance(instance, block_devices, startup_paused)


class Remembers(FakeDriver):
    """A driver that keeps its instances in the object."""

    infos: dict[str, Any]

    def known(self) -> dict[str, Any]:
        if not hasattr(self, "infos"):
            self.infos = {}
        return self.infos

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, startup_paused)
        self.known()[instance.name] = super().get_instance_info(instance.name, None)

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        return self.known().get(instance_name)

    @hookimpl
    def list_instances(self, parameters: Any) -> Any:
        return tuple(sorted(self.known()))


breaks("processes-stop-what-runs", "the state is in the object, and another process's stop is not seen")(Remembers)
breaks("processes-start-for-each-other", "the state is in the object, and another process's start is not seen")(
    Remembers
)


@breaks("processes-see-what-runs", "the state is in the object alone")
class KeepsItToItself(Remembers):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, startup_paused)
        FakeDriver.stop_instance(self, None, instance.name, True, False, None)


@breaks("processes-see-what-runs", "the definition that others see is another one")
class KeepsTheDefinitionToItself(FakeDriver):
    mine: Any = None

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(evolve(instance, tags=("shown",)), block_devices, startup_paused)


@breaks("processes-see-a-pause", "a pause is known to the object alone")
class PausesInMemory(FakeDriver):
    asleep: set[str] = set()

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        self.asleep = self.asleep | {instance_name}

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        info = super().get_instance_info(instance_name, parameters)
        return evolve(info, state="paused") if info and instance_name in self.asleep else info


class Unlocked(InstanceLocks):
    def _acquire(self, instance_name: str, operation: str, wait_s: float) -> None:
        pass


class LocksNothing(Hypervisor):
    def __init__(self, plugin: Any, scope: Any, context: Any) -> None:
        super().__init__(plugin, scope, evolve(context, locks=Unlocked(context.locks.directory, "fake")))


breaks("processes-keep-each-other-out", "nobody takes a lock")(LocksNothing)


@breaks("processes-may-always-ask", "a question takes the lock")
class LocksQuestions(FakeDriver):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        with self.context.locks.hold(instance_name, "get_instance_info"):
            return super().get_instance_info(instance_name, parameters)


@breaks("processes-are-not-locked-out", "a verb that fails keeps the lock")
class KeepsTheLock(FakeDriver):
    kept: ExitStack

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        try:
            super().start_instance(instance, block_devices, startup_paused)
        except AlreadyRunning:
            # The caller frees the lock that it holds; whoever comes then finds another one of the same name.
            directory = self.context.locks.directory
            (directory / instance.name).unlink()
            self.kept = ExitStack()
            self.kept.enter_context(InstanceLocks(directory, "fake").hold(instance.name, "start_instance"))
            raise

    def let_go(self) -> None:
        self.kept.close()


@breaks("nothing-is-left-of-a-life", "a file of each instance stays")
@breaks("nothing-is-left-of-an-eventful-life", "a file of each instance stays")
class LeavesAFile(FakeDriver):
    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, startup_paused)
        (self.context.state_dir / f"{instance.name}.conf").touch()


@breaks("nothing-is-left-of-an-eventful-life", "a reboot leaves a file")
class LeavesAFileOfEachReboot(FakeDriver):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        super().reboot_instance(instance)
        (self.context.state_dir / f"{instance.name}-{read_clock().seconds}").touch()


@breaks("nothing-is-left-of-a-needless-stop", "a stop makes the instance's directory")
class StopsOnDisk(FakeDriver):
    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: Any) -> None:
        super().stop_instance(instance, name, force, retry, timeout_s)
        (self.context.state_dir / f"{name}.stopped").parent.mkdir(parents=True, exist_ok=True)
        (self.context.state_dir / f"{name}.stopped").touch()
