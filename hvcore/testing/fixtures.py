"""Pytest fixtures; opt in by importing them in a ``conftest.py``.

Each test has words and a directory of its own, so that any number of runs may go on at once, and a run that was killed does
not disturb the next. A fixture of the same name in your ``conftest.py`` overrides one of these.
"""

from __future__ import annotations

import itertools
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pytest

import hvcore
from hvcore.context import DriverContext
from hvcore.errors import HypervisorError
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.model.parameters import ParameterValue
from hvcore.scope import Scope
from hvcore.testing.busybox import build_busybox_root
from hvcore.testing.children import Child
from hvcore.testing.commands import FakeRunner
from hvcore.testing.hypervisors import HypervisorFactory
from hvcore.testing.leaks import LeakCheck
from hvcore.testing.sweep import remove_directory, sweep

__all__ = [
    "LiveHost",
    "busybox_root",
    "chroot_host",
    "fake_runner",
    "hypervisor_factory",
    "in_child",
    "leak_check",
    "leak_tags",
    "lxc_host",
    "own_directory",
    "scope",
    "shared_busybox_root",
    "unique_tag",
]


class LiveHost:
    """A hypervisor of this node with a state directory of its own.

    Args:
        name: the hypervisor's name.
        directory: below which state and logs are; short, since LXC's socket names hold it and the kernel bounds them.
        tag: a word for instances' names.
        root: the root directory that instances get when a test names none; it is shown to them read-only.
    """

    def __init__(self, name: str, directory: Path, tag: str, root: Path) -> None:
        self.name = name
        self.tag = tag
        self.root = root
        self.state_dir = directory / "s"
        self.log_dir = directory / "log"

    @cached_property
    def hypervisor(self) -> Hypervisor:
        """The hypervisor, as any process with the same directories sees it."""
        return self.load()

    def load(
        self,
        *,
        prepare: Callable[[DriverContext], DriverContext] = lambda context: context,
        extensions: Iterable[object] = (),
    ) -> Hypervisor:
        """Return the hypervisor once more, with nothing in common but the directories.

        Args:
            prepare: replaces parts of the driver's surroundings.
            extensions: join its scope.
        """
        host = hvcore.load(
            state_dir=self.state_dir,
            log_dir=self.log_dir,
            prepare=prepare,
            extensions={self.name: tuple(extensions)},
        )
        return host.hypervisor(self.name)

    def instance(
        self,
        word: str = "web",
        *,
        memory_mib: int = 64,
        vcpus: int = 1,
        disks: Iterable[Disk] | None = None,
        nics: Iterable[Nic] = (),
        **parameters: ParameterValue,
    ) -> Instance:
        """Return a definition with a name that nothing else on the node bears.

        Args:
            word: the part of the name behind the tag.
            memory_mib: its memory, in MiB.
            vcpus: its CPUs.
            disks: its disks; None gives it the shared root, read-only.
            nics: its NICs.
            parameters: the hypervisor's parameters.
        """
        values: Mapping[str, ParameterValue] = parameters
        return Instance(
            name=f"{self.tag}-{word}",
            hypervisor=self.name,
            memory_mib=memory_mib,
            vcpus=vcpus,
            disks=(Disk(str(self.root), read_only=True),) if disks is None else tuple(disks),
            nics=tuple(nics),
            parameters=values,
        )

    def stop_all(self) -> None:
        """End every instance and remove what it left; one that resists does not keep the others.

        Raises:
            HypervisorError: the first failure.
        """
        fresh = self.load()
        state = fresh.context.state_dir
        on_disk = [path.name for path in state.iterdir() if path.is_dir()] if state.is_dir() else []
        failures: list[HypervisorError] = []
        for name in sorted({*fresh.list_instances(), *on_disk}):
            try:
                fresh.stop_instance(name, force=True)
            except HypervisorError as error:
                failures.append(error)
        if failures:
            raise failures[0]


@pytest.fixture
def hypervisor_factory(tmp_path: Path) -> HypervisorFactory:
    """Make hypervisors of a driver and extensions, all over one directory of the test's own."""
    return HypervisorFactory(tmp_path)


@pytest.fixture
def scope(hypervisor_factory: HypervisorFactory) -> Callable[..., Scope]:
    """Make sealed scopes of a driver and extensions: ``scope("lxc", MyMounter())``."""
    return hypervisor_factory.scope


@pytest.fixture
def fake_runner() -> Iterator[FakeRunner]:
    """Give scripted answers to commands; the test fails when one was run that it did not expect."""
    runner = FakeRunner()
    yield runner
    runner.check()


@pytest.fixture
def unique_tag() -> str:
    """A word that nothing else on the node bears."""
    return f"hvt{secrets.token_hex(4)}"


@pytest.fixture
def own_directory(unique_tag: str) -> Iterator[Path]:
    """A directory of the test's own with a short path, removed afterwards."""
    directory = Path(tempfile.gettempdir()).resolve() / unique_tag
    directory.mkdir()
    yield directory
    remove_directory(directory)


@pytest.fixture
def leak_tags(unique_tag: str) -> tuple[str, ...]:
    """The words by which the test's things are known; override it when your plugin uses names of its own."""
    return (unique_tag,)


@pytest.fixture
def leak_check(leak_tags: tuple[str, ...], own_directory: Path) -> Iterator[LeakCheck]:
    """Fail the test when it leaves anything on the node; what is left is removed all the same."""
    check = LeakCheck(leak_tags)
    yield check
    try:
        check.check()
    finally:
        sweep(leak_tags, own_directory)


@pytest.fixture
def in_child() -> Iterator[Callable[[Callable[[], object]], Child]]:
    """Run a function in a process of its own, which never outlives the test."""
    children: list[Child] = []

    def begin(body: Callable[[], object]) -> Child:
        children.append(Child(body))
        return children[-1]

    yield begin
    for child in children:
        child.kill()


@pytest.fixture(scope="session")
def shared_busybox_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guest's root directory for the whole run; to be shown to guests read-only."""
    return build_busybox_root(tmp_path_factory.mktemp("busybox") / "root")


@pytest.fixture
def busybox_root(own_directory: Path) -> Callable[[], Path]:
    """Make guests' root directories of the test's own, which they may write to."""
    numbers = itertools.count()

    def make() -> Path:
        return build_busybox_root(own_directory / f"root{next(numbers)}")

    return make


@pytest.fixture
def lxc_host(
    own_directory: Path, unique_tag: str, leak_check: LeakCheck, shared_busybox_root: Path
) -> Iterator[LiveHost]:
    """LXC with a state directory of the test's own; every instance is ended afterwards, and nothing may be left."""
    yield from _live_host("lxc", own_directory, unique_tag, leak_check, shared_busybox_root)


@pytest.fixture
def chroot_host(
    own_directory: Path, unique_tag: str, leak_check: LeakCheck, shared_busybox_root: Path
) -> Iterator[LiveHost]:
    """The same for chroots."""
    yield from _live_host("chroot", own_directory, unique_tag, leak_check, shared_busybox_root)


def _live_host(name: str, directory: Path, tag: str, leak_check: LeakCheck, root: Path) -> Iterator[LiveHost]:
    host = LiveHost(name, directory, tag, root)
    # These two stay as long as the state directory does; they are no leak.
    for own in (host.state_dir / name, host.state_dir / ".locks" / name):
        own.mkdir(parents=True)
    leak_check.watch(directories=[host.state_dir])
    yield host
    host.stop_all()
