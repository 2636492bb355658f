"""LXC's steps as hooks: what an extension answers is what the plan shows, and a choice needs an order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import hvcore
from hvcore.errors import HookConflict, HookFailed
from hvcore.plugin import Extension, hookimpl
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.document import ConfigDocument, ConfigEntry
from hvcore_lxc.mounter import MountAction
from hvcore_lxc.plugin import plugin


class _Mounter:
    name = "nowhere"

    def plan(self) -> tuple[MountAction, ...]:
        return (MountAction("nothing", "nowhere", "void"),)

    def mount(self) -> None:
        raise AssertionError("a plan must not mount")

    def unmount(self) -> None:
        raise AssertionError("a plan must not unmount")


def _plan(tmp_path: Path, *extensions: object) -> Any:
    host = hvcore.load(
        settings=hvcore.Settings(),
        state_dir=tmp_path / "run",
        log_dir=tmp_path / "log",
        plugins=[plugin],
        extensions={"lxc": extensions},
        discover=False,
    )
    (tmp_path / "root").mkdir(exist_ok=True)
    instance = hvcore.Instance("web1", "lxc", disks=(hvcore.Disk(str(tmp_path / "root")),))
    return host.hypervisor("lxc").plan_start(instance)


def _text(plan: Any) -> str:
    (text,) = plan.documents.values()
    return str(text)


def test_lxc_mounter(tmp_path: Path) -> None:
    class Nowhere:
        @hookimpl
        def lxc_mounter(self, instance: Any) -> Any:
            return _Mounter()

    (mount,) = [step for step in _plan(tmp_path, Nowhere()).steps if step.name == "mount"]
    assert mount.details == ("void nothing on nowhere",)


def test_lxc_mounter_may_decline(tmp_path: Path) -> None:
    class Declines:
        @hookimpl
        def lxc_mounter(self) -> None:
            return None

    (mount,) = [step for step in _plan(tmp_path, Declines()).steps if step.name == "mount"]
    assert mount.details[0].startswith("directory ")


def test_lxc_cgroups(tmp_path: Path) -> None:
    class WithPids(DefaultCgroups):
        @property
        def name(self) -> str:
            return "with pids"

        def limits(self, instance: hvcore.Instance) -> tuple[ConfigEntry, ...]:
            return (*super().limits(instance), ConfigEntry("lxc.cgroup.pids.max", "7"))

    class Chooses:
        @hookimpl
        def lxc_cgroups(self) -> Any:
            from hvcore_lxc.paths import LxcPaths

            return WithPids(LxcPaths(tmp_path / "run" / "lxc", tmp_path / "log" / "lxc", "test"))

    plan = _plan(tmp_path, Chooses())
    assert "lxc.cgroup.pids.max = 7\n" in _text(plan)
    assert any("with pids" in step.summary for step in plan.steps)


def test_lxc_config(tmp_path: Path) -> None:
    class Replaces:
        @hookimpl
        def lxc_config(self) -> ConfigDocument:
            return ConfigDocument((ConfigEntry("lxc.uts.name", "other"),))

    lines = [line for line in _text(_plan(tmp_path, Replaces())).splitlines() if not line.startswith("#")]
    assert lines == ["lxc.uts.name = other"]


def test_lxc_config_wrapped(tmp_path: Path) -> None:
    class Amends:
        @hookimpl(wrapper=True)
        def lxc_config(self) -> Any:
            document = yield
            return document.replace("lxc.uts.name", "amended")

    text = _text(_plan(tmp_path, Amends()))
    assert "lxc.uts.name = amended\n" in text
    assert "lxc.rootfs.path = dir:" in text


def test_a_wrapper_that_forgets_to_return_is_named(tmp_path: Path) -> None:
    class Forgets:
        @hookimpl(wrapper=True)
        def lxc_config(self) -> Any:
            yield

    with pytest.raises(HookFailed) as caught:
        _plan(tmp_path, Forgets())
    assert "Forgets" in caught.value.explain()


def test_lxc_config_entries(tmp_path: Path) -> None:
    class Second:
        @hookimpl
        def lxc_config_entries(self) -> list[ConfigEntry]:
            return [ConfigEntry("lxc.environment", "B=2")]

    class First:
        @hookimpl
        def lxc_config_entries(self, instance: hvcore.Instance) -> list[ConfigEntry]:
            return [ConfigEntry("lxc.environment", f"A={instance.name}")]

    text = _text(_plan(tmp_path, Second(), First()))
    assert text.endswith("lxc.environment = A=web1\nlxc.environment = B=2\n")


def test_two_overriders_need_an_order(tmp_path: Path) -> None:
    class One:
        @hookimpl
        def lxc_config(self) -> ConfigDocument:
            return ConfigDocument((ConfigEntry("lxc.uts.name", "one"),))

    class Two:
        @hookimpl
        def lxc_config(self) -> ConfigDocument:
            return ConfigDocument((ConfigEntry("lxc.uts.name", "two"),))

    with pytest.raises(HookConflict) as caught:
        _plan(tmp_path, One(), Two())
    assert "'One'" in caught.value.message
    assert "'Two'" in caught.value.message
    assert "one" in _text(_plan(tmp_path, Extension(One(), before=("Two",)), Two()))
    assert "two" in _text(_plan(tmp_path, One(), evolve(Extension(Two()), before=("One",))))
