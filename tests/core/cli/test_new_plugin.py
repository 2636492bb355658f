"""``new-plugin`` writes a package that works, and ``check-plugin`` tells of one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.cli.scaffold import KINDS, plan_package, render_package
from hvcore.errors import InvalidInput

ROOT = Path(__file__).parents[3]
CALM = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}


@pytest.fixture
def make(hv: Any, tmp_path: Path) -> Any:
    """Make a package and return its directory."""

    def run(name: str, kind: str, *words: str) -> Path:
        directory = tmp_path / name
        made = hv("new-plugin", name, "--kind", kind, "--directory", str(directory), "--json", *words)
        assert made.status == 0, made.out
        files = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
        assert files == set(made.json["files"])
        return directory

    return run


def python(directory: Path, *words: str, program: str = sys.executable) -> str:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HVCORE_")}
    done = subprocess.run(
        [program, *words], cwd=directory, env={**bare, **CALM}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


# What is made.


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_passes_its_own_tests_and_the_check(make: Any, hv: Any, kind: str) -> None:
    directory = make("hvcore-brand-new", kind)
    assert " passed" in python(directory, "-m", "pytest", "-q")
    checked = hv("check-plugin", str(directory), "--json")
    assert checked.status == 0
    assert (checked.json["problems"], checked.json["notes"]) == ([], [])
    [plugin] = checked.json["plugins"]
    assert (plugin["name"], plugin["contract"]) == ("brand-new", "1.0")
    assert "start_instance" in plugin["hooks"]
    assert f"({kind}" in f"({kind} of {(directory / 'README.md').read_text()}"
    assert "brand_new" in (directory / "pyproject.toml").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_type_checks(make: Any, kind: str) -> None:
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed here; the environment for development has it")
    cache = make("hvcore-brand-new", kind)
    assert "no issues found" in python(cache, "-m", "mypy", "--cache-dir", os.devnull)


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_of_a_template_is_left(kind: str) -> None:
    files = render_package(plan_package("hvcore-brand-new", kind))
    assert "README.md" in files
    for path, text in files.items():
        assert "PACKAGE" not in path
        assert "@name@" not in text
        assert not [word for word in ("@package@", "@short@", "@group@", "@Class@", "@contract@") if word in text]


@pytest.mark.parametrize(
    ("name", "kind", "hypervisor", "package", "short", "group"),
    [
        ("hvcore-audit", "extension", None, "hvcore_audit", "audit", "hvcore.all"),
        ("hvcore-audit", "extension", "lxc", "hvcore_audit", "audit", "hvcore.lxc"),
        ("My.Own_Thing", "hypervisor", None, "my_own_thing", "my-own-thing", "hvcore.hypervisors"),
        ("hvcore-nspawn", "hypervisor", None, "hvcore_nspawn", "nspawn", "hvcore.hypervisors"),
    ],
)
def test_all_names_follow_from_one(
    name: str, kind: str, hypervisor: str | None, package: str, short: str, group: str
) -> None:
    found = plan_package(name, kind, hypervisor)
    assert (found.package, found.short, found.group) == (package, short, group)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "extension"),
        ("../up", "extension"),
        ("a b", "extension"),
        ("1st", "extension"),
        ("-x", "extension"),
        ("json", "extension"),
        ("class", "extension"),
        ("hvcore", "extension"),
        ("x" * 61, "extension"),
        ("hvcore-lxc", "hypervisor"),
        ("hvcore-all", "hypervisor"),
        ("ärger", "extension"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, kind: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan_package(name, kind)
    assert caught.value.key == "name"
    assert caught.value.resolution


def test_nothing_is_overwritten(hv: Any, make: Any) -> None:
    directory = make("hvcore-brand-new", "extension")
    again = hv("new-plugin", "hvcore-brand-new", "--kind", "extension", "--directory", str(directory))
    assert again.status == 2
    assert "is there already, and not empty" in again.err
    (empty := directory.parent / "empty").mkdir()
    assert hv("new-plugin", "x1", "--kind", "extension", "--directory", str(empty)).status == 0


def test_it_says_what_it_wrote_and_what_comes_next(hv: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = hv("new-plugin", "hvcore-audit", "--kind", "extension", "-H", "lxc").out.splitlines()
    assert lines[0] == "hvcore-audit: a new extension, 'audit' of hvcore.lxc"
    assert "  src/hvcore_audit/extension.py" in lines
    assert lines[-1].startswith("next: pip install -e hvcore-audit")
    assert hv("new-plugin", "hvcore-b").status == 2


# The check.


def write(directory: Path, points: str, module: str = "", head: str = 'dependencies = ["hvcore"]') -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "pyproject.toml").write_text(f'[project]\nname = "checked"\nversion = "2.0"\n{head}\n{points}\n')
    (directory / "checked_module.py").write_text(f"from hvcore.plugin import *\n{module}\n")
    return directory


STEP = """
class Mine:
    hvcore_contract = "1.0"
    @hookimpl
    def instance_stopped(self, instance_name):
        raise AssertionError("a hook was run")
