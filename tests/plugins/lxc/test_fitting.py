"""Documents for every release and layout: what is rendered there has an effect there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.errors import InvalidInput, MissingRequirement
from hvcore.model.instance import Instance
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.testing.commands import FakeRunner
from hvcore.testing.hypervisors import make_hypervisor
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument, ConfigEntry, render
from hvcore_lxc.fitting import fit, fit_layout
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.lint.facts import NodeFacts
from hvcore_lxc.lint.linter import lint
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin
from hvcore_lxc.steps import Definition

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = [(5, 0, 2), (6, 0, 4), (7, 0, 0)]
CONTROLLERS = ("memory", "cpu", "cpuset", "devices", "freezer", "pids")
# No controller has a directory here: what a kernel lacks is another test's concern.
LAYOUTS = {
    CgroupMode.V1: CgroupLayout(CgroupMode.V1, dict.fromkeys(CONTROLLERS, "/nowhere"), None, frozenset()),
    CgroupMode.HYBRID: CgroupLayout(CgroupMode.HYBRID, dict.fromkeys(CONTROLLERS, "/nowhere"), "/unified", frozenset()),
    CgroupMode.V2: CgroupLayout(CgroupMode.V2, {}, "/unified", frozenset(CONTROLLERS)),
}
CONFIGS = sorted(GOLDEN.glob("*.v1.config"))
ABOUT_THE_NODE = {"missing-file", "missing-device", "over-node", "cgroup-file"}


def document(*lines: str) -> ConfigDocument:
    return parse("\n".join(lines))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"lxc-{version[0]}")
@pytest.mark.parametrize("mode", LAYOUTS)
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_every_rendered_document_on_every_release_and_layout(
    config: Path, mode: CgroupMode, version: tuple[int, ...]
) -> None:
    original = parse(config.read_text())
    if version >= (7,) and mode is not CgroupMode.V2:
        with pytest.raises(MissingRequirement, match="needs cgroup version 2 alone"):
            fit(original, version, mode)
        return
    fitted = fit(original, version, mode)
    found = lint(render(fitted), "config", NodeFacts(version, LAYOUTS[mode], "/nowhere"))
    assert [str(finding) for finding in found if finding.rule not in ABOUT_THE_NODE] == []
    assert fit(fitted, version, mode) == fitted
    if mode is not CgroupMode.V2:
        assert fitted == original


def test_version_1_becomes_version_2() -> None:
    fitted = fit_layout(document("lxc.uts.name = a", "lxc.cgroup.pids.max = 5", "lxc.tty.max = 1"), CgroupMode.V2)
    assert fitted == document("lxc.uts.name = a", "lxc.cgroup2.pids.max = 5", "lxc.tty.max = 1")


def test_what_is_said_for_both_is_kept_once() -> None:
    both = document("lxc.cgroup.pids.max = 5", "lxc.cgroup2.pids.max = 6", "lxc.cgroup.dir = a")
    assert fit(both, (6, 0), CgroupMode.V2) == document("lxc.cgroup2.pids.max = 6", "lxc.cgroup.dir = a")
    assert fit(both, (6, 0), CgroupMode.V1) == document("lxc.cgroup.pids.max = 5", "lxc.cgroup.dir = a")


def test_version_2_becomes_version_1_where_it_is_the_same() -> None:
    new = document("lxc.cgroup2.memory.max = max", "lxc.cgroup2.cpuset.cpus = 1")
    assert fit(new, (5, 0), CgroupMode.HYBRID) == document(
        "lxc.cgroup.memory.limit_in_bytes = -1", "lxc.cgroup.cpuset.cpus = 1"
    )
    with pytest.raises(InvalidInput, match="no equal there") as caught:
        fit(document("lxc.cgroup2.memory.high = 1"), (5, 0), CgroupMode.V1)
    assert caught.value.key == "lxc.cgroup2.memory.high"


def test_what_cannot_be_expressed_is_refused() -> None:
    with pytest.raises(InvalidInput, match="swappiness per cgroup"):
        fit(document("lxc.cgroup.memory.swappiness = 1"), (6, 0), CgroupMode.V2)
    with pytest.raises(InvalidInput, match="LXC 4.0 has no key lxc.time.offset.boot"):
        fit(document("lxc.time.offset.boot = 1h"), (4, 0), CgroupMode.V2)


def test_narrower_variables_of_lxc_7() -> None:
    narrow = ConfigDocument((ConfigEntry("lxc.environment.hooks", "A=1"),))
    assert fit(narrow, (6, 0), CgroupMode.V2) == document("lxc.environment = A=1")
    assert fit(narrow, (7, 0), CgroupMode.V2) == narrow


def test_without_cgroups_nothing_changes() -> None:
    old = document("lxc.cgroup.pids.max = 5", "lxc.cgroup2.pids.max = 5")
    assert fit(old, (6, 0), CgroupMode.NONE) == fit_layout(old, CgroupMode.HYBRID) == old


def test_what_a_user_adds_in_old_words_has_its_effect_on_version_2(tmp_path: Path) -> None:
    hypervisor = make_hypervisor(plugin, directory=tmp_path, runner=FakeRunner())
    paths, layout = LxcPaths.of(hypervisor.context), LAYOUTS[CgroupMode.V2]
    lifecycle = Lifecycle(hypervisor.context, paths, DefaultCgroups(paths, layout), layout)
    added = Instance("web1", "lxc", parameters={"extra_config": ("lxc.cgroup.pids.max = 5",)})
    found = lifecycle.document(Definition(hypervisor.prepare_instance(added), ()))
    assert found.values("lxc.cgroup2.pids.max") == ("5",)
    assert found.values("lxc.cgroup.pids.max") == ()
    lost = Instance("web1", "lxc", parameters={"extra_config": ("lxc.cgroup.memory.swappiness = 5",)})
    with pytest.raises(InvalidInput, match="swappiness"):
        lifecycle.document(Definition(hypervisor.prepare_instance(lost), ()))
