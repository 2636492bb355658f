"""``hv events``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hvcore.cli.events import told
from hvcore.model.event import EventKind, EventReason, InstanceEvent


def test_kept_events_and_those_after_one(hv: Any, started: Any) -> None:
    started()
    started("web2")
    hv("stop", "web1", "--force")
    lines = hv("events", "--kept", "--no-wait", "--json").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [(event["instance"], event["kind"]) for event in events] == [
        ("web1", "starting"),
        ("web1", "started"),
        ("web2", "starting"),
        ("web2", "started"),
        ("web1", "stopping"),
        ("web1", "stopped"),
    ]
    assert events[-1]["reason"] == "killed"
    for words in ((), ("-H", "fake")):
        after = hv("events", "--after", events[3]["cursor"], "--no-wait", *words).out.splitlines()
        assert [line.split("  ")[2:] for line in after] == [["web1", "stopping"], ["web1", "stopped (killed)"]]
    only = hv("events", "web2", "--kept", "--count", "2").out.splitlines()
    assert [line.split()[3] for line in only] == ["web2", "web2"]
    assert hv("events", "--no-wait").out == ""


def test_bad_cursors_are_bad_input(hv: Any) -> None:
    assert hv("events", "--after", "x", "--no-wait").status == 2
    assert hv("events", "-H", "fake", "--after", "fake/a/1", "--after", "fake/a/2").status == 2


def test_it_follows_what_happens(hv: Any, started: Any, environment: Path) -> None:
    words = [sys.executable, "-m", "hvcore.cli.main", "events", "--json", "--kept", "--count", "4"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
        started()
        hv("stop", "web1", "--force")
        output, _ = following.communicate(timeout=60)
    assert [json.loads(line)["kind"] for line in output.splitlines()] == ["starting", "started", "stopping", "stopped"]


def test_lines_for_people() -> None:
    event = InstanceEvent("c", 0.0, "lxc", "web1", EventKind.STOPPED, EventReason.EXIT_STATUS, 3)
    assert told(event, colour=False).split("  ", 1)[1] == "lxc  web1  stopped (exit-status 3)"
    lost = InstanceEvent("c", 0.0, "lxc", "", EventKind.LOST)
    assert "thrown away" in told(lost, colour=False)
