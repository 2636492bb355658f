"""``hv stats``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hvcore.cli.stats_table import shown_bytes
from hvcore.plugin import BaseHypervisor, hookimpl


def test_one_and_all(hv: Any, started: Any) -> None:
    started("web1")
    started("web2")
    one = hv("stats", "web1", "--json").json
    assert (one["name"], one["hypervisor"], one["state"]) == ("web1", "fake", "running")
    assert one["memory"]["limit_bytes"] == 64 * 2**20
    assert [stats["name"] for stats in hv("stats", "--json").json] == ["web1", "web2"]
    table = hv("stats").out.splitlines()
    assert table[0].split()[:3] == ["NAME", "HYPERVISOR", "STATE"]
    assert [line.split()[0] for line in table[1:]] == ["web1", "web2"]
    assert "64.0 MiB" in table[1]
    assert "TASKS_LIMIT" not in table[0]


def test_without_instances(hv: Any) -> None:
    assert hv("stats").out == "no instance runs\n"
    assert hv("stats", "--json").json == []
    assert hv("stats", "--watch", "--count", "1").out == "no instance runs\n\n"


def test_what_does_not_run_has_none(hv: Any, started: Any) -> None:
    started()
    hv("stop", "web1", "--force")
    assert hv("stats", "web1").status == 4
    outcome = hv("stats", "web1", "-H", "fake", "--json")
    assert (outcome.status, outcome.error["code"]) == (4, "operation.not-running")


def test_watching_prints_an_object_per_line_with_rates(hv: Any, started: Any) -> None:
    started()
    outcome = hv("stats", "web1", "--watch", "--count", "3", "--interval", "0.01", "--json")
    looks = [json.loads(line) for line in outcome.out.splitlines()]
    assert [look["rates"] is None for look in looks] == [True, False, False]
    assert 50 < looks[1]["rates"]["cpu_percent"] < 150
    times = [look["time_s"] for look in looks]
    assert times == sorted(set(times))


def test_watching_draws_anew_on_a_terminal(on_terminal: Any, started: Any) -> None:
    started()
    seen = on_terminal("stats", "--watch", "--count", "2", "--interval", "0.01")
    assert seen.status == 0
    assert seen.out.count("\x1b[H\x1b[J") == 2
    assert "READ/s" in seen.out


@pytest.mark.parametrize(
    "words", [("--interval", "1"), ("--count", "2"), ("--watch", "--prometheus"), ("--watch", "--interval", "x")]
)
def test_options_that_do_not_go_together(hv: Any, words: tuple[str, ...]) -> None:
    assert hv("stats", *words).status == 2


def test_one_that_cannot_say_is_told_of_once(hv: Any, only: Any) -> None:
    class Mute(BaseHypervisor):
        @hookimpl
        def list_instances(self, parameters: Any) -> tuple[str, ...]:
            return ()

    only(mute=Mute)
    outcome = hv("stats", "--watch", "--count", "3", "--interval", "0")
    assert outcome.status == 0
    assert outcome.err.count("mute cannot say") == 1
    assert hv("stats", "-H", "mute").status == 3


def test_a_page_for_prometheus(hv: Any, started: Any) -> None:
    started()
    text = hv("stats", "--prometheus").out
    assert "# TYPE hvcore_instance_cpu_seconds_total counter" in text
    assert 'hvcore_instance_memory_limit_bytes{hypervisor="fake",name="web1"} 6.7108864e+07' in text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (150 * 2**20, "150 MiB"),
        (2**63, "8192 PiB"),
        (None, None),
    ],
)
def test_bytes_as_people_read_them(count: int | None, text: str | None) -> None:
    assert shown_bytes(count) == text
