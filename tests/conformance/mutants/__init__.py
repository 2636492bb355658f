"""Hypervisors with one defect each: subclasses of ``fake``, and of the verbs where no driver could do wrong."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

__all__ = ["MODULES"]

MODULES = [import_module(f"mutants.{file.stem}") for file in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
