"""A state directory of its own per test, and other processes that work on it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen

import hvcore
from hvcore.fake.plugin import plugin

STEPS = ("directory", "definition", "console", "root", "boot")

PRELUDE = """
import json, os, signal, sys
import attrs, hvcore
from hvcore.fake.plugin import plugin
from hvcore.testing.faults import KillAt
state_dir, log_dir, death = json.loads(sys.argv[1])
kill = KillAt(*([tuple(death)] if death else []), here=True)
host = hvcore.load(state_dir=state_dir, log_dir=log_dir, plugins=[plugin], discover=False, prepare=kill.prepare)
fake = host.hypervisor("fake")
def instance(name="web1", **parameters):
    return hvcore.Instance(name, "fake", parameters=parameters)
def tell(value):
    print(json.dumps(value), flush=True)
"""


def nobody(step: str, moment: str) -> None:
    pass


@frozen
class Place:
    """One state directory and one log directory."""

    state: Path
    logs: Path
    children: list[subprocess.Popen[str]] = field(factory=list, repr=False)

    def hypervisor(self, observer: Callable[[str, str], None] = nobody, **changes: Any) -> hvcore.Hypervisor:
        """A hypervisor of this process; each one has its own locks, as another process would."""
        host = hvcore.load(
            state_dir=self.state,
            log_dir=self.logs,
            plugins=[plugin],
            discover=False,
            prepare=lambda context: evolve(context, observer=observer, **changes),
        )
        return host.hypervisor("fake")

    def spawn(self, code: str, death: tuple[str, str] | None = None) -> subprocess.Popen[str]:
        """Start another process that has ``fake`` at hand; it dies at a moment of a step, by SIGKILL."""
        place = json.dumps([str(self.state), str(self.logs), death])
        child = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + code, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.children.append(child)
        return child

    def elsewhere(self, code: str, death: tuple[str, str] | None = None) -> tuple[int, Any]:
        """Run another process to its end and return its status and the last value that it told."""
        child = self.spawn(code, death)
        output, errors = child.communicate(timeout=60)
        assert child.returncode in {0, -9}, errors
        lines = output.splitlines()
        return child.returncode, json.loads(lines[-1]) if lines else None

    def remains(self, name: str = "web1") -> list[str]:
        """What there is of an instance under the state directory, its lock included."""
        return sorted(str(p.relative_to(self.state)) for p in self.state.rglob("*") if name in p.parts)

    def directory(self, name: str = "web1") -> Path:
        return self.state / "fake" / name

    def log(self, name: str = "web1") -> list[str]:
        """The lines of the console log, without their time stamps."""
        lines = (self.logs / "fake" / f"{name}.console.log").read_text().splitlines()
        return [line.partition(" ")[2] for line in lines]


@pytest.fixture
def place(tmp_path: Path) -> Any:
    here = Place(tmp_path / "state", tmp_path / "logs")
    yield here
    for child in here.children:
        child.kill()
        child.communicate()


@pytest.fixture
def fake(place: Place) -> Any:
    """The hypervisor; whatever a test leaves running is ended."""
    hypervisor = place.hypervisor()
    yield hypervisor
    for name in hypervisor.list_instances():
        hypervisor.stop_instance(name, force=True)


@frozen
class Nodes:
    """Two nodes: two state directories, each with a hypervisor."""

    here: Place
    there: Place
    source: hvcore.Hypervisor
    target: hvcore.Hypervisor

    @property
    def address(self) -> str:
        """The address of the target."""
        return str(self.there.state)

    def describe_and_accept(self, name: str = "web1") -> str:
        """Take the first steps of a migration and return what the source said."""
        info = self.source.migration_info(name)
        definition = self.source.get_instance_definition(name)
        assert definition is not None
        self.target.accept_instance(definition, info, self.address)
        return info

    def begin(self, name: str = "web1", live: bool = True) -> str:
        """Take all steps until the transfer has begun."""
        info = self.describe_and_accept(name)
        self.source.migrate_instance(name, self.address, live=live)
        return info

    def end(self, info: str, success: bool = True, name: str = "web1") -> None:
        """Finalize on both sides, the source first."""
        definition = self.source.get_instance_definition(name)
        assert definition is not None
        self.source.finalize_migration_source(definition, success)
        self.target.finalize_migration_dst(definition, info, success)

    def running(self) -> list[str]:
        """On which of the nodes it runs."""
        found = {"source": self.source.list_instances(), "target": self.target.list_instances()}
        return [node for node, names in found.items() if "web1" in names]


@pytest.fixture
def nodes(place: Place, fake: Any, tmp_path: Path) -> Any:
    there = Place(tmp_path / "there", tmp_path / "there-logs")
    target = there.hypervisor()
    yield Nodes(place, there, fake, target)
    for name in target.list_instances():
        target.stop_instance(name, force=True)
    for child in there.children:
        child.kill()
        child.communicate()


@pytest.fixture
def instance() -> Callable[..., hvcore.Instance]:
    def make(name: str = "web1", **fields: Any) -> hvcore.Instance:
        return hvcore.Instance(name, "fake", **fields)

    return make
