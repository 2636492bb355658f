from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

LATE = {
    "argparse",
    "asyncio",
    "ctypes",
    "difflib",
    "ipaddress",
    "json",
    "logging",
    "pathlib",
    "psutil",
    "subprocess",
    "tomllib",
}
SPEC = importlib.util.find_spec("hvcore.model")
assert SPEC is not None
MODULES = sorted(path.stem for path in Path(str(SPEC.origin)).parent.glob("*.py") if path.stem != "__init__")


def loaded(statement):
    code = f"import attrs, sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_models_import_nothing_heavy():
    found = loaded("; ".join(f"import hvcore.model.{name}" for name in MODULES))
    assert {f"hvcore.model.{name}" for name in MODULES} <= found
    assert found & LATE == set()


def test_the_models_import_nothing_above_them():
    found = {name for name in loaded("; ".join(f"import hvcore.model.{name}" for name in MODULES)) if "hvcore" in name}
    assert {name for name in found if not name.startswith("hvcore.model")} == {"hvcore", "hvcore.errors"}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_the_first_to_be_imported(name):
    assert f"hvcore.model.{name}" in loaded(f"import hvcore.model.{name}")
