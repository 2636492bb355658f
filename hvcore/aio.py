"""The same hypervisors for asyncio: every verb is awaitable, and events come from an asynchronous iterator.

::

    async with hvcore.aio.load() as host:
        lxc = host.hypervisor("lxc")
        await lxc.stop_instance("web1")
        async for event in lxc.watch_events():
            ...

A verb runs in a thread of its own. A task that is cancelled while it awaits a verb gets ``CancelledError`` when the verb has
come to its end, done or undone, and never before: nothing is left half done. So a time limit belongs into the verb
(``timeout_s``), not around it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from hvcore.host import Host
from hvcore.host import load as _load
from hvcore.hypervisor import Hypervisor

if TYPE_CHECKING:
    from hvcore.errors import HypervisorError
    from hvcore.event_watch import EventWatch
    from hvcore.model.event import InstanceEvent
    from hvcore.model.info import InstanceInfo
    from hvcore.model.parameters import Parameter
    from hvcore.model.plugins import PluginReport

__all__ = ["AsyncEventWatch", "AsyncHost", "AsyncHypervisor", "load"]

P = ParamSpec("P")
R = TypeVar("R")

# A verb may wait for minutes, and a forced stop must be able to overtake a soft one: no call waits for a free thread as
# long as there are fewer than this.
_MOST_THREADS = 1000


class _Verb(Generic[P, R]):
    """A verb of ``Hypervisor`` as a coroutine function with the same arguments and answer."""

    def __init__(self, function: Callable[Concatenate[Hypervisor, P], R]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type[AsyncHypervisor]) -> Self: ...
    @overload
    def __get__(
        self, instance: AsyncHypervisor, owner: type[AsyncHypervisor]
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(
        self, instance: AsyncHypervisor | None, owner: type[AsyncHypervisor]
    ) -> Self | Callable[P, Coroutine[Any, Any, R]]:
        if instance is None:
            return self
        bound, function = instance, self._function

        @functools.wraps(function)
        async def verb(*args: P.args, **kwargs: P.kwargs) -> R:
            return await bound.threads.run(functools.partial(function, bound.sync, *args, **kwargs))

        return verb


class _Threads:
    """Runs functions in threads, each to its end."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="hvcore")

    async def run(self, call: Callable[[], R], unwanted: Callable[[R], object] | None = None) -> R:
        """Return what a function answers.

        Args:
            call: the function.
            unwanted: given the answer when the awaiting task was cancelled meanwhile.

        Raises:
            CancelledError: the task was cancelled; the function has come to its end, and what it raised is the cause.
        """
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: context.run(call))
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is None:
            return future.result()
        failure = future.exception()
        if failure is None and unwanted is not None:
            unwanted(future.result())
        raise cancelled from failure

    async def close(self) -> None:
        """Wait for what still runs, and end the threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)


class AsyncHypervisor:
    """A ``Hypervisor`` whose verbs are awaitable; see there for what each does.

    Args:
        hypervisor: the hypervisor.
        threads: where verbs run.
    """

    def __init__(self, hypervisor: Hypervisor, threads: _Threads) -> None:
        self.sync = hypervisor
        self.threads = threads
        self.name = hypervisor.name
        self.summary = hypervisor.summary

    def __repr__(self) -> str:
        return f"<AsyncHypervisor {self.name}>"

    start_instance = _Verb(Hypervisor.start_instance)
    plan_start = _Verb(Hypervisor.plan_start)
    verify_instance = _Verb(Hypervisor.verify_instance)
    restore_instance = _Verb(Hypervisor.restore_instance)
    stop_instance = _Verb(Hypervisor.stop_instance)
    cleanup_instance = _Verb(Hypervisor.cleanup_instance)
    reboot_instance = _Verb(Hypervisor.reboot_instance)
    pause_instance = _Verb(Hypervisor.pause_instance)
    resume_instance = _Verb(Hypervisor.resume_instance)
    balloon_instance_memory = _Verb(Hypervisor.balloon_instance_memory)
    recover = _Verb(Hypervisor.recover)
    list_instances = _Verb(Hypervisor.list_instances)
    get_instance_info = _Verb(Hypervisor.get_instance_info)
    get_all_instances_info = _Verb(Hypervisor.get_all_instances_info)
    get_instance_definition = _Verb(Hypervisor.get_instance_definition)
    get_node_info = _Verb(Hypervisor.get_node_info)
    verify = _Verb(Hypervisor.verify)
    capabilities = _Verb(Hypervisor.capabilities)
    prepare_instance = _Verb(Hypervisor.prepare_instance)
    get_ancillary_files = _Verb(Hypervisor.get_ancillary_files)
    powercycle_node = _Verb(Hypervisor.powercycle_node)
    instance_stats = _Verb(Hypervisor.instance_stats)
    all_instances_stats = _Verb(Hypervisor.all_instances_stats)
    get_instance_console = _Verb(Hypervisor.get_instance_console)
    exec_in_instance = _Verb(Hypervisor.exec_in_instance)
    fill_parameters = _Verb(Hypervisor.fill_parameters)
    check_parameter_syntax = _Verb(Hypervisor.check_parameter_syntax)
    validate_parameters = _Verb(Hypervisor.validate_parameters)
    assess_parameters = _Verb(Hypervisor.assess_parameters)
    versions_safe_for_migration = _Verb(Hypervisor.versions_safe_for_migration)
    migration_info = _Verb(Hypervisor.migration_info)
    accept_instance = _Verb(Hypervisor.accept_instance)
    migrate_instance = _Verb(Hypervisor.migrate_instance)
    get_migration_status = _Verb(Hypervisor.get_migration_status)
    finalize_migration_source = _Verb(Hypervisor.finalize_migration_source)
    finalize_migration_dst = _Verb(Hypervisor.finalize_migration_dst)
    resize_disk = _Verb(Hypervisor.resize_disk)
    hot_add_device = _Verb(Hypervisor.hot_add_device)
    hot_del_device = _Verb(Hypervisor.hot_del_device)
    hot_mod_device = _Verb(Hypervisor.hot_mod_device)
    verify_hotplug_support = _Verb(Hypervisor.verify_hotplug_support)
    hotplug_supported = _Verb(Hypervisor.hotplug_supported)
    lint_configuration = _Verb(Hypervisor.lint_configuration)
    translate_configuration = _Verb(Hypervisor.translate_configuration)
    plan_change = _Verb(Hypervisor.plan_change)

    async def parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters that the hypervisor declares."""
        return await self.threads.run(lambda: self.sync.parameters)

    async def can_migrate(self) -> bool:
        """Tell whether this hypervisor can migrate instances at all."""
        return await self.threads.run(lambda: self.sync.can_migrate)

    def watch_events(self, after: str | None = None) -> AsyncEventWatch:
        """Watch what happens to this hypervisor's instances, as ``Hypervisor.watch_events`` does."""
        return AsyncEventWatch(lambda: self.sync.watch_events(after), self.threads)


