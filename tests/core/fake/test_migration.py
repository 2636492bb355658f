"""Migration between two state directories, in Ganeti's order and in every other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hvcore.errors import AlreadyRunning, Busy, HypervisorError, InvalidInput, NotRunning, OperationFailed
from hvcore.fake import clock as fake_clock
from hvcore.fake.clock import Clock
from hvcore.fake.slot import ArrivalSlot
from hvcore.model.disk import Disk
from hvcore.model.migration import MigrationState
from hvcore.model.nic import Nic
from hvcore.model.state import InstanceState

Make = Callable[..., Any]
SLOW = {"migration_bandwidth_mib_s": 0.001}
CHANGES: dict[str, Callable[[Any], object]] = {
    "pause": lambda node: node.pause_instance("web1"),
    "resume": lambda node: node.resume_instance("web1"),
    "balloon": lambda node: node.balloon_instance_memory("web1", 64),
    "reboot": lambda node: node.reboot_instance("web1"),
    "restore": lambda node: node.restore_instance("web1"),
    "stop": lambda node: node.stop_instance("web1"),
    "cleanup": lambda node: node.cleanup_instance("web1"),
    "describe": lambda node: node.migration_info("web1"),
    "hotplug": lambda node: node.hotplug_supported("web1"),
    "resize": lambda node: node.resize_disk("web1", Disk("/srv/web1"), 1),
}


class Time:
    """The node's time, set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = fake_clock.read_clock()
        self.seconds, self._boot_id = real.seconds, real.boot_id
        for module in ("files", "lifecycle", "machine", "recovery", "source", "target", "devices", "guest", "clock"):
            monkeypatch.setattr(f"hvcore.fake.{module}.read_clock", self.read, raising=False)

    def read(self) -> Clock:
        return Clock(self.seconds, self._boot_id)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_an_instance_moves_with_all_that_it_is(nodes: Any, instance: Make) -> None:
    wanted = instance(memory_mib=200, vcpus=3, disks=[Disk("/srv/web1")], nics=[Nic("bridged", link="br0")])
    nodes.source.start_instance(wanted)
    nodes.source.balloon_instance_memory("web1", 150)
    nodes.source.resize_disk("web1", Disk("/srv/web1"), 2**30)
    definition = nodes.source.get_instance_definition("web1")
    info = nodes.begin()
    status = nodes.source.get_migration_status("web1")
    assert (status.status, status.transferred_bytes, status.total_bytes) == (
        MigrationState.COMPLETED,
        150 * 2**20,
        150 * 2**20,
    )
    assert nodes.running() == ["source"]
    nodes.source.finalize_migration_source("web1", True)
    assert nodes.running() == ["target"]
    nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["target"]
    assert nodes.here.remains() == []
    found = nodes.target.get_instance_info("web1")
    assert (found.state, found.memory_mib, found.vcpus) == (InstanceState.RUNNING, 150, 3)
    assert nodes.target.get_instance_definition("web1") == definition
    assert nodes.target.verify_instance("web1")
    with pytest.raises(OperationFailed, match="cannot shrink"):
        nodes.target.resize_disk("web1", Disk("/srv/web1"), 2**20)
    assert nodes.target.exec_in_instance("web1", ["pwd"]).stdout.decode().strip().endswith("web1/root")
    assert nodes.there.log()[-1] == "arrived"
    nodes.target.stop_instance("web1")
    assert nodes.there.remains() == []
    assert nodes.target.recover().recoveries == nodes.source.recover().recoveries == ()


