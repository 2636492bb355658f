"""The reference pages that are made from the code are what the code says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import generate_reference
import pytest
from docs_pages import DOCS, MADE, title_of
from reference_pages.extension_examples import EXTENSION_EXAMPLES
from reference_pages.remedies import REMEDIES
from reference_pages.verb_examples import PRELUDE, VERB_EXAMPLES

from hvcore import errors

PAGES = generate_reference.pages()
EXAMPLES = {name: PRELUDE + text for name, text in VERB_EXAMPLES.items()} | EXTENSION_EXAMPLES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_says(name: str) -> None:
    assert generate_reference.stale_pages({name: PAGES[name]}) == [], "run: python docs/generate_reference.py"


def test_no_page_is_left_of_an_earlier_version() -> None:
    made = {page.name for page in (DOCS / "reference").glob("*.md") if page.read_text("utf-8").startswith(MADE)}
    assert made == set(PAGES)


def test_check_tells_stale_pages_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_reference, "REFERENCE", tmp_path)
    assert generate_reference.main(["--check"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out.count("stale: ") == len(PAGES)
    assert generate_reference.main([]) == 0
    assert {page.name for page in tmp_path.iterdir()} == set(PAGES)
    assert generate_reference.main(["--check"]) == 0


@pytest.mark.parametrize("name", PAGES)
def test_no_table_of_a_page_has_an_empty_meaning(name: str) -> None:
    """A field, argument or error without a word about it is one that nobody documented."""
    for line in PAGES[name].splitlines():
        if line.startswith("| `") and not re.fullmatch(r"\| `\w+` \| `[\w-]+` \|", line):
            assert not line.endswith("|  |"), f"{name}: {line}"


def test_pages_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"HVCORE_DISABLE": "fake", "HVCORE_STATE_DIR": "/x", "HVCORE_LOG_DIR": "/y"}.items():
        monkeypatch.setenv(variable, value)
    assert generate_reference.pages() == PAGES


def test_the_page_of_state_names_every_file_of_an_instance(tmp_path: Path) -> None:
    import hvcore

    text = (DOCS / "reference" / "state.md").read_text("utf-8")
    fake = hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("fake")
    fake.start_instance(hvcore.Instance("web1", "fake"))
    found = {path.name for path in (tmp_path / "state" / "fake" / "web1").iterdir()}
    assert found
    assert {name for name in found if f"`{name}" not in text} == set(), title_of(DOCS / "reference" / "state.md")


@pytest.mark.parametrize("hook", EXAMPLES)
def test_the_example_of_a_hook_runs(hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("HVCORE_PLUGINS", "HVCORE_DISABLE", "HVCORE_ORDER", "HVCORE_TRACE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HVCORE_CONFIG", "")
    monkeypatch.setenv("HVCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HVCORE_LOG_DIR", str(tmp_path / "log"))
    test = doctest.DocTestParser().get_doctest(EXAMPLES[hook], {}, hook, "hooks.md", 0)
    output: list[str] = []
    assert doctest.DocTestRunner().run(test, out=output.append).failed == 0, "".join(output)


def test_every_hook_has_an_example_that_shows_it() -> None:
    host = generate_reference.built_in_host()
    hooks = {hook.name for name in host.hypervisor_names for hook in host.hypervisor(name).scope.hooks}
    assert EXAMPLES.keys() == hooks
    verbs = {
        "get_parameters": ".parameters",
        "get_instance_stats": ".instance_stats",
        "get_all_instances_stats": ".all_instances_stats",
        "watch_guest": ".watch_events",
        "get_guest_end": ".watch_events",
    }
    assert [name for name, text in EXAMPLES.items() if verbs.get(name, name) not in text] == []


@pytest.mark.parametrize("name", ["hooks.md", "support.md"])
def test_every_domain_of_the_contract_has_a_title(name: str) -> None:
    assert "Steps of hvcore |" not in PAGES[name]


def test_every_error_has_a_remedy() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert REMEDIES.keys() == kinds
