"""The embedded hypervisor through the door that a management tool uses."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import InvalidInput
from hvcore.fake.plugin import plugin
from hvcore.plugin import hookimpl


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The host with what is installed; without an installed entry point, with the plugin itself."""
    monkeypatch.setenv("HVCORE_PLUGINS", "")
    installed = any(point.name == "fake" for point in entry_points(group="hvcore.hypervisors"))
    given = () if installed else (plugin,)
    with hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "logs", plugins=given) as host:
        yield host


def test_it_is_found_like_any_other(host: Any) -> None:
    assert "fake" in host.hypervisor_names
    fake = host.hypervisor("fake")
    assert (fake.name, fake.summary) == ("fake", plugin.summary)


def test_an_instance_file_lives_and_dies(host: Any, tmp_path: Path) -> None:
    file = tmp_path / "web1.toml"
    file.write_text(
        'name = "web1"\nhypervisor = "fake"\n[backend]\nmemory_mib = 96\nvcpus = 2\n[parameters]\nstart_delay_s = 0.01\n'
    )
    fake = host.hypervisor("fake")
    fake.start_instance(hvcore.Instance.from_file(file))
    assert host.find_instance("web1") is fake
    info = fake.get_instance_info("web1")
    assert (info.name, info.hypervisor, info.memory_mib, info.vcpus) == ("web1", "fake", 96, 2)
    assert host.all_instances()["fake"][0].name == "web1"
    assert fake.exec_in_instance("web1", ["sh", "-c", "echo $HVCORE_INSTANCE"]).stdout == b"web1\n"
    fake.stop_instance("web1")
    assert host.find_instance("web1") is None
    # Beside the log of what happened to all, only what the instance has said is left.
    left = {path.name for path in (tmp_path / "logs" / "fake").iterdir() if not path.name.startswith("events")}
    assert left == {"web1.console.log"}


def test_an_instance_of_another_hypervisor_is_refused(host: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        host.hypervisor("fake").start_instance(hvcore.Instance("web1", "lxc"))
    assert caught.value.key == "hypervisor"


def test_its_parameters_are_declared_with_their_documentation(host: Any) -> None:
    declared = {parameter.name: parameter for parameter in host.hypervisor("fake").parameters}
    assert list(declared) == [
        "start_delay_s",
        "stop_delay_s",
        "refuses_shutdown",
        "migration_mode",
        "migration_bandwidth_mib_s",
        "slow_step",
        "slow_step_delay_s",
        "fail_step",
    ]
    assert all(parameter.description and parameter.example and parameter.since for parameter in declared.values())
    assert [parameter.default for parameter in declared.values()] == [0.0, 0.0, False, "live", 0.0, "", 0.0, ""]


def test_two_hosts_in_one_process_do_not_meet(host: Any, tmp_path: Path) -> None:
    one = host.hypervisor("fake")
    other = hvcore.load(
        state_dir=tmp_path / "other", log_dir=tmp_path / "logs", plugins=[plugin], discover=False
    ).hypervisor("fake")
    for hypervisor in (one, other):
        hypervisor.start_instance(hvcore.Instance("web1", "fake"))
    one.stop_instance("web1")
    assert one.list_instances() == ()
    assert other.list_instances() == ("web1",)
    other.stop_instance("web1")


def test_an_extension_hears_of_starts_and_stops(tmp_path: Path) -> None:
    heard: list[str] = []

    class Listener:
        @hookimpl
        def instance_started(self, instance: hvcore.Instance) -> None:
            heard.append(f"started {instance.name}")

        @hookimpl
        def instance_stopped(self, instance_name: str) -> None:
            heard.append(f"stopped {instance_name}")

    fake = hvcore.load(
        state_dir=tmp_path / "s",
        log_dir=tmp_path / "l",
        plugins=[plugin],
        extensions={"fake": [Listener()]},
        discover=False,
    ).hypervisor("fake")
    fake.start_instance(hvcore.Instance("web1", "fake"))
    fake.stop_instance("web1")
    assert heard == ["started web1", "stopped web1"]
