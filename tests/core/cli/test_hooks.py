"""``hooks``."""

from __future__ import annotations

from typing import Any

from hvcore.plugin import BaseHypervisor


def fail(_: object) -> BaseHypervisor:
    raise RuntimeError("it cannot be made")


def test_the_table(hv: Any) -> None:
    lines = hv("hooks").out.splitlines()
    assert lines[0].split() == ["HYPERVISOR", "HOOK", "KIND", "SINCE", "ANSWERED", "BY"]
    rows = {line.split()[1]: line.split(maxsplit=4) for line in lines[1:]}
    assert rows["start_instance"] == ["fake", "start_instance", "command", "1.0", "fake (driver)"]
    assert rows["instance_started"][4] == "nobody"
    assert rows["instance_started"][2] == "notify"


def test_the_table_in_json(hv: Any) -> None:
    found = hv("hooks", "--json").json
    keys = ["hypervisor", "name", "kind", "since", "spec", "signature", "doc", "answered_by"]
    assert all(list(hook) == keys for hook in found)
    [stop] = [hook for hook in found if hook["name"] == "stop_instance"]
    assert [list(answer) for answer in stop["answered_by"]] == [["plugin", "distribution", "role"]]
    assert (stop["answered_by"][0]["plugin"], stop["answered_by"][0]["role"]) == ("fake", "driver")
    assert stop["spec"] == "hvcore.spec.lifecycle.LifecycleSpec"


def test_one_hook(hv: Any) -> None:
    out = hv("hooks", "pause_instance").out
    assert out.startswith("pause_instance(instance_name: str) -> None\n  command hook of hvcore.spec.lifecycle.")
    assert "  Args:\n      instance_name: the instance's name.\n" in out
    assert out.rstrip().splitlines()[-2].strip() == "fake:"
    assert out.rstrip().splitlines()[-1].split()[:2] == ["driver", "fake"]
    assert "  fake: nobody" in hv("hooks", "instance_started").out
    [hook] = hv("hooks", "pause_instance", "--json").json
    assert hook["signature"] == "pause_instance(instance_name: str) -> None"
    assert hook["doc"].startswith("Take the CPU away")


def test_an_unknown_hook(hv: Any) -> None:
    assert "did you mean start_instance?" in hv("hooks", "start_instanc").err
    assert "'hv hooks' lists them" in hv("hooks", "xyzzy").err


def test_a_hypervisor_that_cannot_be_loaded_is_a_warning(hv: Any, only: Any) -> None:
    only(bad=fail, good=BaseHypervisor)
    outcome = hv("hooks")
    assert outcome.status == 0
    assert outcome.err.startswith("hv: warning: bad cannot be loaded: ")
    assert "good        start_instance" in outcome.out
    assert hv("hooks", "-H", "bad").status == 1
