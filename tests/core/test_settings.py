"""Settings and the four variables they are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore import Settings
from hvcore.discovery import Selection


def test_defaults_are_the_systems_directories_all_plugins_and_no_order() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings() == Settings(Path("/run/hvcore"), Path("/var/log/hvcore"), Selection(None, frozenset()), ())


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "HVCORE_STATE_DIR": "/srv/state",
            "HVCORE_LOG_DIR": "/srv/log",
            "HVCORE_PLUGINS": "overlay, audit",
            "HVCORE_DISABLE": "broken",
            "HVCORE_ORDER": "b, a c",
        }
    )
    assert settings.state_dir == Path("/srv/state")
    assert settings.log_dir == Path("/srv/log")
    assert settings.selection == Selection(frozenset({"overlay", "audit"}), frozenset({"broken"}))
    assert settings.order == ("b", "a", "c")


def test_empty_variables_are_unset_but_an_empty_list_of_plugins_is_a_list() -> None:
    empty = dict.fromkeys(["HVCORE_STATE_DIR", "HVCORE_LOG_DIR", "HVCORE_DISABLE", "HVCORE_ORDER"], "")
    assert Settings.from_environment(empty) == Settings()
    assert Settings.from_environment({"HVCORE_PLUGINS": ""}).selection.allowed == frozenset()


def test_a_relative_directory_is_taken_from_where_the_process_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"HVCORE_STATE_DIR": "state", "HVCORE_LOG_DIR": "log"})
    assert (settings.state_dir, settings.log_dir) == (tmp_path / "state", tmp_path / "log")


def test_the_process_has_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HVCORE_LOG_DIR", "/srv/log")
    monkeypatch.setenv("HVCORE_DISABLE", "a")
    settings = Settings.from_environment()
    assert settings.log_dir == Path("/srv/log")
    assert settings.selection.denied == {"a"}
