"""The journal: what a manager that was killed had begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import StateFailed
from hvcore.system.journal import Journal, JournalState, Phase

# Writes one event after the other and waits to be killed, or kills itself, after as many as it is told.
WRITER = """
import os, signal, sys
from pathlib import Path
from hvcore.system.journal import Journal, Phase
journal = Journal(Path(sys.argv[1]))
events = [
    lambda: journal.enter(Phase.STARTING),
    lambda: journal.begin("mount"),
    lambda: journal.begin("config"),
    lambda: journal.begin("container"),
    lambda: journal.enter(Phase.RUNNING),
    lambda: journal.enter(Phase.STOPPING),
    lambda: journal.undone("container"),
    lambda: journal.undone("config"),
]
for event in events[:int(sys.argv[2])]:
    event()
os.kill(os.getpid(), signal.SIGKILL)
"""

STATES: list[tuple[Phase, tuple[str, ...]] | None] = [
    None,
    (Phase.STARTING, ()),
    (Phase.STARTING, ("mount",)),
    (Phase.STARTING, ("mount", "config")),
    (Phase.STARTING, ("mount", "config", "container")),
    (Phase.RUNNING, ("mount", "config", "container")),
    (Phase.STOPPING, ("mount", "config", "container")),
    (Phase.STOPPING, ("mount", "config")),
    (Phase.STOPPING, ("mount",)),
]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def test_there_is_none_before_the_first_event(journal: Journal) -> None:
    assert journal.read() is None
    assert not journal.path.exists()


def test_tells_the_phase_the_process_and_the_steps_in_the_order_they_were_begun(journal: Journal) -> None:
    journal.enter(Phase.STARTING)
    for step in ("mount", "config", "container"):
        journal.begin(step)
    journal.undone("config")
    journal.begin("mount")
    assert journal.read() == JournalState(Phase.STARTING, ("mount", "container"), os.getpid())
    journal.enter(Phase.RUNNING)
    journal.begin("config")
    assert journal.read() == JournalState(Phase.RUNNING, ("mount", "container", "config"), os.getpid())


def test_another_reader_sees_each_event_at_once(journal: Journal, tmp_path: Path) -> None:
    journal.begin("mount")
    assert Journal(tmp_path).read() == JournalState(Phase.STARTING, ("mount",))


def test_what_was_undone_without_being_begun_changes_nothing(journal: Journal) -> None:
    journal.undone("mount")
    assert journal.read() == JournalState(Phase.STARTING)


def test_only_its_owner_may_read_it(journal: Journal) -> None:
    journal.begin("mount")
    assert journal.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("events", range(len(STATES)))
def test_survives_the_kill_of_its_writer_after_any_event(journal: Journal, tmp_path: Path, events: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(events)])
    assert process.wait(60) == -signal.SIGKILL
    state, wanted = journal.read(), STATES[events]
    if wanted is None:
        assert state is None
    else:
        assert state == JournalState(wanted[0], wanted[1], process.pid)


@given(st.lists(st.tuples(st.sampled_from(["begin", "undone"]), st.text(max_size=5)), max_size=20), st.data())
def test_a_journal_that_is_torn_anywhere_tells_the_events_before_and_the_next_one(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str]], data: st.DataObject
) -> None:
    whole = Journal(tmp_path_factory.mktemp("whole"))
    ends, states = [0], [JournalState(Phase.STARTING)]
    whole.path.touch()
    for verb, step in events:
        getattr(whole, verb)(step)
        state = whole.read()
        assert state is not None
        states.append(state)
        ends.append(whole.path.stat().st_size)
    size = data.draw(st.integers(0, ends[-1]))
    torn = Journal(tmp_path_factory.mktemp("torn"))
    torn.path.write_bytes(whole.path.read_bytes()[:size])
    # All but the line break makes an event complete.
    before = states[max(number for number, end in enumerate(ends) if max(end - 1, 0) <= size)]
    assert torn.read() == before
    torn.begin("next step")
    after = torn.read()
    assert after is not None
    assert after.steps == (*before.steps, "next step")


@pytest.mark.parametrize("line", [b"", b"{", b"12", b"[]", b'"begin"', b"null", b"\xff\x00", b"\0" * 40, b"{}"])
def test_a_line_that_is_no_event_is_passed_over(journal: Journal, line: bytes) -> None:
    journal.begin("mount")
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    journal.begin("config")
    assert journal.read() == JournalState(Phase.STARTING, ("mount", "config"))


def test_a_phase_of_a_newer_release_is_not_taken_for_another(journal: Journal) -> None:
    journal.path.write_text('{"phase": "hibernating", "pid": 1}\n')
    with pytest.raises(StateFailed, match="cannot read .*: it tells of an unknown phase: .*hibernating"):
        journal.read()


def test_a_journal_that_cannot_be_read_is_a_failure_of_the_state(journal: Journal) -> None:
    journal.path.mkdir()
    with pytest.raises(StateFailed, match="cannot read .*: Is a directory") as caught:
        journal.read()
    assert caught.value.resolution


def test_an_instance_directory_that_is_gone_is_a_failure_of_the_state(tmp_path: Path) -> None:
    with pytest.raises(StateFailed, match="cannot write .*: No such file or directory"):
        Journal(tmp_path / "gone").begin("mount")


def test_a_disk_that_is_full_in_the_middle_of_a_line_is_an_error_and_the_line_does_not_count(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.begin("mount")
    real = os.write

    def short(descriptor: int, line: Any) -> int:
        return real(descriptor, line[:9])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        with pytest.raises(StateFailed, match="No space left on device"):
            journal.begin("config")
    assert journal.read() == JournalState(Phase.STARTING, ("mount",))
    journal.undone("mount")
    journal.begin("container")
    assert journal.read() == JournalState(Phase.STARTING, ("container",))
