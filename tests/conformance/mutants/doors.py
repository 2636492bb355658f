"""Consoles and commands."""

from __future__ import annotations

import os
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import CommandTimeout, NotRunning
from hvcore.fake.driver import FakeDriver
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.execution import ExecResult
from hvcore.plugin import hookimpl


class Leads(FakeDriver):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        raise NotImplementedError

    @hookimpl
    def get_instance_console(self, instance: Any, primary_node: Any) -> Any:
        return self.change(super().get_instance_console(instance, primary_node))


@breaks("console-names-its-instance", "a console is of another instance")
class LeadsToAnother(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        return evolve(console, instance="web2")


@breaks("console-is-complete", "a console by ssh has no command")
class LeadsNowhere(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        object.__setattr__(console, "kind", ConsoleKind.SSH)
        return console


@breaks("console-is-complete", "a console is of a kind that nobody knows")
class LeadsSomehow(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        object.__setattr__(console, "kind", "telnet")
        return console


@breaks("console-goes-to-the-node", "a console goes to the machine that is asked, as Ganeti's chroot does")
class LeadsHome(FakeDriver):
    @hookimpl
    def get_instance_console(self, instance: Any, primary_node: Any) -> Any:
        command = ("attach", instance.name)
        here = os.uname().nodename
        return InstanceConsole(instance.name, ConsoleKind.SSH, host=here, port=22, user="root", command=command)


@breaks("console-needs-no-instance", "a console says whether the instance runs")
class LeadsToWhatRuns(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        return evolve(console, message=f"running: {self.get_instance_info(console.instance, None) is not None}")


@breaks("console-needs-no-instance", "what does not run has no console, as in Ganeti's chroot")
class LeadsOnlyToWhatRuns(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        if self.get_instance_info(console.instance, None) is None:
            raise NotRunning(f"{console.instance} does not run")
        return console


@breaks("console-belongs-to-one", "all instances share a console")
class LeadsAllTheSameWay(Leads):
    def change(self, console: InstanceConsole) -> InstanceConsole:
        return evolve(console, message="look at the node's console")


class Executes(FakeDriver):
    changes: dict[str, Any] = {}

    def answer(self, done: ExecResult) -> ExecResult:
        return done

    @hookimpl
    def exec_in_instance(self, instance_name: str, request: Any) -> Any:
        return self.answer(super().exec_in_instance(instance_name, evolve(request, **self.changes)))


@breaks("exec-tells-the-status", "every command succeeds")
class AlwaysSucceeds(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        return evolve(done, exit_status=0)


@breaks("exec-tells-the-signal", "a signal is told as a negative status")
class TellsNegativeStatus(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        return evolve(done, exit_status=128 - done.exit_status if done.exit_status > 128 else done.exit_status)


@breaks("exec-tells-both-outputs", "error output is part of the output")
class MixesOutputs(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        return evolve(done, stdout=done.stdout + done.stderr, stderr=b"")


@breaks("exec-tells-both-outputs", "blanks at the end of the output are lost")
class StripsOutput(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        return evolve(done, stdout=done.stdout.strip())


@breaks("exec-tells-long-output", "output ends after 64 KiB")
class CutsOutput(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        return evolve(done, stdout=done.stdout[: 1 << 16])


@breaks("exec-feeds-the-input", "input is dropped")
class DropsInput(Executes):
    changes = {"stdin": None}


@breaks("exec-feeds-the-input", "input is text")
class FeedsText(Executes):
    @hookimpl
    def exec_in_instance(self, instance_name: str, request: Any) -> Any:
        text = (request.stdin or b"").decode("utf-8", "replace").replace("\r\n", "\n")
        return super().exec_in_instance(instance_name, evolve(request, stdin=text.encode()))


@breaks("exec-without-input", "a command without input is fed something")
class FeedsSomething(Executes):
    @hookimpl
    def exec_in_instance(self, instance_name: str, request: Any) -> Any:
        return super().exec_in_instance(instance_name, evolve(request, stdin=request.stdin or b"\n"))


@breaks("exec-without-input", "a command without input waits for some")
class WaitsForInput(Executes):
    def answer(self, done: ExecResult) -> ExecResult:
        raise CommandTimeout("cat did not finish")


@breaks("exec-sets-the-environment", "variables are dropped")
class DropsVariables(Executes):
    changes = {"environment": {}}


@breaks("exec-enters-the-directory", "the working directory is not entered")
class StaysWhereItIs(Executes):
    changes = {"working_directory": ""}


@breaks("exec-passes-words", "a shell reads the words")
class AsksAShell(Executes):
    @hookimpl
    def exec_in_instance(self, instance_name: str, request: Any) -> Any:
        line = evolve(request, command=("sh", "-c", " ".join(request.command)))
        return super().exec_in_instance(instance_name, line)


@breaks("exec-keeps-the-time", "the time limit is not looked at")
class TakesItsTime(Executes):
    changes = {"timeout_s": None}


@breaks("exec-in-what-does-not-run", "commands run in what does not run")
class ExecutesAnywhere(FakeDriver):
    @hookimpl
    def exec_in_instance(self, instance_name: str, request: Any) -> Any:
        return ExecResult(0)