mine = Mine()
bad = open
"""
ALL = '[project.entry-points."hvcore.all"]\n'


def check(hv: Any, directory: Path) -> Any:
    outcome = hv("check-plugin", str(directory), "--json")
    assert outcome.status == (1 if outcome.json["problems"] else 0)
    assert not list(directory.rglob("__pycache__"))
    assert "checked_module" not in sys.modules
    assert str(directory) not in sys.path
    return outcome.json


def test_a_good_package_is_checked_without_running_a_hook(hv: Any, tmp_path: Path) -> None:
    found = check(hv, write(tmp_path / "p", f'{ALL}mine = "checked_module:mine"', STEP))
    assert found["project"] == "checked 2.0"
    [plugin] = found["plugins"]
    assert list(plugin) == ["group", "name", "contract", "hooks", "joined"]
    assert plugin["hooks"] == ["instance_stopped"]
    assert {"fake", "lxc"} <= set(plugin["joined"])
    assert (found["problems"], found["notes"]) == ([], [])


@pytest.mark.parametrize(
    ("points", "module", "reason", "resolution"),
    [
        ("", "", "it has no entry point of hvcore", "hvcore.all"),
        (f'{ALL}mine = "gone:mine"', STEP, "No module named 'gone'", "name a module that is there"),
        (f'{ALL}mine = "checked_module:gone"', STEP, "no attribute 'gone'", "there is no gone in it"),
        (
            f'{ALL}mine = "checked_module:mine"',
            STEP.replace("_stopped", "_stoped"),
            "no hook 'instance_stoped'",
            "did you",
        ),
        (f'{ALL}mine = "checked_module:Mine"', STEP, "it is the class Mine", "Mine()"),
        (f'{ALL}mine = "checked_module:mine"', STEP.replace('"1.0"', '"3.0"'), "needs contract 3.0", "newer release"),
        (f'{ALL}mine = "checked_module:mine"', f"{STEP}\n1 / 0", "ZeroDivisionError", "reinstall or update"),
        (
            '[project.entry-points."hvcore.hypervisor"]\nmine = "checked_module:mine"',
            STEP,
            "nothing looks into the group 'hvcore.hypervisor' of 'mine'",
            "did you mean hvcore.hypervisors?",
        ),
        (
            '[project.entry-points."hvcore.hypervisors"]\nfake = "checked_module:mine"',
            STEP,
            "is the name of a plugin of hvcore",
            "rename the entry point",
        ),
        (
            '[project.entry-points."hvcore.hypervisors"]\nmine = "checked_module:mine"',
            STEP,
            "is of type Mine, not a HypervisorPlugin",
            "name an hvcore.plugin.HypervisorPlugin",
        ),
        (
            '[project.entry-points."hvcore.hypervisors"]\nmine = "checked_module:it"',
            'it = HypervisorPlugin("other", "x", BaseHypervisor)',
            "calls its hypervisor 'other' in the plugin and 'mine' in the entry point",
            "give both the same name",
        ),
    ],
)
def test_problems_are_told_with_what_to_do(
    hv: Any, tmp_path: Path, points: str, module: str, reason: str, resolution: str
) -> None:
    found = check(hv, write(tmp_path / "p", points, module))
    assert any(reason in problem["reason"] and resolution in problem["resolution"] for problem in found["problems"])


def test_notes_do_not_fail_the_check(hv: Any, tmp_path: Path) -> None:
    points = f'{ALL}mine = "checked_module:mine"\n[project.entry-points."hvcore.vmware"]\nfar = "checked_module:mine"'
    found = check(hv, write(tmp_path / "p", points, STEP.replace('"1.0"', "None"), head=""))
    assert found["problems"] == []
    assert any("do not name hvcore" in note for note in found["notes"])
    assert any("mine: it states no contract" in note for note in found["notes"])
    assert any("far: no hypervisor 'vmware' is installed here" in note for note in found["notes"])


def test_the_check_for_people(hv: Any, tmp_path: Path) -> None:
    directory = write(tmp_path / "p", f'{ALL}mine = "checked_module:mine"\nbad = "checked_module:bad"', STEP, head="")
    lines = hv("check-plugin", str(directory)).out.splitlines()
    assert lines[0] == f"checked 2.0 in {directory}"
    assert "  ok  mine of hvcore.all: instance_stopped" in lines
    assert any(line.startswith("  problem  ") and "it answers no hook" in line for line in lines)
    assert "    what to do: mark its methods with @hookimpl" in lines
    assert any(line.startswith("  note  its dependencies") for line in lines)


def test_what_is_no_package_is_refused(hv: Any, tmp_path: Path) -> None:
    assert "cannot be read" in hv("check-plugin", str(tmp_path)).err
    file = tmp_path / "pyproject.toml"
    for text, words in (("a = [\n", f"{file}:1: it is no TOML"), ("[tool.x]\n", "no project with a name in it")):
        file.write_text(text)
        outcome = hv("check-plugin", str(tmp_path))
        assert outcome.status == 2
        assert words in outcome.err


# For real: a wheel of hvcore, a fresh environment, and an index for what both need.


@pytest.mark.packaging
@pytest.mark.timeout(1200)
def test_new_packages_install_into_a_fresh_environment(tmp_path: Path, make: Any) -> None:
    if not os.environ.get("CI"):
        pytest.skip("takes minutes and an index; set CI to run it")
    pip = ("-m", "pip", "--disable-pip-version-check", "-q")
    python(tmp_path, *pip, "wheel", "--no-deps", "-w", str(tmp_path / "dist"), str(ROOT))
    [wheel] = (tmp_path / "dist").glob("hvcore-*.whl")
    venv.create(tmp_path / "fresh", with_pip=True)
    fresh = str(tmp_path / "fresh" / "bin" / "python")
    directories = [make(f"hvcore-brand-new-{kind}", kind) for kind in KINDS]
    python(tmp_path, *pip, "install", str(wheel), *map(str, directories), "pytest", "mypy", program=fresh)
    shown = python(tmp_path, "-m", "hvcore.cli.main", "plugins", "--json", "--state-dir", str(tmp_path), program=fresh)
    import json

    report = json.loads(shown)
    assert report["broken"] == []
    assert "brand-new-hypervisor" in {plugin["name"] for plugin in report["hypervisors"]}
    [extension] = [plugin for plugin in report["extensions"] if plugin["name"] == "brand-new-extension"]
    assert "brand-new-hypervisor" in extension["joined"]
    for directory in directories:
        assert " passed" in python(directory, "-m", "pytest", "-q", program=fresh)
        assert "no issues found" in python(directory, "-m", "mypy", program=fresh)
        python(directory, "-m", "hvcore.cli.main", "check-plugin", ".", program=fresh)
    assert str(hvcore.__version__) in wheel.name
