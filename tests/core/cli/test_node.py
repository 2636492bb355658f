"""``node`` and ``files``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import OperationFailed
from hvcore.model.files import AncillaryFiles
from hvcore.plugin import BaseHypervisor, hookimpl


def test_node_says_what_linux_says(hv: Any) -> None:
    found = hv("node", "--json").json
    here = hvcore.linux_node_info().to_dict()
    assert found["hypervisor"] is None
    assert list(found)[1:] == list(here)
    assert (found["memory_total_mib"], found["cpu_total"]) == (here["memory_total_mib"], here["cpu_total"])
    lines = hv("node").out.splitlines()
    assert lines[0].split() == ["memory", str(here["memory_total_mib"]), "MiB"]
    assert not any("None" in line for line in lines)


def test_node_as_one_hypervisor_sees_it(hv: Any, started: Any) -> None:
    started()
    found = hv("node", "-H", "fake", "--json").json
    assert found["hypervisor"] == "fake"
    assert found["memory_total_mib"] == hvcore.linux_node_info().memory_total_mib
    assert hv("node", "-H", "fake").status == 0


def test_the_version_of_the_hypervisor_is_shown(hv: Any, only: Any) -> None:
    class Versioned(BaseHypervisor):
        @hookimpl
        def get_node_info(self, parameters: object) -> hvcore.NodeInfo:
            return hvcore.NodeInfo(1024, 512, 512, 2, 1, 1, 2, 100, (5, 0, 2))

    only(mine=Versioned)
    lines = [" ".join(line.split()) for line in hv("node", "-H", "mine").out.splitlines()]
    assert "version of mine 5.0.2" in lines
    assert "memory of the hypervisor 100 MiB" in lines


@pytest.fixture
def with_files(only: Any, tmp_path: Path) -> Path:
    (tmp_path / "there").write_bytes(b"content")
    (tmp_path / "folder").mkdir()

    class Filed(BaseHypervisor):
        @hookimpl
        def get_ancillary_files(self) -> AncillaryFiles:
            paths = [str(tmp_path / name) for name in ("there", "absent", "folder", "maybe")]
            return AncillaryFiles(paths, [str(tmp_path / "maybe")])

    class Sick(BaseHypervisor):
        @hookimpl
        def get_ancillary_files(self) -> AncillaryFiles:
            raise OperationFailed("it is sick")

    only(filed=Filed, sick=Sick)
    return tmp_path


def test_files_in_json(hv: Any, with_files: Path) -> None:
    found = {Path(file.pop("path")).name: file for file in hv("files", "--json").json}
    digest = hashlib.sha256(b"content").hexdigest()
    assert found == {
        "there": {"hypervisor": "filed", "optional": False, "present": True, "sha256": digest},
        "absent": {"hypervisor": "filed", "optional": False, "present": False, "sha256": None},
        "folder": {"hypervisor": "filed", "optional": False, "present": True, "sha256": None},
        "maybe": {"hypervisor": "filed", "optional": True, "present": False, "sha256": None},
    }


def test_files_as_a_table(hv: Any, with_files: Path) -> None:
    outcome = hv("files")
    assert outcome.status == 0
    assert [line.split()[2:4] for line in outcome.out.splitlines()[1:]] == [
        ["needed", "absent"],
        ["needed", "present"],
        ["optional", "absent"],
        ["needed", "present"],
    ]
    assert "sick cannot name its files: it is sick" in outcome.err
    assert f"{with_files / 'folder'} cannot be read: Is a directory" in outcome.err


def test_files_of_one_hypervisor(hv: Any, with_files: Path) -> None:
    assert hv("files", "-H", "sick").status == 1
    assert hv("files", "-H", "filed").status == 0


def test_no_files(hv: Any) -> None:
    assert hv("files").out == "no hypervisor has files that must be alike on all nodes\n"
    assert hv("files", "--json").json == []
