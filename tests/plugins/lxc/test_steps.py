"""What a start keeps on disk: complete or not at all, and read back as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvcore.errors import StateFailed
from hvcore.model.disk import BlockDevice, Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore_lxc.steps import Definition, load_definition, write_file

line = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=10)
path = line.map(lambda text: f"/{text}")
values = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | line | st.lists(line, max_size=3).map(tuple)
instances = st.builds(
    Instance,
    name=st.just("web1"),
    hypervisor=st.just("lxc"),
    memory_mib=st.integers(1, 2**31),
    vcpus=st.integers(1, 8192),
    parameters=st.dictionaries(st.from_regex("[a-z][a-z_]{0,8}", fullmatch=True), values, max_size=4),
    disks=st.lists(path, max_size=3).map(
        lambda paths: tuple(Disk(p, mount_point=f"/m{n}" if n else "") for n, p in enumerate(paths))
    ),
    nics=st.lists(st.builds(Nic, mode=st.just(NicMode.NONE)), max_size=2),
)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    instance = draw(instances)
    devices = tuple(BlockDevice(disk, draw(path), draw(st.none() | line)) for disk in instance.disks)
    return Definition(instance, devices, draw(st.booleans()))


@given(definitions())
@settings(deadline=None)
def test_a_definition_survives_the_disk(definition: Definition) -> None:
    text = definition.to_json()
    assert Definition.from_json(text) == definition
    assert Definition.from_json(text).to_json() == text


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    instance = Instance("web1", "lxc", disks=(Disk("/srv/root"),))
    file = tmp_path / "definition.json"
    write_file(file, Definition(instance, (BlockDevice(instance.disks[0], "/srv/root"),)).to_json())
    return file


def test_load_definition(saved: Path, tmp_path: Path) -> None:
    loaded = load_definition(saved)
    assert loaded is not None
    assert (loaded.instance.name, loaded.startup_paused) == ("web1", False)
    assert load_definition(tmp_path / "none.json") is None


def damaged(text: str) -> list[str]:
    data = json.loads(text)
    without_devices = {key: value for key, value in data.items() if key != "block_devices"}
    one_too_many = {**data, "block_devices": data["block_devices"] * 2}
    bad_name = {**data, "instance": {**data["instance"], "name": "../evil"}}
    return ["", text[:40], "[]", "null", "17", *map(json.dumps, (without_devices, one_too_many, bad_name))]


def test_a_damaged_definition_is_told(saved: Path) -> None:
    for text in damaged(saved.read_text()):
        saved.write_text(text)
        with pytest.raises(StateFailed, match="cannot be read") as caught:
            load_definition(saved)
        assert caught.value.resolution


def test_a_definition_that_is_not_text(saved: Path) -> None:
    saved.write_bytes(b"\xff\xfe{")
    with pytest.raises(StateFailed):
        load_definition(saved)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "config"
    write_file(file, "old\n")
    write_file(file, "new: ö\n")
    assert file.read_bytes() == "new: ö\n".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    file = tmp_path / "config"
    write_file(file, "old\n")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "replace":
        monkeypatch.setattr(os, "replace", full)
    else:
        monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StateFailed, match=f"{file} cannot be written: No space left on device") as caught:
        write_file(file, "new\n")
    assert "free space" in str(caught.value.resolution)
    assert file.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]


def test_a_directory_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for parent in ("missing", "file"):
        with pytest.raises(StateFailed, match="cannot be written"):
            write_file(tmp_path / parent / "config", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
