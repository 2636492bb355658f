"""Lines of calls, on the embedded hypervisor; nothing here needs root."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import AlreadyRunning
from hvcore.plugin import Kind, contract_hooks
from hvcore_audit import Audit, AuditSettings

Lines = Callable[..., list[dict[str, Any]]]
WEB1 = hvcore.Instance("web1", "fake")


def test_it_wraps_every_command_of_every_hypervisor(tmp_path: Path) -> None:
    host = hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log")
    commands = {hook.name for hook in contract_hooks() if hook.kind is Kind.COMMAND}
    for name in host.hypervisor_names:
        scope = host.hypervisor(name).scope
        wrapped = {
            hook.name
            for hook in scope.hooks
            if ("wrapper", "audit") in [(answerer.role, answerer.plugin) for answerer in scope.answerers(hook.function)]
        }
        assert wrapped == commands
    assert host.plugins().broken == ()


def test_a_call_is_one_line(fake: hvcore.Hypervisor, lines: Lines) -> None:
    fake.start_instance(WEB1)
    fake.pause_instance("web1")
    fake.stop_instance(name="web1", force=True)
    fake.list_instances()
    (start,) = lines("start_instance")
    assert (start["hypervisor"], start["instance"], start["outcome"]) == ("fake", "web1", "ok")
    assert start["duration_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", start["time"])
    told = [(line["operation"], line["instance"]) for line in lines() if line["operation"] != "start_instance"]
    assert ("pause_instance", "web1") in told
    assert ("stop_instance", "web1") in told
    assert ("list_instances", None) in told


def test_a_failure_is_recorded_with_its_code_and_raised_as_it_is(fake: hvcore.Hypervisor, lines: Lines) -> None:
    fake.start_instance(WEB1)
    with pytest.raises(AlreadyRunning):
        fake.start_instance(WEB1)
    last = lines("start_instance")[-1]
    assert (last["outcome"], last["code"]) == ("failed", AlreadyRunning.code)


def test_only_some_operations_are_recorded_where_that_is_wanted(
    fake: hvcore.Hypervisor, lines: Lines, configure: Callable[[str], None]
) -> None:
    configure('only = ["stop_instance"]')
    fake.start_instance(WEB1)
    fake.stop_instance("web1", force=True)
    assert [line["operation"] for line in lines()] == ["stop_instance"]


def test_a_file_that_cannot_be_written_breaks_nothing_and_is_told_once(
    fake: hvcore.Hypervisor, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.mkdir(parents=True)
    with caplog.at_level(logging.WARNING, "hvcore.audit"):
        fake.start_instance(WEB1)
        assert fake.list_instances() == ("web1",)
    (told,) = caplog.messages
    assert "calls are not recorded" in told
    assert str(file) in told


def test_what_is_no_error_of_hvcore_is_recorded_too(tmp_path: Path, lines: Lines, file: Path) -> None:
    around = Audit(lambda: AuditSettings(file=str(file))).recorded("list_instances", None)
    next(around)
    with pytest.raises(KeyboardInterrupt):
        around.throw(KeyboardInterrupt())
    assert lines()[-1]["outcome"] == "interrupted"
    around = Audit(lambda: AuditSettings(file=str(file))).recorded("list_instances", None)
    next(around)
    with pytest.raises(ZeroDivisionError):
        around.throw(ZeroDivisionError("by zero"))
    assert lines()[-1]["message"] == "ZeroDivisionError: by zero"


def test_nothing_is_recorded_where_the_file_is_empty_text(
    fake: hvcore.Hypervisor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HVCORE_AUDIT_FILE", "")
    fake.list_instances()
    assert not (tmp_path / "audit").exists()
