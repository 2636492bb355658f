"""The configuration file, and the variables that win over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore import InvalidInput, Settings, settings
from hvcore.discovery import Candidate


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    """Write a configuration file and read the settings with it."""

    def read(text: str | bytes, **variables: str) -> Settings:
        file = tmp_path / "hvcore.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Settings.from_environment({"HVCORE_CONFIG": str(file), **variables})

    return read


WHOLE = '[plugins]\nallow = ["overlay"]\ndisable = ["bad", "worse"]\norder = ["b", "a"]\n'


def overlay(name: str) -> Candidate:
    return Candidate("hvcore.lxc", name, f"hvcore-{name} 1.0", f"hvcore-{name}", lambda: None)


def test_the_file_allows_denies_and_orders(configured: Callable[..., Settings], tmp_path: Path) -> None:
    found = configured(WHOLE)
    assert found.order == ("b", "a")
    selection = found.selection
    assert selection.refusal(overlay("overlay")) == ""
    assert selection.refusal(overlay("other")) == f"not in {tmp_path}/hvcore.toml (allow)"
    assert selection.refusal(overlay("bad")) == f"disabled by {tmp_path}/hvcore.toml (disable)"


def test_a_variable_wins_over_the_files_entry_even_when_it_is_empty(configured: Callable[..., Settings]) -> None:
    found = configured(WHOLE, HVCORE_PLUGINS="other", HVCORE_ORDER="", HVCORE_DISABLE="")
    assert found.order == ()
    assert found.selection.refusal(overlay("other")) == ""
    assert found.selection.refusal(overlay("bad")) == "not in HVCORE_PLUGINS"
    assert configured(WHOLE, HVCORE_ORDER="c").order == ("c",)
    assert configured(WHOLE, HVCORE_DISABLE="x").selection.refusal(overlay("x")) == "disabled by HVCORE_DISABLE"


def test_without_a_list_of_those_allowed_all_are(configured: Callable[..., Settings]) -> None:
    for text in ("", "# nothing\n", "[plugins]\n"):
        assert configured(text).selection.refusal(overlay("any")) == ""
    assert configured("[plugins]\nallow = []\n").selection.allowed == frozenset()


@pytest.mark.parametrize(
    ("text", "line", "key", "words", "resolution"),
    [
        ("[plugins]\norder = [\n", 2, None, "is no TOML", "mend the file"),
        ("[plugins]\nordr = []\n", 2, "plugins.ordr", "unknown key plugins.ordr", "did you mean order?"),
        ("\n\n[plugin]\norder = []\n", 3, "plugin", "unknown key plugin", "did you mean plugins?"),
        ("xyzzy = 1\n", 1, "xyzzy", "unknown key xyzzy", "remove xyzzy"),
        ("plugins = 1\n", 1, "plugins", "plugins cannot be 1", "a table [plugins]"),
        ('[plugins]\n# a word\nallow = "overlay"\n', 3, "plugins.allow", "cannot be 'overlay'", "a list of names"),
        ("[plugins]\ndisable = [1]\n", 2, "plugins.disable", "cannot be [1]", "a list of names"),
        ('[plugins]\norder = [""]\n', 2, "plugins.order", "cannot be ['']", "a list of names"),
        ("[plugins]\norder = {}\n", 2, "plugins.order", "cannot be {}", "a list of names"),
        (b"\xff\xfe", None, None, "is no TOML", "mend the file"),
    ],
)
def test_what_cannot_be_accepted_is_told_with_file_line_and_key(
    configured: Callable[..., Settings], tmp_path: Path, text: str, line: int, key: str, words: str, resolution: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        configured(text)
    error = caught.value
    assert (error.file, error.line, error.key) == (f"{tmp_path}/hvcore.toml", line, key)
    assert words in error.message
    assert resolution in str(error.resolution)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.toml", tmp_path):
        with pytest.raises(InvalidInput, match="the configuration cannot be read") as caught:
            Settings.from_environment({"HVCORE_CONFIG": str(path)})
        assert caught.value.file == str(path)


def test_the_default_file_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = tmp_path / "default.toml"
    monkeypatch.setattr(settings, "CONFIG_FILE", str(default))
    assert Settings.from_environment({}) == Settings()
    default.write_text('[plugins]\norder = ["a"]\n')
    assert Settings.from_environment({}).order == ("a",)
    assert Settings.from_environment({"HVCORE_CONFIG": ""}) == Settings()
    assert Settings.from_environment({}, read_file=False) == Settings()


@pytest.mark.parametrize(("value", "traces"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_a_trace_is_asked_for_by_a_variable(value: str, traces: bool) -> None:
    assert Settings.from_environment({"HVCORE_TRACE": value}).trace is traces
