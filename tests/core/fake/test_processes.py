"""Separate processes see the same instances, and get in each other's way only as the contract says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import Busy, StopTimeout
from hvcore.model.state import InstanceState

Make = Callable[..., Any]


def test_every_verb_from_another_process(place: Any, fake: Any) -> None:
    def other(code: str) -> Any:
        status, told = place.elsewhere(code)
        assert status == 0
        return told

    assert other("fake.start_instance(instance(refuses_shutdown=True), startup_paused=True); tell(os.getpid())") > 0
    assert fake.list_instances() == ("web1",)
    assert fake.get_instance_info("web1").state is InstanceState.PAUSED
    assert other("tell([info.to_dict() for info in fake.get_all_instances_info()])")[0]["state"] == "paused"
    other("fake.resume_instance('web1')")
    assert fake.get_instance_info("web1").state is InstanceState.RUNNING
    fake.balloon_instance_memory("web1", 99)
    assert other("tell(fake.get_instance_info('web1').memory_mib)") == 99
    assert (
        other("tell(fake.get_instance_definition('web1').to_dict())") == fake.get_instance_definition("web1").to_dict()
    )
    fake.exec_in_instance("web1", ["sh", "-c", "echo hello > file"])
    assert other("tell(fake.exec_in_instance('web1', ['cat', 'file']).stdout.decode())") == "hello\n"
    other("fake.reboot_instance('web1')")
    (place.directory() / "root" / "file").unlink()
    (place.directory() / "root").rmdir()
    assert other("tell(fake.verify_instance('web1'))") is False
    other("fake.restore_instance('web1')")
    assert fake.verify_instance("web1")
    other("fake.pause_instance('web1')")
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0)
    assert other("tell(fake.get_node_info().memory_free_mib)") > 0
    other("fake.stop_instance('web1', force=True)")
    assert fake.list_instances() == ()
    other("fake.cleanup_instance('web1')")
    assert place.remains() == []


def test_cpu_time_is_one_time_for_all(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    before = fake.get_instance_info("web1").cpu_seconds
    _, elsewhere = place.elsewhere("tell(fake.get_instance_info('web1').cpu_seconds)")
    assert before < elsewhere < fake.get_instance_info("web1").cpu_seconds


def test_of_many_starts_at_once_exactly_one_wins(place: Any, fake: Any) -> None:
    code = """
print("ready", flush=True)
sys.stdin.readline()
try:
    fake.start_instance(instance(start_delay_s=0.05))
    tell("won")
except (hvcore.errors.AlreadyRunning, hvcore.errors.Busy) as error:
    tell(error.code)
"""
    children = [place.spawn(code) for _ in range(6)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate(timeout=60)[0].strip().strip('"') for child in children]
    assert told.count("won") == 1
    assert set(told) <= {"won", "instance.busy", "instance.running"}
    assert fake.verify_instance("web1")


def test_an_instance_that_boots_is_busy_and_not_yet_there(place: Any, fake: Any, instance: Make) -> None:
    code = """
def observe(step, moment):
    if (step, moment) == ("boot", "begin"):
        print("booting", flush=True)
        sys.stdin.readline()
fake = place_again(observe)
fake.start_instance(instance())
"""
    again = """
def place_again(observe):
    return hvcore.load(state_dir=state_dir, log_dir=log_dir, plugins=[plugin], discover=False,
                       prepare=lambda context: attrs.evolve(context, observer=observe)).hypervisor("fake")
"""
    child = place.spawn(again + code)
    assert child.stdout.readline() == "booting\n"
    assert fake.list_instances() == ()
    with pytest.raises(Busy) as caught:
        fake.start_instance(instance())
    assert str(child.pid) in caught.value.message
    assert fake.recover().recoveries == ()
    child.communicate("go\n", timeout=60)
    assert child.returncode == 0
    assert fake.list_instances() == ("web1",)


def test_no_process_stays(place: Any, fake: Any, instance: Make) -> None:
    status, pid = place.elsewhere("fake.start_instance(instance()); tell(os.getpid())")
    assert status == 0
    assert fake.list_instances() == ("web1",)
    using = [
        process
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(place.state).encode() in _environment(process)
    ]
    assert using == []
    assert not Path(f"/proc/{pid}").exists()


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
