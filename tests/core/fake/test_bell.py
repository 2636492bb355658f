"""The bell wakes whoever listens, and costs nobody anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.fake.bell import Bell


@pytest.fixture
def bell(tmp_path: Path) -> Bell:
    bell = Bell(tmp_path / "bell")
    bell.hang_up()
    return bell


def test_a_ring_wakes_every_listener(bell: Bell) -> None:
    with bell.listening() as first, bell.listening() as second:
        bell.ring()
        assert first.wait(30)
        assert second.wait(30)


def test_a_listener_is_not_woken_by_an_earlier_ring(bell: Bell) -> None:
    bell.ring()
    with bell.listening() as listener:
        assert not listener.wait(0.01)


def test_removing_the_bell_wakes_its_listeners_and_may_be_repeated(bell: Bell) -> None:
    with bell.listening() as listener:
        bell.remove()
        assert listener.wait(30)
    bell.remove()
    assert not bell.path.exists()


def test_hanging_up_twice_is_hanging_up_once(bell: Bell) -> None:
    bell.hang_up()
    with bell.listening() as listener:
        bell.ring()
        assert listener.wait(30)


def test_nobody_listens_to_a_bell_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Bell(tmp_path / "bell").listening():
        pass
