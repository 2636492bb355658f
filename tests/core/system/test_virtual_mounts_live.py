"""File systems without a device, and paths as a guest follows them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system import libc
from hvcore.system.mountinfo import mount_at, read_mounts
from hvcore.system.mounts import bind_mount, mount_virtual, unmount_tree

pytestmark = pytest.mark.usefixtures("as_root")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[str]:
    """A private mount to mount below."""
    place = tmp_path.resolve() / "root"
    place.mkdir()
    bind_mount(str(place), str(place))
    yield str(place)
    unmount_tree(str(place))


def test_options_of_the_mount_and_of_the_file_system(root: str) -> None:
    mount_virtual("tmpfs", root, ("ro", "nosuid", "nodev", "noexec", "mode=711", "size=64k"))
    mount = mount_at(read_mounts(), root)
    assert mount is not None
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(mount.options)
    assert {"mode=711", "size=64k"} <= set(mount.super_options)
    assert (mount.fs_type, mount.source, mount.propagation) == ("tmpfs", "tmpfs", ())


def test_the_kernels_words_are_told(root: str) -> None:
    with pytest.raises(OperationFailed, match=r"^nonesuch cannot be mounted at .*: No such device$"):
        mount_virtual("nonesuch", root)
    with pytest.raises(OperationFailed, match="Invalid argument"):
        mount_virtual("tmpfs", root, ("nonsense=1",))


def test_a_link_is_not_followed(root: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", f"{root}/proc")
    with pytest.raises(OperationFailed, match="reached through a symbolic link"):
        mount_virtual("tmpfs", f"{root}/proc")
    assert mount_at(read_mounts(), str(tmp_path.resolve() / "elsewhere")) is None


@pytest.mark.parametrize("link", ["/etc/passwd", "../../../../../etc/passwd", "etc/passwd"])
def test_a_path_is_followed_as_the_guest_follows_it(tmp_path: Path, link: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("the guest's own")
    (tmp_path / "script").symlink_to(link)
    directory = os.open(tmp_path, os.O_PATH)
    try:
        found = libc.open_in_root(directory, "/script")
        assert os.path.samestat(os.fstat(found), (tmp_path / "etc/passwd").stat())
        os.close(found)
        with pytest.raises(FileNotFoundError):
            libc.open_in_root(directory, "/etc/hostname")
    finally:
        os.close(directory)
