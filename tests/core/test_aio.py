"""The same verbs for asyncio: in step with ``Hypervisor``, and nothing half done after a cancellation."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

import hvcore
import hvcore.aio
from hvcore.aio import AsyncHost, AsyncHypervisor
from hvcore.errors import InvalidInput, NotRunning, OperationFailed
from hvcore.model.event import EventKind, InstanceEvent
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl

PATIENCE_S = 30.0


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def run(body: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await body

    asyncio.run(limited())


@asynccontextmanager
async def fakes(place: Path) -> AsyncIterator[AsyncHypervisor]:
    async with hvcore.aio.load(state_dir=place / "state", log_dir=place / "log") as host:
        fake = host.hypervisor("fake")
        yield fake
        for name in await fake.list_instances():
            await fake.stop_instance(name, force=True)


def instance(name: str = "web1", **parameters: Any) -> hvcore.Instance:
    return hvcore.Instance(name, "fake", memory_mib=32, parameters=parameters)


def test_it_has_every_verb_with_its_signature_and_its_words() -> None:
    assert public(AsyncHypervisor) == public(hvcore.Hypervisor)
    asynchronous: Any = object.__new__(AsyncHypervisor)
    for name in public(hvcore.Hypervisor) - {"parameters", "can_migrate", "watch_events"}:
        verb, original = getattr(asynchronous, name), getattr(hvcore.Hypervisor, name)
        assert inspect.iscoroutinefunction(verb), name
        assert inspect.signature(verb) == inspect.signature(original)
        assert verb.__doc__ == original.__doc__
        assert verb.__name__ == name
    for name in ("parameters", "can_migrate"):
        assert inspect.iscoroutinefunction(getattr(AsyncHypervisor, name))
    watch = (inspect.signature(kind.watch_events).parameters for kind in (AsyncHypervisor, hvcore.Hypervisor))
    assert len({str(list(parameters.values())) for parameters in watch}) == 1


def test_the_host_has_every_method_of_its_like() -> None:
    assert public(AsyncHost) - {"sync"} == public(hvcore.Host)
    assert inspect.signature(hvcore.aio.load).parameters == inspect.signature(hvcore.load).parameters


def test_a_life(tmp_path: Path) -> None:
    async def body() -> None:
        async with hvcore.aio.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log") as host:
            fake = host.hypervisor("fake")
            assert repr(fake) == "<AsyncHypervisor fake>"
            assert "fake" in host.hypervisor_names
            assert (await fake.parameters())[0].name == "start_delay_s"
            assert await fake.can_migrate() is True
            await fake.start_instance(instance(), startup_paused=True)
            info = await fake.get_instance_info("web1")
            assert info is not None
            stats = await fake.instance_stats("web1")
            assert stats is not None
            assert stats.state is info.state is hvcore.InstanceState.PAUSED
            found = await host.find_instance("web1")
            assert found is not None
            assert found.name == "fake"
            assert await host.find_instance("web2") is None
            everyone = await host.all_instances()
            assert everyone["fake"] == (info,)
            assert (await host.plugins()).broken == ()
            await fake.stop_instance(name="web1", force=True)
            assert await fake.list_instances() == ()
            with pytest.raises(NotRunning) as caught:
                await fake.pause_instance("web1")
            assert caught.value.operation == "pause_instance"

    run(body())


def test_many_wait_at_once_and_a_forced_stop_overtakes_them(tmp_path: Path) -> None:
    async def body() -> None:
        async with fakes(tmp_path) as fake:
            names = [f"web{number}" for number in range(40)]
            await asyncio.gather(*(fake.start_instance(instance(name, refuses_shutdown=True)) for name in names))
            stops = [asyncio.create_task(fake.stop_instance(name, timeout_s=PATIENCE_S)) for name in names]
            async with fake.watch_events("") as watch:
                stopping = 0
                async for event in watch:
                    stopping += event.kind is EventKind.STOPPING
                    if stopping == len(names):
                        break
            await asyncio.gather(*(fake.stop_instance(name, force=True) for name in names))
            await asyncio.gather(*stops)
            assert await fake.list_instances() == ()

    run(body())


class Slow(BaseHypervisor):
    """Waits in ``recover`` until it may go on."""

    begun = threading.Event()
    may_go_on = threading.Event()
    done: ClassVar[list[str]] = []
    fails: ClassVar[bool] = False

    @hookimpl
    def recover(self, instance_name: str | None) -> Any:
        type(self).begun.set()
        assert type(self).may_go_on.wait(PATIENCE_S)
        type(self).done.append("recovered")
        if type(self).fails:
            raise OperationFailed("it failed and was undone")
        return super().recover(instance_name)


@pytest.fixture
def slow(tmp_path: Path) -> Callable[[], AsyncHost]:
    Slow.begun, Slow.may_go_on, Slow.done, Slow.fails = threading.Event(), threading.Event(), [], False
    plugin = HypervisorPlugin("slow", "", Slow)
    return lambda: hvcore.aio.load(state_dir=tmp_path, log_dir=tmp_path, plugins=[plugin], discover=False)


async def has_begun() -> None:
    assert await asyncio.to_thread(Slow.begun.wait, PATIENCE_S)


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_task_ends_after_its_verb(slow: Callable[[], AsyncHost], fails: bool) -> None:
    async def body() -> None:
        Slow.fails = fails
        async with slow() as host:
            task = asyncio.create_task(host.hypervisor("slow").recover())
            await has_begun()
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0.01)
                assert not task.done()
            Slow.may_go_on.set()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert Slow.done == ["recovered"]
            assert isinstance(caught.value.__cause__, OperationFailed) is fails

    run(body())


def test_a_time_limit_around_a_verb_waits_for_it(slow: Callable[[], AsyncHost]) -> None:
    async def body() -> None:
        async with slow() as host:
            asyncio.get_running_loop().call_later(0.05, Slow.may_go_on.set)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await host.hypervisor("slow").recover()
            assert Slow.done == ["recovered"]

    run(body())


def test_the_end_of_the_host_waits_for_what_runs(slow: Callable[[], AsyncHost]) -> None:
    async def body() -> None:
        async with slow() as host:
            task = asyncio.create_task(host.hypervisor("slow").recover())
            await has_begun()
            asyncio.get_running_loop().call_later(0.05, Slow.may_go_on.set)
        assert Slow.done == ["recovered"]
        await task

    run(body())


def test_a_cancelled_start_is_done_or_undone(tmp_path: Path) -> None:
    async def body() -> None:
        async with fakes(tmp_path) as fake:
            for wanted in (
                instance(start_delay_s=0.1),
                instance("web2", slow_step="root", slow_step_delay_s=0.1, fail_step="boot"),
            ):
                task = asyncio.create_task(fake.start_instance(wanted))
                await asyncio.sleep(0.02)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await fake.list_instances() == ("web1",)
            assert (await fake.recover()).recoveries == ()

    run(body())


def test_events_are_an_asynchronous_iterator(tmp_path: Path) -> None:
    async def body() -> None:
        async with fakes(tmp_path) as fake:
            watch = await fake.watch_events()
            all_seen = asyncio.Event()

            async def follow() -> list[str]:
                seen: list[str] = []
                async for event in watch:
                    seen.append(str(event.kind))
                    if event.kind is EventKind.STOPPED:
                        all_seen.set()
                return seen

            follower = asyncio.create_task(follow())
            await fake.start_instance(instance())
            await fake.stop_instance("web1")
            await all_seen.wait()
            await watch.aclose()
            assert await follower == ["starting", "started", "stopping", "stopped"]
            with pytest.raises(StopAsyncIteration):
                await anext(watch)

    run(body())


def test_a_cancelled_reader_loses_no_event(tmp_path: Path) -> None:
    async def body() -> None:
        async with fakes(tmp_path) as fake, fake.watch_events() as watch:
            seen: list[str] = []

            async def take(into: list[str]) -> None:
                event: InstanceEvent = await anext(watch)
                into.append(str(event.kind))

            starting = asyncio.create_task(fake.start_instance(instance(start_delay_s=0.05)))
            tries = 0
            while len(seen) < 2:
                tries += 1
                task = asyncio.create_task(take(seen))
                await asyncio.sleep(0.0005 * (tries % 7))
                task.cancel()
                await asyncio.wait([task])
            await starting
            assert seen == ["starting", "started"]

    run(body())


def test_all_hypervisors_are_watched_and_mistakes_are_told(tmp_path: Path) -> None:
    async def body() -> None:
        async with hvcore.aio.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log") as host:
            fake = host.hypervisor("fake")
            async with host.watch_events(kept=True) as watch:
                await fake.start_instance(instance())
                assert (await anext(watch)).kind is EventKind.STARTING
            await fake.stop_instance("web1", force=True)
            with pytest.raises(InvalidInput):
                await fake.watch_events("nonsense")

    run(body())


def test_nothing_stays_open(tmp_path: Path) -> None:
    async def body() -> None:
        async with fakes(tmp_path) as fake:
            await fake.list_instances()
            before = sorted(os.listdir("/proc/self/fd"))
            waiting: list[Awaitable[InstanceEvent]] = []
            for _ in range(3):
                async with fake.watch_events() as watch:
                    task = asyncio.create_task(anext(watch))  # type: ignore[arg-type]
                    await asyncio.sleep(0.01)
                    waiting.append(task)
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(result, (StopAsyncIteration, RuntimeError)) for result in results), results
            assert sorted(os.listdir("/proc/self/fd")) == before
        names = {thread.name for thread in threading.enumerate()}
        deadline = time.monotonic() + PATIENCE_S
        while any(name.startswith("hvcore") for name in names) and time.monotonic() < deadline:
            names = {thread.name for thread in threading.enumerate()}
        assert not any(name.startswith("hvcore") for name in names)

    run(body())