class AsyncHost:
    """A ``Host`` for asyncio; use it in an ``async with``, which at its end waits for what still runs.

    Args:
        host: the host.
    """

    def __init__(self, host: Host) -> None:
        self.sync = host
        self._threads = _Threads()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._threads.close()

    @property
    def hypervisor_names(self) -> tuple[str, ...]:
        """The names of the hypervisors that are installed and wanted, sorted; none is loaded for it."""
        return self.sync.hypervisor_names

    def hypervisor(self, name: str) -> AsyncHypervisor:
        """Return one hypervisor, ready to use; its plugin is imported at once.

        Raises:
            UnknownHypervisor: no wanted plugin has that name; says what is installed.
            HookConflict: two distributions claim the name, or two extensions one hook.
            InvalidPlugin: its plugin is broken.
        """
        return AsyncHypervisor(self.sync.hypervisor(name), self._threads)

    async def all_instances(self) -> dict[str, tuple[InstanceInfo, ...] | HypervisorError]:
        """Describe every running instance of every hypervisor."""
        return await self._threads.run(self.sync.all_instances)

    async def find_instance(self, instance_name: str) -> AsyncHypervisor | None:
        """Return the hypervisor that has an instance's state on disk, or None when none has."""
        found = await self._threads.run(lambda: self.sync.find_instance(instance_name))
        return None if found is None else AsyncHypervisor(found, self._threads)

    async def plugins(self) -> PluginReport:
        """Load everything that is wanted and say what is there, what is not used, and what is broken and why."""
        return await self._threads.run(self.sync.plugins)

    def watch_events(self, after: Iterable[str] = (), *, kept: bool = False) -> AsyncEventWatch:
        """Watch what happens to the instances of all hypervisors, as ``Host.watch_events`` does."""
        return AsyncEventWatch(lambda: self.sync.watch_events(after, kept=kept), self._threads)


class AsyncEventWatch:
    """Events as an asynchronous iterator; begins with ``async with``, with ``await`` or with the first ``async for``.

    A task that is cancelled while it waits loses no event: the next one to ask gets it.

    Args:
        begin: makes the watch.
        threads: where it is asked.
    """

    def __init__(self, begin: Callable[[], EventWatch], threads: _Threads) -> None:
        self._begin = begin
        self._threads = threads
        self._watch: EventWatch | None = None
        self._kept: deque[InstanceEvent] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._is_closed = False

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        await self._begun()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> InstanceEvent:
        """Return the next event."""
        while not self._is_closed:
            if self._kept:
                return self._kept.popleft()
            watch = await self._begun()
            event = await self._threads.run(functools.partial(watch.wait, 0), unwanted=self._keep)
            if event is not None:
                return event
            if not self._is_closed:
                await self._readable(watch)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the watch, and the iteration of whoever waits."""
        self._is_closed = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        watch, self._watch = self._watch, None
        if watch is not None:
            await self._threads.run(watch.close)

    async def _begun(self) -> EventWatch:
        if self._watch is None:
            self._watch = await self._threads.run(self._begin, unwanted=lambda watch: watch.close())
        return self._watch

    async def _readable(self, watch: EventWatch) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        descriptor = watch.fileno()

        def wake(waiting: asyncio.Future[None]) -> None:
            if not waiting.done():
                waiting.set_result(None)

        loop.add_reader(descriptor, wake, self._waiting)
        try:
            await self._waiting
        finally:
            loop.remove_reader(descriptor)
            self._waiting = None

    def _keep(self, event: InstanceEvent | None) -> None:
        if event is not None:
            self._kept.append(event)


def _for_asyncio(function: Callable[P, Host]) -> Callable[P, AsyncHost]:
    @functools.wraps(function)
    def load(*args: P.args, **kwargs: P.kwargs) -> AsyncHost:
        return AsyncHost(function(*args, **kwargs))

    return load


load = _for_asyncio(_load)
"""Return a host for asyncio; takes what ``hvcore.load`` takes."""
