"""Command lines, names and signals: pure functions, which need no root."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import hvcore
from hvcore.errors import InvalidInput, InvalidParameter, OperationFailed
from hvcore_nspawn.command import GATE, enter_command, launch_command, nspawn_command
from hvcore_nspawn.params import signal_number
from hvcore_nspawn.places import Places

PLACES = Places(Path("/s/nspawn"), Path("/log/nspawn"))


@pytest.fixture
def nspawn(tmp_path: Path) -> hvcore.Hypervisor:
    return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("nspawn")


def instance(*disks: hvcore.Disk, name: str = "web1.example.org") -> hvcore.Instance:
    return hvcore.Instance(name, "nspawn", disks=disks, parameters={"init": "/sbin/init"})


def test_nothing_outside_the_instance_is_asked_or_changed() -> None:
    command = nspawn_command(instance(hvcore.Disk("/srv/web1")), PLACES)
    assert command[0] == "systemd-nspawn"
    assert {"--keep-unit", "--register=no", "--settings=no", "--resolv-conf=off", "--private-network"} < set(command)
    assert "--hostname=web1" in command
    assert "--directory=/s/nspawn/web1.example.org/disk-0" in command
    assert "--read-only" not in command
    assert command[-2:] == ("--", "/sbin/init")


def test_disks_are_bound_as_they_are_defined() -> None:
    disks = (
        hvcore.Disk("/srv/web1", read_only=True),
        hvcore.Disk("/srv/a", mount_point="/srv/a:b"),
        hvcore.Disk("/srv/b", mount_point="/srv/b", read_only=True),
    )
    command = nspawn_command(instance(*disks, name="web1"), PLACES)
    assert "--read-only" in command
    assert [word for word in command if word.startswith("--bind")] == [
        r"--bind=/s/nspawn/web1/disk-1:/srv/a\:b",
        "--bind-ro=/s/nspawn/web1/disk-2:/srv/b",
    ]


def test_a_paused_start_goes_through_the_gate() -> None:
    command = nspawn_command(instance(hvcore.Disk("/srv/web1"), name="web1"), PLACES, gated=True)
    assert f"--bind=/s/nspawn/web1/gate:{GATE}" in command
    assert command[-1] == "/sbin/init"
    assert "/bin/sh" in command


def test_names_are_unique_on_the_node_and_host_names() -> None:
    other = Places(Path("/t/nspawn"), Path("/log/nspawn"))
    names = {places.machine(name) for places in (PLACES, other) for name in ("web1", "web10", f"a.{'b' * 60}")}
    assert len(names) == 6
    assert all(len(name) <= 64 for name in names)
    assert PLACES.parent_group != other.parent_group


def test_words_are_passed_on_as_they_are() -> None:
    words = ["printf", "%s", "a b", "$(c)", ""]
    assert launch_command(words, ["/g"], Path("/log"))[-len(words) :] == tuple(words)
    entered = enter_command(words, 7, ["/g"], {"A": "b c"}, "/srv")
    assert entered[-len(words) :] == tuple(words)
    assert "A=b c" in entered
    assert entered[entered.index("--target") + 1] == "7"


@pytest.mark.parametrize(
    ("text", "number"),
    [("SIGTERM", 15), ("15", 15), ("SIGRTMIN", int(signal.SIGRTMIN)), ("SIGRTMIN+4", int(signal.SIGRTMIN) + 4)],
)
def test_signals(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize("text", ["", "TERM", "SIGNONE", "0", "65", "-9", "SIGRTMIN+99", "SIGRTMIN-1"])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there is no signal"):
        signal_number(text)


@pytest.mark.parametrize(
    ("name", "value"), [("init", "init"), ("shutdown_signal", "SIGNONE"), ("startup_timeout", 0), ("no_such", "1")]
)
def test_bad_parameters_are_refused(nspawn: hvcore.Hypervisor, name: str, value: str | int) -> None:
    with pytest.raises(InvalidParameter) as caught:
        nspawn.check_parameter_syntax({name: value})
    assert caught.value.key == name


def test_a_plan_refuses_what_cannot_be_mounted_or_connected(nspawn: hvcore.Hypervisor, tmp_path: Path) -> None:
    root = hvcore.Disk(str(tmp_path))
    plan = nspawn.plan_start(hvcore.Instance("web1", "nspawn", disks=[root]))
    assert [step.name for step in plan.steps] == ["state", "disks", "cgroup", "guest"]
    with pytest.raises(InvalidInput, match="no disk"):
        nspawn.plan_start(hvcore.Instance("web1", "nspawn"))
    with pytest.raises(OperationFailed, match="cannot be used as a disk"):
        nspawn.plan_start(hvcore.Instance("web1", "nspawn", disks=[hvcore.Disk(f"{tmp_path}/none")]))
    bridged = hvcore.Nic(mode="bridged", link="br0")
    with pytest.raises(InvalidInput, match="not supported"):
        nspawn.plan_start(hvcore.Instance("web1", "nspawn", disks=[root], nics=[bridged]))
    assert not (tmp_path / "state").exists()
