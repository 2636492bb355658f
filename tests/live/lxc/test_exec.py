"""Running commands in a guest."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import CommandTimeout, InvalidInput, NotRunning, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


@pytest.fixture
def web(running: Running) -> str:
    return running().name


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_the_exit_status_comes_back(lxc: Hypervisor, web: str, status: int) -> None:
    assert lxc.exec_in_instance(web, ["sh", "-c", f"exit {status}"]).exit_status == status


def test_a_command_that_a_signal_ends(lxc: Hypervisor, web: str) -> None:
    assert lxc.exec_in_instance(web, ["sh", "-c", "kill -9 $$"]).exit_status == 137


def test_streams_are_kept_apart(lxc: Hypervisor, web: str) -> None:
    done = lxc.exec_in_instance(web, ["sh", "-c", "echo out; echo err >&2; printf '\\377\\000'"])
    assert (done.exit_status, done.stdout, done.stderr) == (0, b"out\n\xff\x00", b"err\n")


def test_input_is_fed_and_ends(lxc: Hypervisor, web: str) -> None:
    assert lxc.exec_in_instance(web, ["cat"], stdin=b"one\ntwo\x00").stdout == b"one\ntwo\x00"
    assert lxc.exec_in_instance(web, ["cat"]).stdout == b""


def test_megabytes_go_through_in_both_directions(lxc: Hypervisor, web: str) -> None:
    data = os.urandom(1 << 20) * 8
    done = lxc.exec_in_instance(web, ["cat"], stdin=data)
    assert done.stdout == data
    done = lxc.exec_in_instance(web, ["sh", "-c", "cat >&2"], stdin=data)
    assert (done.stdout, done.stderr) == (b"", data)


def test_words_are_not_read_by_a_shell(lxc: Hypervisor, web: str) -> None:
    words = ["a b", "$HOME", "`id`", "'", '"', "*", "--", "-n", "", "\u00fc\u6771"]
    done = lxc.exec_in_instance(web, ["sh", "-c", 'for word; do printf "%s\\0" "$word"; done', "sh", *words])
    assert done.stdout.decode().split("\0")[:-1] == words


def test_the_environment_is_the_guests_own_and_what_was_given(lxc: Hypervisor, web: str) -> None:
    os.environ["HVCORE_TEST_SECRET"] = "of the node"
    try:
        done = lxc.exec_in_instance(web, ["env"], environment={"GREETING": "a b=c", "PATH": "/bin"})
    finally:
        del os.environ["HVCORE_TEST_SECRET"]
    found = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert found["GREETING"] == "a b=c"
    assert found["PATH"] == "/bin"
    assert "HVCORE_TEST_SECRET" not in found
    assert "/sbin" in lxc.exec_in_instance(web, ["sh", "-c", "echo $PATH"]).stdout.decode()


def test_the_working_directory(lxc: Hypervisor, web: str) -> None:
    assert lxc.exec_in_instance(web, ["pwd"], working_directory="/var/log").stdout == b"/var/log\n"
    assert lxc.exec_in_instance(web, ["pwd"]).stdout == b"/\n"
    missing = lxc.exec_in_instance(web, ["pwd"], working_directory="/nowhere; echo x")
    assert missing.exit_status != 0
    assert b"nowhere" in missing.stderr


def test_a_command_that_is_not_there(lxc: Hypervisor, web: str) -> None:
    done = lxc.exec_in_instance(web, ["no-such-program"])
    assert done.exit_status == 127
    assert b"no-such-program" in done.stderr
    assert lxc.exec_in_instance(web, ["/etc/passwd"]).exit_status == 126


def test_it_runs_with_the_guests_limits(lxc: Hypervisor, running: Running) -> None:
    name = running("limited", drop_capabilities=("sys_time", "sys_boot")).name
    script = "cat /proc/self/cgroup; grep CapBnd /proc/self/status; readlink /proc/self/ns/pid; readlink /proc/1/ns/pid"
    done = lxc.exec_in_instance(name, ["sh", "-c", script])
    assert f"ct-{name}" in done.stdout.decode() or ":/\n" in done.stdout.decode()
    bits = int(done.stdout.decode().split("CapBnd:")[1].split()[0], 16)
    assert not bits & 1 << 25
    namespaces = done.stdout.decode().split()[-2:]
    assert namespaces[0] == namespaces[1]


def test_the_time_is_up_for_the_whole_tree(lxc: Hypervisor, web: str, kernel: Any) -> None:
    info = lxc.get_instance_info(web)
    assert info is not None
    before = kernel.value(info.pid, "freezer", "cgroup.procs").split()
    tree = "(sleep 1000 & sleep 1000 & (setsid sh -c 'sleep 1000; true' &) ); echo begun; sleep 1000; true"
    with pytest.raises(CommandTimeout) as caught:
        lxc.exec_in_instance(web, ["sh", "-c", tree], timeout_s=0.5)
    assert caught.value.command[:2] == ("sh", "-c")
    assert caught.value.instance == web
    assert kernel.value(info.pid, "freezer", "cgroup.procs").split() == before


@pytest.mark.parametrize("timeout_s", [0.001, 0.003, 0.006, 0.01, 0.015])
def test_a_time_that_is_up_before_it_begins(lxc: Hypervisor, web: str, kernel: Any, timeout_s: float) -> None:
    info = lxc.get_instance_info(web)
    assert info is not None
    before = kernel.value(info.pid, "freezer", "cgroup.procs").split()
    for _ in range(4):
        with pytest.raises(CommandTimeout):
            lxc.exec_in_instance(web, ["sleep", "1000"], timeout_s=timeout_s)
        assert kernel.value(info.pid, "freezer", "cgroup.procs").split() == before


def test_a_guest_that_is_paused_meanwhile(lxc: Hypervisor, web: str, lxc_host: LiveHost, until: Any) -> None:
    """A frozen process cannot be ended; the caller gets an answer all the same, which names it."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lxc_host.load().exec_in_instance, web, ["sleep", "1000"], timeout_s=1.0)
        until(lambda: b"sleep\x001000" in _commands(lxc, web))
        lxc.pause_instance(web)
        failure = running.exception(timeout=60)
    assert isinstance(failure, CommandTimeout)
    assert any("process" in item for item in failure.left_behind), failure.explain()
    lxc.resume_instance(web)
    until(lambda: b"sleep\x001000" not in _commands(lxc, web))


