"""The examples do not get in each other's way: all of them join LXC's scope at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hvcore
from hvcore.testing.fixtures import LiveHost
from hvcore_quota import get_quota

EXAMPLES = Path(__file__).parents[1]
READMES = sorted(EXAMPLES.glob("hvcore-*/README.md"))
INSTANCE = re.compile(r"^```toml\n(name = .*?)^```$", re.MULTILINE | re.DOTALL)
EXTENSIONS = {"audit", "hardening", "overlay", "quota"}


def test_all_are_installed_and_none_is_broken(tmp_path: Path) -> None:
    host = hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log")
    report = host.plugins()
    assert report.broken == ()
    assert not EXTENSIONS - {extension.name for extension in report.extensions}
    assert "nspawn" in host.hypervisor_names


def test_parameters_of_all_are_declared_beside_those_of_lxc(tmp_path: Path) -> None:
    lxc = hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("lxc")
    assert {"cpu_mask", "volatile", "quota_pids_max", "hardening"} <= {parameter.name for parameter in lxc.parameters}


@pytest.mark.parametrize("hypervisor", ["lxc", "nspawn"])
def test_the_readmes_tell_every_parameter_and_its_default(hypervisor: str) -> None:
    text = "".join(readme.read_text("utf-8") for readme in READMES)
    for parameter in hvcore.load().hypervisor(hypervisor).parameters:
        told = re.search(rf"^\| `{parameter.name}` \| `(.*?)` \|", text, re.MULTILINE)
        if hypervisor == "nspawn" or parameter.name.startswith(("volatile", "quota", "hardening")):
            default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
            assert told, parameter.name
            assert told[1] == str(default).replace("True", "true").replace("False", "false")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_the_instance_files_in_the_readmes_are_good(readme: Path, tmp_path: Path) -> None:
    blocks = INSTANCE.findall(readme.read_text("utf-8"))
    assert blocks or readme.parent.name == "hvcore-audit"
    for block in blocks:
        (tmp_path / "instance.toml").write_text(block)
        instance = hvcore.Instance.from_file(tmp_path / "instance.toml")
        hvcore.load().hypervisor(instance.hypervisor).prepare_instance(instance)


@pytest.mark.live
def test_one_container_has_it_all(lxc_host: LiveHost, audit_file: Path) -> None:
    instance = lxc_host.instance(volatile=True, quota_pids_max=50)
    lxc_host.hypervisor.start_instance(instance)

    def say(*command: str) -> str:
        return lxc_host.hypervisor.exec_in_instance(instance.name, command).stdout.decode()

    assert say("touch", "/etc/changed") == ""
    assert "Seccomp:\t2" in say("cat", "/proc/1/status")
    assert " / overlay " in say("cat", "/proc/mounts")
    assert get_quota(lxc_host.hypervisor, instance.name).pids_max == 50
    lxc_host.hypervisor.stop_instance(instance.name, force=True)
    assert not (lxc_host.root / "etc" / "changed").exists()
    assert instance.name in audit_file.read_text()
