"""Reboot, pause, balloon, and the runtime configuration."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import OperationFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.plugin import hookimpl


class Fake(FakeDriver):
    def runs(self, name: str) -> bool:
        return self.get_instance_info(name, None) is not None

    def end(self, name: str) -> None:
        FakeDriver.stop_instance(self, None, name, True, False, None)

    def alter(self, name: str, **fields: Any) -> None:
        machine = self._machine(name)
        machine.set_state(evolve(machine.require_running(read_clock()), **fields))


@breaks("reboot-runs", "a reboot is a shutdown")
@breaks("reboot-by-name", "a reboot is a shutdown")
class RebootsToDeath(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        self.end(instance.name)


@breaks("reboot-runs", "after a reboot the instance is paused")
class RebootsAsleep(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        super().reboot_instance(instance)
        self.alter(instance.name, is_paused=True)


@breaks("reboot-restarts-the-guest", "a reboot does nothing")
@breaks("reboot-of-what-does-not-run", "a reboot does not look whether there is anything to reboot")
class RebootsInName(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        pass


@breaks("reboot-of-what-does-not-run", "a reboot starts what does not run")
class RebootsTheDead(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        if not self.runs(instance.name):
            self.start_instance(instance, (), False)
        super().reboot_instance(instance)


@breaks("reboot-keeps-the-definition", "a reboot loses the parameters")
class RebootsFromScratch(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        super().reboot_instance(instance)
        self._machine(instance.name).files.write_definition(evolve(instance, parameters={}))


@breaks("reboot-keeps-the-definition", "a reboot halves the memory")
class RebootsWithLess(Fake):
    @hookimpl
    def reboot_instance(self, instance: Any) -> None:
        super().reboot_instance(instance)
        self.alter(instance.name, memory_mib=instance.memory_mib // 2)


@breaks("definition-of-an-unknown-name-is-missed", "there is a definition for every name")
@breaks("definition-of-what-never-ran", "there is a definition for every name")
class KnowsEverybody(Fake):
    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        return super().get_instance_definition(instance_name) or Instance(instance_name, "fake")


@breaks("pause-is-seen", "a pause does nothing")
@breaks("pause-of-what-does-not-run", "a pause does not look whether there is anything to pause")
class PausesInName(Fake):
    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        pass


@breaks("pause-is-seen", "all infos together say that everything runs")
class SeesAllAwake(Fake):
    @hookimpl
    def get_all_instances_info(self, parameters: Any) -> Any:
        return tuple(evolve(info, state="running") for info in super().get_all_instances_info(parameters))


@breaks("pause-stays-listed", "what is paused is not listed")
class ListsTheAwake(Fake):
    @hookimpl
    def list_instances(self, parameters: Any) -> Any:
        return tuple(info.name for info in self.get_all_instances_info(None) if info.state == "running")


@breaks("pause-stops-the-cpu", "CPU time goes on in a pause")
class SleepsWithOpenEyes(Fake):
    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
        info = super().get_instance_info(instance_name, parameters)
        return info and evolve(info, cpu_seconds=read_clock().seconds)


@breaks("pause-twice", "a second pause resumes")
class Toggles(Fake):
    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        info = self.get_instance_info(instance_name, None)
        if info is not None and info.state == "paused":
            self.resume_instance(instance_name)
        else:
            super().pause_instance(instance_name)


@breaks("pause-twice", "a second pause fails")
class PausesOnce(Fake):
    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        info = self.get_instance_info(instance_name, None)
        if info is not None and info.state == "paused":
            raise OperationFailed("it is paused already")
        super().pause_instance(instance_name)


@breaks("resume-is-seen", "a resume does nothing")
@breaks("resume-of-what-does-not-run", "a resume does not look whether there is anything to resume")
class ResumesInName(Fake):
    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        pass


@breaks("resume-of-what-runs", "what runs cannot be resumed")
class ResumesOnlyTheAsleep(Fake):
    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        info = self.get_instance_info(instance_name, None)
        if info is not None and info.state == "running":
            raise OperationFailed("it is not paused")
        super().resume_instance(instance_name)


@breaks("balloon-is-read-back", "a balloon does nothing, as in Ganeti's chroot")
@breaks("balloon-of-what-does-not-run", "a balloon does not look whether there is anything to change")
class BalloonsInName(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        pass


@breaks("balloon-grows-again", "memory can only shrink")
class BalloonsDown(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        info = self.get_instance_info(instance.name, None)
        if info is not None and memory_mib <= info.memory_mib:
            super().balloon_instance_memory(instance, memory_mib)


@breaks("balloon-keeps-the-guest", "a balloon pauses the guest")
class BalloonsToSleep(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        super().balloon_instance_memory(instance, memory_mib)
        self.pause_instance(instance.name)


@breaks("balloon-keeps-the-guest", "a balloon restarts the guest")
class BalloonsByReboot(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        super().balloon_instance_memory(instance, memory_mib)
        self.alter(instance.name, elapsed_s=0.0, is_paused=True)
        self.alter(instance.name, is_paused=False, since_s=read_clock().seconds + 60)


@breaks("balloon-to-nothing-is-refused", "no memory is taken for one MiB")
class BalloonsToOne(Hypervisor):
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        super().balloon_instance_memory(instance, max(1, memory_mib))


@breaks("balloon-happens-or-not", "a balloon that is refused takes effect")
class BalloonsAllTheSame(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        try:
            super().balloon_instance_memory(instance, memory_mib)
        except OperationFailed:
            self.alter(instance.name, memory_mib=1)
            raise


@breaks("balloon-happens-or-not", "a balloon that is too great is passed over in silence")
class BalloonsInSilence(Fake):
    @hookimpl
    def balloon_instance_memory(self, instance: Any, memory_mib: int) -> None:
        try:
            super().balloon_instance_memory(instance, memory_mib)
        except OperationFailed:
            return


@breaks("verify-instance-after-a-start", "something is always missing")
@breaks("restore-instance-completes", "something is missing even after a restore")
class MissesSomething(Fake):
    @hookimpl
    def verify_instance(self, instance: Any) -> bool:
        return False


@breaks("restore-instance-spares-what-runs", "a restore ends the instance")
class RestoresToDeath(Fake):
    @hookimpl
    def restore_instance(self, instance: Any, block_devices: Any) -> None:
        self.end(instance.name)


@breaks("restore-instance-spares-what-runs", "a restore pauses the instance")
class RestoresToSleep(Fake):
    @hookimpl
    def restore_instance(self, instance: Any, block_devices: Any) -> None:
        super().restore_instance(instance, block_devices)
        self.pause_instance(instance.name)


@breaks("restore-instance-completes", "a restore writes another definition")
class RestoresAnother(Fake):
    @hookimpl
    def restore_instance(self, instance: Any, block_devices: Any) -> None:
        super().restore_instance(evolve(instance, tags=("restored",)), block_devices)
