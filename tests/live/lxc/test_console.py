"""The console: as data, attached to through a terminal, and its log."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.console import ConsoleKind
from hvcore.model.instance import Instance
from hvcore.model.node import Node
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
PATIENCE_S = 20.0


def test_the_console_is_data(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running()
    console = lxc.get_instance_console(instance, Node("node1.example.com", ssh_port=2222))
    assert (console.instance, console.kind) == (instance.name, ConsoleKind.SSH)
    assert (console.host, console.port, console.user) == ("node1.example.com", 2222, "root")
    assert console.command == ("lxc-console", "-P", str(paths.lxcpath), "-n", instance.name)


@pytest.mark.parametrize(("init", "ttys"), [("/sbin/answers-on-tty1", 1), ("/sbin/answers-on-console", 0)])
def test_its_command_talks_with_the_guest(lxc: Hypervisor, running: Running, init: str, ttys: int) -> None:
    instance = running(init=init, num_ttys=ttys)
    command = lxc.get_instance_console(instance.name).command
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    try:
        heard = talk(terminal, b"good morning\n", b"heard good morning")
        assert b"heard good morning" in heard
        os.write(terminal, b"\x01q")
        status = wait_for_exit(pid, terminal)
    finally:
        try:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(terminal)
    assert status == 0
    assert lxc.get_instance_info(instance.name) is not None


def talk(terminal: int, words: bytes, answer: bytes) -> bytes:
    """Say something again and again, since the other side may not listen yet, until the answer is there."""
    heard, deadline = b"", time.monotonic() + PATIENCE_S
    while answer not in heard and time.monotonic() < deadline:
        os.write(terminal, words)
        while select.select([terminal], [], [], 0.2)[0]:
            heard += os.read(terminal, 4096)
            if answer in heard:
                break
    return heard


def wait_for_exit(pid: int, terminal: int) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                os.read(terminal, 4096)
            except OSError:
                continue  # the other side is closed
    raise AssertionError("lxc-console does not end")


def test_what_the_guest_says_is_logged_and_begins_anew(
    lxc: Hypervisor, running: Running, paths: LxcPaths, until: Any
) -> None:
    instance = running(init="/sbin/talker")
    log = paths.console_log(instance.name)
    until(lambda: "the guest is up" in log.read_text())
    assert log.stat().st_mode & 0o077 == 0
    lxc.stop_instance(instance.name, force=True)
    assert log.read_text().count("the guest is up") == 1
    lxc.start_instance(instance)
    until(lambda: "the guest is up" in log.read_text())
    assert log.read_text().count("the guest is up") == 1
