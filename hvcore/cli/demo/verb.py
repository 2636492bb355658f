"""The verb ``demo``."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.cli.terminal import paint
from hvcore.cli.verbs import Command

if TYPE_CHECKING:
    from hvcore.cli.demo.narrator import Narrator
    from hvcore.cli.demo.stage import Stage
    from hvcore.cli.demo.witness import Witness
    from hvcore.cli.session import Session

__all__ = ["COMMANDS"]


def _configure(_: ArgumentParser) -> None:
    """Add nothing."""


def _demo(session: Session, arguments: Namespace) -> int:
    import tempfile

    from hvcore.cli.demo.choice import REAL, choose
    from hvcore.cli.demo.narrator import Narrator
    from hvcore.cli.demo.scenes import Scenes
    from hvcore.cli.demo.stage import Stage
    from hvcore.cli.demo.witness import Witness
    from hvcore.cli.session import open_host

    narrator = Narrator()
    token = os.urandom(3).hex()
    with _ending_politely():
        directory = Path(tempfile.mkdtemp(prefix=f"hv-demo-{token}-"))
        try:
            host = open_host(
                state_dir=str(directory / "state"),
                log_dir=str(directory / "log"),
                no_plugins=arguments.no_plugins,
                observer=narrator.observe,
            )
            choice = choose(host, session.wanted)
        except BaseException:
            directory.rmdir()
            raise
        if choice.reason:
            print(f"Playing on the embedded hypervisor {choice.name!r}: {choice.reason}.")
        print(f"Two instances of {host.hypervisor(choice.name).summary}; everything is kept in {directory}.")
        stage = Stage(directory, host.hypervisor(choice.name), token)
        witness = Witness(directory, token)
        during: dict[str, list[str]] = {}
        try:
            stage.build(is_real=choice.name == REAL)
            during = Scenes(stage, narrator, witness).play()
        finally:
            is_clean = _take_down(stage, narrator, witness, during)
    return 0 if is_clean else 1


def _take_down(stage: Stage, narrator: Narrator, witness: Witness, during: dict[str, list[str]]) -> bool:
    """Remove everything, however the tour ended, and prove it; tell whether nothing was left."""
    is_interrupted = sys.exc_info()[0] is not None
    narrator.heading("Take down what is left" if is_interrupted else "Nothing is left behind")
    with _undisturbed():
        # After a tour that was played to its end there must be nothing to take down.
        after = None if is_interrupted else witness.look()
        failures = stage.strike()
        after = after or witness.look()
    for failure in failures:
        narrator.say(failure)
    for kind, items in after.items():
        for item in items:
            narrator.say(f"{paint('left behind:', 'red', narrator.colour)} {kind}: {item}")
    counts = ", ".join(f"{kind} {_change(during.get(kind), items)}" for kind, items in after.items())
    is_clean = not failures and not any(after.values()) and not stage.directory.exists()
    verdict = paint("nothing was left behind", "green", narrator.colour) if is_clean else "not clean"
    narrator.say(f"{verdict}: {counts}, directory {'gone' if not stage.directory.exists() else stage.directory}")
    return is_clean


def _change(during: list[str] | None, after: list[str]) -> str:
    return f"{len(after)}" if during is None else f"{len(during)} -> {len(after)}"


@contextmanager
def _ending_politely() -> Generator[None]:
    """Let a request to end be what Ctrl-C is, so that everything is taken down first."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with _handling({signal.SIGTERM: interrupt, signal.SIGHUP: interrupt}):
        yield


@contextmanager
def _undisturbed() -> Generator[None]:
    """Let no impatient Ctrl-C leave half of it."""
    ignored = {number: signal.SIG_IGN for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with _handling(ignored):
        yield


@contextmanager
def _handling(handlers: dict[signal.Signals, signal._HANDLER]) -> Generator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = {"demo": Command(_configure, _demo)}
