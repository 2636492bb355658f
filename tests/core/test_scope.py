"""A scope: its hooks and members, and what a command does. The other kinds of hook: ``test_scope_kinds``."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Optional

import pytest

from hvcore.errors import HookFailed, InvalidPlugin, OperationFailed, Unsupported
from hvcore.member import Member, Origin
from hvcore.model.instance import Instance
from hvcore.plugin import choose, collect, command, hookimpl, notify
from hvcore.scope import Answerer, Scope
from hvcore.spec.kinds import Kind


class Spec:
    @command(since="1.0")
    def measure(self, instance_name: str, depth: int) -> int:
        raise NotImplementedError

    @command(since="1.1")
    def act(self, instance: Instance | None, name: str) -> None:
        raise NotImplementedError

    @command(since="1.0")
    def look(self) -> int | None:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, size: int) -> str | None:
        raise NotImplementedError

    @collect(since="1.0")
    def gather(self, size: int) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, text: str, times: int) -> None:
        raise NotImplementedError

    def no_hook(self) -> None:
        """Help the others."""


class Driver:
    @hookimpl
    def measure(self, instance_name: str, depth: int) -> int:
        return len(instance_name) * depth

    @hookimpl
    def look(self) -> int | None:
        return None


def sealed(*members: Member, order: Iterable[str] = (), hypervisor: str = "toy") -> Scope:
    scope = Scope(hypervisor, (Spec,))
    for member in members:
        scope.join(member)
    scope.seal(tuple(order))
    return scope


def driver(implementation: object) -> Member:
    return Member("toy", implementation, Origin.DRIVER, "hvcore-toy 2.0")


def default(implementation: object) -> Member:
    return Member("toy-0", implementation, Origin.DEFAULT, "hvcore-toy 2.0")


def extension(name: str, implementation: object, **order: tuple[str, ...]) -> Member:
    return Member(name, implementation, Origin.EXTENSION, f"hvcore-{name} 1.0", **order)


class Picks:
    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    @hookimpl
    def pick(self, size: int) -> str | None:
        return self.answer


# Hooks and members.


def test_knows_every_hook_of_its_specs_in_the_order_they_are_written() -> None:
    hooks = sealed().hooks
    assert [hook.name for hook in hooks] == ["measure", "act", "look", "pick", "gather", "told"]
    assert [hook.declaration.kind for hook in hooks] == [
        Kind.COMMAND,
        Kind.COMMAND,
        Kind.COMMAND,
        Kind.CHOOSE,
        Kind.COLLECT,
        Kind.NOTIFY,
    ]
    assert [hook.declaration.since for hook in hooks] == ["1.0", "1.1", "1.0", "1.0", "1.0", "1.0"]
    assert hooks[0].arguments == ("instance_name", "depth")
    assert hooks[0].function is Spec.measure
    assert hooks[0].spec is Spec


def test_inherited_hooks_are_hooks_too() -> None:
    class More(Spec):
        @command(since="1.2")
        def more(self) -> None:
            raise NotImplementedError

    assert [hook.name for hook in Scope("toy", (More,)).hooks][-1] == "more"
    assert "measure" in {hook.name for hook in Scope("toy", (More,)).hooks}


class NoneSuch:
    """A name that only holds the word."""


def test_knows_where_none_is_an_answer() -> None:
    class Answers:
        @command(since="1.0")
        def a(self) -> None:
            raise NotImplementedError

        @command(since="1.0")
        def b(self) -> tuple[int | None, ...]:
            raise NotImplementedError

        @command(since="1.0")
        def c(self) -> dict[str, list[int | None]] | None:
            raise NotImplementedError

        @command(since="1.0")
        def d(self) -> Optional[int]:  # noqa: UP045 - authors write it
            raise NotImplementedError

        @command(since="1.0")
        def e(self) -> NoneSuch:
            raise NotImplementedError

    assert {hook.name: hook.may_be_none for hook in Scope("toy", (Answers,)).hooks} == {
        "a": True,
        "b": False,
        "c": True,
        "d": True,
        "e": False,
    }


def test_members_and_answerers_are_told_in_the_order_they_are_asked() -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def measure(self) -> Generator[None, int, int]:
            return (yield)

    scope = sealed(
        driver(Driver()), default(Picks("d")), extension("b", Picks("b"), after=("a",)), extension("a", Picks("a")),
        extension("w", Wrapper()),
    )  # fmt: skip
    assert [member.name for member in scope.members] == ["a", "w", "b", "toy-0", "toy"]
    assert scope.answerers(Spec.pick) == (
        Answerer("a", "hvcore-a 1.0", "extension"),
        Answerer("b", "hvcore-b 1.0", "extension"),
        Answerer("toy-0", "hvcore-toy 2.0", "default"),
    )
    assert [answerer.role for answerer in scope.answerers(Spec.measure)] == ["wrapper", "driver"]
    assert scope.implements(Spec.measure)
    assert not scope.implements(Spec.act)


def test_a_member_of_the_same_kind_and_name_is_refused() -> None:
    scope = Scope("toy", (Spec,))
    scope.join(extension("a", Picks("1")))
    with pytest.raises(InvalidPlugin, match="extension 'a' of hvcore-a 1.0 has the name of extension 'a'"):
        scope.join(extension("a", Picks("2")))


def test_a_member_that_comes_after_sealing_is_refused() -> None:
    scope = sealed()
    with pytest.raises(InvalidPlugin, match="comes too late: the scope of toy is sealed") as caught:
        scope.join(driver(Driver()))
    assert caught.value.resolution


def test_a_refused_member_leaves_the_scope_as_it_was() -> None:
    class Wrong:
        @hookimpl
        def mesure(self) -> int:
            return 1

    scope = Scope("toy", (Spec,))
    with pytest.raises(InvalidPlugin):
        scope.join(extension("wrong", Wrong()))
    scope.join(driver(Driver()))
    scope.seal()
    assert scope.command(Spec.measure, instance_name="ab", depth=2) == 4


# Calling.


def test_a_hook_cannot_be_called_before_sealing() -> None:
    scope = Scope("toy", (Spec,))
    scope.join(driver(Driver()))
    with pytest.raises(HookFailed, match="look was called before the scope of toy was sealed") as caught:
        scope.command(Spec.look)
    assert "constructor" in str(caught.value.resolution)


def test_a_function_that_is_no_hook_of_the_scope_is_refused() -> None:
    class Other:
        @command(since="1.0")
        def measure(self, instance_name: str, depth: int) -> int:
            raise NotImplementedError

    scope = sealed(driver(Driver()))
    for function in (Other.measure, Driver.measure):
        with pytest.raises(HookFailed, match="is not a hook of toy"):
            scope.command(function, "a", 1)
    with pytest.raises(HookFailed, match="no_hook is not a hook of toy"):
        scope.command(Spec.no_hook)


@pytest.mark.parametrize("call", ["command", "choose", "collect", "notify"])
def test_a_hook_is_called_as_what_it_is(call: str) -> None:
    scope: Any = sealed(driver(Driver()))
    functions = {
        "command": (Spec.measure, ("a", 1)),
        "choose": (Spec.pick, (1,)),
        "collect": (Spec.gather, (1,)),
        "notify": (Spec.told, ("a", 1)),
    }
    for kind, (function, arguments) in functions.items():
        if kind != call:
            with pytest.raises(HookFailed, match=f"is a {kind} hook and was called as a {call} one"):
                getattr(scope, call)(function, *arguments)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (("a",), {}),
        (("a", 1, 2), {}),
        ((), {"instance_name": "a"}),
        ((), {"instance_name": "a", "depth": 1, "height": 2}),
        (("a",), {"instance_name": "a"}),
        (("a", 1), {"depth": 1}),
    ],
)
def test_every_argument_is_passed_exactly_once(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    scope: Any = sealed(driver(Driver()))
    with pytest.raises(HookFailed, match="measure takes instance_name, depth and was given"):
        scope.command(Spec.measure, *args, **kwargs)


def test_arguments_pass_by_position_and_by_name() -> None:
    scope = sealed(driver(Driver()))
    assert scope.command(Spec.measure, "abc", 2) == 6
    assert scope.command(Spec.measure, "abc", depth=2) == 6
    assert scope.command(Spec.measure, depth=2, instance_name="abc") == 6


# Commands.


def test_command_returns_the_drivers_answer() -> None:
    assert sealed(driver(Driver())).command(Spec.look) is None


def test_command_that_nobody_answers_is_unsupported() -> None:
    scope = sealed(driver(Driver()))
    with pytest.raises(Unsupported, match="toy does not support act") as caught:
        scope.command(Spec.act, instance=None, name="web1")
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance) == ("toy", "act", "web1")
    assert error.exit_status == 3
    assert error.resolution


def test_command_that_is_only_wrapped_is_unsupported() -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def act(self) -> Generator[None, None, None]:
            yield

    with pytest.raises(Unsupported):
        sealed(driver(Driver()), extension("w", Wrapper())).command(Spec.act, None, "web1")


def test_wrappers_stand_around_the_driver() -> None:
    seen: list[str] = []

    class Wrapper:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl(wrapper=True)
        def measure(self, depth: int) -> Generator[None, int, int]:
            seen.append(f"{self.name} {depth}")
            answer = yield
            seen.append(f"{self.name} {answer}")
            return answer + 1

    scope = sealed(driver(Driver()), extension("b", Wrapper("b")), extension("a", Wrapper("a")))
    assert scope.command(Spec.measure, "ab", 5) == 12
    assert seen == ["a 5", "b 5", "b 10", "a 11"]


def test_a_drivers_own_error_gets_the_context_it_lacks() -> None:
    class Fails:
        @hookimpl
        def act(self, instance: Instance | None, name: str) -> None:
            raise OperationFailed("no", step="mount")

        @hookimpl
        def measure(self, instance_name: str, depth: int) -> int:
            raise OperationFailed("no", hypervisor="inner", instance="other", operation="better")

    scope = sealed(driver(Fails()))
    with pytest.raises(OperationFailed) as caught:
        scope.command(Spec.act, Instance("web1", "toy"), "x")
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance, error.step) == ("toy", "act", "web1", "mount")
    with pytest.raises(OperationFailed) as caught:
        scope.command(Spec.act, None, "web2")
    assert caught.value.instance == "web2"
    with pytest.raises(OperationFailed) as caught:
        scope.command(Spec.measure, "web3", 1)
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance) == ("inner", "better", "other")


def test_any_other_exception_becomes_hook_failed_and_names_who_answered() -> None:
    class Breaks:
        @hookimpl
        def measure(self, instance_name: str, depth: int) -> int:
            raise ZeroDivisionError("first\nsecond")

    with pytest.raises(HookFailed, match="measure raised ZeroDivisionError: first second$") as caught:
        sealed(driver(Breaks())).command(Spec.measure, "web1", 1)
    error = caught.value
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert error.details == ("answered by: driver toy (hvcore-toy 2.0)",)
    assert (error.hypervisor, error.operation, error.instance) == ("toy", "measure", "web1")
    assert error.resolution


def test_interruptions_pass_as_they_are() -> None:
    class Interrupted:
        @hookimpl
        def look(self) -> int | None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealed(driver(Interrupted())).command(Spec.look)


def test_none_is_no_answer_where_the_spec_says_so() -> None:
    class Forgets:
        @hookimpl
        def measure(self, instance_name: str, depth: int) -> int | None:
            return None

    with pytest.raises(HookFailed, match="measure was answered with None, which its spec forbids"):
        sealed(driver(Forgets())).command(Spec.measure, "a", 1)


# Specs.


def test_a_spec_class_without_hooks_is_refused() -> None:
    class Empty:
        def verb(self) -> None:
            """Do nothing."""

    with pytest.raises(InvalidPlugin, match=r"Empty cannot specify hooks of toy: .*did not find any"):
        Scope("toy", (Empty,))


def test_two_scopes_share_nothing() -> None:
    one, other = sealed(driver(Driver()), hypervisor="one"), sealed(hypervisor="other")
    assert one.command(Spec.measure, "a", 1) == 1
    with pytest.raises(Unsupported, match="other does not support measure"):
        other.command(Spec.measure, "a", 1)
