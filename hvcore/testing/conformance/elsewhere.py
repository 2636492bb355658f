"""The same hypervisor in other processes, which share nothing with this one but the state on disk."""

from __future__ import annotations

import json
import os
import select
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen

from hvcore.errors import OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.system.commands import Handle, Runner

__all__ = ["AnotherProcess", "Answer", "ChildProcess"]

_PATIENCE_S = 120.0
_CHILD = "hvcore.testing.conformance.child"


@frozen
class Answer:
    """What a verb did in another process.

    Attributes:
        value: its answer as plain data, when it succeeded.
        error: the error as ``HypervisorError.to_dict`` tells it, or None.
    """

    value: Any = None
    error: Mapping[str, Any] | None = None


class AnotherProcess(Protocol):
    """How the suite reaches the same hypervisor in other processes."""

    def run(self, verb: str, **arguments: object) -> Answer:
        """Call a verb in another process and return what it did."""
        ...

    def race(self, times: int, verb: str, **arguments: object) -> list[Answer]:
        """Call a verb in several processes at the same time and return what each did."""
        ...


@frozen
class ChildProcess:
    """Child processes of Python that load the hypervisor afresh, with the same directories and import path.

    Attributes:
        hypervisor: the hypervisor; only its name and its directories are used.
        plugin: where the ``HypervisorPlugin`` is, as ``package.module:name``; "" finds it through its entry point.
    """

    hypervisor: Hypervisor
    plugin: str = ""
    _runner: Runner = field(factory=Runner, init=False, repr=False)

    def run(self, verb: str, **arguments: object) -> Answer:
        """Call a verb in another process and return what it did."""
        return _answer(self._begin(verb, arguments))

    def race(self, times: int, verb: str, **arguments: object) -> list[Answer]:
        """Call a verb in several processes at the same time and return what each did."""
        with tempfile.TemporaryDirectory() as directory:
            ready, go = (os.path.join(directory, name) for name in ("ready", "go"))
            descriptors: list[int] = []
            try:
                for path in (ready, go):
                    os.mkfifo(path, 0o600)
                    # fifo(7): Linux opens a pipe for both directions without waiting for anybody.
                    descriptors.append(os.open(path, os.O_RDWR | os.O_CLOEXEC))
                handles = [self._begin(verb, arguments, ready=ready, go=go) for _ in range(times)]
                _read_bytes(descriptors[0], times)
                os.write(descriptors[1], b"." * times)
                return [_answer(handle) for handle in handles]
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)

    def _begin(self, verb: str, arguments: Mapping[str, object], **gates: str) -> Handle:
        job = {
            "path": sys.path,
            "plugin": self.plugin,
            "hypervisor": self.hypervisor.name,
            "state_dir": str(self.hypervisor.context.state_dir.parent),
            "log_dir": str(self.hypervisor.context.log_dir.parent),
            "verb": verb,
            "arguments": {name: _plain(value) for name, value in arguments.items()},
            **gates,
        }
        return self._runner.spawn([sys.executable, "-m", _CHILD], stdin=json.dumps(job).encode(), env=_environment())


def _plain(value: object) -> object:
    return value.to_dict() if isinstance(value, Instance) else value


def _environment() -> dict[str, str]:
    # The child must find hvcore itself before it can read the rest of the path from its job.
    home = str(Path(__file__).resolve().parents[3])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH", ""))))}


def _answer(handle: Handle) -> Answer:
    done = handle.wait(_PATIENCE_S)
    if done.status != 0:
        raise OperationFailed("the other process did not get as far as the verb", details=done.words)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Answer(told.get("value"), told.get("error"))


def _read_bytes(descriptor: int, count: int) -> None:
    """Wait until as many processes have said that they are ready."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while count > 0:
        if not poller.poll(_PATIENCE_S * 1000):
            raise OperationFailed("the other processes do not get ready")
        count -= len(os.read(descriptor, count))
