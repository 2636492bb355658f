"""A manager that is killed at any moment of a migration: the instance runs on exactly one node, then and ever after."""

from __future__ import annotations

from typing import Any

import pytest

# Ganeti's order, the opposite one, and an abort before and after the transfer.
COURSES = {
    "source first": ("accept", "migrate", "source", "target"),
    "target first": ("accept", "migrate", "target", "source"),
    "target called off first": ("accept", "migrate", "no target", "no source"),
    "source called off first": ("accept", "migrate", "no source", "no target"),
    "called off before it began": ("accept", "no target", "no source"),
}

# Every change of a file system is one event; the manager dies before the n-th, for every n until it comes to its end.
KILLER = """
import shutil, traceback
from pathlib import Path

CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "shutil.rmtree"}

def load(place):
    return hvcore.load(state_dir=place / "state", log_dir=place / "log", plugins=[plugin], discover=False).hypervisor("fake")

def take(course, source, target, live):
    one, address, info = instance(), str(target.context.state_dir.parent), source.migration_info("web1")
    steps = {
        "accept": lambda: target.accept_instance(one, info, address),
        "migrate": lambda: source.migrate_instance(one, address, live=live),
        "source": lambda: source.finalize_migration_source(one, True),
        "target": lambda: target.finalize_migration_dst(one, info, True),
        "no source": lambda: source.finalize_migration_source(one, False),
        "no target": lambda: target.finalize_migration_dst(one, info, False),
    }
    for step in course:
        steps[step]()

def die_before(number):
    seen = 0
    def hear(event, args):
        nonlocal seen
        is_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if event in CHANGES or is_write:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hear)

def killed_at(number, course, live, base, source, target):
    shutil.rmtree(base, ignore_errors=True)
    source.start_instance(instance())
    child = os.fork()
    if child == 0:
        die_before(number)
        try:
            take(course, source, target, live)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status in {0, signal.SIGKILL}, status
    return status != 0

def on(source, target):
    return ["web1" in source.list_instances(), "web1" in target.list_instances()]

course, live, base = COURSE, LIVE, Path(state_dir)
source, target = load(base / "one"), load(base / "two")
number, faults = 0, []
is_killed = True
while is_killed:
    number += 1
    # Which side recovers first makes a difference, too.
    order = 1 if (number % 2) == live else -1
    is_killed = killed_at(number, course, live, base, source, target)
    seen = [on(source, target)]
    for node in (source, target)[::order]:
        report = node.recover()
        if not report.is_clean:
            faults.append([number, order, str(report)])
        seen.append(on(source, target))
    owner, other = (source, target) if seen[-1][0] else (target, source)
    state = owner.get_instance_info("web1")
    if any(sum(found) != 1 for found in seen) or len({str(found) for found in seen}) != 1:
        faults.append([number, order, seen])
    elif (other.context.state_dir / "web1").exists() or not owner.verify_instance("web1") or state.state != "running":
        faults.append([number, order, "not in order", str(state)])
    elif source.recover().recoveries or target.recover().recoveries:
        faults.append([number, order, "recovered twice"])
    else:
        owner.stop_instance("web1")
        left = [str(p) for p in base.rglob("web1*") if "log" not in p.parts and ".locks" not in p.parts]
        if left:
            faults.append([number, order, left])
tell([number, faults])
"""


@pytest.mark.parametrize("live", [True, False], ids=["live", "not live"])
@pytest.mark.parametrize("course", COURSES)
def test_a_kill_at_any_moment_leaves_the_instance_on_one_node(place: Any, course: str, live: bool) -> None:
    status, told = place.elsewhere(KILLER.replace("COURSE", repr(COURSES[course])).replace("LIVE", str(live)))
    assert status == 0
    moments, faults = told
    assert faults == []
    assert moments > len(COURSES[course]) * 5
