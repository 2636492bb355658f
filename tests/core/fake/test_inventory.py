"""What a node has, what runs on it, and what the hypervisor says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import InvalidInput, StateFailed
from hvcore.fake import inventory
from hvcore.model.capability import Support
from hvcore.model.console import ConsoleKind
from hvcore.model.node import Node, NodeInfo
from hvcore.system import node as system_node

Make = Callable[..., Any]


@pytest.fixture
def still_node(monkeypatch: pytest.MonkeyPatch) -> NodeInfo:
    """A node whose figures do not move."""
    node = NodeInfo(1000, 600, 400, 4, 1, 1, 4)
    monkeypatch.setattr(system_node, "linux_node_info", lambda: node)
    return node


def test_instances_take_memory_from_the_node(fake: Any, instance: Make, still_node: NodeInfo) -> None:
    assert fake.get_node_info() == still_node
    fake.start_instance(instance("a", memory_mib=100))
    fake.start_instance(instance("b", memory_mib=200), startup_paused=True)
    assert fake.get_node_info().memory_free_mib == 300
    assert fake.get_node_info().memory_dom0_mib == 400
    fake.balloon_instance_memory("a", 400)
    assert fake.get_node_info().memory_free_mib == 0
    fake.start_instance(instance("c", memory_mib=200))
    assert fake.get_node_info().memory_free_mib == 0
    fake.stop_instance("a")
    assert fake.get_node_info().memory_free_mib == 200


@pytest.mark.parametrize(
    ("wanted_mib", "least_mib", "given_mib"), [(500, 100, 500), (900, 100, 600), (900, 700, 700), (900, None, 900)]
)
def test_the_memory_at_the_start(
    fake: Any, instance: Make, still_node: NodeInfo, wanted_mib: int, least_mib: int | None, given_mib: int
) -> None:
    fake.start_instance(instance(memory_mib=wanted_mib, memory_min_mib=least_mib))
    assert fake.get_instance_info("web1").memory_mib == given_mib


def test_growth_up_to_what_is_free(fake: Any, instance: Make, still_node: NodeInfo) -> None:
    fake.start_instance(instance(memory_mib=100))
    fake.balloon_instance_memory("web1", 600)
    assert fake.get_instance_info("web1").memory_mib == 600


def test_the_real_node_is_told(fake: Any) -> None:
    info = fake.get_node_info()
    assert 0 < info.memory_free_mib <= info.memory_total_mib
    assert info.cpu_total >= len(os.sched_getaffinity(0))


def test_instances_are_listed_by_name_whatever_lies_beside_them(fake: Any, place: Any, instance: Make) -> None:
    for name in ("b", "a10", "a1"):
        fake.start_instance(instance(name))
    (place.state / "fake" / "file").write_text("")
    (place.state / "fake" / "empty").mkdir()
    (place.state / "fake" / "link").symlink_to(place.directory("b"))
    assert fake.list_instances() == ("a1", "a10", "b")
    assert [info.name for info in fake.get_all_instances_info()] == ["a1", "a10", "b"]


def test_one_that_ends_while_the_list_is_made_is_left_out(
    fake: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.start_instance(instance("a"))
    monkeypatch.setattr(inventory, "recorded_names", lambda context: ("a", "gone"))
    assert fake.list_instances() == ("a",)


def test_a_state_directory_that_cannot_be_read_is_told(fake: Any, place: Any) -> None:
    place.state.mkdir()
    (place.state / "fake").write_text("")
    with pytest.raises(StateFailed) as caught:
        fake.list_instances()
    assert "HVCORE_STATE_DIR" in str(caught.value.resolution)
    (place.state / "fake").unlink()


def test_a_state_file_that_cannot_be_read_is_told(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance())
    state = place.directory() / "state.json"
    state.rename(state.with_suffix(".aside"))
    state.mkdir()
    with pytest.raises(StateFailed, match=r"state\.json"):
        fake.get_instance_info("web1")
    state.rmdir()
    state.with_suffix(".aside").rename(state)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "web1"}'])
def test_a_definition_that_is_damaged_is_told_and_restored(fake: Any, place: Any, instance: Make, text: str) -> None:
    fake.start_instance(instance())
    (place.directory() / "definition.json").write_text(text)
    with pytest.raises(StateFailed, match=r"definition\.json"):
        fake.get_instance_definition("web1")
    assert fake.verify_instance(instance()) is False
    fake.restore_instance(instance())
    assert fake.verify_instance("web1")


def test_a_healthy_node_and_no_trace_of_the_look(fake: Any, place: Any) -> None:
    report = fake.verify()
    assert (report.status, report.text()) == ("healthy", None)
    assert not place.state.exists()
    assert not place.logs.exists()


def test_an_unhealthy_node_is_told_with_remedies(
    fake: Any, place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.state.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("hvcore.system.commands._SAFE_PATH", str(tmp_path))
    report = fake.verify()
    assert report.status == "unhealthy"
    bad = [finding for finding in report.findings if not finding.ok]
    assert [finding.name for finding in bad] == ["state directory", "env"]
    assert all(finding.remedy for finding in bad)
    place.state.unlink()


def test_directories_of_somebody_else_are_unhealthy(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write everywhere, so what other users meet is played here."""
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    text = fake.verify().text()
    assert text is not None
    assert text.count("cannot be written") == 2


def test_the_console_is_a_message_made_from_the_arguments(fake: Any, place: Any, instance: Make) -> None:
    console = fake.get_instance_console(instance(), Node("node7"))
    assert (console.instance, console.kind) == ("web1", ConsoleKind.MESSAGE)
    assert str(place.logs / "fake" / "web1.console.log") in console.message
    assert "node7" in console.message
    assert not place.state.exists()


@pytest.mark.parametrize("name", ["../web1", "a/b", ".", "", "web1\n", "-x", "a" * 201])
def test_names_that_are_none_touch_nothing(fake: Any, place: Any, name: str) -> None:
    for verb in (fake.get_instance_info, fake.stop_instance, fake.cleanup_instance, fake.pause_instance, fake.recover):
        with pytest.raises(InvalidInput):
            verb(name)
    assert not place.state.exists()


def test_the_whole_contract_is_supported(fake: Any) -> None:
    assert fake.can_migrate is True
    # It has no configuration files to judge.
    of_files = {"lint_configuration", "translate_configuration"}
    assert {c.operation for c in fake.capabilities() if c.support is not Support.YES} == of_files


def test_versions_with_the_same_first_number_are_safe_for_migration(fake: Any) -> None:
    assert fake.versions_safe_for_migration((1, 2), (1, 9))
    assert fake.versions_safe_for_migration((), ())
    assert not fake.versions_safe_for_migration((1, 2), (2, 0))


def test_there_are_no_ancillary_files(fake: Any) -> None:
    assert fake.get_ancillary_files().paths == frozenset()


def test_a_listing_imports_nothing_that_only_verbs_need(place: Any) -> None:
    status, loaded = place.elsewhere("""
fake.list_instances()
tell(sorted(name for name in sys.modules if name.startswith("hvcore.fake")))
""")
    assert status == 0
    assert loaded == ["hvcore.fake", *(f"hvcore.fake.{name}" for name in ("driver", "hotplug", "inventory", "plugin"))]


def test_the_plugin_is_imported_without_its_driver() -> None:
    code = "import sys, hvcore.fake.plugin; print([n for n in sys.modules if n.startswith('hvcore.fake.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['hvcore.fake.plugin']\n"
