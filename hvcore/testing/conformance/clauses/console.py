"""What the way to a console promises."""

from __future__ import annotations

from attrs import evolve

from hvcore.errors import HypervisorError, one_line
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.node import Node
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import BrokenPromise, allowed, ensure, is_of
from hvcore.testing.conformance.trial import Trial

__all__ = ["ConsoleClauses"]

_GANETI = "Ganeti GetInstanceConsole"
_NODE = Node("node7.example.org", ssh_port=2222)


class ConsoleClauses:
    """The way to an instance's console, as data."""

    @clause("A console names its instance.", "get_instance_console", level=Level.FULL, source=_GANETI)
    def test_console_names_its_instance(self, trial: Trial) -> None:
        trial.start()
        console = _console(trial)
        ensure(console.instance == trial.name, f"the console is of {console.instance}")

    @clause(
        "A console has all that its kind needs: ssh, vnc, spice or msg.",
        "get_instance_console",
        level=Level.FULL,
        source="Ganeti InstanceConsole.Validate",
    )
    def test_console_is_complete(self, trial: Trial) -> None:
        trial.start()
        console = _console(trial)
        ensure(is_of(console.kind, ConsoleKind), f"the console is of kind {console.kind!r}")
        try:
            InstanceConsole(**console.to_dict())
        except HypervisorError as error:
            raise BrokenPromise(f"a console of kind {console.kind} is not complete: {one_line(error)}") from error

    @clause(
        "A console by ssh goes to the node that is given, and to its port.",
        "get_instance_console",
        level=Level.FULL,
        source="Ganeti 2.11 primary_node, node_group",
    )
    def test_console_goes_to_the_node(self, trial: Trial) -> None:
        trial.start()
        console = _console(trial)
        if console.kind is ConsoleKind.SSH:
            where = (console.host, console.port)
            ensure(where == (_NODE.name, _NODE.ssh_port), f"the console goes to {where}, and the node is {_NODE}")

    @clause(
        "A console is made from the arguments alone: it is the same whether the instance runs here or not.",
        "get_instance_console",
        level=Level.FULL,
        source="Ganeti asks on the master",
    )
    def test_console_needs_no_instance(self, trial: Trial) -> None:
        before = _console(trial)
        trial.start()
        ensure(_console(trial) == before, "the console of a running instance is another than before its start")

    @clause(
        "A console of another instance is another console.", "get_instance_console", level=Level.FULL, source=_GANETI
    )
    def test_console_belongs_to_one(self, trial: Trial) -> None:
        own, other = _console(trial), allowed("a console", trial.hypervisor.get_instance_console, trial.sibling, _NODE)
        ensure(evolve(other, instance=own.instance) != own, f"{trial.name} and {trial.sibling.name} share {own}")


def _console(trial: Trial) -> InstanceConsole:
    return allowed("a console", trial.hypervisor.get_instance_console, trial.instance, _NODE)
