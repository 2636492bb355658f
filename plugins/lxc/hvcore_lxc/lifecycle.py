"""The order of operations: start, stop, reboot, clean up and recover, each over the same steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, field, frozen

from hvcore.context import DriverContext
from hvcore.errors import AlreadyRunning, Busy, HypervisorError, NotRunning, OperationFailed, StateFailed
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.parameters import ParameterValue
from hvcore.model.recovery import Recovery
from hvcore.system.bookkeeping import close_journal, demand, note, open_journal, rewrite
from hvcore.system.cgroup_layout import CgroupLayout, current_layout
from hvcore.system.journal import Journal, JournalState, Phase
from hvcore.system.operation import Undoing, perform, undo_steps
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
class Lifecycle:
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        context: the driver's surroundings.
        paths: where instances keep what.
        cgroups: who manages the cgroups.
        layout: how the node's cgroup hierarchies are mounted.
    """

    context: DriverContext
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
        journal = open_journal(self.paths.instance_dir(name))
        try:
            perform(steps.all(), journal, self.context.observer)
        except HypervisorError as error:
            if not error.left_behind:
                close_journal(journal)
            raise
        journal.enter(Phase.RUNNING)

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        state = self.settle(name)
        container = self.container(name)
        if container.is_alive and not force and not self._shut_down(name, state, retry, timeout_s):
            # It did stop, and somebody has started it again since: that start is not ours to end.
            return
        if state is None and not container.is_alive and not self.paths.instance_dir(name).exists():
            return
        self._undo(name, "stop")

    def clean_up(self, name: str) -> None:
        """Remove the traces of an instance that no longer runs; any number of times."""
        self.settle(name)
        if self.container(name).is_alive:
            raise OperationFailed(
                f"{name} runs, so it is not cleaned up", resolution=f"'hv stop {name}' stops it first"
            )
        self._undo(name, "cleanup")

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
        journal = Journal(self.paths.instance_dir(name))
        steps = self._steps(name, evolve(known, startup_paused=False))
        container_step = steps.all()[-1]
        if state is None:
            rewrite(journal, STEPS)
        journal.enter(Phase.STARTING)
        demand(undo_steps([container_step], journal, self.context.observer), "reboot")
        try:
            perform([container_step], journal, self.context.observer)
        except HypervisorError as error:
            # The first step has the record, which is needed as long as the container is not quite gone.
            others = steps.all()[1 if error.left_behind else 0 : -1]
            outcome = undo_steps(reversed(others), journal, self.context.observer)
            error.undone += outcome.undone
            error.left_behind += outcome.left_behind
            error.resolution = f"the guest is down; start it again. {error.resolution or ''}".strip()
            raise
        journal.enter(Phase.RUNNING)

    def recover(self, name: str) -> Recovery | None:
        """Put one instance in order; None when there was nothing to do, or somebody works on it."""
        try:
            with self.context.locks.hold(name, "recover"):
                state = self._journal_state(name)
                found = self._what_is_wrong(name, state)
                if found is None:
                    return None
                outcome = self._take_back(name)
                return Recovery(name, found, outcome.undone, outcome.left_behind)
        except Busy:
            return None
        except HypervisorError as error:
            # One instance that cannot be put in order must not keep the others from it.
            return Recovery(name, "it cannot be put in order", left_behind=("; ".join((str(error), *error.details)),))

    def settle(self, name: str) -> JournalState | None:
        """Take back what a killed manager left of an instance, so that the next operation meets a clear state.

        Returns:
            The journal of the instance when it runs, otherwise None.

        Raises:
            OperationFailed: something cannot be taken back.
        """
        state = self._journal_state(name)
        if self._what_is_wrong(name, state) is not None:
            demand(self._take_back(name), "recover")
            return None
        return state

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
        journal = Journal(self.paths.instance_dir(name))
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
        now = self._journal_state(name)
        return now is None or now.phase is not Phase.RUNNING or container.find_init() in {None, init.pid}

    def _undo(self, name: str, operation: str) -> None:
        demand(self._take_back(name), operation)

    def _take_back(self, name: str) -> Undoing:
        """Undo every step that may have been begun; without a journal that is all of them."""
        directory = self.paths.instance_dir(name)
        journal = Journal(directory)
        state = journal.read()
        try:
            definition = load_definition(self.paths.definition(name))
        except StateFailed:
            definition = None
        if directory.is_dir():
            if state is None:
                rewrite(journal, STEPS)
            note(journal, Phase.STOPPING)
        if state is not None and state.phase is Phase.STARTING:
            self.container(name).end_strays()
        # The first step owns the directory, which was made for the journal before any step was begun.
        begun = STEPS if state is None else (STEPS[0], *state.steps)
        steps = [step for step in self._steps(name, definition).all() if step.name in begun]
        return undo_steps(reversed(steps), journal, self.context.observer)

    def _journal_state(self, name: str) -> JournalState | None:
        return Journal(self.paths.instance_dir(name)).read()

    def _what_is_wrong(self, name: str, state: JournalState | None) -> str | None:
        """Return what was left half done, or None when all is in order."""
        container = self.container(name)
        alive = container.is_alive
        if state is None:
            half_made = self.paths.instance_dir(name).is_dir() and not alive
            return "a start that was cut short at once" if half_made else None
        if state.phase is Phase.STARTING:
            return f"a start that process {state.pid} did not finish"
        if alive or container.is_alive_or_rebooting():
            return None
        if state.phase is Phase.STOPPING:
            return f"a stop that process {state.pid} did not finish"
        return "an instance whose guest has ended"
