"""What would be mounted, and for whom; nothing here needs root."""

from __future__ import annotations

from pathlib import Path

import pytest

import hvcore
from hvcore.errors import InvalidParameter, OperationFailed
from hvcore_lxc.spec import LxcSteps, Mounter


@pytest.fixture
def lxc(tmp_path: Path) -> hvcore.Hypervisor:
    return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("lxc")


def mounter_of(lxc: hvcore.Hypervisor, path: Path, *more: hvcore.Disk, **parameters: object) -> Mounter:
    instance = lxc.prepare_instance(
        hvcore.Instance("web1", "lxc", disks=[hvcore.Disk(str(path)), *more], parameters=parameters)
    )
    devices = tuple(hvcore.BlockDevice(disk, disk.path) for disk in instance.disks)
    return lxc.scope.choose(LxcSteps.lxc_mounter, instance=instance, block_devices=devices, root="/r")


def test_it_is_installed_and_its_parameters_are_declared(lxc: hvcore.Hypervisor) -> None:
    asked = [(a.role, a.plugin) for a in lxc.scope.answerers(LxcSteps.lxc_mounter)]
    assert asked[0] == ("extension", "overlay")
    assert {"volatile", "volatile_size_mib"} <= {parameter.name for parameter in lxc.parameters}


def test_it_declines_unless_it_is_asked_for(lxc: hvcore.Hypervisor, tmp_path: Path) -> None:
    assert mounter_of(lxc, tmp_path).name == "default"
    assert mounter_of(lxc, tmp_path, volatile=True).name.startswith("volatile")


def test_the_plan_reads_the_root_only_and_leaves_other_disks_as_they_are(
    lxc: hvcore.Hypervisor, tmp_path: Path
) -> None:
    data = hvcore.Disk(str(tmp_path), mount_point="/srv")
    plan = [str(action) for action in mounter_of(lxc, tmp_path, data, volatile=True).plan()]
    assert plan == [
        f"directory {tmp_path} on /r/lower (read-only)",
        "overlay /r/lower on /r",
        f"directory {tmp_path} on /r/srv",
    ]


def test_a_disk_that_is_not_there_is_refused_by_the_plan(lxc: hvcore.Hypervisor, tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="cannot be used as a disk"):
        mounter_of(lxc, tmp_path / "none", volatile=True).plan()


@pytest.mark.parametrize(("name", "value"), [("volatile_size_mib", 0), ("volatile", "perhaps")])
def test_bad_parameters_are_refused(lxc: hvcore.Hypervisor, tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(InvalidParameter) as caught:
        mounter_of(lxc, tmp_path, **{"volatile": True, name: value})
    assert caught.value.key is not None
    assert caught.value.key.endswith(name)
