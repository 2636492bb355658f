"""Starts that are refused, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import hvcore
from hvcore.errors import InvalidInput, PolicyRefused
from hvcore_audit import AuditSettings, Policy

WEB1 = hvcore.Instance("web1", "fake", memory_mib=1024, vcpus=4)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(closed="maintenance until 18:00"), "maintenance until 18:00"),
        (Policy(forbidden_hypervisors=["fake"]), "fake may not be used"),
        (Policy(most_memory_mib=512), "1024 MiB, and 512 MiB are allowed"),
        (Policy(most_vcpus=2), "4 CPUs, and 2 are allowed"),
        (Policy(required_tags=["owner"]), "lacks the tag owner"),
    ],
)
def test_a_rule_refuses_with_its_reason_and_a_remedy(policy: Policy, reason: str) -> None:
    with pytest.raises(PolicyRefused, match=reason) as caught:
        policy.judge(WEB1)
    assert caught.value.resolution


def test_what_no_rule_forbids_passes() -> None:
    Policy().judge(WEB1)
    Policy("", 1024, 4, ["owner"], ["lxc"]).judge(evolve(WEB1, tags=["owner"]))


def test_a_start_and_its_plan_are_refused_and_recorded(
    fake: hvcore.Hypervisor, configure: Callable[[str], None], lines: Callable[..., list[dict[str, Any]]]
) -> None:
    configure("[policy]\nmost_memory_mib = 512\n")
    for start in (fake.start_instance, fake.plan_start):
        with pytest.raises(PolicyRefused) as caught:
            start(WEB1)
        assert (caught.value.hypervisor, caught.value.instance) == ("fake", "web1")
    assert fake.list_instances() == ()
    (line,) = lines("start_instance")
    assert (line["outcome"], line["code"]) == ("refused", "operation.policy")
    fake.start_instance(evolve(WEB1, memory_mib=512))


@pytest.mark.parametrize(
    "text", ["[policy", "[policy]\nmost_memory_mib = 'much'\n", "polcy = 1\n", "[policy]\nx = 1\n"]
)
def test_rules_that_cannot_be_read_refuse_starts_and_nothing_else(
    fake: hvcore.Hypervisor, configure: Callable[[str], None], text: str
) -> None:
    configure(text)
    with pytest.raises(InvalidInput, match="the audit's configuration cannot be used") as caught:
        fake.start_instance(WEB1)
    assert caught.value.file is not None
    assert fake.list_instances() == ()
    fake.stop_instance("web1", force=True)


def test_a_change_of_the_rules_is_in_force_at_once(fake: hvcore.Hypervisor, configure: Callable[[str], None]) -> None:
    configure('[policy]\nclosed = "the node is being emptied"\n')
    with pytest.raises(PolicyRefused):
        fake.start_instance(WEB1)
    configure("")
    fake.start_instance(WEB1)


def test_the_configuration_in_the_readme_is_good(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "readme.toml").write_text(block)
    settings = AuditSettings.read({"HVCORE_AUDIT_CONFIG": str(tmp_path / "readme.toml")})
    assert settings.fault is None
    assert settings.policy.most_vcpus == 8
    assert "start_instance" in settings.only
