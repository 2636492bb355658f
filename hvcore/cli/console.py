"""The verb ``console``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import OperationFailed

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.console import InstanceConsole

__all__ = ["COMMANDS", "attach_command", "describe_console"]


def attach_command(console: InstanceConsole, this_host: str) -> tuple[str, ...]:
    """Return the argument list that attaches the caller's terminal to a console of kind ssh.

    Args:
        console: the console; its command is the one to run on its node.
        this_host: the name of the node that the caller is on.

    Returns:
        On the console's own node the command itself, elsewhere an ssh that runs it there.
    """
    if console.host in {this_host, "localhost"}:
        return console.command
    import shlex

    port = () if console.port is None else ("-p", str(console.port))
    # ssh hands one text to the remote shell, so every word is quoted for it.
    return ("ssh", "-t", *port, "-l", console.user, "--", console.host, shlex.join(console.command))


def describe_console(console: InstanceConsole, this_host: str) -> str:
    """Return in one line how to reach a console."""
    if console.kind == "ssh":
        import shlex

        return shlex.join(attach_command(console, this_host))
    if console.kind == "msg":
        return console.message
    port = "" if console.port is None else f":{console.port}"
    display = "" if console.display is None else f" (display {console.display})"
    return f"{console.kind}://{console.host}{port}{display}"


def _configure(parser: ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument("--print", dest="only_print", action="store_true", help="only print how to attach")


def _console(session: Session, arguments: Arguments) -> int:
    import socket

    from hvcore.cli.output import print_json, say

    hypervisor = session.owner(arguments.name)
    console = hypervisor.get_instance_console(arguments.name)
    this_host = socket.gethostname()
    if session.as_json:
        print_json(console.to_dict())
        return 0
    if arguments.only_print or console.kind != "ssh":
        say(describe_console(console, this_host))
        return 0
    command = attach_command(console, this_host)
    status = hypervisor.context.runner.attach(command)
    if status != 0:
        raise OperationFailed(
            f"the console ended with status {status}",
            hypervisor=hypervisor.name,
            instance=arguments.name,
            operation="get_instance_console",
            details=[f"command: {' '.join(command)}"],
            resolution=f"see that the instance runs: hv info {arguments.name}",
        )
    return 0


COMMANDS = {"console": Command(_configure, _console)}
