"""What a scope checks of each member before it is called. Several members: ``test_order``."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any

import pytest

from hvcore.errors import InvalidPlugin
from hvcore.member import Member, Origin, marked_methods
from hvcore.plugin import choose, collect, command, hookimpl, notify
from hvcore.scope import Scope


class Spec:
    @command(since="1.0")
    def start(self, name: str, force: bool) -> int:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, size: int) -> str | None:
        raise NotImplementedError

    @choose(since="1.0")
    def other(self, size: int) -> str | None:
        raise NotImplementedError

    @collect(since="1.0")
    def gather(self) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, name: str) -> None:
        raise NotImplementedError


def join(implementation: object) -> InvalidPlugin:
    """Return the refusal of an implementation."""
    with pytest.raises(InvalidPlugin) as caught:
        Scope("toy", (Spec,)).join(Member("mine", implementation, Origin.EXTENSION, "hvcore-mine 1.0"))
    error = caught.value
    assert "extension 'mine' of hvcore-mine 1.0" in error.message
    assert error.resolution
    return error


def accept(implementation: object) -> Member:
    member = Member("mine", implementation)
    Scope("toy", (Spec,)).join(member)
    return member


# One member.


def test_a_class_in_place_of_an_object_is_refused() -> None:
    class Audit:
        @hookimpl
        def start(self, name: str) -> int:
            return 1

    error = join(Audit)
    assert error.message.endswith("it is the class Audit, not an object")
    assert error.resolution == "name an instance in the entry point: Audit()"
    assert error.details[0].startswith(f"at {__file__}:")


def test_a_misspelt_hook_is_refused_with_the_name_that_is_meant() -> None:
    class Misspelt:
        @hookimpl
        def strat(self, name: str) -> int:
            return 1

    error = join(Misspelt())
    assert error.message.endswith("toy has no hook 'strat'")
    assert error.resolution == "did you mean start?"


def test_a_misspelt_specname_is_refused() -> None:
    class Misspelt:
        @hookimpl(specname="unheard_of")
        def start(self, name: str) -> int:
            return 1

    error = join(Misspelt())
    assert error.message.endswith("toy has no hook 'unheard_of'")
    assert error.resolution == "'hv hooks' lists the hooks of toy"


def test_an_unmarked_override_is_refused() -> None:
    class Inherits(Spec):
        @hookimpl
        def pick(self, size: int) -> str | None:
            return None

        def start(self, name: str, force: bool) -> int:
            return 1

    class Stranger:
        @staticmethod
        def start(name: str) -> int:
            return 1

    for implementation in (Inherits(), Stranger()):
        error = join(implementation)
        assert error.message.endswith("start has the name of a hook but is not marked")
        assert str(error.resolution).startswith("mark it with @hookimpl")


def test_an_unmarked_function_of_a_module_is_refused_but_not_one_that_it_imported() -> None:
    module = types.ModuleType("my_extension")

    def pick(size: int) -> str | None:
        return None

    def start(name: str) -> int:
        return 1

    module.pick = hookimpl(pick)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    module.start = start  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert accept(module).hooks == {"pick": False}
    start.__module__ = "my_extension"
    assert join(module).message.endswith("start has the name of a hook but is not marked")


def test_inherited_specs_that_are_not_overridden_are_no_answers() -> None:
    class Driver(Spec):
        @hookimpl
        def pick(self, size: int) -> str | None:
            return None

    assert accept(Driver()).hooks == {"pick": False}


def test_an_object_without_any_answer_is_refused() -> None:
    class Forgetful:
        def helper(self) -> None:
            """Help."""

    for implementation in (Forgetful(), 42, "text", None):
        error = join(implementation)
        assert error.message.endswith("it answers no hook")
    assert join(types.ModuleType("empty")).message.endswith("it is the module empty, which answers no hook itself")


def test_two_methods_for_one_hook_are_refused() -> None:
    class Twice:
        @hookimpl
        def start(self, name: str) -> int:
            return 1

        @hookimpl(specname="start", wrapper=True)
        def audit(self) -> Generator[None, int, int]:
            return (yield)

    assert join(Twice()).message.endswith("audit and start both answer start")


class Tryfirst:
    @hookimpl(tryfirst=True)
    def start(self, name: str) -> int:
        return 1


class Trylast:
    @hookimpl(trylast=True)
    def pick(self, size: int) -> str | None:
        return None


class BothWrappers:
    @hookimpl(wrapper=True, hookwrapper=True)
    def start(self) -> Generator[None, int, int]:
        return (yield)


class WrapsNotice:
    @hookimpl(wrapper=True)
    def told(self) -> Generator[None, None, None]:
        yield


class NeverYields:
    @hookimpl(wrapper=True)
    def start(self) -> int:
        return 1


class OldNeverYields:
    @hookimpl(hookwrapper=True)
    def start(self) -> int:
        return 1


class Yields:
    @hookimpl
    def start(self, name: str) -> Iterator[int]:
        yield 1


class Awaits:
    @hookimpl
    async def start(self, name: str) -> int:
        return 1


class AwaitsItems:
    @hookimpl
    async def gather(self) -> AsyncIterator[str]:
        yield "a"


class MarkedAboveClassmethod:
    @hookimpl
    @classmethod
    def start(cls, name: str) -> int:
        return 1


class MarkedAboveStaticmethod:
    @hookimpl
    @staticmethod
    def start(name: str) -> int:
        return 1


class HasDefault:
    @hookimpl
    def start(self, name: str, force: bool = False) -> int:
        return 1


class KeywordOnly:
    @hookimpl
    def start(self, name: str, *, force: bool) -> int:
        return 1


class PositionalOnly:
    @hookimpl
    def start(self, name: str, /) -> int:
        return 1


class Variable:
    @hookimpl
    def start(self, *names: str) -> int:
        return 1


class Keywords:
    @hookimpl
    def start(self, **options: str) -> int:
        return 1


class UnknownArgument:
    @hookimpl
    def start(self, nam: str) -> int:
        return 1


class StrangeArgument:
    @hookimpl
    def start(self, zebra: str) -> int:
        return 1


class NothingPassed:
    @hookimpl
    def gather(self, zebra: str) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("kind", "message", "resolution"),
    [
        (Tryfirst, "start asks for tryfirst or trylast", "before/after"),
        (Trylast, "pick asks for tryfirst or trylast", "before/after"),
        (BothWrappers, "start is marked as a wrapper of both kinds", "wrapper=True"),
        (WrapsNotice, "told wraps a notice", "plain @hookimpl"),
        (NeverYields, "start is marked as a wrapper and never yields", "yield once"),
        (OldNeverYields, "start is marked with hookwrapper=True, the old form", "@hookimpl(wrapper=True)"),
        (Yields, "start yields, so a call of it would do nothing", "return the answer"),
        (Awaits, "start is asynchronous", "plain method"),
        (AwaitsItems, "gather is asynchronous", "plain method"),
        (MarkedAboveClassmethod, "start is marked above @classmethod", "put @hookimpl below"),
        (MarkedAboveStaticmethod, "start is marked above @classmethod or @staticmethod", "put @hookimpl below"),
        (HasDefault, "start gives force a default", "remove the default"),
        (KeywordOnly, "start takes the keyword-only argument force", "plain argument"),
        (PositionalOnly, "start takes the positional-only argument name", "plain argument"),
        (Variable, "start takes the variadic positional argument names", "plain argument"),
        (Keywords, "start takes the variadic keyword argument options", "plain argument"),
        (UnknownArgument, "start asks for 'nam', which the hook does not pass", "did you mean name?"),
        (StrangeArgument, "start asks for 'zebra'", "the hook passes: name, force"),
        (NothingPassed, "gather asks for 'zebra'", "the hook passes: nothing"),
    ],
)
def test_a_method_that_pluggy_would_let_pass_is_refused(
    kind: Callable[[], object], message: str, resolution: str
) -> None:
    error = join(kind())
    assert message in error.message
    assert resolution in str(error.resolution)
    assert error.details[0].startswith(f"at {__file__}:")


def test_methods_of_every_form_that_can_be_called_are_accepted() -> None:
    class Forms:
        @hookimpl
        def start(this, force: bool) -> int:  # noqa: N805 - any name does
            return int(force)

        @staticmethod
        @hookimpl
        def pick(size: int) -> str | None:
            return "static"

        @classmethod
        @hookimpl
        def other(cls, size: int) -> str | None:
            return cls.__name__

        @hookimpl
        def gather(self) -> Iterator[str]:
            yield "a"

    scope = Scope("toy", (Spec,))
    scope.join(Member("forms", Forms()))
    scope.seal()
    assert scope.command(Spec.start, "a", True) == 1
    assert scope.choose(Spec.pick, 1) == "static"
    assert scope.choose(Spec.other, 1) == "Forms"
    assert scope.collect(Spec.gather) == ("a",)


def test_a_marked_function_on_the_object_itself_is_an_answer() -> None:
    class Holder:
        def __init__(self) -> None:
            def start(name: str) -> int:
                return len(name)

            self.start = hookimpl(start)

    scope = Scope("toy", (Spec,))
    scope.join(Member("holder", Holder()))
    scope.seal()
    assert scope.command(Spec.start, "abc", True) == 3


def test_finding_marked_methods_evaluates_nothing() -> None:
    class Loaded:
        @property
        def costly(self) -> int:
            raise AssertionError("evaluated")

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

        @hookimpl
        def start(self, name: str) -> int:
            return 1

    assert set(marked_methods(Loaded())) == {"start"}
    assert set(marked_methods(Loaded)) == {"start"}
