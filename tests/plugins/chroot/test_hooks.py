"""The plugin as a host sees it: its hook, its plan without root, and what a listing imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import HookConflict, HookFailed, InvalidInput, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.nic import NicMode
from hvcore.plugin import hookimpl
from hvcore.system.root_mounts import MountAction
from hvcore_chroot.paths import ChrootPaths
from hvcore_chroot.plugin import plugin
from hvcore_chroot.steps import STEPS


class _Mounter:
    name = "nowhere"

    def plan(self) -> tuple[MountAction, ...]:
        return (MountAction("nothing", "nowhere", "void"),)

    def mount(self) -> None:
        raise AssertionError("a plan must not mount")

    def unmount(self) -> None:
        raise AssertionError("a plan must not unmount")


def chroot(tmp_path: Path, *extensions: object) -> Hypervisor:
    host = hvcore.load(
        settings=hvcore.Settings(),
        state_dir=tmp_path / "run",
        log_dir=tmp_path / "log",
        plugins=[plugin],
        extensions={"chroot": extensions},
        discover=False,
    )
    return host.hypervisor("chroot")


def instance(tmp_path: Path, **fields: Any) -> hvcore.Instance:
    (tmp_path / "root").mkdir(exist_ok=True)
    return hvcore.Instance("web1", "chroot", **{"disks": (hvcore.Disk(str(tmp_path / "root")),), **fields})


def test_a_plan_needs_no_root_and_touches_nothing(tmp_path: Path) -> None:
    plan = chroot(tmp_path).plan_start(instance(tmp_path, parameters={"system_mounts": ("proc",)}))
    root = f"{tmp_path}/run/chroot/web1/rootfs"
    assert tuple(step.name for step in plan.steps) == STEPS
    details = {step.name: step.details for step in plan.steps}
    assert details["mount"] == (f"directory {tmp_path}/root on {root}",)
    assert details["system-mounts"] == (f"proc proc on {root}/proc",)
    assert details["script"] == (f"chroot {root} /ganeti-chroot start",)
    assert not (tmp_path / "run").exists()


def test_a_plan_warns_of_what_a_chroot_has_not(tmp_path: Path) -> None:
    plan = chroot(tmp_path).plan_start(
        instance(tmp_path, nics=(hvcore.Nic(mode=NicMode.BRIDGED, mac="02:00:00:00:00:01", link="br0"),))
    )
    assert plan.warnings == ("web1 has 1 NIC(s), but a chroot has the node's own network",)


def test_a_plan_refuses_what_cannot_be_mounted(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="has no disk to be its root"):
        chroot(tmp_path).plan_start(instance(tmp_path, disks=()))
    with pytest.raises(OperationFailed, match="cannot be used as a disk"):
        chroot(tmp_path).plan_start(instance(tmp_path, disks=(hvcore.Disk("/nonesuch"),)))


def test_chroot_mounter(tmp_path: Path) -> None:
    class Nowhere:
        @hookimpl
        def chroot_mounter(self) -> Any:
            return _Mounter()

    plan = chroot(tmp_path, Nowhere()).plan_start(instance(tmp_path))
    [mount] = [step for step in plan.steps if step.name == "mount"]
    assert mount.details == ("void nothing on nowhere",)


def test_chroot_mounter_may_decline(tmp_path: Path) -> None:
    class Declines:
        @hookimpl
        def chroot_mounter(self) -> None:
            return None

    plan = chroot(tmp_path, Declines()).plan_start(instance(tmp_path))
    [mount] = [step for step in plan.steps if step.name == "mount"]
    assert mount.details[0].startswith("directory ")


def test_chroot_mounter_may_fail(tmp_path: Path) -> None:
    class Fails:
        @hookimpl
        def chroot_mounter(self) -> None:
            raise ValueError("no idea")

    with pytest.raises(HookFailed, match="no idea"):
        chroot(tmp_path, Fails()).plan_start(instance(tmp_path))


def test_two_mounters_need_an_order(tmp_path: Path) -> None:
    class One:
        @hookimpl
        def chroot_mounter(self) -> Any:
            return _Mounter()

    class Two(One):
        pass

    with pytest.raises(HookConflict, match="chroot_mounter"):
        chroot(tmp_path, One(), Two())


def test_a_listing_imports_nothing_that_it_does_not_need() -> None:
    script = (
        "import sys, hvcore\n"
        "host = hvcore.load(state_dir='/nonesuch/run', log_dir='/nonesuch/log')\n"
        "before = set(sys.modules)\n"
        "assert host.hypervisor('chroot').get_all_instances_info() == ()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "hvcore_chroot.inventory" in imported
    heavy = {"subprocess", "json", "psutil", "ctypes", "logging", "asyncio", "argparse", "tomllib", "hashlib"}
    assert not (heavy - {"hashlib"}) & imported
    assert (
        not {"hvcore_chroot.lifecycle", "hvcore_chroot.params", "hvcore.system.mounts", "hvcore.system.rooted"}
        & imported
    )


def test_another_state_directory_has_cgroups_of_its_own(tmp_path: Path) -> None:
    class Context:
        def __init__(self, state_dir: Path) -> None:
            self.state_dir, self.log_dir = state_dir, tmp_path

    def paths(state_dir: Path) -> ChrootPaths:
        context: Any = Context(state_dir)
        return ChrootPaths.of(context)

    assert paths(Path("/run/hvcore/chroot")).group("web1") == "hvcore.chroot/ct-web1"
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths(tmp_path / "link") == paths(tmp_path / "real")
    other = paths(tmp_path / "real").group("web1")
    assert other.startswith("hvcore-")
    assert other != paths(tmp_path / "else").group("web1")
