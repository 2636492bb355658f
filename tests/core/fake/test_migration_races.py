"""Two managers that disagree at the same moment: one of them has its way, and the instance is on one node."""

from __future__ import annotations

from typing import Any

import pytest

RACE = """
import itertools, time
from pathlib import Path

def load(place):
    return hvcore.load(state_dir=place / "state", log_dir=place / "log", plugins=[plugin], discover=False).hypervisor("fake")

def race(calls, moment):
    children = []
    for call, delay_s in zip(calls, (0, moment)):
        child = os.fork()
        if child == 0:
            while time.monotonic() < start + delay_s:
                pass
            try:
                call()
            except hvcore.HypervisorError as error:
                os._exit(1)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(2)
            os._exit(0)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

base = Path(state_dir)
source, target = load(base / "one"), load(base / "two")
one, address = instance(), str(base / "two" / "state")
outcomes, faults = set(), []
for number in range(30):
    source.start_instance(one)
    info = source.migration_info("web1")
    target.accept_instance(one, info, address)
    source.migrate_instance("web1", address)
    start = time.monotonic() + 0.004
    calls = {
        "source": lambda: source.finalize_migration_source(one, True),
        "no source": lambda: source.finalize_migration_source(one, False),
        "target": lambda: target.finalize_migration_dst(one, info, True),
        "no target": lambda: target.finalize_migration_dst(one, info, False),
        "recover source": lambda: source.recover("web1"),
        "recover target": lambda: target.recover("web1"),
    }
    first, second = PAIR
    statuses = race((calls[first], calls[second]), (number - 15) * 0.0001)
    nodes = [bool(source.list_instances()), bool(target.list_instances())]
    outcomes.add(str(nodes))
    if sum(nodes) != 1 or 2 in statuses:
        faults.append([number, nodes, statuses])
    reports = [node.recover() for node in (source, target)]
    after = [bool(source.list_instances()), bool(target.list_instances())]
    if after != nodes or not all(report.is_clean for report in reports):
        faults.append([number, nodes, after, str(reports)])
    for node in (source, target):
        if node.list_instances():
            if not node.verify_instance("web1"):
                faults.append([number, "not in order"])
            node.stop_instance("web1", force=True)
        if (node.context.state_dir / "web1").exists():
            faults.append([number, "left behind"])
tell([sorted(outcomes), faults])
"""


@pytest.mark.parametrize(
    "pair",
    [
        ("source", "no target"),
        ("source", "recover target"),
        ("target", "no source"),
        ("target", "recover source"),
        ("source", "target"),
    ],
    ids=" and ".join,
)
def test_whoever_comes_first_has_its_way(place: Any, pair: tuple[str, str]) -> None:
    status, told = place.elsewhere(RACE.replace("PAIR", repr(pair)))
    assert status == 0
    outcomes, faults = told
    assert faults == []
    assert outcomes
