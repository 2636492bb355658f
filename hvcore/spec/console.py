"""Reaching into an instance: its console, and commands run inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.console import InstanceConsole
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.instance import Instance
    from hvcore.model.node import Node

__all__ = ["ConsoleSpec"]


class ConsoleSpec:
    """Doors into a running instance."""

    @command(since="1.0")
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Describe how to reach an instance's console; nothing is opened.

        The answer is made from the arguments alone, so it is right on any machine.

        Answered by: the driver.

        Args:
            instance: the definition; its parameters are filled in.
            primary_node: the node that the instance runs on, with the ssh port of its group.

        Returns:
            The console as data: a command for ssh, an address for vnc and spice, or a message.

        Raises:
            OperationFailed: the instance has no console.

        Source: Ganeti ``GetInstanceConsole``; ``node_group`` (since 2.11) only served to fill in the ssh port.
        """
        raise NotImplementedError

    @command(since="1.0")
    def exec_in_instance(self, instance_name: str, request: ExecRequest) -> ExecResult:
        """Run a command inside a running instance and wait for its end.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.
            request: the command, its input, environment and limits.

        Returns:
            The exit status and what it wrote.

        Raises:
            NotRunning: the instance does not run.
            CommandTimeout: the command did not end in time and was ended.
            OperationFailed: the command could not be run.

        Source: hvcore's own.
        """
        raise NotImplementedError
