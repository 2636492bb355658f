"""The mistakes that authors of plugins make, each with what they are told: the file, the line, and what to change."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, Protocol

import pytest

from hvcore.errors import HookFailed, HypervisorError, InvalidPlugin
from hvcore.member import Member, Origin
from hvcore.plugin import choose, collect, command, hookimpl, notify
from hvcore.scope import Scope


class Mounter(Protocol):
    def mount(self) -> None: ...
    def unmount(self) -> None: ...


class Spec:
    @command(since="1.0")
    def start(self, name: str, force: bool) -> int:
        raise NotImplementedError

    @choose(since="1.0", answer="tests.core.test_author_mistakes:Mounter")
    def pick(self, size: int) -> Mounter | None:
        raise NotImplementedError

    @choose(since="1.0", answer="pathlib:Path")
    def place(self) -> Path | None:
        raise NotImplementedError

    @collect(since="1.0", answer="pathlib:Path")
    def gather(self, size: int) -> Iterable[Path]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, name: str) -> None:
        raise NotImplementedError


HEAD = "from hvcore.plugin import hookimpl\nimport pluggy\n"

AT_ONCE = {
    "a misspelt hook": (
        """
        class Mine:
            @hookimpl  # here
            def strat(self, name): ...
        it = Mine()
        """,
        "toy has no hook 'strat'",
        "did you mean start?",
    ),
    "an argument that the hook does not pass": (
        """
        class Mine:
            @hookimpl  # here
            def start(self, nmae): return 1
        it = Mine()
        """,
        "start asks for 'nmae', which the hook does not pass",
        "did you mean name?",
    ),
    "no self": (
        """
        class Mine:
            @hookimpl  # here
            def start(name): return 1
        it = Mine()
        """,
        "start takes no self",
        "write it as def start(self, name)",
    ),
    "no self and nothing else": (
        """
        class Mine:
            @hookimpl  # here
            def told(): ...
        it = Mine()
        """,
        "told takes no self",
        "write it as def told(self)",
    ),
    "a class in place of an object": (
        """
        class Mine:  # here
            @hookimpl
            def start(self, name): return 1
        it = Mine
        """,
        "it is the class Mine, not an object",
        "name an instance in the entry point: Mine()",
    ),
    "a forgotten @hookimpl": (
        """
        class Mine:
            @hookimpl
            def told(self, name): ...

            def start(self, name): return 1  # here
        it = Mine()
        """,
        "start has the name of a hook but is not marked",
        "mark it with @hookimpl, or rename it",
    ),
    "no hook at all": (
        """
        class Mine:  # here
            def help(self): ...
        it = Mine()
        """,
        "it answers no hook",
        "mark its methods with @hookimpl",
    ),
    "the marker of another project": (
        """
        class Mine:  # here
            @pluggy.HookimplMarker("pytest")
            def help(self): ...
        it = Mine()
        """,
        "help is marked with the marker of another project",
        "from hvcore.plugin import hookimpl",
    ),
    "a default": (
        """
        class Mine:
            @hookimpl  # here
            def start(self, name, force=False): return 1
        it = Mine()
        """,
        "start gives force a default",
        "remove the default",
    ),
    "a keyword-only argument": (
        """
        class Mine:
            @hookimpl  # here
            def start(self, *, name): return 1
        it = Mine()
        """,
        "start takes the keyword-only argument name",
        "use a plain argument",
    ),
    "the module in place of the object in it": (
        """
        # here
        class Mine:
            @hookimpl
            def start(self, name): return 1
        mine = Mine()
        import sys
        it = sys.modules[__name__]
        """,
        "it is the module mistaken, which answers no hook itself",
        "name mistaken:mine in the entry point",
    ),
    "an asynchronous method": (
        """
        class Mine:
            @hookimpl  # here
            async def start(self, name): return 1
        it = Mine()
        """,
        "start is asynchronous",
        "write it as a plain method",
    ),
    "a wrapper that never yields": (
        """
        class Mine:
            @hookimpl(wrapper=True)  # here
            def start(self): return 1
        it = Mine()
        """,
        "start is marked as a wrapper and never yields",
        "yield once, where the others are to be asked",
    ),
    "a wrapper that is not marked as one": (
        """
        class Mine:
            @hookimpl  # here
            def start(self): return (yield)
        it = Mine()
        """,
        "start yields, so a call of it would do nothing",
        "@hookimpl(wrapper=True)",
    ),
    "a wrapper of the old form": (
        """
        class Mine:
            @hookimpl(hookwrapper=True)  # here
            def start(self): outcome = yield
        it = Mine()
        """,
        "start is marked with hookwrapper=True, the old form of a wrapper",
        "mark it with @hookimpl(wrapper=True), yield once for the answer itself, and return it",
    ),
    "an order by chance": (
        """
        class Mine:
            @hookimpl(tryfirst=True)  # here
            def start(self, name): return 1
        it = Mine()
        """,
        "start asks for tryfirst or trylast",
        "declare before/after with hvcore.plugin.Extension",
    ),
    "the contract of another time": (
        """
        class Mine:  # here
            hvcore_contract = "7.0"
            @hookimpl
            def start(self, name): return 1
        it = Mine()
        """,
        "it needs contract 7.0",
        "install a newer release of hvcore",
    ),
}

WHEN_CALLED = {
    "a choice that lacks half of the pair": (
        """
        class Half:
            def mount(self): ...
        class Mine:
            @hookimpl  # here
            def pick(self): return Half()
        it = Mine()
        """,
        lambda scope: scope.choose(Spec.pick, 1),
        "pick was answered with a Half, which is no Mounter: it has no unmount, by extension 'mine' of hvcore-mine 1.0",
        "return what 'hv hooks pick' says under Returns",
    ),
    "a choice of the wrong type": (
        """
        class Mine:
            @hookimpl  # here
            def place(self): return "/tmp"
        it = Mine()
        """,
        lambda scope: scope.choose(Spec.place),
        "place was answered with a str, not with a Path, by extension 'mine'",
        "'hv hooks place'",
    ),
    "a collection that is one thing": (
        """
        from pathlib import Path
        class Mine:
            @hookimpl  # here
            def gather(self): return 5
        it = Mine()
        """,
        lambda scope: scope.collect(Spec.gather, 1),
        "gather was answered with a int, not with a list of items, by extension 'mine'",
        "'hv hooks gather'",
    ),
    "a collection of the wrong things": (
        """
        class Mine:
            @hookimpl  # here
            def gather(self): return ["/tmp"]
        it = Mine()
        """,
        lambda scope: scope.collect(Spec.gather, 1),
        "gather was answered with a list with a str, not with a Path, by extension 'mine'",
        "'hv hooks gather'",
    ),
    "a wrapper that forgets to return": (
        """
        class Mine:
            @hookimpl(wrapper=True)  # here
            def start(self): yield
        it = Mine()
        """,
        lambda scope: scope.command(Spec.start, "web1", True),
        "start was answered with None, which its spec forbids",
        "report it to the plugin's author",
    ),
    "a call without an argument": (
        """
        class Mine:
            @hookimpl
            def start(self, name): return self.scope.command(self.spec.start, name=name)
        it = Mine()
        """,
        lambda scope: scope.command(Spec.start, name="web1"),
        "start takes name, force and was given name",
        "pass every argument once",
    ),
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], tuple[object, str]]]:
    """Write an author's module; return the object in it, and the place of the line that says ``# here``."""
    monkeypatch.syspath_prepend(tmp_path)
    # One name for many modules: a cached one must not stand in for the next.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(source: str) -> tuple[object, str]:
        text = HEAD + dedent(source)
        file = tmp_path / "mistaken.py"
        file.write_text(text)
        importlib.invalidate_caches()
        numbers = [number for number, line in enumerate(text.splitlines(), 1) if "# here" in line]
        return importlib.import_module("mistaken").it, f"{file}:{numbers[0]}" if numbers else ""

    yield make
    sys.modules.pop("mistaken", None)


