"""The verbs that change an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_file, add_instance, add_paused, add_timeout
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import InstanceNotFound

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.hypervisor import Hypervisor

__all__ = ["COMMANDS"]


def _configure_start(parser: ArgumentParser) -> None:
    add_file(parser)
    add_paused(parser)


def _start(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.instance_file import placing_errors, read_instance

    instance = read_instance(arguments.file, session.wanted)
    with placing_errors(arguments.file), session.working(f"starting {instance.name}") as work:
        hypervisor = session.host.hypervisor(session.wanted or instance.hypervisor)
        hypervisor.start_instance(instance, startup_paused=arguments.paused)
    state = "paused" if arguments.paused else "running"
    return _report(session, hypervisor, "start", instance.name, state, work.elapsed_s)


def _configure_stop(parser: ArgumentParser) -> None:
    add_instance(parser)
    parser.add_argument("--force", action="store_true", help="end it at once, without asking its init")
    add_timeout(parser, "seconds to wait for the guest to shut down")


def _stop(session: Session, arguments: Arguments) -> int:
    hypervisor = _known(session, arguments.name)
    with session.working(f"stopping {arguments.name}") as work:
        hypervisor.stop_instance(arguments.name, force=arguments.force, timeout_s=arguments.timeout)
    return _report(session, hypervisor, "stop", arguments.name, "shutdown", work.elapsed_s)


def _cleanup(session: Session, arguments: Arguments) -> int:
    try:
        hypervisor = session.owner(arguments.name)
    except InstanceNotFound:
        # It may run any number of times, so what is clean already is no error.
        return _report(session, None, "cleanup", arguments.name, "shutdown", 0.0)
    with session.working(f"cleaning up after {arguments.name}") as work:
        hypervisor.cleanup_instance(arguments.name)
    return _report(session, hypervisor, "cleanup", arguments.name, "shutdown", work.elapsed_s)


def _reboot(session: Session, arguments: Arguments) -> int:
    hypervisor = session.owner(arguments.name)
    with session.working(f"rebooting {arguments.name}") as work:
        hypervisor.reboot_instance(arguments.name)
    return _report(session, hypervisor, "reboot", arguments.name, "running", work.elapsed_s)


def _pause(session: Session, arguments: Arguments) -> int:
    hypervisor = _known(session, arguments.name)
    with session.working(f"pausing {arguments.name}") as work:
        hypervisor.pause_instance(arguments.name)
    return _report(session, hypervisor, "pause", arguments.name, "paused", work.elapsed_s)


def _resume(session: Session, arguments: Arguments) -> int:
    hypervisor = _known(session, arguments.name)
    with session.working(f"resuming {arguments.name}") as work:
        hypervisor.resume_instance(arguments.name)
    return _report(session, hypervisor, "resume", arguments.name, "running", work.elapsed_s)


def _configure_balloon(parser: ArgumentParser) -> None:
    from hvcore.cli.values import whole_number

    add_instance(parser)
    parser.add_argument("memory_mib", metavar="MIB", type=whole_number, help="the new size in MiB")


def _balloon(session: Session, arguments: Arguments) -> int:
    hypervisor = session.owner(arguments.name)
    with session.working(f"changing the memory of {arguments.name}") as work:
        hypervisor.balloon_instance_memory(arguments.name, arguments.memory_mib)
    info = hypervisor.get_instance_info(arguments.name)
    state = str(info.state) if info else "shutdown"
    memory_mib = info.memory_mib if info else None
    return _report(session, hypervisor, "balloon", arguments.name, state, work.elapsed_s, memory_mib=memory_mib)


def _known(session: Session, name: str) -> Hypervisor:
    """Return the hypervisor of an instance that it really knows; the state on disk vouches for it, -H does not."""
    hypervisor = session.owner(name)
    if session.wanted and hypervisor.get_instance_definition(name) is None and not hypervisor.get_instance_info(name):
        raise InstanceNotFound(
            f"{hypervisor.name} has no instance {name!r}",
            hypervisor=hypervisor.name,
            instance=name,
            resolution="'hv list' names those that run, on every hypervisor",
        )
    return hypervisor


def _report(
    session: Session,
    hypervisor: Hypervisor | None,
    verb: str,
    name: str,
    state: str,
    elapsed_s: float,
    **more: int | None,
) -> int:
    """Say that it is done."""
    from hvcore.cli.output import print_json, say

    whose = hypervisor.name if hypervisor else None
    if session.as_json:
        seconds = round(elapsed_s, 3)
        print_json({"verb": verb, "name": name, "hypervisor": whose, "state": state, "seconds": seconds, **more})
    elif whose is None:
        say(f"{name}: there is nothing to clean up")
    else:
        facts = [f"now {memory} MiB" for memory in more.values()] or [state]
        say(f"{name}: {verb} done on {whose}, {facts[0]} ({elapsed_s:.2f} s)")
    return 0


COMMANDS = {
    "start": Command(_configure_start, _start),
    "stop": Command(_configure_stop, _stop),
    "cleanup": Command(add_instance, _cleanup),
    "reboot": Command(add_instance, _reboot),
    "pause": Command(add_instance, _pause),
    "resume": Command(add_instance, _resume),
    "balloon": Command(_configure_balloon, _balloon),
}
