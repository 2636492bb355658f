"""The machine's state as a value, under a clock that the test sets."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from hvcore.fake.behaviour import Behaviour
from hvcore.fake.clock import Clock, read_clock
from hvcore.fake.state import RunState


def at(seconds: float, boot_id: str = "this") -> Clock:
    return Clock(seconds, boot_id)


def state(**behaviour: object) -> RunState:
    return RunState("run", "this", 128, 2, Behaviour(**behaviour), is_paused=False, elapsed_s=0.0, since_s=100.0)  # type: ignore[arg-type]


def test_guest_time_is_the_time_that_was_not_spent_paused() -> None:
    paused = state().paused(at(103))
    assert paused.guest_time_s(at(150)) == 3
    assert paused.resumed(at(150)).guest_time_s(at(151)) == 4
    assert paused.rebooted(at(200)).guest_time_s(at(201)) == 1


def test_guest_time_never_runs_backwards() -> None:
    assert state().guest_time_s(at(50)) == 0


def test_a_guest_shuts_down_by_itself_once_it_was_asked() -> None:
    asked = state(stop_delay_s=5).asked_to_halt(at(110))
    assert asked.is_alive(at(114.9))
    assert not asked.is_alive(at(115))
    assert asked.seconds_to_halt(at(112)) == 3


def test_asking_again_does_not_put_the_shutdown_off() -> None:
    asked = state(stop_delay_s=5).asked_to_halt(at(110)).asked_to_halt(at(114))
    assert not asked.is_alive(at(115))


def test_a_paused_guest_does_not_shut_down_until_it_is_resumed() -> None:
    paused = state(stop_delay_s=5).asked_to_halt(at(110)).paused(at(112))
    assert paused.is_alive(at(1000))
    assert paused.seconds_to_halt(at(1000)) is None
    assert not paused.resumed(at(1000)).is_alive(at(1003))


def test_a_request_thaws_a_paused_guest() -> None:
    asked = state(stop_delay_s=5).paused(at(101)).asked_to_halt(at(200))
    assert not asked.is_paused
    assert asked.is_alive(at(204))
    assert not asked.is_alive(at(205))


def test_a_guest_that_refuses_is_not_going_to_halt() -> None:
    asked = state(refuses_shutdown=True).asked_to_halt(at(110))
    assert asked.is_alive(at(100000))
    assert asked.seconds_to_halt(at(110)) is None


def test_a_reboot_of_the_guest_forgets_the_request() -> None:
    assert state(stop_delay_s=5).asked_to_halt(at(110)).rebooted(at(111)).is_alive(at(9999))


def test_no_machine_outlives_the_boot_of_its_node() -> None:
    assert state().is_alive(at(100))
    assert not state().is_alive(at(100, "next"))


@given(
    st.builds(
        RunState,
        run=st.text(),
        boot_id=st.text(),
        memory_mib=st.integers(1),
        vcpus=st.integers(1),
        behaviour=st.builds(Behaviour),
        is_paused=st.booleans(),
        elapsed_s=st.floats(0, 1e9),
        since_s=st.floats(0, 1e9),
        halts_at_s=st.none() | st.floats(0, 1e9),
    )
)
def test_a_state_survives_its_file(before: RunState) -> None:
    assert RunState.from_dict(json.loads(json.dumps(before.to_dict()))) == before


@pytest.mark.parametrize(
    "damage", [{}, {"behaviour": {}}, {"behaviour": {"speed": 1}}, {**state().to_dict(), "more": 1}]
)
def test_what_is_no_state_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        RunState.from_dict(damage)


def test_a_paused_state_is_described_as_paused() -> None:
    info = evolve(state(), memory_mib=300).paused(at(107)).describe("web1", "fake", at(500))
    assert (info.name, info.hypervisor, info.state, info.memory_mib, info.vcpus) == ("web1", "fake", "paused", 300, 2)
    assert (info.cpu_seconds, info.pid) == (7, None)


def test_the_clock_goes_on_and_knows_its_boot() -> None:
    first, second = read_clock(), read_clock()
    assert second.seconds >= first.seconds
    assert first.boot_id == second.boot_id != ""
