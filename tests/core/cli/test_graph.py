"""``hooks --graph``, and ``--trace``, which proves that the drawn route is the real one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hvcore.cli.graph import ROUTE


def test_the_route_as_text(hv: Any) -> None:
    lines = hv("hooks", "--graph").out.splitlines()
    assert lines[0] == "start of an instance of fake"
    assert [line.split()[1] for line in lines[1:]] == list(ROUTE)
    assert lines[-1].startswith("└─ instance_started")
    assert "fake (driver)" in lines[1]
    assert hv("hooks", "--graph", "text").out.splitlines() == lines


def test_the_route_is_the_one_that_a_start_takes(hv: Any, instance_file: Any) -> None:
    started = hv("start", "--trace", instance_file())
    assert started.status == 0
    assert re.findall(r"^trace: fake: (\w+) ", started.err, re.MULTILINE) == list(ROUTE)


def test_steps_of_a_hypervisor_hang_below_its_driver(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HVCORE_DISABLE")
    lines = hv("hooks", "--graph", "-H", "lxc").out.splitlines()
    at = next(index for index, line in enumerate(lines) if "─ start_instance" in line)
    assert lines[at + 1].startswith("│  ├─ lxc_mounter")
    assert lines[at + 1].endswith("choose   lxc-0 (default)")
    assert ["│", "└─", "lxc_config_entries", "collect", "nobody"] in [line.split() for line in lines]
    found = [hook["name"] for hook in hv("hooks", "--graph", "-H", "lxc", "--json").json]
    assert found == [*ROUTE[:4], "lxc_mounter", "lxc_cgroups", "lxc_config", "lxc_config_entries", *ROUTE[4:]]


def test_the_route_as_mermaid(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HVCORE_DISABLE")
    out = hv("hooks", "--graph", "mermaid").out
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "flowchart TD"
    assert lines.count("end") == len([line for line in lines if line.startswith("subgraph")]) >= 2
    assert 'fake_start_instance["start_instance (command)<br/>fake (driver)"]' in lines
    assert "fake_validate_parameters --> fake_start_instance" in lines
    assert "lxc_start_instance -.-> lxc_lxc_mounter" in lines
    nodes = set(re.findall(r"^\s+(\w+)[\[(]", out, re.MULTILINE))
    ends = {end for pair in re.findall(r"(\w+) (?:-->|-\.->) (\w+)", out) for end in pair}
    assert ends <= nodes


def test_another_form_is_refused(hv: Any) -> None:
    outcome = hv("hooks", "--graph", "svg")
    assert outcome.status == 2
    assert "mermaid" in outcome.err