class Driver:
    @hookimpl
    def start(self, name: str) -> int:
        return 1


@pytest.mark.parametrize("mistake", AT_ONCE)
def test_a_mistake_that_shows_when_the_plugin_is_loaded(mistake: str, write: Any) -> None:
    source, message, resolution = AT_ONCE[mistake]
    it, place = write(source)
    with pytest.raises(InvalidPlugin) as caught:
        Scope("toy", (Spec,)).join(
            Member("mine", it, Origin.EXTENSION, "hvcore-mine 1.0", contract=getattr(it, "hvcore_contract", None))
        )
    error = caught.value
    assert message in error.message
    assert "extension 'mine' of hvcore-mine 1.0" in error.message
    assert resolution in str(error.resolution)
    if mistake == "the module in place of the object in it":
        place = f"{place.rpartition(':')[0]}:1"
    assert error.details == (f"at {place}",)


@pytest.mark.parametrize("mistake", WHEN_CALLED)
def test_a_mistake_that_shows_when_the_hook_is_called(mistake: str, write: Any) -> None:
    source, call, message, resolution = WHEN_CALLED[mistake]
    it, place = write(source)
    scope = Scope("toy", (Spec,))
    if "def start(self): yield" in source:
        scope.join(Member("toy", Driver(), Origin.DRIVER, "hvcore-toy 1.0"))
    scope.join(Member("mine", it, Origin.EXTENSION, "hvcore-mine 1.0"))
    scope.seal()
    with pytest.raises(HookFailed) as caught:
        call(scope)
    assert message in caught.value.message
    assert resolution in str(caught.value.resolution)
    assert not place or any(detail.endswith(place) for detail in caught.value.details)


def test_a_right_answer_passes(tmp_path: Path) -> None:
    class Both:
        def mount(self) -> None: ...
        def unmount(self) -> None: ...

    class Right:
        @hookimpl
        def pick(self) -> Any:
            return Both()

        @hookimpl
        def place(self) -> Path | None:
            return tmp_path

        @hookimpl
        def gather(self, size: int) -> Iterable[Path]:
            return (tmp_path for _ in range(size))

    scope = Scope("toy", (Spec,))
    scope.join(Member("right", Right(), Origin.EXTENSION))
    scope.seal()
    assert isinstance(scope.choose(Spec.pick, 1), Both)
    assert scope.choose(Spec.place) == tmp_path
    assert scope.collect(Spec.gather, 2) == (tmp_path, tmp_path)


def test_every_message_is_one_line_that_says_what_to_do(write: Any) -> None:
    for source, _, _ in AT_ONCE.values():
        sys.modules.pop("mistaken", None)
        it, _ = write(source)
        with pytest.raises(HypervisorError) as caught:
            Scope("toy", (Spec,)).join(Member("mine", it, contract=getattr(it, "hvcore_contract", None)))
        assert "\n" not in caught.value.message
        assert caught.value.resolution
        assert re.search(r"mistaken\.py:\d+$", caught.value.details[0])
