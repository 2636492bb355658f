"""The configuration that would be written; nothing here needs root."""

from __future__ import annotations

from pathlib import Path

import pytest

import hvcore
from hvcore_hardening.extension import DROPPED, PROFILE
from hvcore_lxc.spec import ConfigDocument, ConfigEntry, LxcSteps


@pytest.fixture
def lxc(tmp_path: Path) -> hvcore.Hypervisor:
    return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("lxc")


def document_of(lxc: hvcore.Hypervisor, **parameters: object) -> ConfigDocument:
    instance = lxc.prepare_instance(hvcore.Instance("web1", "lxc", parameters=parameters))
    chosen = lxc.scope.choose(LxcSteps.lxc_config, instance=instance, root="/r", limits=())
    return chosen.append(*lxc.scope.collect(LxcSteps.lxc_config_entries, instance=instance, document=chosen))


def test_it_is_installed_as_a_wrapper_and_a_collector(lxc: hvcore.Hypervisor) -> None:
    assert ("wrapper", "hardening") in [(a.role, a.plugin) for a in lxc.scope.answerers(LxcSteps.lxc_config)]
    assert [(a.role, a.plugin) for a in lxc.scope.answerers(LxcSteps.lxc_config_entries)] == [
        ("extension", "hardening")
    ]


def test_every_container_is_hardened(lxc: hvcore.Hypervisor) -> None:
    document = document_of(lxc)
    assert set(DROPPED) < set(document.values("lxc.cap.drop"))
    assert document.values("lxc.seccomp.profile") == (str(PROFILE),)
    assert document.values("lxc.no_new_privs") == ("1",)
    (entry,) = document.values("lxc.mount.entry")
    assert "size=16m" in entry


def test_one_that_opts_out_is_left_alone(lxc: hvcore.Hypervisor) -> None:
    document = document_of(lxc, hardening=False)
    assert not set(DROPPED) & set(document.values("lxc.cap.drop"))
    for key in ("lxc.seccomp.profile", "lxc.no_new_privs", "lxc.mount.entry"):
        assert document.values(key) == ()


def test_single_measures_can_be_left_out(lxc: hvcore.Hypervisor) -> None:
    document = document_of(lxc, hardening_keep_capabilities=["net_raw"], hardening_tmp_mib=0)
    assert "net_raw" not in document.values("lxc.cap.drop")
    assert "mknod" in document.values("lxc.cap.drop")
    assert document.values("lxc.mount.entry") == ()


def test_nothing_is_dropped_twice_and_the_instances_own_profile_wins(lxc: hvcore.Hypervisor) -> None:
    document = document_of(lxc, drop_capabilities=["mknod"], extra_config=["lxc.seccomp.profile = /etc/mine"])
    assert document.values("lxc.cap.drop").count("mknod") == 1
    assert document.values("lxc.seccomp.profile") == ("/etc/mine",)


def test_a_list_of_what_is_kept_is_not_mixed_with_one_of_what_is_dropped(lxc: hvcore.Hypervisor) -> None:
    document = document_of(lxc, drop_capabilities=[], extra_config=["lxc.cap.keep = chown"])
    assert document.values("lxc.cap.drop") == ()
    assert ConfigEntry("lxc.cap.keep", "chown") in document.entries


def test_the_profile_is_shipped_and_names_each_call_once() -> None:
    version, policy, scope, *rules = PROFILE.read_text("utf-8").splitlines()
    assert (version, policy, scope) == ("2", "denylist", "[all]")
    calls = [rule.partition(" ")[0] for rule in rules]
    assert calls == sorted(set(calls))
