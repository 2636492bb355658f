"""The order of operations: start, stop, reboot, clean up and recover, each over the same steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from hvcore.errors import AlreadyRunning, NotRunning, OperationFailed
from hvcore.journaled import JournaledLifecycle
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.parameters import ParameterValue
from hvcore.system.bookkeeping import demand, note
from hvcore.system.cgroup_layout import CgroupLayout, current_layout
from hvcore.system.journal import JournalState, Phase
from hvcore.system.operation import Step
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.container import Container
from hvcore_lxc.document import ConfigDocument, render
from hvcore_lxc.fitting import fit_layout
from hvcore_lxc.gate import Gate
from hvcore_lxc.mounter import DefaultMounter, Mounter
from hvcore_lxc.params import words
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.spec import LxcSteps
from hvcore_lxc.steps import STEPS, Definition, StartSteps, load_definition

__all__ = ["Lifecycle"]

_DEFAULT_SHUTDOWN_S = 120.0
_CHANGE_TRIES = 3


@frozen
class Lifecycle(JournaledLifecycle):
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        paths: where instances keep what.
        cgroups: who manages the cgroups.
        layout: how the node's cgroup hierarchies are mounted.
    """

    STEPS = STEPS

    paths: LxcPaths
    cgroups: CgroupManager
    layout: CgroupLayout = field(factory=current_layout)

    def start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], paused: bool) -> None:
        """Start an instance; every step is undone when one fails."""
        name = instance.name
        self.settle(name)
        if self.container(name).is_alive:
            raise AlreadyRunning(f"{name} runs already", resolution=f"'hv info {name}' describes it")
        definition = Definition(instance, block_devices, paused)
        # Decided before anything is touched: a definition that cannot be expressed or mounted changes nothing.
        steps = self._steps(name, definition, self.config_text(definition))
        steps.mounter.plan()
        self.perform_start(name, steps.all())

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        state = self.settle(name)
        container = self.container(name)
        if container.is_alive and not force and not self._shut_down(name, state, retry, timeout_s):
            # It did stop, and somebody has started it again since: that start is not ours to end.
            return
        if state is None and not container.is_alive and not self.paths.instance_dir(name).exists():
            return
        demand(self.take_back(name), "stop")

    def clean_up(self, name: str) -> None:
        """Remove the traces of an instance that no longer runs; any number of times."""
        self.settle(name)
        if self.container(name).is_alive:
            raise OperationFailed(
                f"{name} runs, so it is not cleaned up", resolution=f"'hv stop {name}' stops it first"
            )
        demand(self.take_back(name), "cleanup")

    def reboot(self, name: str) -> None:
        """Shut the guest down and start its container again over the same mounts."""
        state = self.settle(name)
        self.require_running(name)
        known = load_definition(self.paths.definition(name))
        is_ours = self._shut_down(name, state, False, None)
        if known is None or not is_ours or not self.paths.config(name).is_file():
            raise OperationFailed(
                f"{name} was stopped while it shut down for its reboot"
                if known
                else f"the definition of {name} is lost",
                resolution="start it again",
            )
        self.perform_again(name, state, self._steps(name, evolve(known, startup_paused=False)).all())

    def instance_dir(self, name: str) -> Path:
        """Return the directory of an instance's own."""
        return self.paths.instance_dir(name)

    def definition_file(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.paths.definition(name)

    def is_alive(self, name: str) -> bool:
        """Tell whether an instance has processes."""
        return self.container(name).is_alive

    def undoable_steps(self, name: str, definition: Definition | None) -> Sequence[Step]:
        """Return the steps of a start for their undoing."""
        return self._steps(name, definition).all()

    def may_come_back(self, name: str) -> bool:
        """Tell whether LXC's monitor starts a guest again that reboots itself."""
        return self.container(name).is_alive_or_rebooting()

    def end_strays(self, name: str) -> None:
        """End LXC's own processes of a start that was cut short."""
        self.container(name).end_strays()

    def container(self, name: str) -> Container:
        """Return an instance's container."""
        return Container(name, self.paths, self.cgroups, self.context.runner, self.layout)

    def require_running(self, name: str) -> None:
        """Raise NotRunning unless the instance has processes."""
        if not self.container(name).is_alive_or_rebooting():
            raise NotRunning(f"{name} does not run", resolution="'hv list' names those that run")

    def while_running(self, name: str, change: Callable[[], None]) -> None:
        """Change a running instance; once more when its guest rebooted itself in between, and took its cgroup along.

        Raises:
            NotRunning: it does not run, or has just ended.
            OperationFailed: the change failed.
        """
        for left in reversed(range(_CHANGE_TRIES)):
            self.settle(name)
            self.require_running(name)
            init = self.container(name).find_init()
            try:
                return change()
            except OperationFailed:
                if not left or (init is not None and self.container(name).find_init() == init):
                    raise
        raise AssertionError

    def document(self, definition: Definition) -> ConfigDocument:
        """Return an instance's configuration, as every plugin wants it."""
        instance, root = definition.instance, str(self.paths.root(definition.instance.name))
        scope = self.context.scope
        chosen = scope.choose(LxcSteps.lxc_config, instance=instance, root=root, limits=self.cgroups.limits(instance))
        added = scope.collect(LxcSteps.lxc_config_entries, instance=instance, document=chosen)
        document = fit_layout(chosen.append(*added), self.layout.mode)
        return Gate(self.paths.gate(instance.name)).document(document) if definition.startup_paused else document

    def mounter(self, definition: Definition) -> Mounter:
        """Return who mounts an instance's disks."""
        return self.context.scope.choose(
            LxcSteps.lxc_mounter,
            instance=definition.instance,
            block_devices=definition.block_devices,
            root=str(self.paths.root(definition.instance.name)),
        )

    def config_text(self, definition: Definition) -> str:
        """Return the text of an instance's configuration."""
        comments = (f"made by hvcore for {definition.instance.name}; changes are lost at the next start",)
        return render(self.document(definition), comments)

    def _steps(self, name: str, definition: Definition | None, config_text: str = "") -> StartSteps:
        root = str(self.paths.root(name))
        return StartSteps(
            definition=definition,
            name=name,
            paths=self.paths,
            # Without a definition there is nobody to choose; everything mounted below the root can still come off.
            mounter=self.mounter(definition) if definition else DefaultMounter(Instance(name, "lxc"), (), root),
            cgroups=self.cgroups,
            container=self.container(name),
            config_text=config_text,
        )

    def _shut_down(self, name: str, state: JournalState | None, retry: bool, timeout_s: float | None) -> bool:
        """Ask the guest to shut down and wait; the lock is given away meanwhile, so that a forced stop can overtake.

        Returns:
            True, or False when somebody has stopped it and started it again meanwhile.
        """
        journal = self.journal(name)
        known = load_definition(self.paths.definition(name))
        parameters: Mapping[str, ParameterValue] = known.instance.parameters if known else {}
        wait_s = float(str(parameters.get("shutdown_timeout") or 0)) if timeout_s is None else timeout_s
        if known is None and timeout_s is None:
            wait_s = _DEFAULT_SHUTDOWN_S
        has_sys_boot = "sys_boot" not in words(parameters.get("drop_capabilities"))
        container = self.container(name)
        shutdown = container.shutdown(str(parameters.get("shutdown_signal") or ""))
        if state is not None:
            note(journal, Phase.STOPPING)
        init = shutdown.find() if retry else shutdown.ask(wait_s)
        if init is None:
            return True
        try:
            with self.context.locks.yielded(name, "stop_instance"):
                shutdown.wait(init, wait_s, has_sys_boot)
        except OperationFailed:
            if state is not None and journal.path.exists():
                note(journal, Phase.RUNNING)
            raise
        now = self.journal(name).read()
        return now is None or now.phase is not Phase.RUNNING or container.find_init() in {None, init.pid}
