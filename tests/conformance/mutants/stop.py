from __future__ import annotations

import time
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import HypervisorError, InstanceNotFound, NotRunning, OperationFailed, StopTimeout
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.plugin import hookimpl


class Stops(FakeDriver):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        super().stop_instance(None, name, force, retry, timeout_s)

    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        self.stops(name, force, retry, timeout_s)

    def runs(self, name: str) -> bool:
        return self.get_instance_info(name, None) is not None


@breaks("stop-ends", "a forced stop does nothing")
class NeverStops(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        pass


@breaks("stop-by-name", "a stop needs the definition")
class StopsByDefinitionAlone(FakeDriver):
    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        # Ganeti's LXC: an AttributeError, since it asks None for its name.
        super().stop_instance(instance, instance.name, force, retry, timeout_s)


@breaks("stop-by-definition", "a stop needs a name without a definition")
class StopsByNameAlone(FakeDriver):
    @hookimpl
    def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if instance is None:
            super().stop_instance(instance, name, force, retry, timeout_s)


@breaks("stop-of-what-does-not-run", "what does not run cannot be stopped")
@breaks("stop-twice", "what was stopped cannot be stopped")
class StopsOnlyWhatRuns(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if not self.runs(name):
            raise NotRunning(f"{name} does not run")
        super().stops(name, force, retry, timeout_s)


@breaks("stop-of-an-unknown-name", "a name that nobody knows cannot be stopped")
class StopsOnlyWhatIsKnown(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if name.endswith("unknown"):
            raise InstanceNotFound(f"there is no {name}")
        super().stops(name, force, retry, timeout_s)


@breaks("stop-forgets-the-definition", "the definition stays for ever, as in Ganeti")
class RemembersAll(FakeDriver):
    seen: dict[str, Any] = {}

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Any:
        known = super().get_instance_definition(instance_name)
        self.seen = {**self.seen, instance_name: known or self.seen.get(instance_name)}
        return self.seen[instance_name]

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        super().start_instance(instance, block_devices, startup_paused)
        self.get_instance_definition(instance.name)


class StopsAsToldOrNot(Hypervisor):
    def stop_instance(
        self, instance: Any = None, force: bool = False, retry: bool = False, name: Any = None, timeout_s: Any = None
    ) -> None:
        given = name or instance
        if given is not None:
            super().stop_instance(given, force, retry, timeout_s=max(0.0, timeout_s or 0.0))


breaks("stop-needs-one-name", "a stop of nobody succeeds")(StopsAsToldOrNot)
breaks("stop-refuses-a-negative-time", "less than no time is no time")(StopsAsToldOrNot)


@breaks("stop-of-a-paused-one", "what is paused is not stopped")
class StopsOnlyTheAwake(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        info = self.get_instance_info(name, None)
        if info is None or info.state == "running":
            super().stops(name, force, retry, timeout_s)


@breaks("stop-softly-tells-the-truth", "a soft stop in vain is passed over in silence")
class StopsInSilence(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        try:
            super().stops(name, force, retry, timeout_s)
        except StopTimeout:
            return


@breaks("stop-softly-tells-the-truth", "a soft stop that ended the guest says that it still runs")
class StopsAndDeniesIt(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        super().stops(name, True, retry, timeout_s)
        if not force:
            raise StopTimeout("it still runs")


class StopsSlowly(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        super().stops(name, force, retry, timeout_s or 1.0)


breaks("stop-softly-in-no-time", "no time at all is taken for none given")(StopsSlowly)


@breaks("stop-softly-in-time", "the time that is given is not looked at")
class StopsInItsOwnTime(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        super().stops(name, force, retry, 1.0)


@breaks("stop-by-force-after-a-soft-one", "who was asked is not forced")
class AsksForEver(Stops):
    asked = False

    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if force and self.asked:
            return
        self.asked = self.asked or not force
        super().stops(name, force, retry, timeout_s)


@breaks("stop-in-vain-changes-nothing", "a soft stop in vain loses the definition")
class StopsHalf(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        try:
            super().stops(name, force, retry, timeout_s)
        except StopTimeout:
            self._machine(name).files.definition.unlink()
            raise


@breaks("stop-again-is-no-force", "who is asked again is ended by force")
class LosesPatience(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        super().stops(name, force or retry, retry, timeout_s)


@breaks("processes-force-overtakes", "a soft stop keeps the lock while it waits")
class StopsUnderLock(Stops):
    def stops(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        if not force:
            time.sleep(timeout_s or 0)
            raise StopTimeout(f"{name} still runs")
        super().stops(name, force, retry, timeout_s)


@breaks("cleanup-twice", "the second cleanup finds nothing to remove and fails")
class CleansOnce(FakeDriver):
    cleaned: set[str] = set()

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        if instance_name in self.cleaned:
            raise OperationFailed("the stash is gone")
        self.cleaned = {*self.cleaned, instance_name}


@breaks("cleanup-of-an-unknown-name", "what is not known cannot be cleaned up")
class CleansOnlyWhatIsKnown(FakeDriver):
    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        if self.get_instance_definition(instance_name) is None:
            raise InstanceNotFound(f"there is no {instance_name}")


@breaks("cleanup-spares-what-runs", "a cleanup ends what runs")
class CleansAway(FakeDriver):
    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        self.stop_instance(None, instance_name, True, False, None)


@breaks("cleanup-refuses-what-is-no-name", "any text is a name")
class CleansAnything(Hypervisor):
    def cleanup_instance(self, instance_name: str) -> None:
        try:
            super().cleanup_instance(instance_name)
        except HypervisorError:
            return


@breaks("recover-finds-nothing", "a recovery finds what is in order")
class RecoversTheHealthy(FakeDriver):
    @hookimpl
    def recover(self, instance_name: Any) -> Any:
        from hvcore.model.recovery import Recovery, RecoveryReport

        return RecoveryReport("fake", (Recovery(instance_name or "web1", "something"),))


@breaks("recover-finds-nothing", "a recovery does not say of whom it is")
class RecoversForAnother(FakeDriver):
    @hookimpl
    def recover(self, instance_name: Any) -> Any:
        return evolve(super().recover(instance_name), hypervisor="lxc")


@breaks("recover-spares-what-runs", "a recovery ends what runs")
class RecoversToDeath(FakeDriver):
    @hookimpl
    def recover(self, instance_name: Any) -> Any:
        for name in self.list_instances(None):
            self.stop_instance(None, name, True, False, None)
        return super().recover(instance_name)
