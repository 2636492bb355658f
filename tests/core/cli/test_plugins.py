"""``plugins``, with plugins that are really installed: entry points in a directory on the path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ENTRY_POINTS = """\
[hvcore.hypervisors]
broken = nowhere_to_be_found:plugin
[hvcore.fake]
listener = listening_plugin:listener
"""
MODULE = """\
from hvcore.plugin import hookimpl

class Listener:
    @hookimpl
    def instance_started(self, instance):
        print("heard of", instance.name)

listener = Listener()
"""


@pytest.fixture
def installed(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with one extension and one hypervisor that cannot be imported."""
    site = environment / "site"
    info = site / "thirdparty-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "listening_plugin.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.delenv("HVCORE_PLUGINS")
    return site


def test_plugins_in_json(run_hv: Any, installed: Path) -> None:
    found = run_hv("plugins", "--json").json
    assert list(found) == ["hypervisors", "extensions", "broken"]
    [fake] = [plugin for plugin in found["hypervisors"] if plugin["name"] == "fake"]
    keys = "group name distribution summary hooks disabled contract order joined notes".split()
    assert list(fake) == keys
    assert fake["order"] == ["listener", "fake"]
    assert (fake["group"], fake["disabled"]) == ("hvcore.hypervisors", "")
    assert "start_instance" in fake["hooks"]
    [lxc] = [plugin for plugin in found["hypervisors"] if plugin["name"] == "lxc"]
    assert lxc["disabled"] == "disabled by HVCORE_DISABLE"
    [listener] = [plugin for plugin in found["extensions"] if plugin["name"] == "listener"]
    assert (listener["distribution"], listener["hooks"]) == ("thirdparty 1.2", ["instance_started"])
    assert (listener["contract"], listener["joined"]) == (None, ["fake"])
    assert listener["notes"] == ["it states no contract, and is taken as written for 1.0"]
    [broken] = found["broken"]
    assert list(broken) == ["group", "name", "distribution", "reason", "resolution", "traceback"]
    assert (broken["name"], broken["distribution"]) == ("broken", "thirdparty 1.2")
    assert "nowhere_to_be_found" in broken["reason"]


def test_plugins_for_people(run_hv: Any, installed: Path) -> None:
    outcome = run_hv("plugins")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["HYPERVISOR", "FROM", "CONTRACT", "STATE", "WHAT", "IT", "IS"]
    assert any(line.startswith("fake ") and " ready" in line for line in lines)
    assert "order of fake: listener > fake" in lines
    unstated = "it states no contract, and is taken as written for 1.0"
    assert f"note: listener of thirdparty 1.2: {unstated}" in lines
    assert any(line.startswith("listener ") and line.endswith("instance_started") for line in lines)
    assert "broken: broken of thirdparty 1.2 (hvcore.hypervisors)" in lines
    assert "Traceback" not in outcome.out
    assert "  | Traceback (most recent call last):" in run_hv("plugins", "--debug").out


def test_a_broken_plugin_stops_nobody(run_hv: Any, installed: Path, instance_file: Any) -> None:
    outcome = run_hv("start", instance_file())
    assert (outcome.status, outcome.out.splitlines()[0]) == (0, "heard of web1")
    assert run_hv("stop", "web1", "--force").status == 0
    listed = run_hv("list")
    assert listed.status == 0
    assert "hv: warning: broken cannot say what runs" in listed.err


def test_no_plugins_leaves_what_is_built_in(run_hv: Any, installed: Path) -> None:
    found = run_hv("plugins", "--json", "--no-plugins").json
    assert found["broken"] == []
    assert {plugin["name"]: plugin["disabled"] for plugin in found["extensions"]} == {
        "listener": "not in what --no-plugins leaves"
    }
    assert [plugin["name"] for plugin in found["hypervisors"] if not plugin["disabled"]] == ["fake"]


def test_no_plugin_at_all(hv: Any, only: Any) -> None:
    only()
    assert hv("plugins").out == "no plugin is installed\n"