def test_it_can_come_back(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    nodes.end(nodes.begin())
    back = evolve(nodes, here=nodes.there, there=nodes.here, source=nodes.target, target=nodes.source)
    back.end(back.begin())
    assert nodes.running() == ["source"]
    assert nodes.there.remains() == []
    nodes.source.stop_instance("web1")
    assert nodes.here.remains() == []


def test_the_target_may_be_told_first(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["target"]
    nodes.source.finalize_migration_source("web1", True)
    assert nodes.running() == ["target"]
    assert nodes.here.remains() == []
    nodes.target.finalize_migration_dst("web1", info, True)  # once more changes nothing
    assert nodes.target.verify_instance("web1")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_an_address_is_a_path_or_its_uri(nodes: Any, instance: Make, scheme: str, tmp_path: Path) -> None:
    (tmp_path / "li nk").symlink_to(nodes.there.state)
    link = str(tmp_path / ("li%20nk" if scheme else "li nk"))
    nodes.source.start_instance(instance())
    nodes.target.accept_instance(instance(), nodes.source.migration_info("web1"), scheme + link)
    nodes.source.migrate_instance("web1", scheme + link)
    assert nodes.source.get_migration_status("web1").status is MigrationState.COMPLETED
    assert nodes.running() == ["source"]


def test_the_guests_time_goes_on_while_it_moves_live(nodes: Any, instance: Make, time: Time) -> None:
    nodes.source.start_instance(instance())
    time.seconds += 10
    info = nodes.begin()
    time.seconds += 10
    nodes.end(info)
    time.seconds += 10
    assert nodes.target.get_instance_info("web1").cpu_seconds == pytest.approx(30)


@pytest.mark.parametrize(("live", "mode"), [(False, "live"), (True, "non-live"), (False, "non-live")])
@pytest.mark.parametrize("success", [True, False])
def test_a_guest_that_does_not_move_live_stands_still(
    nodes: Any, instance: Make, time: Time, live: bool, mode: str, success: bool
) -> None:
    nodes.source.start_instance(instance(parameters={"migration_mode": mode}))
    time.seconds += 10
    info = nodes.begin(live=live)
    assert nodes.source.get_instance_info("web1").state is InstanceState.PAUSED
    time.seconds += 10
    nodes.end(info, success)
    time.seconds += 10
    found = (nodes.target if success else nodes.source).get_instance_info("web1")
    assert (found.state, found.cpu_seconds) == (InstanceState.RUNNING, pytest.approx(20))


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("success", [True, False])
def test_a_paused_guest_stays_paused(nodes: Any, instance: Make, live: bool, success: bool) -> None:
    nodes.source.start_instance(instance(), startup_paused=True)
    nodes.end(nodes.begin(live=live), success)
    found = (nodes.target if success else nodes.source).get_instance_info("web1")
    assert (found.state, found.cpu_seconds) == (InstanceState.PAUSED, 0)


def test_the_transfer_takes_the_time_that_its_bandwidth_needs(nodes: Any, instance: Make, time: Time) -> None:
    wanted = {"migration_bandwidth_mib_s": 16, "slow_step": "transfer", "slow_step_delay_s": 2}
    nodes.source.start_instance(instance(memory_mib=128, parameters=wanted))
    info = nodes.begin()
    seen: list[tuple[str, float | None]] = []
    for _ in range(3):
        status = nodes.source.get_migration_status("web1")
        seen.append((str(status.status), status.progress))
        time.seconds += 5
    assert seen == [("active", 0), ("active", 0.5), ("completed", 1)]
    nodes.end(info)
    assert nodes.running() == ["target"]


@pytest.mark.parametrize("first", ["source", "target"])
def test_what_is_not_moved_yet_cannot_be_finalized_with_success(nodes: Any, instance: Make, first: str) -> None:
    nodes.source.start_instance(instance(parameters=SLOW))
    info = nodes.begin()
    calls = {
        "source": lambda: nodes.source.finalize_migration_source("web1", True),
        "target": lambda: nodes.target.finalize_migration_dst("web1", info, True),
    }
    with pytest.raises(OperationFailed, match="transfer is active"):
        calls[first]()
    assert nodes.running() == ["source"]
    assert nodes.source.get_migration_status("web1").is_active
    nodes.end(info, success=False)
    assert nodes.running() == ["source"]
    assert nodes.there.remains() == []


@pytest.mark.parametrize("first", ["source", "target"])
@pytest.mark.parametrize("parameters", [{}, SLOW], ids=["moved", "moving"])
def test_a_migration_can_be_called_off_in_any_order(
    nodes: Any, instance: Make, first: str, parameters: dict[str, Any]
) -> None:
    nodes.source.start_instance(instance(parameters=parameters))
    before = (nodes.here.directory() / "state.json").read_text()
    info = nodes.begin()
    calls = [
        lambda: nodes.source.finalize_migration_source(instance(), False),
        lambda: nodes.target.finalize_migration_dst(instance(), info, False),
    ]
    for call in calls if first == "source" else reversed(calls):
        call()
        call()  # twice is no error
        assert nodes.running() == ["source"]
    assert (nodes.here.directory() / "state.json").read_text() == before
    assert nodes.there.remains() == []
    nodes.end(nodes.begin(), success=False)  # and it can be tried again
    nodes.source.pause_instance("web1")


def test_without_what_the_source_said_any_reception_is_called_off(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    nodes.begin()
    nodes.target.finalize_migration_dst(instance(), "", False)
    assert nodes.there.remains() == []


def test_a_target_that_gave_up_makes_the_transfer_fail(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.target.finalize_migration_dst(instance(), info, False)
    assert nodes.source.get_migration_status("web1").status is MigrationState.FAILED
    with pytest.raises(OperationFailed, match="no longer waits") as caught:
        nodes.source.finalize_migration_source("web1", True)
    assert caught.value.left_behind == ()
    assert nodes.running() == ["source"]
    nodes.source.finalize_migration_source("web1", False)
    nodes.source.pause_instance("web1")


@pytest.mark.parametrize("verb", ["finalize", "recover"])
def test_what_arrives_at_the_last_moment_is_kept(
    nodes: Any, instance: Make, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    close = ArrivalSlot.close

    def close_too_late(slot: ArrivalSlot) -> bool:
        nodes.source.finalize_migration_source("web1", True)
        return close(slot)

    monkeypatch.setattr(ArrivalSlot, "close", close_too_late)
    if verb == "recover":
        assert nodes.target.recover().is_clean
    else:
        with pytest.raises(OperationFailed, match="has arrived"):
            nodes.target.finalize_migration_dst("web1", info, False)
    assert nodes.running() == ["target"]
    assert nodes.here.remains() == []
    nodes.target.pause_instance("web1")
    assert nodes.target.verify_instance("web1")


def test_a_target_that_waits_anew_does_not_wait_for_the_old_migration(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    other = nodes.source.migration_info("web1")
    info = nodes.begin()
    nodes.target.finalize_migration_dst("web1", info, False)
    nodes.target.accept_instance(instance(), other, nodes.address)
    assert nodes.source.get_migration_status("web1").status is MigrationState.FAILED
    with pytest.raises(OperationFailed, match="no longer waits"):
        nodes.source.finalize_migration_source("web1", True)
    assert nodes.running() == ["source"]


def test_a_source_that_gave_up_is_not_robbed(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.source.finalize_migration_source("web1", False)
    with pytest.raises(OperationFailed, match="no transfer has begun"):
        nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["source"]
    with pytest.raises(OperationFailed, match="not being migrated"):
        nodes.source.finalize_migration_source("web1", True)
    with pytest.raises(OperationFailed, match="not being migrated"):
        nodes.source.get_migration_status("web1")
    nodes.target.finalize_migration_dst("web1", info, False)
    assert nodes.there.remains() == []


def test_what_has_arrived_is_not_thrown_away(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.source.finalize_migration_source("web1", True)
    with pytest.raises(OperationFailed, match="has arrived"):
        nodes.target.finalize_migration_dst("web1", info, False)
    assert nodes.running() == ["target"]
    nodes.target.pause_instance("web1")  # the next command finishes it
    assert nodes.target.get_instance_info("web1").state is InstanceState.PAUSED
    assert nodes.target.verify_instance("web1")
    nodes.target.finalize_migration_dst("web1", info, False)  # of a migration that is over: nothing to remove
    with pytest.raises(NotRunning):
        nodes.source.finalize_migration_source(instance(), False)
    assert nodes.running() == ["target"]


def test_a_source_whose_guest_was_ended_by_force_gives_nothing(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.begin()
    nodes.source.stop_instance("web1", force=True)
    assert nodes.running() == []
    with pytest.raises(OperationFailed, match="no longer runs on its source"):
        nodes.target.finalize_migration_dst("web1", info, True)
    nodes.target.finalize_migration_dst("web1", info, False)
    assert nodes.here.remains() == nodes.there.remains() == []


@pytest.mark.parametrize("name", CHANGES)
def test_an_instance_that_leaves_is_not_changed(nodes: Any, instance: Make, name: str) -> None:
    nodes.source.start_instance(instance(parameters=SLOW, disks=[Disk("/srv/web1")]))
    nodes.begin()
    before = (nodes.here.directory() / "state.json").read_text()
    with pytest.raises(OperationFailed):
        CHANGES[name](nodes.source)
    assert (nodes.here.directory() / "state.json").read_text() == before
    assert nodes.source.exec_in_instance("web1", ["true"]).exit_status == 0
    with pytest.raises(AlreadyRunning):
        nodes.source.start_instance(instance())


@pytest.mark.parametrize("name", [*CHANGES, "start", "accept"])
def test_an_instance_that_is_awaited_is_not_touched(nodes: Any, instance: Make, name: str) -> None:
    nodes.source.start_instance(instance(parameters=SLOW))
    info = nodes.begin()
    more = {
        "start": lambda node: node.start_instance(instance()),
        "accept": lambda node: node.accept_instance(instance(), info, nodes.address),
    }
    with pytest.raises(OperationFailed):
        {**CHANGES, **more}[name](nodes.target)
    assert nodes.target.list_instances() == ()
    assert nodes.target.get_instance_info("web1") is None
    assert nodes.source.get_migration_status("web1").is_active


def test_a_name_that_runs_is_not_accepted_and_survives_the_abort(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    nodes.target.start_instance(instance(memory_mib=99))
    info = nodes.source.migration_info("web1")
    with pytest.raises(AlreadyRunning):
        nodes.target.accept_instance(instance(), info, nodes.address)
    with pytest.raises(OperationFailed, match="does not wait"):
        nodes.source.migrate_instance("web1", nodes.address)
    nodes.source.finalize_migration_source("web1", False)
    nodes.target.finalize_migration_dst("web1", info, False)
    assert nodes.target.get_instance_info("web1").memory_mib == 99
    with pytest.raises(OperationFailed, match="not being received"):
        nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["source", "target"]  # two instances that share a name


def test_another_migrations_end_does_not_call_this_one_off(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    other = nodes.source.migration_info("web1")
    info = nodes.begin()
    nodes.target.finalize_migration_dst("web1", other, False)
    with pytest.raises(OperationFailed, match="is being received"):
        nodes.target.finalize_migration_dst("web1", other, True)
    assert nodes.source.get_migration_status("web1").status is MigrationState.COMPLETED
    nodes.end(info)
    assert nodes.running() == ["target"]


def test_a_node_without_memory_does_not_accept(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance(memory_mib=2**31))
    with pytest.raises(OperationFailed, match="MiB free"):
        nodes.describe_and_accept()
    assert nodes.there.remains() == []


def broken(info: str, **changes: object) -> str:
    return json.dumps({**json.loads(info), **changes})


@pytest.mark.parametrize(
    "change",
    [
        lambda info: "",
        lambda info: "[]",
        lambda info: "no json",
        lambda info: "{}",
        lambda info: broken(info, format=2),
        lambda info: broken(info, definition={}),
        lambda info: broken(info, definition=1),
        lambda info: broken(info, memory_mib="much"),
        lambda info: broken(info, definition={"name": "web2", "hypervisor": "fake"}),
    ],
)
def test_what_is_no_description_is_not_accepted(nodes: Any, instance: Make, change: Callable[[str], str]) -> None:
    nodes.source.start_instance(instance())
    info = change(nodes.source.migration_info("web1"))
    with pytest.raises(OperationFailed, match="descri") as caught:
        nodes.target.accept_instance(instance(), info, nodes.address)
    assert caught.value.resolution
    assert nodes.there.remains() == []


@pytest.mark.parametrize("target", ["node2", "relative/path", "", "file://node2", "http:///x", "/a\0b"])
def test_what_is_no_address_is_refused(nodes: Any, instance: Make, target: str) -> None:
    nodes.source.start_instance(instance())
    info = nodes.describe_and_accept()
    for call in (
        lambda: nodes.source.migrate_instance("web1", target),
        lambda: nodes.target.accept_instance(instance(name="web2"), info, target),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert caught.value.key == "target"


def test_a_node_is_not_its_own_target(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.source.migration_info("web1")
    with pytest.raises(InvalidInput, match="on that node already"):
        nodes.source.migrate_instance("web1", str(nodes.here.state))
    with pytest.raises(InvalidInput, match="this node is"):
        nodes.target.accept_instance(instance(), info, str(nodes.here.state))
    with pytest.raises(OperationFailed, match="this very node"):
        nodes.source.accept_instance(instance(), info, str(nodes.here.state))


def test_a_change_after_the_description_is_noticed(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    info = nodes.describe_and_accept()
    nodes.source.hot_add_device("web1", "disk", Disk("/srv/web1"), 0)
    with pytest.raises(OperationFailed, match="has changed since"):
        nodes.source.migrate_instance("web1", nodes.address)
    nodes.target.finalize_migration_dst("web1", info, False)
    nodes.end(nodes.begin())
    assert [disk.path for disk in nodes.target.get_instance_definition("web1").disks] == ["/srv/web1"]


def test_a_guest_that_shuts_down_does_not_leave(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance(parameters={"stop_delay_s": 3600}))
    with pytest.raises(OperationFailed, match="still runs"):
        nodes.source.stop_instance("web1", timeout_s=0)
    nodes.describe_and_accept()
    with pytest.raises(OperationFailed, match="shuts down"):
        nodes.source.migrate_instance("web1", nodes.address)


def test_what_does_not_run_is_neither_described_nor_moved(nodes: Any, instance: Make) -> None:
    for verb in (
        lambda: nodes.source.migration_info(instance()),
        lambda: nodes.source.migrate_instance(instance(), nodes.address),
        lambda: nodes.source.get_migration_status(instance()),
        lambda: nodes.source.finalize_migration_source(instance(), False),
    ):
        with pytest.raises(NotRunning):
            verb()
    nodes.source.finalize_migration_source(instance(), True)
    assert nodes.here.remains() == nodes.there.remains() == []


def test_other_file_systems_are_out_of_reach(nodes: Any, instance: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    nodes.source.start_instance(instance())
    info = nodes.begin()
    with monkeypatch.context() as patch:
        patch.setattr("hvcore.fake.slot.os.rename", refuse)
        for call in (
            lambda: nodes.source.finalize_migration_source("web1", True),
            lambda: nodes.target.finalize_migration_dst("web1", info, True),
        ):
            with pytest.raises(OperationFailed, match="another file system"):
                call()
    assert nodes.running() == ["source"]
    nodes.end(info, success=False)
    assert nodes.there.remains() == []


def test_the_target_waits_for_its_source_in_vain(nodes: Any, instance: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hvcore.fake.target._SOURCE_WAIT_S", 0)
    nodes.source.start_instance(instance())
    info = nodes.begin()
    with nodes.here.hypervisor().context.locks.hold("web1", "test"), pytest.raises(Busy):
        nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["source"]
    nodes.target.finalize_migration_dst("web1", info, True)
    assert nodes.running() == ["target"]


FAULTS = ["describe", "accept", "migrate", "transfer", "status", "finalize-source", "finalize-target"]


def moved(nodes: Any, wanted: Any) -> None:
    """Migrate as a management tool does, but for the abort."""
    info = nodes.source.migration_info("web1")
    nodes.target.accept_instance(wanted, info, nodes.address)
    nodes.source.migrate_instance("web1", nodes.address)
    if nodes.source.get_migration_status("web1").has_failed:
        raise OperationFailed("injected failure", step="transfer")
    nodes.source.finalize_migration_source("web1", True)
    nodes.target.finalize_migration_dst("web1", info, True)


@pytest.mark.parametrize("step", FAULTS)
def test_a_migration_can_fail_at_every_step_and_be_recovered(nodes: Any, instance: Make, step: str) -> None:
    wanted = instance(parameters={"fail_step": step})
    nodes.source.start_instance(wanted)
    with pytest.raises(HypervisorError) as caught:
        moved(nodes, wanted)
    assert (caught.value.message, caught.value.step) == ("injected failure", step)
    assert nodes.running() == (["target"] if step == "finalize-target" else ["source"])
    for node in (nodes.target, nodes.source):
        assert node.recover().is_clean
    assert len(nodes.running()) == 1
    assert (nodes.there if nodes.running() == ["source"] else nodes.here).remains() == []


def test_processes_see_the_state_of_each_moment(nodes: Any, instance: Make) -> None:
    def seen(place: Any) -> Any:
        status, told = place.elsewhere("info = fake.get_instance_info('web1'); tell(info and str(info.state))")
        assert status == 0
        return told

    nodes.source.start_instance(instance())
    info = nodes.begin(live=False)
    assert (seen(nodes.here), seen(nodes.there)) == ("paused", None)
    status, told = nodes.here.elsewhere("tell(fake.get_migration_status('web1').to_dict())")
    assert (status, told["status"]) == (0, "completed")
    assert nodes.here.elsewhere("fake.finalize_migration_source('web1', True)")[0] == 0
    assert (seen(nodes.here), seen(nodes.there)) == (None, "paused")
    assert nodes.there.elsewhere(f"fake.finalize_migration_dst('web1', {info!r}, True)")[0] == 0
    assert (seen(nodes.here), seen(nodes.there)) == (None, "running")


def test_commands_and_files_of_the_instance_stay_behind(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance())
    nodes.source.exec_in_instance("web1", ["touch", "mine"])
    child = nodes.here.spawn(
        "fake.exec_in_instance('web1', ['sh', '-c', 'echo up >&2; exec sleep 600'], attached=True)"
    )
    assert child.stderr is not None
    assert child.stderr.readline() == "up\n"
    info = nodes.begin()
    assert child.poll() is None
    nodes.end(info)
    assert child.wait(timeout=30) == 0
    assert nodes.target.exec_in_instance("web1", ["ls"]).stdout == b""
    assert nodes.here.log()[-1] == f"has left for {nodes.address}"
