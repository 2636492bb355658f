"""What happens: ``events``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance
from hvcore.cli.terminal import paint, use_colour
from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.event_watch import EventWatch
    from hvcore.model.event import InstanceEvent

__all__ = ["COMMANDS", "told"]

_COLOURS = {"started": "green", "resumed": "green", "paused": "yellow", "stopped": "red", "lost": "red"}


def _configure(parser: ArgumentParser) -> None:
    add_instance(parser, optional=True)
    parser.add_argument("--kept", action="store_true", help="begin with the oldest events that are kept")
    parser.add_argument("--after", metavar="CURSOR", action="append", default=[], help="begin after an event")
    parser.add_argument("--no-wait", action="store_true", help="end when there are no more, in place of waiting")
    parser.add_argument("--count", metavar="N", type=int, help="end after so many events")


def _events(session: Session, arguments: Arguments) -> int:
    with _watch(session, arguments) as watch:
        shown = 0
        while arguments.count is None or shown < arguments.count:
            event = watch.wait(0 if arguments.no_wait else None)
            if event is None:
                break
            if arguments.name in {None, event.instance} or not event.instance:
                _show(event, session.as_json)
                shown += 1
    return 0


def _watch(session: Session, arguments: Arguments) -> EventWatch:
    from hvcore.errors import InvalidInput

    if arguments.name:
        from hvcore.model.names import check_instance_name

        check_instance_name(arguments.name)
    if not session.wanted:
        return session.host.watch_events(arguments.after, kept=arguments.kept)
    if len(arguments.after) > 1:
        raise InvalidInput("one hypervisor needs one cursor", key="after", resolution="name --after once")
    after = arguments.after[0] if arguments.after else "" if arguments.kept else None
    return session.host.hypervisor(session.wanted).watch_events(after)


def _show(event: InstanceEvent, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(event.to_dict()))
    else:
        print(told(event, use_colour(sys.stdout)))
    sys.stdout.flush()


def told(event: InstanceEvent, colour: bool) -> str:
    """Return an event as a line."""
    import time

    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.time_s))
    kind = paint(str(event.kind), _COLOURS.get(str(event.kind)), colour)
    if not event.instance:
        return f"{moment}  {event.hypervisor}  {kind}: events were thrown away before they could be read"
    reason = f" ({event.reason}{'' if event.status is None else f' {event.status}'})" if event.reason else ""
    return f"{moment}  {event.hypervisor}  {event.instance}  {kind}{reason}"


COMMANDS = {"events": Command(_configure, _events)}
