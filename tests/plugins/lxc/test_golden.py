"""Instance files and the configurations that they become, on every layout of cgroups.

``UPDATE_GOLDEN=1 pytest tests/plugins/lxc/test_golden.py`` writes the configurations anew; look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hvcore
from hvcore.hypervisor import Hypervisor
from hvcore.system.cgroup_layout import CgroupLayout, current_layout
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin
from hvcore_lxc.steps import Definition

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
LAYOUTS = HERE.parent.parent / "core" / "data" / "layouts"
INSTANCES = sorted(path.stem for path in GOLDEN.glob("*.toml"))

# Name of a variant -> the mount table, the files that the kernel shows, and whether the start is a paused one.
SWAP_V1 = "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
MEMORY_V2 = "sys/fs/cgroup/system.slice/memory.max"
SWAP_V2 = "sys/fs/cgroup/system.slice/memory.swap.max"
VARIANTS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "v1": ("systemd-legacy", (SWAP_V1,), False),
    "hybrid": ("microvm-hybrid", (SWAP_V1,), False),
    "v2": ("systemd-unified", (MEMORY_V2, SWAP_V2), False),
    "v1-without-swap": ("systemd-legacy", (), False),
    "v2-without-swap": ("systemd-unified", (MEMORY_V2,), False),
    "v2-before-any-cgroup": ("systemd-unified", (), False),
    "hybrid-paused": ("microvm-hybrid", (SWAP_V1,), True),
}
EVERYWHERE = ("v1", "hybrid", "v2")
CASES = [
    *((instance, variant) for instance in INSTANCES for variant in EVERYWHERE),
    *(("minimal", variant) for variant in VARIANTS if variant not in EVERYWHERE),
]


def layout_of(variant: str, root: Path) -> CgroupLayout:
    """Let a directory play a machine of that layout."""
    table, files, _ = VARIANTS[variant]
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text((LAYOUTS / f"{table}.mountinfo").read_text())
    controllers = LAYOUTS / f"{table}.controllers"
    unified = current_layout(str(root)).unified
    if unified is not None:
        Path(unified).mkdir(parents=True)
        Path(unified, "cgroup.controllers").write_text(controllers.read_text() if controllers.exists() else "")
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return current_layout(str(root))


@pytest.fixture
def hypervisor() -> Hypervisor:
    host = hvcore.load(plugins=[plugin], discover=False, state_dir="/run/hvcore", log_dir="/var/log/hvcore")
    return host.hypervisor("lxc")


def rendered(hypervisor: Hypervisor, instance_file: Path, layout: CgroupLayout, paused: bool) -> str:
    instance = hypervisor.prepare_instance(hvcore.Instance.from_file(instance_file))
    paths = LxcPaths.of(hypervisor.context)
    lifecycle = Lifecycle(hypervisor.context, paths, DefaultCgroups(paths, layout))
    return lifecycle.config_text(Definition(instance, (), paused))


@pytest.mark.parametrize(("instance", "variant"), CASES)
def test_configuration(instance: str, variant: str, hypervisor: Hypervisor, tmp_path: Path) -> None:
    text = rendered(hypervisor, GOLDEN / f"{instance}.toml", layout_of(variant, tmp_path), paused=VARIANTS[variant][2])
    golden = GOLDEN / f"{instance}.{variant}.config"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert str(tmp_path) not in text
    assert text == golden.read_text()


def test_no_configuration_is_left_over() -> None:
    expected = {f"{instance}.{variant}.config" for instance, variant in CASES}
    assert {path.name for path in GOLDEN.glob("*.config")} == expected
