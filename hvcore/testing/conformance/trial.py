"""What a clause is tried on: a hypervisor, an instance, and what its author offers beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar

from attrs import field, frozen

from hvcore.errors import HypervisorError, Unsupported
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.info import InstanceInfo
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.testing.conformance.clause import Clause, Level, Verdict
from hvcore.testing.conformance.elsewhere import AnotherProcess
from hvcore.testing.conformance.promise import BrokenPromise, NotOffered, allowed, ensure

__all__ = ["Offers", "Trial"]

T = TypeVar("T")

_LOOP_GRACE_S = 2.0
_LOOK_S = 0.02


@frozen
class Offers:
    """What an author offers beside hypervisor and instance; see the fixtures of ``HypervisorConformance``.

    Attributes:
        sibling: another instance, whose name begins with the first one's.
        another_process: the same hypervisor in other processes.
        leftovers: lists what is on the node of the test.
        stubborn: an instance whose guest ignores requests to shut down, or None.
        failing: an instance whose start fails, or None.
        disk: a disk that may be added to a running instance, or None.
        nic: a network interface that may be added to a running instance, or None.
        second: the hypervisor of another node, or None.
        target: the address of that node.
    """

    sibling: Instance
    another_process: AnotherProcess
    leftovers: Callable[[], Collection[str]]
    stubborn: Instance | None = None
    failing: Instance | None = None
    disk: Disk | None = None
    nic: Nic | None = None
    second: Hypervisor | None = None
    target: str = ""


@frozen(eq=False)
class Trial:
    """One trial of one clause.

    Attributes:
        hypervisor: the hypervisor.
        instance: an instance that can start and does not run.
        offers: what the author offers beside them.
        record: told of the verdict and its reason.
        required_level: the level whose clauses may not be declared unsupported.
        patience_s: seconds after which something that has a time limit of at most a second is taken as hanging.
    """

    hypervisor: Hypervisor
    instance: Instance
    offers: Offers
    record: Callable[[Clause, Verdict, str], None]
    required_level: Level = Level.CORE
    patience_s: float = 30.0
    _names: set[str] = field(factory=set[str], init=False)
    _ends: list[Callable[[], object]] = field(factory=list[Callable[[], object]], init=False)

    @property
    def name(self) -> str:
        """The name of the instance."""
        return self.instance.name

    @property
    def sibling(self) -> Instance:
        """Another instance, whose name begins with the first one's."""
        return self.offers.sibling

    @property
    def unknown(self) -> str:
        """A name that no instance ever had."""
        return f"{self.name[:150]}-unknown"

    # -- what is offered -------------------------------------------------------------------------------------------

    def stubborn(self) -> Instance:
        """Return an instance whose guest ignores requests to shut down."""
        return _offered(self.offers.stubborn, "stubborn_instance", "no guest ignores a request to shut down")

    def failing(self) -> Instance:
        """Return an instance whose start fails."""
        return _offered(self.offers.failing, "failing_instance", "no start can be made to fail")

    def disk(self) -> Disk:
        """Return a disk that may be added to a running instance."""
        return _offered(self.offers.disk, "spare_disk", "there is no disk to add")

    def nic(self) -> Nic:
        """Return a network interface that may be added to a running instance."""
        return _offered(self.offers.nic, "spare_nic", "there is no network interface to add")

    def second(self) -> Hypervisor:
        """Return the hypervisor of another node.

        Raises:
            BrokenPromise: the hypervisor can migrate, and no other node is given to try it.
        """
        if self.offers.second is None and self.hypervisor.can_migrate:
            raise BrokenPromise(
                "it can migrate; let the fixture second_hypervisor return the hypervisor of another node"
            )
        return _offered(self.offers.second, "second_hypervisor", "there is no other node")

    # -- what clauses do -------------------------------------------------------------------------------------------

    def start(self, instance: Instance | None = None, *, startup_paused: bool = False) -> str:
        """Start an instance, which must succeed, and return its name.

        Args:
            instance: the instance; None means the trial's own.
            startup_paused: start it paused.
        """
        wanted = self.uses(self.instance if instance is None else instance)
        allowed("a start", self.hypervisor.start_instance, wanted, startup_paused=startup_paused)
        return wanted.name

    def uses(self, instance: Instance) -> Instance:
        """Take note of an instance that a clause may leave running, and return it."""
        self._names.add(instance.name)
        return instance

    def at_the_end(self, call: Callable[[], object]) -> None:
        """Let something be called before the trial's instances are ended, the last first; its errors do not count."""
        self._ends.append(call)

    def stop(self, name: str | None = None) -> None:
        """Stop an instance by force and clean it up, which must succeed."""
        wanted = name or self.name
        allowed("a forced stop", self.hypervisor.stop_instance, wanted, force=True)
        allowed("a cleanup", self.hypervisor.cleanup_instance, wanted)

    def info(self, name: str | None = None) -> InstanceInfo:
        """Describe an instance that must run."""
        found = allowed("a question for an instance", self.hypervisor.get_instance_info, name or self.name)
        if found is None:
            raise BrokenPromise(f"get_instance_info says that {name or self.name} does not run")
        return found

    def runs(self, name: str | None = None) -> bool:
        """Tell whether an instance runs or is paused."""
        return self.hypervisor.get_instance_info(name or self.name) is not None

    def timed(self, call: Callable[[], T], what: str) -> T:
        """Return what a call answers that has a time limit of at most a second.

        Args:
            call: the call.
            what: what it is, for the message.

        Raises:
            BrokenPromise: it took longer than the trial's patience.
        """
        began = time.monotonic()
        try:
            return call()
        finally:
            took_s = time.monotonic() - began
            ensure(took_s <= self.patience_s, f"{what} took {took_s:.1f} s")

    def must_leave_nothing(self, before: Collection[str], what: str) -> None:
        """Demand that nothing is on the node that was not there before.

        A loop device alone is looked for again: the kernel frees it a moment after its last user.

        Args:
            before: what ``offers.leftovers`` said before.
            what: what came in between.

        Raises:
            BrokenPromise: naming every single thing.
        """
        deadline = time.monotonic() + _LOOP_GRACE_S
        while left := sorted(set(self.offers.leftovers()) - set(before)):
            if time.monotonic() >= deadline or not all(item.startswith("loop devices") for item in left):
                raise BrokenPromise(f"{what} left behind: {', '.join(left)}")
            time.sleep(_LOOK_S)

    # -- before and after ------------------------------------------------------------------------------------------

    def require_clean(self) -> None:
        """Demand that the instance does not run yet.

        Raises:
            BrokenPromise: it does.
        """
        with suppress(Unsupported):
            ensure(
                not self.runs(), f"{self.name} runs before the clause begins; the fixture must give one that does not"
            )

    def clean(self) -> None:
        """End whatever a clause left running, on both nodes.

        Raises:
            HypervisorError: the first failure, after everything was tried.
        """
        for call in reversed(self._ends):
            with suppress(HypervisorError):
                call()
        failures: list[HypervisorError] = []
        nodes = [node for node in (self.hypervisor, self.offers.second) if node is not None]
        for node in nodes:
            for name in sorted(self._names):
                for end in (_force, _clean_up):
                    try:
                        end(node, name)
                    except Unsupported:
                        continue
                    except HypervisorError as error:
                        failures.append(error)
        if failures:
            raise failures[0]


def _force(node: Hypervisor, name: str) -> None:
    node.stop_instance(name, force=True)


def _clean_up(node: Hypervisor, name: str) -> None:
    node.cleanup_instance(name)


def _offered(thing: T | None, fixture: str, reason: str) -> T:
    if thing is None:
        raise NotOffered(f"{reason}: the fixture {fixture} returns None")
    return thing
