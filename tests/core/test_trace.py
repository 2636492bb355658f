"""The trace: every hook call as a tree on stderr, and nothing of it when it is off."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Generator, Iterable
from typing import Any

import pytest

from hvcore.errors import HookFailed, OperationFailed
from hvcore.member import Member, Origin
from hvcore.plugin import Deprecation, choose, collect, command, hookimpl, notify
from hvcore.scope import Scope
from hvcore.trace import TracedScope


class Spec:
    @command(since="1.0", deprecated={"nme": Deprecation("1.1", "use name", passes="name")})
    def start(self, name: str, force: bool) -> int:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, size: int) -> str | None:
        raise NotImplementedError

    @collect(since="1.0")
    def gather(self, size: int) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, name: str) -> None:
        raise NotImplementedError


class Driver:
    scope: Scope

    @hookimpl
    def start(self, name: str) -> int:
        self.scope.choose(Spec.pick, 1)
        return len(self.scope.collect(Spec.gather, 2))


class Declines:
    @hookimpl
    def pick(self) -> str | None:
        return None

    @hookimpl
    def gather(self, size: int) -> list[str]:
        return ["a"] * size


class Picks:
    @hookimpl
    def pick(self, size: int) -> str | None:
        return f"picked {size}"

    @hookimpl(wrapper=True)
    def start(self, name: str) -> Generator[None, int, int]:
        return (yield) + 1

    @staticmethod
    @hookimpl
    def told(name: str) -> None:
        if name == "bad":
            raise ValueError(name)


def traced(*extensions: Member, kind: type[Scope] = TracedScope) -> Scope:
    driver = Driver()
    scope = driver.scope = kind("toy", (Spec,))
    scope.join(Member("toy", driver, Origin.DRIVER, "hvcore-toy 1.0"))
    for extension in extensions or (member("a", Declines()), member("b", Picks())):
        scope.join(extension)
    scope.seal(("a", "b"))
    return scope


def member(name: str, implementation: object) -> Member:
    return Member(name, implementation, Origin.EXTENSION, f"hvcore-{name} 1.0")


def tree(capsys: pytest.CaptureFixture[str]) -> list[str]:
    err = capsys.readouterr().err
    return [re.sub(r", \d+\.\d{3} ms$", "", line) for line in err.splitlines()]


def test_a_call_is_told_as_a_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert traced().command(Spec.start, "web1", True) == 3
    assert tree(capsys) == [
        "trace: toy: start (command): answered int",
        "trace:   wrapper b (hvcore-b 1.0): returned",
        "trace:     driver toy (hvcore-toy 1.0): answered int",
        "trace:       toy: pick (choose): answered str",
        "trace:         extension a (hvcore-a 1.0): declined",
        "trace:         extension b (hvcore-b 1.0): answered str",
        "trace:       toy: gather (collect): answered tuple",
        "trace:         extension a (hvcore-a 1.0): answered list",
    ]


def test_every_line_ends_with_the_time_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    traced().command(Spec.start, "web1", True)
    times = [float(found) for found in re.findall(r", (\d+\.\d{3}) ms$", capsys.readouterr().err, re.MULTILINE)]
    assert len(times) == 8
    assert times[0] >= times[1] >= times[2] >= times[3]


def test_what_is_raised_is_told_on_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    class Fails:
        @hookimpl
        def pick(self) -> str | None:
            raise OperationFailed("no bridge")

    with pytest.raises(OperationFailed):
        traced(member("f", Fails())).command(Spec.start, "web1", True)
    lines = tree(capsys)
    assert len(lines) == 4
    assert all(line.endswith("raised OperationFailed: no bridge") for line in lines)


def test_notices_are_told_each_listener_apart(capsys: pytest.CaptureFixture[str]) -> None:
    scope = traced()
    scope.notify(Spec.told, name="bad")
    scope.notify(Spec.told, "web1")
    lines = [line for line in tree(capsys) if line.startswith("trace:")]
    assert lines == [
        "trace: toy: told (notify): told",
        "trace:   extension b (hvcore-b 1.0): raised ValueError: bad",
        "trace: toy: told (notify): told",
        "trace:   extension b (hvcore-b 1.0): done",
    ]
    traced(member("a", Declines())).notify(Spec.told, "web1")
    assert tree(capsys) == ["trace: toy: told (notify): nobody listens"]


def test_a_wrapper_that_ends_early_leaves_no_call_open(capsys: pytest.CaptureFixture[str]) -> None:
    class Refuses:
        @hookimpl(wrapper=True)
        def start(self) -> Generator[None, int, int]:
            if self:
                raise OperationFailed("vetoed")
            return (yield)

    scope = traced(member("w", Refuses()), member("a", Declines()))
    for _ in range(2):
        with pytest.raises(OperationFailed):
            scope.command(Spec.start, "web1", True)
        assert tree(capsys) == [
            "trace: toy: start (command): raised OperationFailed: vetoed",
            "trace:   wrapper w (hvcore-w 1.0): raised OperationFailed: vetoed",
        ]


def test_answers_and_errors_are_the_same_with_and_without() -> None:
    for kind in (Scope, TracedScope):
        scope = traced(kind=kind)
        assert scope.command(Spec.start, "web1", True) == 3
        assert scope.choose(Spec.pick, 4) == "picked 4"
        assert scope.collect(Spec.gather, 2) == ("a", "a")
        with pytest.raises(HookFailed, match="start takes name, force and was given name"):
            cast_any(scope).command(Spec.start, name="web1")


def cast_any(value: Any) -> Any:
    return value


def test_without_it_nothing_of_it_is_imported() -> None:
    script = (
        "import hvcore, sys; hvcore.load().hypervisor('fake').list_instances(); print('hvcore.trace' in sys.modules)"
    )
    for value, wanted in (("", "False"), ("1", "True")):
        done = subprocess.run(
            [sys.executable, "-c", script], env={"HVCORE_TRACE": value}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == wanted
        assert ("trace: fake: list_instances (command): answered tuple" in done.stderr) is (wanted == "True")
