"""The tour on the embedded hypervisor: every scene is played, and nothing is left however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.cli.demo import scenes
from hvcore.cli.demo.choice import Choice, choose
from hvcore.cli.demo.stage import Stage
from hvcore.cli.demo.witness import Witness
from hvcore.errors import MissingRequirement, OperationFailed, UnknownHypervisor
from hvcore.hypervisor import Hypervisor
from hvcore.model.verify import Finding, VerifyReport

SCENES = [
    "An instance is a file",
    "The plan: what a start would do; nothing is touched",
    "Start both",
    "What runs",
    "One of them",
    "Commands inside",
    "Pause and resume",
    "Ballooning from 64 MiB, up and down",
    "The console: how to attach, and what it has said",
    "Soft stop: the guest is asked, and shuts down",
    "Hard stop: the guest is not asked",
    "Nothing is left behind",
]


@pytest.fixture
def scratch(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tour makes its directory."""
    place = environment / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    return place


def test_every_scene_is_played(hv: Any, scratch: Path, environment: Path) -> None:
    outcome = hv("demo", "-H", "fake")
    assert outcome.status == 0, outcome.err
    assert re.findall(r"^\d+\. (.*)$", outcome.out, re.MULTILINE) == SCENES
    lines = outcome.out.splitlines()
    assert lines[0].startswith("Two instances on fake (")
    for fact in ("state: paused", "state: running", "memory read back: 128 MiB", "memory read back: 48 MiB"):
        assert f"   {fact}" in lines
    assert "exit status: 0" in outcome.out
    assert "instances that run: none" in outcome.out
    assert re.fullmatch(
        r"   nothing was left behind: mounts 0 -> 0, .*, files [1-9]\d* -> 0, directory gone", lines[-1]
    )
    assert list(scratch.iterdir()) == []
    assert not (environment / "state").exists()


def test_the_tour_on_a_terminal_is_coloured_and_shows_what_is_being_done(on_terminal: Any, scratch: Path) -> None:
    seen = on_terminal("demo", "-H", "fake").out
    assert "\x1b[1m3. Start both\x1b[0m" in seen
    assert "\x1b[36m$ hv list\x1b[0m" in seen
    assert "\r\x1b[K| starting web-" in seen
    assert "\x1b[32mnothing was left behind\x1b[0m" in seen


