"""``console``: attached to where the console is local, told otherwise."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

import hvcore
from hvcore.cli.console import attach_command, describe_console
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.info import InstanceInfo
from hvcore.model.node import Node
from hvcore.model.parameters import ParameterValue
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, hookimpl

HERE = "this-node"


def ssh(host: str, *command: str, port: int | None = None) -> InstanceConsole:
    return InstanceConsole("web1", ConsoleKind.SSH, host=host, user="root", port=port, command=command)


class Local(BaseHypervisor):
    """Has a console that is a command of this machine."""

    COMMAND: ClassVar[tuple[str, ...]] = ("echo", "hello", "from the console")

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> hvcore.Instance | None:
        return hvcore.Instance(instance_name, "local")

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        return InstanceInfo(instance_name, "local", InstanceState.RUNNING, 1, 1, 0.0)

    @hookimpl
    def get_instance_console(self, instance: hvcore.Instance, primary_node: Node) -> InstanceConsole:
        return ssh(primary_node.name, *self.COMMAND, port=primary_node.ssh_port)


class Failing(Local):
    COMMAND = ("false",)

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> hvcore.Instance | None:
        return hvcore.Instance(instance_name, "failing")

    @hookimpl
    def get_instance_console(self, instance: hvcore.Instance, primary_node: Node) -> InstanceConsole:
        return ssh(primary_node.name, *self.COMMAND)


@pytest.mark.parametrize("host", [HERE, "localhost"])
def test_a_console_of_this_node_is_its_command(host: str) -> None:
    assert attach_command(ssh(host, "lxc-console", "-n", "web1"), HERE) == ("lxc-console", "-n", "web1")


def test_a_console_of_another_node_is_reached_by_ssh() -> None:
    command = attach_command(ssh("far", "lxc-console", "-n", "it's me", port=2222), HERE)
    assert command == ("ssh", "-t", "-p", "2222", "-l", "root", "--", "far", "lxc-console -n 'it'\"'\"'s me'")


@pytest.mark.parametrize(
    ("console", "text"),
    [
        (ssh(HERE, "lxc-console", "a b"), "lxc-console 'a b'"),
        (InstanceConsole("web1", ConsoleKind.MESSAGE, message="go away"), "go away"),
        (InstanceConsole("web1", ConsoleKind.VNC, host="far", port=5901, display=1), "vnc://far:5901 (display 1)"),
        (InstanceConsole("web1", ConsoleKind.SPICE, host="far", port=5930), "spice://far:5930"),
    ],
)
def test_how_to_reach_a_console(console: InstanceConsole, text: str) -> None:
    assert describe_console(console, HERE) == text


def test_a_local_console_is_attached_to(hv: Any, only: Any) -> None:
    only(local=Local)
    outcome = hv("console", "-H", "local", "web1")
    assert (outcome.status, outcome.out) == (0, "hello from the console\n")


def test_the_way_can_be_printed_instead(hv: Any, only: Any) -> None:
    only(local=Local)
    assert hv("console", "--print", "-H", "local", "web1").out == "echo hello 'from the console'\n"
    found = hv("console", "--json", "-H", "local", "web1").json
    assert found == {
        "instance": "web1",
        "kind": "ssh",
        "message": "",
        "host": socket.gethostname(),
        "port": 22,
        "user": "root",
        "command": ["echo", "hello", "from the console"],
        "display": None,
    }


def test_a_console_that_ends_badly_is_an_error(hv: Any, only: Any) -> None:
    only(failing=Failing)
    outcome = hv("console", "-H", "failing", "web1")
    assert outcome.status == 1
    assert "the console ended with status 1" in outcome.err


def test_a_message_is_printed(hv: Any, started: Any) -> None:
    started()
    outcome = hv("console", "web1")
    assert outcome.status == 0
    assert outcome.out.startswith("web1 is simulated and has no console")
    assert hv("console", "web1", "--json").json["kind"] == "msg"


def test_the_console_of_a_terminal_is_the_terminal(environment: Any, started: Any, on_terminal: Any) -> None:
    started()
    assert "web1 is simulated" in on_terminal("console", "web1").out
