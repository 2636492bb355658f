"""The state of a fake machine, as a value; nothing here reads a clock or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, field, frozen

from hvcore.fake.behaviour import NON_LIVE, Behaviour
from hvcore.fake.departure import Departure
from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.fake.clock import Clock

__all__ = ["RunState"]

_MIB = 2**20


@frozen
class RunState:
    """A machine that was switched on.

    Its guest lives in its own time, which stands still while it is paused: that time is what is reported as CPU time, and
    a shutdown that was asked for happens at a moment of it. Like a real machine it does not outlive the boot of its node.

    Attributes:
        run: tells this run of the machine from every other.
        boot_id: the node's boot that it belongs to.
        memory_mib: its memory.
        vcpus: its CPUs.
        behaviour: the parameters it was started with.
        is_paused: whether its time stands still.
        elapsed_s: the guest's time at ``since_s``.
        since_s: the node's time at which ``elapsed_s`` was true.
        halts_at_s: the guest's time at which it will have shut down, or None when nobody asked.
        departure: its migration to another node, or None when it stays.
        disk_sizes: bytes that the guest was told its disks have, by the disks' paths.
    """

    run: str
    boot_id: str
    memory_mib: int
    vcpus: int
    behaviour: Behaviour
    is_paused: bool
    elapsed_s: float
    since_s: float
    halts_at_s: float | None = None
    departure: Departure | None = None
    disk_sizes: dict[str, int] = field(factory=dict[str, int])

    def guest_time_s(self, clock: Clock) -> float:
        """Return the guest's time at a moment of the node's."""
        return self.elapsed_s if self.is_paused else self.elapsed_s + max(0.0, clock.seconds - self.since_s)

    def is_alive(self, clock: Clock) -> bool:
        """Tell whether it runs or is paused: its node has not rebooted and its guest has not shut down."""
        halted = self.halts_at_s is not None and self.guest_time_s(clock) >= self.halts_at_s
        return self.boot_id == clock.boot_id and not halted

    def seconds_to_halt(self, clock: Clock) -> float | None:
        """Return how long the guest still takes to shut down; None when it does not."""
        if self.halts_at_s is None or self.is_paused:
            return None
        return self.halts_at_s - self.guest_time_s(clock)

    def paused(self, clock: Clock) -> RunState:
        """Return it with its time standing still."""
        return evolve(self, is_paused=True, elapsed_s=self.guest_time_s(clock), since_s=clock.seconds)

    def resumed(self, clock: Clock) -> RunState:
        """Return it with its time going on."""
        return evolve(self, is_paused=False, elapsed_s=self.guest_time_s(clock), since_s=clock.seconds)

    def asked_to_halt(self, clock: Clock) -> RunState:
        """Return it as it is once its guest has heard that it shall shut down; a frozen guest is thawed to hear it."""
        awake = self.resumed(clock)
        if self.behaviour.refuses_shutdown or self.halts_at_s is not None:
            return awake
        return evolve(awake, halts_at_s=awake.elapsed_s + self.behaviour.stop_delay_s)

    def rebooted(self, clock: Clock) -> RunState:
        """Return it with a fresh guest; memory that was ballooned stays as it is."""
        return evolve(self, is_paused=False, elapsed_s=0.0, since_s=clock.seconds, halts_at_s=None)

    def departing(self, clock: Clock, migration: str, target: str, live: bool) -> RunState:
        """Return it on its way to another node; its guest goes on only if both the caller and the parameters let it.

        Args:
            clock: the moment at which it begins.
            migration: names the migration.
            target: the state directory of the other node.
            live: whether the caller wants the guest to go on.
        """
        mib_s = self.behaviour.migration_bandwidth_mib_s
        departure = Departure(
            migration=migration,
            target=target,
            was_paused=self.is_paused,
            began_s=clock.seconds,
            takes_s=(self.memory_mib / mib_s if mib_s else 0.0) + self.behaviour.delay_s("transfer"),
            total_bytes=self.memory_mib * _MIB,
            breaks_off=self.behaviour.fail_step == "transfer",
        )
        is_live = live and self.behaviour.migration_mode != NON_LIVE
        return evolve(self if is_live else self.paused(clock), departure=departure)

    def settled(self, clock: Clock) -> RunState:
        """Return it after its migration, on whichever node it is now; a guest that was paused for it goes on."""
        if self.departure is None:
            return self
        here = self.resumed(clock) if self.is_paused and not self.departure.was_paused else self
        return evolve(here, departure=None)

    def describe(self, name: str, hypervisor: str, clock: Clock) -> InstanceInfo:
        """Return what a management tool is told."""
        return InstanceInfo(
            name=name,
            hypervisor=hypervisor,
            state=InstanceState.PAUSED if self.is_paused else InstanceState.RUNNING,
            memory_mib=self.memory_mib,
            vcpus=self.vcpus,
            cpu_seconds=self.guest_time_s(clock),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunState:
        """Return what ``to_dict`` described.

        Raises:
            KeyError: the behaviour is missing.
            TypeError: another field is missing, or there is one that is not known.
        """
        departure = data.get("departure")
        fields: dict[str, Any] = {
            **data,
            "behaviour": Behaviour(**data["behaviour"]),
            "departure": None if departure is None else Departure(**departure),
        }
        return cls(**fields)
