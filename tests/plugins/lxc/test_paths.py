"""Where an instance keeps what, and that no two instances share a place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import hvcore
from hvcore.context import DriverContext
from hvcore.model.instance import MAX_NICS
from hvcore.model.names import MAX_INSTANCE_NAME
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.plugin import plugin

DEFAULT = LxcPaths(Path("/run/hvcore/lxc"), Path("/var/log/hvcore/lxc"), "")
OTHER = LxcPaths(Path("/srv/state/lxc"), Path("/srv/log/lxc"), "0123abcd")

label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
suffixes = st.sampled_from(["console", "log", "lxc", "json", "new", "lxc.console"])
names = st.lists(label | suffixes, min_size=1, max_size=4).map(".".join)

FILES: tuple[Callable[[LxcPaths, str], Path], ...] = (
    LxcPaths.instance_dir,
    LxcPaths.definition,
    LxcPaths.config,
    LxcPaths.root,
    LxcPaths.init_pid,
    LxcPaths.gate,
    LxcPaths.lxc_log,
    LxcPaths.console_log,
    LxcPaths.lxc_lock,
)


def context(state_dir: Path, log_dir: Path) -> DriverContext:
    return hvcore.load(plugins=[plugin], discover=False, state_dir=state_dir, log_dir=log_dir).hypervisor("lxc").context


def test_the_default_state_directory_has_no_tag() -> None:
    paths = LxcPaths.of(context(Path("/run/hvcore"), Path("/var/log/hvcore")))
    assert paths == DEFAULT
    assert paths.container_group("web1") == "hvcore.lxc/ct-web1"
    assert paths.monitor_group("web1") == "hvcore.lxc-monitor/ct-web1"
    assert paths.pivot_group == "hvcore.lxc-monitor/lxc.pivot"


def test_any_other_state_directory_has_one_of_its_own(tmp_path: Path) -> None:
    first, second = (LxcPaths.of(context(tmp_path / name, tmp_path)) for name in ("a", "b"))
    assert first.tag != second.tag
    assert re.fullmatch("[0-9a-f]{8}", first.tag)
    assert first.container_parent == f"hvcore-{first.tag}.lxc"
    assert first.monitor_parent == f"hvcore-{first.tag}.lxc-monitor"
    assert first.lxcpath == tmp_path / "a/lxc"
    assert first.log_dir == tmp_path / "lxc"


def test_one_directory_by_two_names_has_one_tag(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real, link = (LxcPaths.of(context(tmp_path / name, tmp_path)) for name in ("real", "link"))
    climbing = LxcPaths.of(context(tmp_path / "link" / ".." / "real", tmp_path))
    assert real == link == climbing


@given(st.lists(names, min_size=2, max_size=8, unique=True))
@settings(deadline=None)
def test_no_two_instances_share_a_file_or_a_cgroup(many: list[str]) -> None:
    for paths in (DEFAULT, OTHER):
        places = [str(place(paths, name)) for name in many for place in FILES]
        groups = [group for name in many for group in (paths.container_group(name), paths.monitor_group(name))]
        assert len(set(places)) == len(places)
        assert len({*groups, paths.pivot_group}) == len(groups) + 1


def test_an_instance_called_console_has_a_log_of_its_own() -> None:
    assert DEFAULT.lxc_log("web1.console") != DEFAULT.console_log("web1")
    assert DEFAULT.console_log("web1.lxc") != DEFAULT.lxc_log("web1")


@pytest.mark.parametrize("name", ["tasks", "cgroup.procs", "memory.max", "lxc.pivot"])
def test_a_name_is_never_one_of_the_kernels_own_files(name: str) -> None:
    assert DEFAULT.container_group(name) == f"hvcore.lxc/ct-{name}"
    assert DEFAULT.monitor_group(name) != DEFAULT.pivot_group


def test_the_longest_name_fits_into_every_file_system() -> None:
    name = "a" * MAX_INSTANCE_NAME
    for place in FILES:
        assert len(place(OTHER, name).name) <= 250
    assert len(OTHER.container_group(name).split("/")[-1]) <= 250


@given(st.lists(names, min_size=1, max_size=20, unique=True))
@settings(deadline=None)
def test_device_names_fit_the_kernel_and_are_distinct(many: list[str]) -> None:
    devices = [DEFAULT.host_device(name, index) for name in many for index in range(MAX_NICS)]
    assert len(set(devices)) == len(devices)
    assert all(len(device) <= 15 and re.fullmatch("[a-z0-9-]+", device) for device in devices)


def test_device_names_of_many_instances_are_distinct_and_stay_the_same() -> None:
    many = [f"web{number}" for number in range(5000)]
    assert len({DEFAULT.host_device(name, 0) for name in many}) == len(many)
    assert DEFAULT.host_device("web1", 0) == "hvc65de72dd-0"


def test_device_names_differ_between_state_directories() -> None:
    assert DEFAULT.host_device("web1", 0) != OTHER.host_device("web1", 0)
    assert DEFAULT.host_device("web1", 0) == evolve(DEFAULT, log_dir=Path("/tmp/x")).host_device("web1", 0)


def test_lxcs_lock_is_where_lxc_puts_it() -> None:
    assert DEFAULT.lxc_lock("web1") == Path("/run/lxc/lock/run/hvcore/lxc/.web1")
