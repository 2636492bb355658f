"""What a change of the memory promises."""

from __future__ import annotations

from hvcore.errors import InvalidInput, NotRunning, OperationFailed
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["BalloonClauses"]

_GANETI = "Ganeti 2.6 BalloonInstanceMemory"
_TOO_MUCH_MIB = 2**31


class BalloonClauses:
    """Changing the memory of a running instance."""

    @clause("After a balloon the info says the new size.", "balloon_instance_memory", level=Level.FULL, source=_GANETI)
    def test_balloon_is_read_back(self, trial: Trial) -> None:
        trial.start()
        _balloon(trial, _less(trial))

    @clause("Memory that was taken can be given back.", "balloon_instance_memory", level=Level.FULL, source=_GANETI)
    def test_balloon_grows_again(self, trial: Trial) -> None:
        trial.start()
        _balloon(trial, _less(trial))
        _balloon(trial, trial.instance.memory_mib)

    @clause(
        "A balloon leaves the guest running as it was.", "balloon_instance_memory", level=Level.FULL, source=_GANETI
    )
    def test_balloon_keeps_the_guest(self, trial: Trial) -> None:
        trial.start()
        before = trial.info()
        allowed("a balloon", trial.hypervisor.balloon_instance_memory, trial.instance, _less(trial))
        after = trial.info()
        ensure((after.state, after.pid) == (before.state, before.pid), f"a balloon made of {before} {after}")
        ensure(after.cpu_seconds >= before.cpu_seconds, "a balloon began the guest anew")

    @clause(
        "A balloon of what does not run raises NotRunning.", "balloon_instance_memory", level=Level.FULL, source=_GANETI
    )
    def test_balloon_of_what_does_not_run(self, trial: Trial) -> None:
        what = "a balloon of what does not run"
        refused(NotRunning, what, trial.hypervisor.balloon_instance_memory, trial.instance, trial.instance.memory_mib)

    @clause("No memory at all is refused, and the old size stays.", "balloon_instance_memory", level=Level.FULL)
    def test_balloon_to_nothing_is_refused(self, trial: Trial) -> None:
        trial.start()
        before_mib = trial.info().memory_mib
        for memory_mib in (0, -1):
            what = f"a balloon to {memory_mib} MiB"
            refused(InvalidInput, what, trial.hypervisor.balloon_instance_memory, trial.name, memory_mib)
        ensure(
            trial.info().memory_mib == before_mib, f"a refused balloon made the memory {trial.info().memory_mib} MiB"
        )

    @clause(
        "A balloon takes effect, or raises and the old size stays.",
        "balloon_instance_memory",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_balloon_happens_or_not(self, trial: Trial) -> None:
        trial.start()
        expected_mib = trial.info().memory_mib
        try:
            trial.hypervisor.balloon_instance_memory(trial.name, _TOO_MUCH_MIB)
        except OperationFailed as error:
            ensure(error.instance == trial.name, f"the refusal is about {error.instance}")
        else:
            expected_mib = _TOO_MUCH_MIB
        memory_mib = trial.info().memory_mib
        ensure(memory_mib == expected_mib, f"it should have {expected_mib} MiB then, and has {memory_mib} MiB")


def _less(trial: Trial) -> int:
    return max(1, trial.instance.memory_mib - trial.instance.memory_mib // 4)


def _balloon(trial: Trial, memory_mib: int) -> None:
    allowed("a balloon", trial.hypervisor.balloon_instance_memory, trial.name, memory_mib)
    now_mib = trial.info().memory_mib
    ensure(now_mib == memory_mib, f"after a balloon to {memory_mib} MiB the info says {now_mib} MiB")
