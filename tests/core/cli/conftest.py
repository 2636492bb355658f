"""The ``hv`` command in this process and in others, on a state directory of the test's own."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

import hvcore
from hvcore.cli import session
from hvcore.cli.main import main
from hvcore.plugin import BaseHypervisor, HypervisorPlugin

PATIENCE_S = 60.0


@frozen
class Outcome:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that a command with ``--json`` told."""
        content: dict[str, Any] = self.json
        assert list(content) == ["error"]
        assert self.err == ""
        return dict(content["error"])


Hv = Callable[..., Outcome]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every command of the test know only the embedded hypervisor, and the test's own directories."""
    for name in list(os.environ):
        if name.startswith(("HVCORE_", "_ARGCOMPLETE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HVCORE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("HVCORE_LOG_DIR", str(tmp_path / "log"))
    monkeypatch.setenv("HVCORE_PLUGINS", "")
    monkeypatch.setenv("HVCORE_DISABLE", "lxc chroot")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return tmp_path


@pytest.fixture
def hv(environment: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Hv]:
    """Run ``hv`` in this process; whatever the test leaves running is ended."""

    def run(*words: str) -> Outcome:
        capfd.readouterr()
        status = main(words)
        sys.stdout.flush()
        out, err = capfd.readouterr()
        assert "Traceback" not in err or "--debug" in words
        return Outcome(status, out, err)

    yield run
    fake = hvcore.load(state_dir=environment / "state", log_dir=environment / "log").hypervisor("fake")
    for name in fake.list_instances():
        fake.stop_instance(name, force=True)


@pytest.fixture
def run_hv(environment: Path) -> Hv:
    """Run ``hv`` as a process of its own."""

    def run(*words: str, stdin: bytes = b"", **variables: str) -> Outcome:
        done = subprocess.run(
            command(words), input=stdin, capture_output=True, timeout=PATIENCE_S, env={**os.environ, **variables}
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "hvcore.cli.main", *words]


@pytest.fixture
def on_terminal(environment: Path) -> Hv:
    """Run a command with a terminal for its output, and return all that appears there as ``out``."""

    def run(*words: str, **variables: str) -> Outcome:
        ours, theirs = pty.openpty()
        environ = {**os.environ, "COLUMNS": "200", **variables}
        with subprocess.Popen(command(words), stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
            os.close(theirs)
            seen = b""
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                if not select.select([ours], [], [], 1)[0]:
                    continue
                try:
                    chunk = os.read(ours, 4096)
                except OSError:  # the last holder of the other end has gone
                    break
                seen += chunk
            os.close(ours)
            return Outcome(process.wait(PATIENCE_S), seen.decode(), "")

    return run


@pytest.fixture
def instance_file(tmp_path: Path) -> Callable[..., str]:
    """Write an instance file for the embedded hypervisor."""

    def write(
        name: str = "web1", *, parameters: str = "", head: str = 'hypervisor = "fake"', memory: str = "64"
    ) -> str:
        path = tmp_path / f"{name}.toml"
        lines = [f'name = "{name}"', head, "[backend]", f"memory_mib = {memory}", "[parameters]", parameters]
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    return write


@pytest.fixture
def started(hv: Hv, instance_file: Callable[..., str]) -> Callable[..., str]:
    """Start an instance and return its name."""

    def start(name: str = "web1", parameters: str = "", *words: str) -> str:
        outcome = hv("start", instance_file(name, parameters=parameters), *words)
        assert outcome.status == 0, outcome.err
        return name

    return start


@pytest.fixture
def only(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let ``hv`` know only the hypervisors that are given: a name and a driver class each."""

    def use(**drivers: type[BaseHypervisor]) -> None:
        plugins = [HypervisorPlugin(name, f"the {name} one", driver) for name, driver in drivers.items()]

        def open_host(**_: object) -> hvcore.Host:
            return hvcore.load(
                state_dir=environment / "state", log_dir=environment / "log", plugins=plugins, discover=False
            )

        monkeypatch.setattr(session, "open_host", open_host)

    return use
