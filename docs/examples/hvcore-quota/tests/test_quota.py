"""Quotas as values, as configuration and as files; nothing here needs root, and version 2 is made of plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

import hvcore
from hvcore.errors import InvalidInput, InvalidParameter, MissingRequirement, OperationFailed
from hvcore.system import CgroupLayout, CgroupMode
from hvcore_lxc.spec import ConfigEntry, LxcSteps
from hvcore_quota import IoRule, Quota
from hvcore_quota.extension import WithQuota
from hvcore_quota.files import settings
from hvcore_quota.live import apply, measure

V1 = CgroupLayout(CgroupMode.V1, {"cpu": "/c/cpu", "pids": "/c/pids", "blkio": "/c/blkio"}, None, frozenset())
V2 = CgroupLayout(CgroupMode.V2, {}, "/c", frozenset({"cpu", "pids", "io"}))
QUOTA = Quota(cpu_percent=50, pids_max=20, io=["8:0 rbps=1048576 wiops=max"])


def written(quota: Quota, layout: CgroupLayout, vcpus: int = 2) -> list[tuple[str, str]]:
    return [(one.file, one.value) for one in settings(quota, vcpus, layout)]


def test_version_1_files() -> None:
    assert written(QUOTA, V1) == [
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "100000"),
        ("pids.max", "20"),
        ("blkio.throttle.read_bps_device", "8:0 1048576"),
        ("blkio.throttle.write_iops_device", "8:0 0"),
    ]


def test_version_2_files() -> None:
    assert written(QUOTA, V2) == [
        ("cpu.max", "100000 100000"),
        ("pids.max", "20"),
        ("io.max", "8:0 rbps=1048576 wiops=max"),
    ]


def test_what_is_left_open_is_left_alone() -> None:
    assert written(Quota(), V1) == []
    assert written(Quota(pids_max=0), V2) == [("pids.max", "max")]


def test_a_controller_that_is_missing_is_told() -> None:
    with pytest.raises(MissingRequirement, match="no io cgroup controller"):
        written(QUOTA, CgroupLayout(CgroupMode.V2, {}, "/c", frozenset({"cpu", "pids"})))


@pytest.mark.parametrize("text", ["", "8:0", "sda rbps=1", "8:0 rbps=0", "8:0 rbps=1 ; reboot", "8:0 speed=1"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        IoRule.parse(text)


@pytest.mark.parametrize("values", [{"cpu_percent": 0}, {"cpu_percent": 101}, {"pids_max": -1}])
def test_numbers_out_of_range_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Quota(**values)
    assert caught.value.key in values


class Inner:
    name = "inner"

    def limits(self, _instance: hvcore.Instance) -> tuple[ConfigEntry, ...]:
        return (ConfigEntry("lxc.cgroup2.cpu.max", "200000 100000"), ConfigEntry("lxc.cgroup2.memory.max", "1"))

    def group(self, instance_name: str) -> str:
        return f"group/{instance_name}"


def test_the_managers_own_bandwidth_is_replaced_and_all_else_kept() -> None:
    manager = WithQuota(Inner(), V2)  # type: ignore[arg-type]
    plain = hvcore.Instance("web1", "lxc", vcpus=2)
    assert manager.limits(plain) == Inner().limits(plain)
    half = hvcore.Instance("web1", "lxc", vcpus=2, parameters={"quota_cpu_percent": 50})
    assert [(entry.key, entry.value) for entry in manager.limits(half)] == [
        ("lxc.cgroup2.memory.max", "1"),
        ("lxc.cgroup2.cpu.max", "100000 100000"),
    ]
    assert manager.group("web1") == "group/web1"


@pytest.fixture
def v2(tmp_path: Path) -> CgroupLayout:
    """A version 2 hierarchy of plain files, with a container's cgroup ``group/web1``."""
    group = tmp_path / "group" / "web1"
    group.mkdir(parents=True)
    for name, text in {"cpu.max": "max 100000\n", "pids.max": "max\n", "io.max": ""}.items():
        (group / name).write_text(text)
    return CgroupLayout(CgroupMode.V2, {}, str(tmp_path), frozenset({"cpu", "pids", "io"}))


def test_a_live_change_on_version_2_is_read_back(v2: CgroupLayout) -> None:
    assert measure(2, v2, "group/web1") == Quota(100, 0, ())
    apply(QUOTA, 2, v2, "group/web1")
    assert measure(2, v2, "group/web1") == Quota(50, 20, ["8:0 rbps=1048576"])


def test_a_live_change_that_fails_takes_the_others_back(v2: CgroupLayout, tmp_path: Path) -> None:
    (tmp_path / "group" / "web1" / "io.max").unlink()
    (tmp_path / "group" / "web1" / "io.max").mkdir()
    with pytest.raises(OperationFailed):
        apply(QUOTA, 2, v2, "group/web1")
    texts = {name: (tmp_path / "group" / "web1" / name).read_text().strip() for name in ("cpu.max", "pids.max")}
    assert texts == {"cpu.max": "max 100000", "pids.max": "max"}


def test_it_is_installed_and_its_parameters_are_checked(tmp_path: Path) -> None:
    lxc = hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("lxc")
    assert ("wrapper", "quota") in [(a.role, a.plugin) for a in lxc.scope.answerers(LxcSteps.lxc_cgroups)]
    lxc.check_parameter_syntax({"quota_cpu_percent": 50, "quota_pids_max": 10, "quota_io": ["8:0 rbps=1"]})
    for bad in ({"quota_cpu_percent": 0}, {"quota_pids_max": -1}, {"quota_io": ["fast"]}):
        with pytest.raises(InvalidParameter):
            lxc.check_parameter_syntax(bad)
    with pytest.raises(InvalidParameter, match="no such block device"):
        lxc.validate_parameters({"quota_io": ["4095:1 rbps=1"]})
