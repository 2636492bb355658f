"""The host: a value that holds hypervisors and finds their instances. Broken plugins: ``test_host_plugins``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

import hvcore
from hvcore.discovery import HYPERVISORS_GROUP, Selection
from hvcore.errors import (
    InvalidInput,
    OperationFailed,
    StateFailed,
    UnknownHypervisor,
    Unsupported,
)
from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, DriverContext, HypervisorPlugin, hookimpl
from hvcore.settings import Settings

if TYPE_CHECKING:
    from tests.core.conftest import MakeHost, Site

GOOD = """
    from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl

    class Driver(BaseHypervisor):
        @hookimpl
        def list_instances(self, parameters):
            return ("one",)

    plugin = HypervisorPlugin("good", "a good one", Driver)
    """


class Driver(BaseHypervisor):
    @hookimpl
    def get_all_instances_info(self, parameters: Any) -> tuple[InstanceInfo, ...]:
        return (InstanceInfo("web1", self.context.name, InstanceState.RUNNING, 128, 1, 0.5),)


def toy(name: str = "toy", driver: Any = Driver) -> HypervisorPlugin:
    return HypervisorPlugin(name, f"a {name}", driver)


# Loading and naming.


def test_load_imports_no_plugin_and_names_what_is_wanted(make_host: MakeHost, site: Site) -> None:
    site.install("hvcore-good", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}}, modules={"good_plugin": GOOD})
    settings = Settings(selection=Selection(denied=frozenset({"lxc"})))
    found = make_host(discover=True, settings=settings)
    assert {"fake", "good"} <= set(found.hypervisor_names)
    assert "lxc" not in found.hypervisor_names
    assert "good_plugin" not in sys.modules
    assert found.hypervisor("good").list_instances() == ("one",)


def test_a_hypervisor_is_loaded_once(make_host: MakeHost) -> None:
    made: list[DriverContext] = []

    def driver(context: DriverContext) -> BaseHypervisor:
        made.append(context)
        return Driver(context)

    one = make_host(toy(driver=driver))
    assert one.hypervisor("toy") is one.hypervisor("toy")
    assert len(made) == 1


def test_two_hosts_share_nothing(make_host: MakeHost, tmp_path: Path) -> None:
    plugin = toy()
    one, other = make_host(plugin), make_host(plugin, state_dir=tmp_path / "other")
    assert one.hypervisor("toy") is not other.hypervisor("toy")
    assert one.hypervisor("toy").context.state_dir == tmp_path / "state" / "toy"
    assert other.hypervisor("toy").context.state_dir == tmp_path / "other" / "toy"
    assert one.hypervisor("toy").context.instance_dir("web1") == tmp_path / "state" / "toy" / "web1"


def test_a_host_is_a_context_manager(make_host: MakeHost) -> None:
    with make_host(toy()) as inside:
        first = inside.hypervisor("toy")
    assert inside.hypervisor("toy") is not first


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HVCORE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HVCORE_ORDER", "b,a")
    settings = hvcore.load(discover=False).settings
    assert settings.state_dir == tmp_path
    assert settings.order == ("b", "a")


def test_surroundings_can_be_replaced(make_host: MakeHost, tmp_path: Path) -> None:
    def with_other_logs(context: DriverContext) -> DriverContext:
        return evolve(context, log_dir=tmp_path / "elsewhere")

    changed = make_host(toy(), prepare=with_other_logs)
    assert changed.hypervisor("toy").context.log_dir == tmp_path / "elsewhere"


def test_an_unknown_hypervisor_says_what_is_installed_and_how_to_get_it(make_host: MakeHost) -> None:
    with pytest.raises(UnknownHypervisor) as caught:
        make_host(toy("b"), toy("a")).hypervisor("chroot")
    error = caught.value
    assert error.message == "there is no hypervisor 'chroot'; installed: a, b"
    assert "pip install" in str(error.resolution)
    assert error.exit_status == 2
    with pytest.raises(UnknownHypervisor, match="installed: none"):
        make_host().hypervisor("lxc")


def test_a_disabled_hypervisor_says_by_what(make_host: MakeHost) -> None:
    settings = Settings(selection=Selection(denied=frozenset({"toy"})))
    with pytest.raises(UnknownHypervisor) as caught:
        make_host(toy(), settings=settings).hypervisor("toy")
    assert caught.value.resolution == "it is installed but disabled by HVCORE_DISABLE"


# Instances of all hypervisors.


def test_all_instances_answers_per_hypervisor_with_its_instances_or_its_error(make_host: MakeHost) -> None:
    class Fails(BaseHypervisor):
        @hookimpl
        def get_all_instances_info(self, parameters: Any) -> tuple[InstanceInfo, ...]:
            raise OperationFailed("no cgroups")

    answers = make_host(toy("a"), toy("b", driver=Fails), toy("c", driver=BaseHypervisor)).all_instances()
    assert list(answers) == ["a", "b", "c"]
    assert isinstance(answers["a"], tuple)
    assert [info.name for info in answers["a"]] == ["web1"]
    assert isinstance(answers["b"], OperationFailed)
    assert answers["b"].hypervisor == "b"
    assert isinstance(answers["c"], Unsupported)


def test_finds_the_hypervisor_by_the_state_on_disk(make_host: MakeHost, tmp_path: Path) -> None:
    several = make_host(toy("a"), toy("b"))
    assert several.find_instance("web1") is None
    (tmp_path / "state" / "b" / "web1").mkdir(parents=True)
    found = several.find_instance("web1")
    assert found is not None
    assert found.name == "b"
    (tmp_path / "state" / "a" / "web1").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="there is an instance web1 of each of a, b") as caught:
        several.find_instance("web1")
    assert caught.value.resolution


@pytest.mark.parametrize("name", ["", ".", "..", "../b", "a/b", ".locks", "x\n"])
def test_a_name_that_is_none_finds_nothing(make_host: MakeHost, tmp_path: Path, name: str) -> None:
    (tmp_path / "state" / "a" / "b").mkdir(parents=True)
    with pytest.raises(InvalidInput):
        make_host(toy("a")).find_instance(name)


def test_a_state_directory_that_may_not_be_looked_into_is_said_so(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(StateFailed, match="cannot look into .*: Permission denied") as caught:
        make_host(toy()).find_instance("web1")
    assert "HVCORE_STATE_DIR" in str(caught.value.resolution)
