"""The third-party distributions in ``docs/examples``: whole, listed everywhere, and built on public names alone.

What they do is tested by their own tests, which tox runs on their wheels.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_pages import DOCS, EXAMPLES, ROOT, blocks_of, title_of
from reference_pages.public import PUBLIC_MODULES, public_names

import hvcore
from hvcore.cli.verbs import VERBS
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, extension_group

DISTRIBUTIONS = sorted(path for path in EXAMPLES.iterdir() if path.name.startswith("hvcore-"))
FILES = sorted(EXAMPLES.rglob("*.py"))
WANTED = {"hvcore-audit", "hvcore-hardening", "hvcore-nspawn", "hvcore-overlay", "hvcore-quota"}
HEADINGS = ["Install", "Use", "How it is built", "Test"]
PUBLIC = public_names()


def package_of(distribution: Path) -> str:
    return distribution.name.replace("-", "_")


def project_of(distribution: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((distribution / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def settings() -> dict[str, Any]:
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return tool


def commands_in(readme: Path) -> list[list[str]]:
    lines = [line for block in blocks_of(readme) if block.language == "sh" for line in block.text.splitlines()]
    return [line.split() for line in lines]


def test_the_examples_are_all_there() -> None:
    assert {path.name for path in DISTRIBUTIONS} == WANTED


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_a_distribution_is_whole(distribution: Path) -> None:
    project, package = project_of(distribution), distribution / "src" / package_of(distribution)
    assert project["name"] == distribution.name
    assert project["readme"] == "README.md"
    assert any(word.startswith("hvcore>=") for word in project["dependencies"])
    assert (package / "py.typed").is_file()
    assert [
        path for path in (distribution / "tests").glob("test_*.py") if "pytest.mark.live" in path.read_text("utf-8")
    ]
    assert [path for path in (distribution / "tests").glob("test_*.py") if "pytestmark" not in path.read_text("utf-8")]
    for file in package.rglob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{file} does not say what it is"


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_entry_points_name_what_is_there(distribution: Path) -> None:
    project = project_of(distribution)
    groups: dict[str, dict[str, str]] = project["entry-points"]
    known = {HYPERVISORS_GROUP, ALL_GROUP, *map(extension_group, hvcore.load().hypervisor_names)}
    assert groups.keys() <= known
    named = [value for points in groups.values() for value in points.values()]
    for value in [*named, *project.get("scripts", {}).values()]:
        module, _, attribute = value.partition(":")
        base = distribution / "src" / module.replace(".", "/")
        file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        assert attribute in defined_in(file), f"{value} is not there"


def defined_in(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_it_is_built_tested_and_checked_with_hvcore(distribution: Path) -> None:
    tool, place = settings(), f"docs/examples/{distribution.name}"
    environment = tool["tox"]["env"]["examples"]
    assert f"{{tox_root}}/{place}" in environment["commands_pre"][0]
    assert f"{{tox_root}}/{place}" in [command[-1] for command in environment["commands"]]
    assert f"{place}/src" in tool["mypy"]["files"]
    assert f"{place}/src" in tool["pyright"]["include"]


def test_make_test_runs_them() -> None:
    assert "examples" in settings()["tox"]["env_list"]
    (matrix,) = re.findall(r"^MATRIX \?= (\S+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert "examples" in matrix.split(",")


def test_what_they_need_of_the_system_is_installed_by_the_setup() -> None:
    setup = (ROOT / ".ci" / "setup").read_text("utf-8")
    conftests = "".join(path.read_text("utf-8") for path in EXAMPLES.rglob("conftest.py"))
    for tool, package in re.findall(r'"([\w-]+)": "([\w-]+)"', conftests):
        assert f'"{package} {tool}"' in setup, f"nobody installs {package} for {tool}"


# Public names


def hvcore_imports(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each name of hvcore and its plugins that a file takes, as a module and a name in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            if is_ours(node.module or ""):
                yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in PUBLIC_MODULES:
            yield ast.unparse(node.value), node.attr


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"hvcore", "hvcore_lxc", "hvcore_chroot", "pluggy"}


@pytest.mark.parametrize("file", FILES, ids=title_of)
def test_only_public_names_are_used(file: Path) -> None:
    for module, name in hvcore_imports(file):
        assert module in PUBLIC, f"{module} is not public"
        assert not name or name in PUBLIC[module], f"{module}.{name} is not public"


def test_the_walk_sees_what_is_not_public(tmp_path: Path) -> None:
    text = "import hvcore\nimport pluggy\nfrom hvcore.scope import Scope\nfrom hvcore.plugin import _x\nhvcore.host\n"
    (tmp_path / "bad.py").write_text(text)
    seen = set(hvcore_imports(tmp_path / "bad.py"))
    assert seen == {
        ("hvcore", ""),
        ("pluggy", ""),
        ("hvcore.scope", "Scope"),
        ("hvcore.plugin", "_x"),
        ("hvcore", "host"),
    }
    assert [(module, name) for module, name in sorted(seen) if name and name not in PUBLIC.get(module, ())] == [
        ("hvcore", "host"),
        ("hvcore.plugin", "_x"),
        ("hvcore.scope", "Scope"),
    ]


@pytest.mark.parametrize("page", [*EXAMPLES.parent.glob("how-to/*.md"), *EXAMPLES.glob("*/README.md")], ids=title_of)
def test_pages_use_public_names(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page):
        if block.language == "python":
            (tmp_path / "block.py").write_text(block.text)
            for module, name in hvcore_imports(tmp_path / "block.py"):
                # What is behind a command of hv is told, but nothing to build on.
                assert module.startswith("hvcore.cli.") or not name or name in PUBLIC.get(module, ()), (
                    f"{module}.{name}"
                )


@pytest.mark.parametrize("template", sorted((ROOT / "hvcore" / "cli" / "templates").rglob("*.in")), ids=title_of)
def test_new_packages_begin_with_public_names(template: Path) -> None:
    for module, names in re.findall(
        r"^from (hvcore[\w.]*) import ([\w, ]+)$", template.read_text("utf-8"), re.MULTILINE
    ):
        assert set(names.split(", ")) <= set(PUBLIC.get(module, ())), module


def test_public_names_are_in_the_reference() -> None:
    page = (DOCS / "reference" / "api.md").read_text("utf-8")
    for module, names in PUBLIC.items():
        assert f"| `{module}` |" in page
        assert all(f"`{name}`" in page for name in names)


@pytest.mark.parametrize("file", FILES, ids=title_of)
def test_files_are_short(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= 250


# Each README


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_a_readme_tells_what_why_and_how(distribution: Path) -> None:
    text = (distribution / "README.md").read_text("utf-8")
    assert text.startswith(f"# {distribution.name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_the_commands_of_a_readme_are_right(distribution: Path) -> None:
    own = project_of(distribution).get("scripts", {})
    commands = commands_in(distribution / "README.md")
    assert ["pip", "install", distribution.name] in commands
    hooks = {
        hook.name for name in hvcore.load().hypervisor_names for hook in hvcore.load().hypervisor(name).scope.hooks
    }
    setup = (ROOT / ".ci" / "setup").read_text("utf-8")
    for command, *words in commands:
        if command == "hv":
            verb, *rest = words[2:] if words[0] == "-H" else words
            assert verb in VERBS
            assert verb != "hooks" or set(rest) <= hooks
        elif command == "apt-get":
            assert all(f'"{package} ' in setup for package in words[1:])
        elif command not in {"pip", "pytest"}:
            source = (distribution / "src" / f"{own[command].partition(':')[0].replace('.', '/')}.py").read_text(
                "utf-8"
            )
            assert all(f'"{word}"' in source for word in words if word.startswith("--"))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=title_of)
def test_the_table_of_parameters_names_what_is_declared(distribution: Path) -> None:
    source = "".join(path.read_text("utf-8") for path in (distribution / "src").rglob("*.py"))
    declared = set(re.findall(r'Parameter\(\s*name="?(\w+)', source))
    constants = dict(re.findall(r'^([A-Z_]+) = "(\w+)"$', source, re.MULTILINE))
    text = (distribution / "README.md").read_text("utf-8")
    for name in declared:
        assert f"| `{constants.get(name, name)}` | `" in text, f"{name} is not told"
