"""The verb ``demo``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.cli.terminal import paint
from hvcore.cli.verbs import Arguments, Command, no_arguments

if TYPE_CHECKING:
    from hvcore.cli.demo.narrator import Narrator
    from hvcore.cli.demo.stage import Stage
    from hvcore.cli.demo.witness import Findings, Witness
    from hvcore.cli.session import Session

__all__ = ["COMMANDS"]


def _demo(session: Session, arguments: Arguments) -> int:
    from tempfile import mkdtemp

    from hvcore.cli.demo.signals import ending_politely

    token = os.urandom(3).hex()
    with ending_politely():
        directory = Path(mkdtemp(prefix=f"hv-demo-{token}-"))
        try:
            return _play(directory, token, session.wanted, no_plugins=arguments.no_plugins)
        finally:
            # The stage has removed it, unless something still hangs on it or there never was a stage.
            if directory.exists() and not any(directory.iterdir()):
                directory.rmdir()


def _play(directory: Path, token: str, wanted: str | None, *, no_plugins: bool) -> int:
    from hvcore.cli.demo.choice import EMBEDDED, choose
    from hvcore.cli.demo.narrator import Narrator
    from hvcore.cli.demo.scenes import Scenes
    from hvcore.cli.demo.stage import Stage
    from hvcore.cli.demo.witness import Witness
    from hvcore.cli.session import open_host

    narrator = Narrator()
    host = open_host(
        state_dir=str(directory / "state"),
        log_dir=str(directory / "log"),
        no_plugins=no_plugins,
        observer=narrator.observe,
    )
    choice = choose(host, wanted)
    hypervisor = host.hypervisor(choice.name)
    if choice.reason:
        print(f"Playing on the embedded hypervisor {choice.name!r}: {choice.reason}.")
    print(f"Two instances on {choice.name} ({hypervisor.summary}), with everything in {directory}.")
    stage = Stage(directory, hypervisor, token)
    witness = Witness(directory, token)
    during: Findings = {}
    is_played = False
    try:
        stage.build(is_real=choice.name != EMBEDDED)
        during = Scenes(stage, narrator, witness).play()
        is_played = True
    finally:
        is_clean = _take_down(stage, narrator, witness, during, is_played=is_played)
    return 0 if is_clean else 1


def _take_down(stage: Stage, narrator: Narrator, witness: Witness, during: Findings, *, is_played: bool) -> bool:
    """Remove everything, however the tour ended, and prove it; tell whether nothing was left."""
    from hvcore.cli.demo.signals import undisturbed

    # All is done before anything is said: whoever listens may have gone.
    with undisturbed():
        try:
            # After a tour that was played to its end there must be nothing to take down.
            left = witness.look() if is_played else {}
        finally:
            failures = stage.strike()
        after = left or witness.look()
    narrator.heading("Nothing is left behind" if is_played else "Taking down")
    for failure in failures:
        narrator.say(failure)
    for kind, items in after.items():
        for item in items:
            narrator.say(f"{paint('left behind:', 'red', narrator.colour)} {kind}: {item}")
    is_gone = not stage.directory.exists()
    is_clean = is_gone and not failures and not any(after.values())
    counts = ", ".join(f"{kind} {_change(during.get(kind), items)}" for kind, items in after.items())
    verdict = paint("nothing was left behind", "green", narrator.colour) if is_clean else "something was left behind"
    narrator.say(f"{verdict}: {counts}, directory {'gone' if is_gone else 'kept'}")
    return is_clean


def _change(during: list[str] | None, after: list[str]) -> str:
    return f"{len(after)}" if during is None else f"{len(during)} -> {len(after)}"


COMMANDS = {"demo": Command(no_arguments, _demo)}
