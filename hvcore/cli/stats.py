"""What instances use: ``stats``, once or again and again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance
from hvcore.cli.terminal import is_terminal, use_colour
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import HypervisorError, InvalidInput, NotRunning

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.rates import InstanceRates
    from hvcore.model.stats import InstanceStats

__all__ = ["COMMANDS"]

_INTERVAL_S = 2.0
_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_Looks = dict[tuple[str, str], "InstanceStats"]


def _configure(parser: ArgumentParser) -> None:
    from hvcore.cli.values import seconds

    add_instance(parser, optional=True)
    parser.add_argument("--watch", action="store_true", help="look again and again, and show rates")
    parser.add_argument("--interval", metavar="S", type=seconds, help=f"seconds between looks ({_INTERVAL_S:g})")
    parser.add_argument("--count", metavar="N", type=int, help="end after so many looks")
    parser.add_argument("--prometheus", action="store_true", help="print a page for Prometheus")


def _stats(session: Session, arguments: Arguments) -> int:
    if arguments.watch:
        return _watch(session, arguments)
    if arguments.interval is not None or arguments.count is not None:
        raise InvalidInput("--interval and --count belong to --watch", resolution="add --watch")
    found = _look(session, arguments.name)
    if arguments.prometheus:
        from hvcore.metrics import page

        sys.stdout.write(page(found).decode())
    elif session.as_json:
        from hvcore.cli.output import print_json

        print_json(found[0].to_dict() if arguments.name else [stats.to_dict() for stats in found])
    elif found:
        from hvcore.cli.stats_table import stats_table

        print(stats_table(found, None, use_colour(sys.stdout)))
    else:
        print("no instance runs")
    return 0


def _watch(session: Session, arguments: Arguments) -> int:
    import time

    from hvcore.model.rates import rates_between

    if arguments.prometheus:
        raise InvalidInput("--prometheus shows sums, not rates", resolution="leave out --watch")
    interval_s = _INTERVAL_S if arguments.interval is None else arguments.interval
    looks, before = 0, _Looks()
    while True:
        found = _look(session, arguments.name, quiet=looks > 0)
        now = {(stats.hypervisor, stats.name): stats for stats in found}
        rates = {key: rate for key in now if key in before and (rate := rates_between(before[key], now[key]))}
        _show(session, found, rates)
        before, looks = now, looks + 1
        if arguments.count is not None and looks >= arguments.count:
            return 0
        time.sleep(interval_s)


def _show(session: Session, found: list[InstanceStats], rates: dict[tuple[str, str], InstanceRates]) -> None:
    if session.as_json:
        import json

        for stats in found:
            rate = rates.get((stats.hypervisor, stats.name))
            print(json.dumps({**stats.to_dict(), "rates": rate.to_dict() if rate else None}))
    else:
        from hvcore.cli.stats_table import stats_table

        text = stats_table(found, rates, use_colour(sys.stdout)) if found else "no instance runs"
        print(f"{_HOME_AND_CLEAR}{text}" if is_terminal(sys.stdout) else f"{text}\n")
    sys.stdout.flush()


def _look(session: Session, name: str | None, quiet: bool = False) -> list[InstanceStats]:
    """Measure the one that is named, or all; a hypervisor that cannot say is told of once."""
    from hvcore.cli.output import warn

    if name:
        owner = session.owner(name)
        stats = owner.instance_stats(name)
        if stats is None:
            raise NotRunning(
                f"{name} does not run",
                hypervisor=owner.name,
                instance=name,
                resolution="'hv list' names those that run",
            )
        return [stats]
    found: list[InstanceStats] = []
    for hypervisor, answer in session.ask_each(lambda each: each.all_instances_stats()):
        if not isinstance(answer, HypervisorError):
            found += answer
        elif not quiet:
            warn(f"{hypervisor} cannot say what its instances use: {answer}")
    return found


COMMANDS = {"stats": Command(_configure, _stats)}
