"""Running commands inside a guest, through nsenter(1)."""

from __future__ import annotations

from hvcore.plugin import ExecRequest, ExecResult
from hvcore.system import Runner, read_text

__all__ = ["execute", "forbidden_capabilities"]


def execute(runner: Runner, command: tuple[str, ...], request: ExecRequest) -> ExecResult:
    """Run a command line that enters a guest, and wait for its end.

    Raises:
        CommandTimeout: it did not end in time; it and its process group were ended.
    """
    if request.attached:
        return ExecResult(_status(runner.attach(command)))
    done = runner.run(command, timeout_s=request.timeout_s, stdin=request.stdin, check=False)
    return ExecResult(_status(done.status), done.output, done.errors)


def forbidden_capabilities(leader: int) -> tuple[int, ...]:
    """Return the numbers of the capabilities that this process could pass on and a guest's processes cannot have.

    Source: proc(5), /proc/pid/status, CapBnd.
    """
    missing = _bounding_set("self") & ~_bounding_set(str(leader))
    return tuple(number for number in range(missing.bit_length()) if missing >> number & 1)


def _bounding_set(process: str) -> int:
    for line in (read_text(f"/proc/{process}/status") or "").splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0


def _status(status: int) -> int:
    """Return what a shell would call the end: a signal is 128 and its number."""
    return 128 - status if status < 0 else status