@pytest.mark.parametrize("failure", [OperationFailed("it broke"), ZeroDivisionError(), KeyboardInterrupt()])
def test_a_tour_that_ends_early_leaves_nothing(
    hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(self: object) -> None:
        raise failure

    monkeypatch.setattr(scenes.Scenes, "_pause", fail)
    outcome = hv("demo", "-H", "fake")
    assert outcome.status == (130 if isinstance(failure, KeyboardInterrupt) else 1)
    assert "\n7. Taking down\n" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("   nothing was left behind: ")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_request_to_end_leaves_nothing(
    hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    def ask_to_end(self: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(scenes.Scenes, "_balloon", ask_to_end)
    assert hv("demo", "-H", "fake").status == 130
    assert list(scratch.iterdir()) == []
    assert signal.getsignal(number) is before


def test_an_impatient_user_cannot_disturb_the_taking_down(
    hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strike = Stage.strike

    def interrupted(self: Stage) -> list[str]:
        os.kill(os.getpid(), signal.SIGINT)
        return strike(self)

    monkeypatch.setattr(Stage, "strike", interrupted)
    assert hv("demo", "-H", "fake").status == 0
    assert list(scratch.iterdir()) == []


def test_nobody_listening_leaves_nothing(scratch: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-W", "error", "-m", "hvcore.cli.main", "demo", "-H", "fake"]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
    assert list(scratch.iterdir()) == []


def test_what_is_left_behind_is_named(hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witness, "look", lambda self: {"mounts": ["/somewhere"], "files": []})
    outcome = hv("demo", "-H", "fake")
    assert outcome.status == 1
    assert "left behind: mounts: /somewhere" in outcome.out
    assert "something was left behind: mounts 1 -> 1, files 0 -> 0, directory gone" in outcome.out


def test_a_directory_that_may_hold_mounts_is_kept(hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cleanup = Hypervisor.cleanup_instance

    def refuse(self: Hypervisor, instance_name: str) -> None:
        cleanup(self, instance_name)
        raise OperationFailed("it cannot be unmounted")

    monkeypatch.setattr(Hypervisor, "cleanup_instance", refuse)
    outcome = hv("demo", "-H", "fake")
    [kept] = scratch.iterdir()
    assert outcome.status == 1
    assert "it cannot be unmounted" in outcome.out
    assert f"{kept} is kept, for something may still be mounted in it" in outcome.out
    assert outcome.out.splitlines()[-1].endswith("directory kept")


def test_a_figure_that_is_not_what_was_asked_for_stops_the_tour(
    hv: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hypervisor, "pause_instance", lambda self, instance: None)
    outcome = hv("demo", "-H", "fake")
    assert outcome.status == 1
    assert "state should be paused and is running" in outcome.err


class TestChoice:
    """The real hypervisor where it can run, and otherwise one line that says why not."""

    @pytest.fixture(autouse=True)
    def able(self, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A machine that has everything."""
        monkeypatch.delenv("HVCORE_DISABLE")
        monkeypatch.setattr("os.geteuid", lambda: 0)
        monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/bin/{name}")
        monkeypatch.setattr("hvcore.testing.busybox.find_busybox", lambda: Path("/bin/busybox"))
        self.find(monkeypatch, Finding("lxc", True, "5.0"))

    def find(self, monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
        def verify(self: Hypervisor) -> VerifyReport:
            return VerifyReport("lxc", findings)

        monkeypatch.setattr(Hypervisor, "verify", verify)

    def test_the_real_one_where_all_is_there(self) -> None:
        assert choose(hvcore.load(), None) == Choice("lxc")
        assert choose(hvcore.load(), "lxc") == Choice("lxc")

    def test_an_unhealthy_one_still_plays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.find(monkeypatch, Finding("cgroup", False, "one is missing"))
        assert choose(hvcore.load(), None) == Choice("lxc")

    def test_the_embedded_one_on_demand(self) -> None:
        assert choose(hvcore.load(), "fake") == Choice("fake")

    def test_one_that_is_not_installed(self) -> None:
        with pytest.raises(UnknownHypervisor):
            choose(hvcore.load(), "nosuch")

    @pytest.mark.parametrize("obstacle", ["plugin", "root", "lxc", "busybox", "undetected"])
    def test_what_is_missing_is_said_in_one_line(self, monkeypatch: pytest.MonkeyPatch, obstacle: str) -> None:
        def no_busybox() -> Path:
            raise MissingRequirement("busybox is not installed", resolution="install it")

        expected = {
            "plugin": "the plugin for LXC is not installed",
            "root": "real containers need root (to see real containers: run this as root)",
            "lxc": "LXC is not installed (to see real containers: apt-get install lxc)",
            "busybox": "busybox is not installed (to see real containers: install it)",
            "undetected": "lxc-start is too old (to see real containers: 'hv verify -H lxc' says what to mend)",
        }[obstacle]
        if obstacle == "plugin":
            monkeypatch.setenv("HVCORE_DISABLE", "lxc")
        elif obstacle == "root":
            monkeypatch.setattr("os.geteuid", lambda: 1000)
        elif obstacle == "lxc":
            monkeypatch.setattr("shutil.which", lambda name, **_: None)
        elif obstacle == "busybox":
            monkeypatch.setattr("hvcore.testing.busybox.find_busybox", no_busybox)
        else:
            self.find(monkeypatch, Finding("lxc-start", False, "lxc-start is too old", essential=True))
        chosen = choose(hvcore.load(), None)
        assert chosen.name == "fake"
        assert expected in chosen.reason
        assert "\n" not in chosen.reason
        with pytest.raises(MissingRequirement, match="real containers cannot run here"):
            choose(hvcore.load(), "lxc")


def test_the_reason_is_the_first_line(hv: Any, scratch: Path) -> None:
    first = hv("demo").out.splitlines()[0]
    assert first.startswith("Playing on the embedded hypervisor 'fake': the plugin for LXC is not installed")
    outcome = hv("demo", "-H", "lxc")
    assert outcome.status == 1
    assert "real containers cannot run here" in outcome.err
    assert list(scratch.iterdir()) == []


def test_the_witness_sees_what_the_tour_made(tmp_path: Path) -> None:
    directory = tmp_path / "hv-demo-abc123"
    (directory / "state" / "fake").mkdir(parents=True)
    witness = Witness(directory, "abc123")
    assert not any(witness.look().values())
    (directory / "state" / "fake" / "web-abc123").mkdir()
    (directory / "state" / "shared").mkdir()
    with subprocess.Popen(["sleep", "3600"], executable=shutil.which("sleep"), cwd=directory) as other:
        assert witness.look()["processes"] == []
        other.kill()
    with subprocess.Popen(["abc123", "3600"], executable=shutil.which("sleep")) as own:
        found = witness.look()
        own.kill()
    assert len(found["processes"]) == 1
    assert found["files"] == [str(directory / "state" / "fake" / "web-abc123")]
