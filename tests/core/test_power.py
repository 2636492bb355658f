"""Power-cycling, with recorded effects only; ``tests/conftest.py`` keeps every test from a real one."""

from __future__ import annotations

import errno
import logging
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import Factory, define

from hvcore.errors import CommandFailed, CommandTimeout, MissingRequirement, OperationFailed
from hvcore.system import power
from hvcore.system.power import PowerEffects, linux_powercycle

if TYPE_CHECKING:
    from collections.abc import Callable


@define
class RecordedEffects:
    """Effects that only note what was asked, and fail where told to."""

    sysrq_error: Exception | None = None
    reboot_error: Exception | None = None
    calls: list[str] = Factory(list[str])

    def trigger_sysrq(self) -> None:
        self.calls.append("sysrq")
        if self.sysrq_error:
            raise self.sysrq_error

    def force_reboot(self) -> None:
        self.calls.append("reboot")
        if self.reboot_error:
            raise self.reboot_error


class NodeIsGone(BaseException):
    """Stands for a write that does not return."""


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], float | None]]:
    """Put a recorder in the place of the only module that starts processes."""
    ran: list[tuple[tuple[str, ...], float | None]] = []
    double = types.ModuleType("hvcore.system.commands")

    def run(argv: tuple[str, ...], *, timeout_s: float | None) -> None:
        ran.append((argv, timeout_s))

    double.run = run  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "hvcore.system.commands", double)
    return ran


# The order of the attempts.


def test_asks_the_kernel_first_and_nothing_else_when_the_node_goes_down() -> None:
    effects = RecordedEffects()

    def gone() -> None:
        effects.calls.append("sysrq")
        raise NodeIsGone

    lines: list[str] = []
    with pytest.raises(NodeIsGone):
        linux_powercycle(_with(effects, trigger_sysrq=gone), log=lines.append)
    assert effects.calls == ["sysrq"]
    assert lines == []


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file"), OSError(errno.EROFS, "Read-only")])
def test_reboots_by_force_when_the_kernel_refuses(error: OSError) -> None:
    effects, lines = RecordedEffects(sysrq_error=error), list[str]()
    linux_powercycle(effects, log=lines.append)
    assert effects.calls == ["sysrq", "reboot"]
    assert lines == [f"sysrq failed: {error.strerror}; rebooting by force"]


def test_reboots_by_force_when_the_write_is_survived() -> None:
    effects, lines = RecordedEffects(), list[str]()
    linux_powercycle(effects, log=lines.append)
    assert effects.calls == ["sysrq", "reboot"]
    assert lines == ["sysrq was accepted, but the node still runs; rebooting by force"]


def test_says_so_in_the_log_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="hvcore.power"):
        linux_powercycle(RecordedEffects(sysrq_error=PermissionError(errno.EACCES, "Permission denied 100%s")))
    assert caplog.messages == ["sysrq failed: Permission denied 100%s; rebooting by force"]


def test_an_error_that_is_not_the_systems_is_not_taken_for_a_refusal() -> None:
    effects = RecordedEffects(sysrq_error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        linux_powercycle(effects)
    assert effects.calls == ["sysrq"]


# Both attempts fail.


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (
            CommandFailed("reboot exited with status 1", command=["reboot"], status=1, details=["Must be root."]),
            "reboot exited with status 1",
            ("Must be root.",),
        ),
        (CommandTimeout("reboot did not finish within 60 s"), "reboot did not finish within 60 s", ()),
        (MissingRequirement("reboot cannot be run: not installed"), "reboot cannot be run: not installed", ()),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory", ()),
        (OSError(), "OSError", ()),
    ],
)
def test_names_both_attempts_and_the_tools_words_when_both_fail(
    error: Exception, reason: str, words: tuple[str, ...]
) -> None:
    effects = RecordedEffects(OSError(errno.EROFS, "Read-only file system"), error)
    with pytest.raises(OperationFailed) as caught:
        linux_powercycle(effects, log=lambda line: None)
    failure = caught.value
    assert effects.calls == ["sysrq", "reboot"]
    assert type(failure) is OperationFailed
    assert "sysrq failed: Read-only file system" in failure.message
    assert reason in failure.message
    assert failure.details == (
        "/proc/sysrq-trigger: sysrq failed: Read-only file system",
        f"reboot -n -f: {reason}",
        *words,
    )
    assert failure.resolution
    assert failure.__cause__ is error


def test_reports_a_survived_write_when_the_reboot_fails_too() -> None:
    effects = RecordedEffects(reboot_error=CommandFailed("reboot exited with status 1", status=1))
    with pytest.raises(OperationFailed, match="the node still runs; the forced reboot failed: reboot exited"):
        linux_powercycle(effects, log=lambda line: None)


# What is done without an injected object. Only its pieces are looked at, with harmless values.


def test_takes_thereal_effects_only_when_nothing_is_injected(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[RecordedEffects] = []

    def build() -> PowerEffects:
        built.append(RecordedEffects(sysrq_error=OSError()))
        return built[-1]

    monkeypatch.setattr(power, "real_effects", build)
    linux_powercycle(RecordedEffects(), log=lambda line: None)
    assert built == []
    linux_powercycle(log=lambda line: None)
    assert [effects.calls for effects in built] == [["sysrq", "reboot"]]


def test_thereal_effects_are_the_kernels_trigger_and_an_unwritten_forced_reboot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[tuple[str, tuple[str, ...]]] = []

    def harmless(trigger: str, command: tuple[str, ...]) -> PowerEffects:
        given.append((trigger, command))
        return RecordedEffects()

    monkeypatch.setattr(power, "KernelPower", harmless)
    assert power.real_effects() == RecordedEffects()
    assert given == [("/proc/sysrq-trigger", ("reboot", "-n", "-f"))]


def test_the_real_reboot_goes_through_the_one_door_with_a_time_limit(
    commands: list[tuple[tuple[str, ...], float | None]],
) -> None:
    power.KernelPower("/nonexistent/trigger", ("true", "-x")).force_reboot()
    assert commands == [(("true", "-x"), 60)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    descriptors: list[int] = []
    real_open = os.open

    def recorded_open(path: str, flags: int) -> int:
        descriptors.append(real_open(path, flags))
        return descriptors[-1]

    monkeypatch.setattr(os, "open", recorded_open)
    return descriptors


def test_writes_one_letter_and_closes_the_descriptor(tmp_path: Path, opened: list[int]) -> None:
    trigger = tmp_path / "trigger"
    trigger.write_bytes(b"")
    power.KernelPower(str(trigger), ("true",)).trigger_sysrq()
    assert trigger.read_bytes() == b"b"
    assert_closed(opened)


def test_closes_the_descriptor_when_the_write_fails(opened: list[int]) -> None:
    with pytest.raises(OSError, match="No space left"):
        power.KernelPower("/dev/full", ("true",)).trigger_sysrq()
    assert_closed(opened)


def test_does_not_make_a_trigger_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        power.KernelPower(str(tmp_path / "trigger"), ("true",)).trigger_sysrq()
    assert list(tmp_path.iterdir()) == []


def assert_closed(descriptors: list[int]) -> None:
    assert len(descriptors) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptors[0])


def _with(effects: RecordedEffects, *, trigger_sysrq: Callable[[], None]) -> PowerEffects:
    @define
    class Replaced:
        def trigger_sysrq(self) -> None:
            trigger_sysrq()

        def force_reboot(self) -> None:
            effects.force_reboot()

    return Replaced()
