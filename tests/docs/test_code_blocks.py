"""Every block of Python in the documentation compiles, and runs as it stands there."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_pages import MADE, PAGES, Block, blocks_of, title_of
from docs_shell import matches, run_in_shell
from reference_pages.public import public_names

import hvcore
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, extension_group
from hvcore.system.cgroup_layout import current_layout

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
WRITTEN = [page for page in PAGES if not page.read_text("utf-8").startswith(MADE)]
RUN = [page for page in WRITTEN if any(b.language == "python" or b.mark == "run" for b in blocks_of(page))]
CONTROLLERS = ("memory", "cpu", "devices")


class Stage:
    """Where the blocks of one page run, one after the other, as a reader would run them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.modules: list[str] = []

    def write(self, block: Block) -> None:
        file = self.place / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")
        if block.language != "python" or "/" in block.file:
            return
        name = block.file.removesuffix(".py")
        self.modules.append(name)
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        tests = [thing for word, thing in vars(module).items() if word.startswith("test_") and callable(thing)]
        assert bool(tests) is name.startswith("test_")
        for number, test in enumerate(tests):
            folder = self.place / f"{name}-{number}"
            folder.mkdir()
            assert list(inspect.signature(test).parameters) == ["tmp_path"]
            test(folder)

    def run_in_shell(self, block: Block) -> None:
        status, output = run_in_shell(block.text, self.place)
        assert status == 0, f"{block.name} ended with {status}:\n{output}"
        assert not block.printed or matches(block.printed, output), f"{block.name} printed:\n{output}"

    def run(self, block: Block) -> None:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(block.text, block.name, "exec"), self.names)
        if block.printed.endswith("\n"):
            assert output.getvalue() == block.printed, block.name
        else:
            assert block.printed in output.getvalue(), block.name


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HVCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HVCORE_LOG_DIR", str(tmp_path / "log"))
    for variable in ("HVCORE_PLUGINS", "HVCORE_DISABLE", "HVCORE_ORDER", "HVCORE_TRACE"):
        monkeypatch.delenv(variable, raising=False)
    made = Stage(tmp_path)
    yield made
    for name in made.modules:
        sys.modules.pop(name, None)


def play(page: Path, stage: Stage, *, live: bool) -> list[str]:
    """Run a page's blocks; return what was left out, and why."""
    left_out: list[str] = []
    for block in blocks_of(page):
        if block.file:
            stage.write(block)
        elif block.language == "sh" and block.mark == "run":
            stage.run_in_shell(block)
        elif block.language != "python" or block.mark == "fragment" or (block.mark == "live" and not live):
            continue
        elif block.mark == "needs: cgroups" and not can_be_limited():
            left_out.append(f"{block.name}: this node has not all of the cgroup controllers {', '.join(CONTROLLERS)}")
        else:
            assert block.mark in {"", "live", "needs: cgroups"}, f"{block.name}: unknown mark {block.mark!r}"
            stage.run(block)
    return left_out


def can_be_limited() -> bool:
    layout = current_layout()
    if layout.unified is not None and layout.controllers.keys().isdisjoint(CONTROLLERS):
        return {"memory", "cpu"} <= layout.unified_controllers
    return set(CONTROLLERS) <= layout.controllers.keys()


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
def test_block_compiles(block: Block) -> None:
    compile(block.text, block.name, "exec")


@pytest.mark.parametrize("block", [b for b in PYTHON if "tutorial" in b.page.parts], ids=lambda block: block.name)
def test_a_tutorial_teaches_public_names_alone(block: Block) -> None:
    names = {
        f"{node.module}:{alias.name}"
        for node in ast.walk(ast.parse(block.text))
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "hvcore"
        for alias in node.names
    }
    assert names <= {f"{module}:{name}" for module, offered in public_names().items() for name in offered}


@pytest.mark.parametrize("page", RUN, ids=title_of)
def test_blocks_run(page: Path, stage: Stage) -> None:
    left_out = play(page, stage, live=False)
    if left_out:
        pytest.skip("; ".join(left_out))


@pytest.mark.live
@pytest.mark.parametrize("page", [p for p in RUN if any(b.mark == "live" for b in blocks_of(p))], ids=title_of)
def test_live_blocks_run(page: Path, stage: Stage) -> None:
    try:
        assert play(page, stage, live=True) == []
    finally:
        lxc = hvcore.load().hypervisor("lxc")
        left = lxc.list_instances()
        for name in left:
            lxc.stop_instance(name, force=True)
    assert left == ()
    assert not [path for path in (stage.place / "state" / "lxc").iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.mark == "entry points"], ids=lambda block: block.name)
def test_entry_points_name_what_the_page_writes(block: Block, stage: Stage) -> None:
    groups = tomllib.loads(block.text)["project"]["entry-points"]
    known = {HYPERVISORS_GROUP, ALL_GROUP, *map(extension_group, hvcore.load().hypervisor_names)}
    assert groups
    assert groups.keys() <= known
    for other in blocks_of(block.page):
        if other.file and not other.file.startswith("test_"):
            stage.write(other)
    for points in groups.values():
        for value in points.values():
            module, _, attribute = value.partition(":")
            assert module in stage.modules
            assert hasattr(sys.modules[module], attribute)


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "toml" and b.mark != "entry points"], ids=lambda block: block.name
)
def test_instance_file_is_one(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "instance.toml"
    file.write_text(block.text, "utf-8")
    instance = hvcore.Instance.from_file(file)
    hvcore.load().hypervisor(instance.hypervisor).prepare_instance(instance)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "json"], ids=lambda block: block.name)
def test_json_is_json(block: Block) -> None:
    for text in [block.text] if block.text.startswith(("[\n", "{\n")) else block.text.splitlines():
        json.loads(text)
