"""``list`` and ``info``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hvcore
from hvcore.errors import OperationFailed
from hvcore.model.info import InstanceInfo
from hvcore.model.parameters import ParameterValue
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, hookimpl

KEYS = ["name", "hypervisor", "state", "memory_mib", "vcpus", "cpu_seconds", "pid", "memory_used_mib", "processes"]


class Sick(BaseHypervisor):
    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        raise OperationFailed("the kernel\x1b does not tell")


class Sound(BaseHypervisor):
    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        return (
            InstanceInfo("web1", "sound", InstanceState.RUNNING, 64, 2, 1.5, 42, 7),
            InstanceInfo("db", "sound", InstanceState.PAUSED, 1024, 1, 0.0),
        )

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        return None

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> hvcore.Instance | None:
        return hvcore.Instance("off", "sound", memory_mib=99, vcpus=3) if instance_name == "off" else None


def test_list_as_a_table(hv: Any, only: Any) -> None:
    only(sound=Sound)
    assert hv("list").out.splitlines() == [
        "NAME  HYPERVISOR  STATE      MEMORY   USED  VCPUS  CPU TIME  PID",
        "web1  sound       running    64 MiB  7 MiB      2    1.50 s   42",
        "db    sound       paused   1024 MiB      -      1    0.00 s    -",
    ]


def test_list_without_instances(hv: Any) -> None:
    assert hv("list").out == "no instance runs\n"
    assert hv("list", "--json").json == []


def test_list_in_json(hv: Any, only: Any) -> None:
    only(sound=Sound)
    first, second = hv("list", "--json").json
    assert list(first) == KEYS
    assert first == {
        "name": "web1",
        "hypervisor": "sound",
        "state": "running",
        "memory_mib": 64,
        "vcpus": 2,
        "cpu_seconds": 1.5,
        "pid": 42,
        "memory_used_mib": 7,
        "processes": None,
    }
    assert (second["state"], second["pid"], second["memory_used_mib"]) == ("paused", None, None)


def test_a_hypervisor_that_fails_does_not_hide_the_others(hv: Any, only: Any) -> None:
    only(sick=Sick, sound=Sound)
    outcome = hv("list")
    assert outcome.status == 0
    assert outcome.err == "hv: warning: sick cannot say what runs: the kernel\\x1b does not tell\n"
    assert "web1" in outcome.out
    assert [info["name"] for info in hv("list", "--json").json] == ["web1", "db"]


def test_a_hypervisor_that_fails_is_an_error_when_it_was_asked(hv: Any, only: Any) -> None:
    only(sick=Sick, sound=Sound)
    assert hv("list", "-H", "sick").status == 1
    assert hv("list", "-H", "sound").status == 0


def test_list_of_one_hypervisor(hv: Any, started: Any) -> None:
    started()
    assert [info["name"] for info in hv("list", "-H", "fake", "--json").json] == ["web1"]


def test_info(hv: Any, started: Any) -> None:
    started()
    found = hv("info", "web1", "--json").json
    assert list(found) == KEYS
    assert (found["name"], found["hypervisor"], found["state"]) == ("web1", "fake", "running")
    lines = [line.split(maxsplit=1) for line in hv("info", "web1").out.splitlines()]
    assert lines[:4] == [["name", "web1"], ["hypervisor", "fake"], ["state", "running"], ["memory", "64 MiB"]]


def test_info_of_a_known_instance_that_does_not_run(hv: Any, only: Any) -> None:
    only(sound=Sound)
    found = hv("info", "-H", "sound", "off", "--json").json
    assert (found["state"], found["memory_mib"], found["vcpus"], found["pid"]) == ("shutdown", 99, 3, None)
    assert hv("info", "-H", "sound", "nosuch").status == 4


def test_info_of_one_that_runs_elsewhere(hv: Any, started: Any) -> None:
    started("one")
    started("two")
    assert hv("info", "two", "--json").json["name"] == "two"


def test_states_are_coloured_on_a_terminal_alone(hv: Any, started: Any, on_terminal: Any, run_hv: Any) -> None:
    started()
    assert "\x1b[32mrunning\x1b[0m" in on_terminal("list").out
    assert "\x1b" not in on_terminal("list", NO_COLOR="1").out
    assert "\x1b" not in on_terminal("list", TERM="dumb").out
    assert "\x1b" not in run_hv("list").out
    hv("pause", "web1")
    assert "\x1b[33mpaused\x1b[0m" in on_terminal("info", "web1").out
    assert "\x1b" not in on_terminal("list", "--json").out


def test_a_listing_imports_nothing_heavy(run_hv: Any) -> None:
    words = run_hv("list", PYTHONPROFILEIMPORTTIME="1").err.split()
    assert "hvcore.cli.table" in words
    # json is not among them: from Python 3.13 on importlib.metadata itself imports it.
    heavy = {"argcomplete", "argparse", "asyncio", "ctypes", "logging", "psutil", "subprocess", "tomllib"}
    assert not heavy & set(words)