def _commands(lxc: Hypervisor, name: str) -> bytes:
    found = b""
    for pid in lxc.scope and os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/cgroup") as file:
                    if name in file.read():
                        with open(f"/proc/{pid}/cmdline", "rb") as file_:
                            found += file_.read() + b"\n"
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def test_bad_requests_are_refused(lxc: Hypervisor, web: str) -> None:
    for command in ([], [""], ["a\0b"]):
        with pytest.raises(InvalidInput):
            lxc.exec_in_instance(web, command)


def test_what_does_not_run_takes_no_commands(lxc: Hypervisor, lxc_host: LiveHost) -> None:
    with pytest.raises(NotRunning):
        lxc.exec_in_instance(lxc_host.instance().name, ["true"])


def test_a_dead_monitor_is_told(lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, until: Any) -> None:
    name = running("orphan", init="/sbin/deaf", extra_config="lxc.monitor.signal.pdeath = 0").name
    [monitor] = kernel.monitors(paths.lxcpath, name)
    os.kill(monitor, 9)
    until(lambda: not kernel.is_alive(monitor))
    with pytest.raises(OperationFailed, match="monitor") as caught:
        lxc.exec_in_instance(name, ["true"])
    assert caught.value.resolution


def test_attached_to_the_callers_own_streams(lxc: Hypervisor, web: str, lxc_host: LiveHost) -> None:
    script = textwrap.dedent(
        """
        import sys, hvcore
        lxc = hvcore.load(state_dir=sys.argv[1], log_dir=sys.argv[2]).hypervisor("lxc")
        done = lxc.exec_in_instance(sys.argv[3], ["sh", "-c", "cat; echo err >&2; exit 5"], attached=True)
        assert (done.stdout, done.stderr) == (b"", b"")
        sys.exit(done.exit_status)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, lxc_host.state_dir, lxc_host.log_dir, web],
        input=b"hello\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (5, b"hello\n", b"err\n")
