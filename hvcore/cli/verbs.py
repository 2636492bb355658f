"""The verbs: where each one lives, and what it is in one line. Only the chosen one's module is imported.

The values here are named tuples: help and completion then do without attrs, which takes longer to import than they run.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session

__all__ = ["VERBS", "Arguments", "Choice", "Command", "Verb", "load_command", "no_arguments"]


class Arguments(SimpleNamespace):
    """The parsed words, global options among them, by name."""


class Command(NamedTuple):
    """What a module offers for a verb.

    Attributes:
        configure: adds the verb's own arguments to its parser.
        run: does it and returns the exit status.
    """

    configure: Callable[[ArgumentParser], None]
    run: Callable[[Session, Arguments], int]


class Choice(NamedTuple):
    """What the user chose.

    Attributes:
        command: the verb's implementation.
        arguments: its arguments.
    """

    command: Command
    arguments: Arguments


class Verb(NamedTuple):
    """A verb of ``hv``.

    Attributes:
        module: the module that has it in ``COMMANDS``.
        summary: what it does, in one line.
        takes_command: whether words after ``--`` are a command of the user's, never options of ``hv``.
        is_plain: whether it has no arguments of its own.
    """

    module: str
    summary: str
    takes_command: bool = False
    is_plain: bool = False


VERBS = {
    "start": Verb("lifecycle", "start an instance from its file"),
    "stop": Verb("lifecycle", "ask an instance to shut down, or end it with --force"),
    "cleanup": Verb("lifecycle", "remove what an instance that no longer runs has left"),
    "reboot": Verb("lifecycle", "restart a running instance"),
    "pause": Verb("lifecycle", "take the CPU away from an instance"),
    "resume": Verb("lifecycle", "give a paused instance its CPU back"),
    "balloon": Verb("lifecycle", "change the memory of a running instance"),
    "list": Verb("inventory", "list the instances that run", is_plain=True),
    "info": Verb("inventory", "describe one instance"),
    "stats": Verb("stats", "show what instances use"),
    "events": Verb("events", "show what happens to instances, as it happens"),
    "console": Verb("console", "attach to an instance's console"),
    "exec": Verb("execute", "run a command inside an instance", takes_command=True),
    "plan": Verb("plan", "show what a start would do, and do nothing"),
    "lint": Verb("lint", "find what is wrong with a configuration or an instance file, or translate an old one"),
    "verify": Verb("health", "check that this node can run instances", is_plain=True),
    "node": Verb("node", "show this node's memory and processors", is_plain=True),
    "files": Verb("node", "show the files that must be alike on all nodes", is_plain=True),
    "recover": Verb("recovery", "undo or finish what was left half done"),
    "plugins": Verb("plugins", "show what is installed, and what is broken and why", is_plain=True),
    "hooks": Verb("hooks", "show the hooks and who answers them"),
    "new-plugin": Verb("new_plugin", "write the package of a new extension or hypervisor"),
    "check-plugin": Verb("check_plugin", "check a plugin's package without installing it"),
    "demo": Verb("demo.verb", "watch instances live and die", is_plain=True),
    "completion": Verb("completion", "print the code that makes a shell complete hv"),
}


def load_command(name: str) -> Command:
    """Import a verb's module and return what it offers."""
    from importlib import import_module

    commands: dict[str, Command] = import_module(f"hvcore.cli.{VERBS[name].module}").COMMANDS
    return commands[name]


def no_arguments(_: ArgumentParser) -> None:
    """Add no arguments to a parser: for plain verbs."""
