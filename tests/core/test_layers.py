"""The layers, read from the files: who may import whom, touch pluggy, or start a process."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hvcore
import hvcore_chroot
import hvcore_lxc

CORE = Path(hvcore.__file__).parent
PLUGINS = [Path(plugin.__file__).parent for plugin in (hvcore_chroot, hvcore_lxc)]
CORE_FILES = sorted(CORE.rglob("*.py"))
PLUGIN_FILES = sorted(file for plugin in PLUGINS for file in plugin.rglob("*.py"))
FILES = [*CORE_FILES, *PLUGIN_FILES]

# A file may import its own layer and those before it: model <- spec <- scope/host <- cli. What is at the top of the
# package is the core itself, but for what everybody may use: late. Beside the spec stands the system, which knows of no hook.
LAYERS = ["late", "errors", "model", "system", "spec", "core", "fake", "testing", "cli"]
NEVER = {("spec", "system")}

TOUCH_PLUGGY = {"spec/kinds.py", "markers.py", "scope.py"}
# The second one forks tests, which run no other program.
STARTS_PROCESSES = {"system/commands.py", "testing/children.py"}
PROCESS_MODULES = {"subprocess", "multiprocessing", "concurrent.futures.process", "pty"}
PROCESS_CALLS = re.compile(
    r"os\.(fork|forkpty|system|popen|posix_spawnp?|exec[lv]p?e?|spawn[lv]p?e?)"
    r"|asyncio\.(create_subprocess_\w+|subprocess\.\w+)|loop\.subprocess_\w+"
)


def layer_of(module: str) -> str:
    """Return the layer of a module of hvcore, such as ``hvcore.model.disk``."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else ""
    return name if name in LAYERS else "core"


def module_of(file: Path) -> str:
    return ".".join((CORE.name, *file.relative_to(CORE).with_suffix("").parts)).removesuffix(".__init__")


def imports_of(file: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, at whatever place, and the line."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            module = node.module or ""
            yield module, node.lineno
            # "from hvcore import discovery" imports a module, too.
            for alias in node.names:
                if (CORE.parent / module.replace(".", "/") / f"{alias.name}.py").exists():
                    yield f"{module}.{alias.name}", node.lineno


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_there_are_files_in_every_layer() -> None:
    assert {layer_of(module_of(file)) for file in CORE_FILES} == set(LAYERS)
    assert PLUGIN_FILES


def test_imports_run_down_the_layers() -> None:
    upward: list[str] = []
    for file in CORE_FILES:
        own = layer_of(module_of(file))
        for module, line in imports_of(file):
            if module.startswith("hvcore."):
                other = layer_of(module)
                if LAYERS.index(other) > LAYERS.index(own) or (own, other) in NEVER:
                    upward.append(f"{file}:{line}: {own} imports {module}")
    assert upward == []


def test_the_core_imports_no_plugin() -> None:
    assert not [
        f"{file}:{line}" for file in CORE_FILES for module, line in imports_of(file) if module.startswith("hvcore_")
    ]


def test_no_plugin_imports_another() -> None:
    assert not [
        f"{file}:{line}: {module}"
        for file in PLUGIN_FILES
        for module, line in imports_of(file)
        if module.startswith("hvcore_") and not any(is_in(module, own.name) for own in PLUGINS if own in file.parents)
    ]


def test_a_plugin_imports_no_command_line_and_no_test_kit() -> None:
    above = ("hvcore.cli", "hvcore.testing", "hvcore.fake")
    assert not [
        f"{file}:{line}: {module}"
        for file in PLUGIN_FILES
        for module, line in imports_of(file)
        if any(is_in(module, package) for package in above)
    ]


def test_only_the_dispatch_touches_pluggy() -> None:
    touching = {file for file in FILES if any(is_in(module, "pluggy") for module, _ in imports_of(file))}
    assert touching == {CORE / name for name in TOUCH_PLUGGY}


def test_only_one_file_starts_processes() -> None:
    starting: list[Path] = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Attribute):
                names = [ast.unparse(node)]
            if any(name in PROCESS_MODULES or PROCESS_CALLS.fullmatch(name) for name in names):
                starting.append(file)
    assert set(starting) == {CORE / name for name in STARTS_PROCESSES}


def test_no_file_grows_beyond_one_concern() -> None:
    assert not [file for file in FILES if len(file.read_text("utf-8").splitlines()) > 400]


def test_the_median_file_is_short() -> None:
    sizes = sorted(len(file.read_text("utf-8").splitlines()) for file in FILES)
    assert sizes[len(sizes) // 2] <= 110


def test_no_exception_is_swallowed_without_a_word() -> None:
    silent: list[str] = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                if re.search(r"\b(everything|Exception|BaseException)\b", caught) and all(
                    isinstance(line, ast.Pass) for line in node.body
                ):
                    silent.append(f"{file}:{node.lineno}")
    assert silent == []


# What an import costs.


def imported_by(*modules: str) -> set[str]:
    """Return what a fresh interpreter has imported after some modules, beyond what it has anyway."""
    script = "import sys; before = set(sys.modules)\n"
    script += "".join(f"import {module}\n" for module in modules) + "print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_hvcore_imports_nothing_that_costs() -> None:
    assert not {"attrs", "attr", "pluggy", "subprocess", "json", "logging", "inspect"} & imported_by("hvcore")


def test_every_public_name_is_there_and_found_late() -> None:
    for name in hvcore.__all__:
        assert getattr(hvcore, name) is not None
    assert set(hvcore.__all__) <= set(dir(hvcore))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        getattr(hvcore, "nonsense")  # noqa: B009


def test_a_host_needs_no_tool_and_no_heavy_module() -> None:
    heavy = {"subprocess", "json", "logging", "asyncio", "argparse", "psutil", "tomllib", "ctypes", "socket", "difflib"}
    assert not heavy & imported_by("hvcore.host", "hvcore.plugin")


def test_models_need_no_pluggy() -> None:
    assert "pluggy" not in imported_by("hvcore.model.instance", "hvcore.model.parameters", "hvcore.system.node")
