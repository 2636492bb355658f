from __future__ import annotations

import pytest

from hvcore.errors import InvalidInput
from hvcore.model.disk import BlockDevice, Disk, DiskKind


def test_a_path_is_enough():
    disk = Disk("/srv/web1.rootfs")
    assert disk.to_dict() == {"path": "/srv/web1.rootfs", "kind": None, "mount_point": "", "read_only": False}


@pytest.mark.parametrize("path", ["/", "/srv/a:0", "/srv/a b,c#d", "/srv/é", "/srv/a/../b", "/" + "a" * 4094])
def test_absolute_paths_are_taken(path):
    assert Disk(path).path == path


@pytest.mark.parametrize(
    "path", ["", "rel", "./a", "~/a", "/a\nb", "/a\0", "/\ud800", "/" + "é" * 2048, None, 5, b"/a"]
)
def test_other_paths_are_refused(path):
    with pytest.raises(InvalidInput) as caught:
        Disk(path)
    assert caught.value.key == "path"


def test_a_relative_path_is_told_what_is_allowed():
    with pytest.raises(InvalidInput, match=r"^path cannot be 'srv/a'; allowed: an absolute path"):
        Disk("srv/a")


@pytest.mark.parametrize("kind", list(DiskKind))
def test_kinds_by_name(kind):
    assert Disk("/a", kind=str(kind)).kind is kind


@pytest.mark.parametrize("kind", ["", "lvm", 1, ["image"], "IMAGE"])
def test_unknown_kinds(kind):
    with pytest.raises(InvalidInput) as caught:
        Disk("/a", kind=kind)
    assert (caught.value.key, caught.value.allowed) == ("kind", "one of directory, block, image")


@pytest.mark.parametrize("place", ["", "/", "/srv", "/srv/a b", "/.a", "/a..b"])
def test_mount_points(place):
    assert Disk("/a", mount_point=place).mount_point == place


@pytest.mark.parametrize(
    "place", ["srv", "/srv/", "//srv", "/srv//a", "/srv/.", "/./srv", "/..", "/a/../b", "/a\n", 1, None]
)
def test_refused_mount_points(place):
    with pytest.raises(InvalidInput) as caught:
        Disk("/a", mount_point=place)
    assert caught.value.key == "mount_point"


@pytest.mark.parametrize("value", [1, "true", None])
def test_read_only_is_a_bool(value):
    with pytest.raises(InvalidInput) as caught:
        Disk("/a", read_only=value)
    assert caught.value.key == "read_only"


def test_block_device():
    device = BlockDevice(Disk("/a"), "/run/disks/web1:0", "nbd://host")
    assert device.uri == "nbd://host"
    assert BlockDevice(Disk("/a"), "/b").uri is None
    for path, uri in [("b", None), ("/b", "x\ny"), ("/b", 5)]:
        with pytest.raises(InvalidInput):
            BlockDevice(Disk("/a"), path, uri)
