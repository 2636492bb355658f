"""What the conformance suite cannot know: disks of every kind, the console, and what a killed manager leaves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import hvcore
from hvcore.errors import OperationFailed
from hvcore.plugin import DriverContext
from hvcore.system import run
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

BEHAVED: dict[str, Any] = {"init": "/sbin/quick", "shutdown_signal": "SIGTERM"}


@pytest.fixture
def start(nspawn_host: LiveHost) -> Callable[..., hvcore.Instance]:
    def start(*disks: hvcore.Disk, **parameters: str | int) -> hvcore.Instance:
        instance = nspawn_host.instance(disks=disks or None, **{**BEHAVED, **parameters})
        nspawn_host.hypervisor.start_instance(instance)
        return instance

    return start


@pytest.fixture
def image(own_directory: Path, shared_root: Path) -> Path:
    path = own_directory / "root.img"
    run(["truncate", "-s", "16M", str(path)], timeout_s=30)
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(shared_root), str(path)], timeout_s=60)
    return path


def say(host: LiveHost, name: str, *command: str) -> str:
    return host.hypervisor.exec_in_instance(name, command).stdout.decode().strip()


def test_the_root_may_be_an_image_and_keeps_what_is_written(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance], image: Path
) -> None:
    name = start(hvcore.Disk(str(image))).name
    assert nspawn_host.hypervisor.exec_in_instance(name, ["touch", "/kept"]).exit_status == 0
    nspawn_host.hypervisor.stop_instance(name, timeout_s=20)
    start(hvcore.Disk(str(image)))
    assert nspawn_host.hypervisor.exec_in_instance(name, ["test", "-e", "/kept"]).exit_status == 0


def test_other_disks_are_seen_in_the_guest(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance], image: Path, own_directory: Path
) -> None:
    data = own_directory / "data: 1"
    data.mkdir()
    name = start(hvcore.Disk(str(image)), hvcore.Disk(str(data), mount_point="/srv/data")).name
    nspawn_host.hypervisor.exec_in_instance(name, ["touch", "/srv/data/kept"])
    nspawn_host.hypervisor.stop_instance(name, force=True)
    assert [path.name for path in data.iterdir()] == ["kept"]


def test_the_guest_has_a_network_a_name_and_processes_of_its_own(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]
) -> None:
    name = start().name
    assert say(nspawn_host, name, "hostname") == name
    assert say(nspawn_host, name, "ls", "/sys/class/net") == "lo"
    assert say(nspawn_host, name, "readlink", "/proc/1/exe") == "/bin/busybox"


def test_the_guest_and_commands_in_it_cannot_make_devices(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]
) -> None:
    name = start().name
    bounding = [say(nspawn_host, name, "grep", "CapBnd", f"/proc/{process}/status") for process in ("1", "self")]
    assert bounding[0] == bounding[1]
    done = nspawn_host.hypervisor.exec_in_instance(name, ["mknod", "/tmp/disk", "b", "7", "0"])
    assert b"not permitted" in done.stderr


def test_a_command_in_the_guest_counts_towards_its_limits(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]
) -> None:
    name = start().name
    own = {line.split(":", 2)[2] for line in say(nspawn_host, name, "cat", "/proc/self/cgroup").splitlines()}
    assert any(path.endswith(f"/ct-{name}") for path in own)


def test_the_console_opens_a_shell(nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]) -> None:
    name = start().name
    console = nspawn_host.hypervisor.get_instance_console(name)
    done = run(console.command, timeout_s=20, stdin=b"hostname\n")
    assert done.stdout.strip() == name
    nspawn_host.hypervisor.stop_instance(name, force=True)
    late = run(console.command, timeout_s=20, check=False)
    assert late.status == 1
    assert f"{name} does not run" in late.stderr


def test_what_the_guest_says_is_in_its_log(nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]) -> None:
    with pytest.raises(OperationFailed) as caught:
        start(init="/sbin/dies-soon")
    assert any("I cannot go on" in line for line in caught.value.details)
    assert caught.value.left_behind == ()


def test_a_guest_that_ends_by_itself_is_forgotten(nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]) -> None:
    instance = start()
    nspawn_host.hypervisor.exec_in_instance(instance.name, ["kill", "-TERM", "1"])
    (recovery,) = wait_for(lambda: nspawn_host.hypervisor.recover(instance.name).recoveries)
    assert "ended" in recovery.found
    assert recovery.left_behind == ()
    assert nspawn_host.hypervisor.get_instance_definition(instance.name) is None


def test_a_forced_stop_overtakes_a_soft_one_that_waits(nspawn_host: LiveHost) -> None:
    deaf = nspawn_host.instance(**{**BEHAVED, "init": "/sbin/deaf"})
    nspawn_host.hypervisor.start_instance(deaf)
    patient = threading.Thread(target=nspawn_host.load().stop_instance, args=(deaf.name,), kwargs={"timeout_s": 60})
    patient.start()
    other = nspawn_host.load()
    wait_for(lambda: _is_asked(nspawn_host, deaf.name))
    other.stop_instance(deaf.name, force=True)
    patient.join()
    assert other.list_instances() == ()


@pytest.mark.parametrize("step", ["state", "disks", "cgroup", "guest"])
def test_what_a_killed_manager_leaves_is_taken_back(nspawn_host: LiveHost, step: str) -> None:
    """The manager vanishes right after a step, as by ``kill -9``; another one puts the instance in order."""

    def vanish(name: str, moment: str) -> None:
        if (name, moment) == (step, "done"):
            os._exit(0)

    def prepare(context: DriverContext) -> DriverContext:
        return evolve(context, observer=vanish)

    instance = nspawn_host.instance(**BEHAVED)
    child = os.fork()
    if child == 0:
        nspawn_host.load(prepare=prepare).start_instance(instance)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    (recovery,) = nspawn_host.hypervisor.recover().recoveries
    assert recovery.instance == instance.name
    assert "did not finish" in recovery.found
    assert recovery.left_behind == ()
    assert _locks_of(nspawn_host.root) == []
    nspawn_host.hypervisor.start_instance(instance)


def test_systemd_nspawn_that_is_killed_leaves_nothing(
    nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]
) -> None:
    instance = start()
    info = nspawn_host.hypervisor.get_instance_info(instance.name)
    assert info is not None
    assert info.pid is not None
    parent = Path(f"/proc/{info.pid}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)
    nspawn_host.hypervisor.stop_instance(instance.name, force=True)
    assert nspawn_host.hypervisor.list_instances() == ()
    assert _locks_of(nspawn_host.root) == []


def _locks_of(root: Path) -> list[Path]:
    """Return systemd-nspawn's locks of a root."""
    return list(Path("/run/systemd/nspawn/locks").glob(f"inode-*:{root.stat().st_ino}"))


def test_the_kernel_holds_to_the_memory(nspawn_host: LiveHost, start: Callable[..., hvcore.Instance]) -> None:
    name = start().name
    fill = ["dd", "if=/dev/zero", "of=/dev/shm/big", "bs=1M", "count=128"]
    assert nspawn_host.hypervisor.exec_in_instance(name, fill).exit_status != 0


def _is_asked(host: LiveHost, name: str) -> bool:
    """Tell whether a soft stop has written so to the journal."""
    return "stopping" in (host.state_dir / "nspawn" / name / "journal").read_text()


def wait_for(look: Callable[[], Any]) -> Any:
    """Return what a look finds, as soon as it finds anything."""
    for _ in range(2000):
        found = look()
        if found:
            return found
        run(["sleep", "0.01"], timeout_s=10)
    raise AssertionError("it did not happen")
