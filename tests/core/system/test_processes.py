from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system.processes import (
    namespace_pid,
    open_pidfd,
    process_name,
    process_start_time,
    send_signal,
    wait_pidfds,
)

Start = Callable[..., "subprocess.Popen[bytes]"]
NO_SUCH_PID = 4194305  # one more than the kernel's largest possible id


def opened(process: subprocess.Popen[bytes]) -> int:
    descriptor = open_pidfd(process.pid)
    assert descriptor is not None
    return descriptor


def test_those_that_ended_are_returned_in_the_order_given(start: Start) -> None:
    first, second, third = (start("cat") for _ in range(3))
    descriptors = [opened(process) for process in (first, second, third)]
    try:
        assert wait_pidfds(descriptors, 0) == ()
        third.kill()
        assert wait_pidfds(descriptors, 20) == (descriptors[2],)
        first.kill()
        assert wait_pidfds(descriptors[:2], None) == (descriptors[0],)
        assert wait_pidfds(descriptors, 0) == (descriptors[0], descriptors[2])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_waiting_for_nothing_does_not_wait() -> None:
    assert wait_pidfds([], None) == ()


def test_a_closed_descriptor_is_an_error_and_not_an_end(start: Start) -> None:
    descriptor = opened(start("cat"))
    os.close(descriptor)
    with pytest.raises(OperationFailed, match=f"{descriptor} is not open"):
        wait_pidfds([descriptor], 20)


def test_a_signal_reaches_the_process_and_never_a_dead_one(start: Start) -> None:
    process = start("cat")
    descriptor = opened(process)
    try:
        assert send_signal(descriptor, signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
        assert not send_signal(descriptor, signal.SIGTERM)
    finally:
        os.close(descriptor)


def test_a_signal_that_does_not_exist_is_refused(start: Start) -> None:
    descriptor = opened(start("cat"))
    try:
        with pytest.raises(OperationFailed, match="signal 9999 cannot be sent"):
            send_signal(descriptor, 9999)
    finally:
        os.close(descriptor)


def test_start_times_tell_processes_apart(start: Start) -> None:
    own = process_start_time(os.getpid())
    child = process_start_time(start("cat").pid)
    assert own is not None
    assert child is not None
    assert own == process_start_time(os.getpid())
    assert own <= child


@pytest.mark.parametrize("name", ["a) R 1 (b", "))", ") 1 2 3", "with\nline"])
def test_a_name_that_looks_like_fields_does_not_confuse(start: Start, name: str) -> None:
    process = start(
        name,
        python="import sys; open('/proc/self/comm', 'w').write(sys.argv[1]); print('ready', flush=True); input()",
    )
    assert process.stdout is not None
    before = process_start_time(process.pid)
    assert process.stdout.readline() == b"ready\n"
    assert process_name(process.pid) == name
    assert before is not None
    assert process_start_time(process.pid) == before


def test_a_process_that_is_gone_has_nothing() -> None:
    assert open_pidfd(NO_SUCH_PID) is None
    assert process_start_time(NO_SUCH_PID) is None
    assert process_name(NO_SUCH_PID) is None
    assert namespace_pid(NO_SUCH_PID) is None


@pytest.mark.live
def test_the_init_of_a_pid_namespace_is_1(start: Start, need: Callable[..., None], until: Callable[..., str]) -> None:
    need("unshare")
    outer = start("unshare", "--pid", "--fork", "cat")
    inner = int(until(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text))
    assert namespace_pid(inner) == 1
    assert namespace_pid(outer.pid) == outer.pid
