"""The other process: load a hypervisor, call one verb, and tell what it did in one line of JSON."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

__all__ = ["main"]


def main() -> int:
    """Do the job that is described on the standard input."""
    job: dict[str, Any] = json.loads(sys.stdin.read())
    sys.path[:] = [*dict.fromkeys([*job["path"], *sys.path])]

    import hvcore
    from hvcore.errors import HypervisorError
    from hvcore.model.instance import Instance

    arguments = dict(job["arguments"])
    if isinstance(arguments.get("instance"), dict):
        arguments["instance"] = Instance.from_dict(arguments["instance"])
    plugins: list[Any] = []
    if job["plugin"]:
        module, _, name = job["plugin"].partition(":")
        plugins.append(getattr(importlib.import_module(module), name))
    host = hvcore.load(state_dir=job["state_dir"], log_dir=job["log_dir"], plugins=plugins, discover=not plugins)
    verb = getattr(host.hypervisor(job["hypervisor"]), job["verb"])
    if "ready" in job:
        _wait_for_the_others(job["ready"], job["go"])
    try:
        told: dict[str, Any] = {"value": verb(**arguments)}
    except HypervisorError as error:
        told = {"error": error.to_dict()}
    print(json.dumps(told, default=_plain))
    return 0


def _wait_for_the_others(ready: str, go: str) -> None:
    with open(ready, "wb", buffering=0) as gate:
        gate.write(b".")
    with open(go, "rb", buffering=0) as gate:
        gate.read(1)


def _plain(value: Any) -> Any:
    """Return what JSON does not know as plain data."""
    return value.to_dict()


if __name__ == "__main__":
    sys.exit(main())
