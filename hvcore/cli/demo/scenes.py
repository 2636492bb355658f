"""What the tour shows, scene by scene."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from hvcore.cli.console import describe_console
from hvcore.cli.inventory import describe, instance_table
from hvcore.cli.plan import render_plan
from hvcore.errors import OperationFailed
from hvcore.model.capability import Support

if TYPE_CHECKING:
    from hvcore.cli.demo.narrator import Narrator
    from hvcore.cli.demo.stage import Stage
    from hvcore.cli.demo.witness import Findings, Witness
    from hvcore.model.info import InstanceInfo

__all__ = ["Scenes"]

_PATIENCE_S = 30.0
_COMMANDS = (("uname", "-n"), ("grep", "Cpus_allowed_list", "/proc/self/status"))


class Scenes:
    """The scenes in order, over one stage.

    Args:
        stage: the instances.
        narrator: who tells.
        witness: who looks at the machine.
    """

    def __init__(self, stage: Stage, narrator: Narrator, witness: Witness) -> None:
        self._stage = stage
        self._hypervisor = stage.hypervisor
        self._narrator = narrator
        self._witness = witness
        self._web, self._db = stage.names

    def play(self) -> Findings:
        """Play all scenes; return what the witness saw while the instances ran."""
        self._files()
        self._plan()
        self._start()
        during = self._witness.look()
        self._inventory()
        self._execute()
        if self._can("pause_instance"):
            self._pause()
        if self._can("balloon_instance_memory"):
            self._balloon()
        self._console()
        self._stop()
        return during

    def _files(self) -> None:
        self._narrator.heading("An instance is a file", f"cat {self._web}.toml")
        self._narrator.show(self._stage.file(self._web).read_text("utf-8"))
        self._narrator.say(f"{self._db}.toml is like it.")

    def _plan(self) -> None:
        self._narrator.heading("The plan: what a start would do; nothing is touched", f"hv plan {self._web}.toml")
        plan = self._hypervisor.plan_start(self._stage.instance(self._web))
        self._narrator.say(render_plan(plan, self._narrator.colour))

    def _start(self) -> None:
        self._narrator.heading("Start both", f"hv start {self._web}.toml; hv start {self._db}.toml")
        for name in self._stage.names:
            with self._narrator.doing(f"starting {name}", f"{name} runs"), self._witness.watching_devices():
                self._stage.start(name)
            self._witness.note_groups(self._info(name).pid)

    def _inventory(self) -> None:
        self._narrator.heading("What runs", "hv list")
        found = self._hypervisor.get_all_instances_info()
        self._narrator.say(instance_table(found, self._narrator.colour))
        self._narrator.heading("One of them", f"hv info {self._db}")
        self._narrator.say(describe(self._info(self._db), self._narrator.colour))

    def _execute(self) -> None:
        self._narrator.heading("Commands inside")
        for command in _COMMANDS:
            self._narrator.type(f"hv exec {self._web} -- {' '.join(command)}")
            result = self._hypervisor.exec_in_instance(self._web, command, timeout_s=_PATIENCE_S)
            self._narrator.show((result.stdout + result.stderr).decode("utf-8", "replace"))
            self._see("exit status", str(result.exit_status), "0")

    def _pause(self) -> None:
        self._narrator.heading("Pause and resume", f"hv pause {self._web}; hv resume {self._web}")
        with self._narrator.doing(f"pausing {self._web}", "paused"):
            self._hypervisor.pause_instance(self._web)
        self._see("state", str(self._info(self._web).state), "paused")
        with self._narrator.doing(f"resuming {self._web}", "resumed"):
            self._hypervisor.resume_instance(self._web)
        self._see("state", str(self._info(self._web).state), "running")

    def _balloon(self) -> None:
        before = self._info(self._web).memory_mib
        self._narrator.heading(f"Ballooning from {before} MiB, up and down", f"hv balloon {self._web} {before * 2}")
        for memory_mib in (before * 2, before // 2 + before // 4):
            with self._narrator.doing("changing the limit", f"told to be {memory_mib} MiB"):
                self._hypervisor.balloon_instance_memory(self._web, memory_mib)
            self._see("memory read back", f"{self._info(self._web).memory_mib} MiB", f"{memory_mib} MiB")

    def _console(self) -> None:
        self._narrator.heading("The console: how to attach, and what it has said", f"hv console --print {self._web}")
        console = self._hypervisor.get_instance_console(self._web)
        self._narrator.show(describe_console(console, socket.gethostname()))
        log = self._stage.console_log(self._web)
        if log is None:
            self._narrator.say("this hypervisor keeps no console log")
            return
        self._narrator.say(f"{log}:")
        self._narrator.show(log.read_text("utf-8", "replace") or "(empty so far)")

    def _stop(self) -> None:
        self._narrator.heading("Soft stop: the guest is asked, and shuts down", f"hv stop {self._web}")
        with self._narrator.doing(f"stopping {self._web}", f"{self._web} has shut down"):
            self._hypervisor.stop_instance(self._web, timeout_s=_PATIENCE_S)
        self._narrator.heading("Hard stop: the guest is not asked", f"hv stop --force {self._db}")
        with self._narrator.doing(f"ending {self._db}", f"{self._db} is gone"):
            self._hypervisor.stop_instance(self._db, force=True)
        running = ", ".join(self._hypervisor.list_instances()) or "none"
        self._see("instances that run", running, "none")

    def _can(self, operation: str) -> bool:
        """Whether the hypervisor has what a scene is about; a scene that it has not is left out."""
        found = {capability.operation: capability.support for capability in self._hypervisor.capabilities()}
        return found[operation] is not Support.NO

    def _see(self, what: str, found: str, expected: str) -> None:
        """Show what was read back, and do not go on as if it were right when it is not."""
        self._narrator.say(f"{what}: {found}")
        if found != expected:
            raise OperationFailed(f"{what} should be {expected} and is {found}", hypervisor=self._hypervisor.name)

    def _info(self, name: str) -> InstanceInfo:
        info = self._hypervisor.get_instance_info(name)
        if info is None:
            raise OperationFailed(f"{name} has ended by itself", hypervisor=self._hypervisor.name, instance=name)
        return info
