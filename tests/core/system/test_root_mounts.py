"""The default mounter: what it plans, and where it refuses to go."""

from __future__ import annotations

import os
from itertools import permutations
from pathlib import Path

import pytest

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.model.disk import BlockDevice, Disk, DiskKind
from hvcore.model.instance import Instance
from hvcore.system.root_mounts import DefaultMounter, MountAction, kind_of, make_mount_point


def mounter(*disks: Disk, root: str = "/run/root", paths: tuple[str, ...] = ()) -> DefaultMounter:
    devices = tuple(
        BlockDevice(disk=disk, path=path) for disk, path in zip(disks, paths or [d.path for d in disks], strict=True)
    )
    return DefaultMounter(Instance("web1", "lxc", disks=disks), devices, root)


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "root directory").mkdir()
    return str(tmp_path / "root directory")


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "disk: a,b.img").touch()
    return str(tmp_path / "disk: a,b.img")


def test_a_directory_is_the_root(directory: str) -> None:
    assert mounter(Disk(directory)).plan() == (MountAction(directory, "/run/root", "directory"),)


def test_an_image_goes_to_its_mount_point(directory: str, image: str) -> None:
    data = Disk(image, mount_point="/srv/data", read_only=True)
    assert mounter(Disk(directory), data).plan() == (
        MountAction(directory, "/run/root", "directory"),
        MountAction(image, "/run/root/srv/data", "image", read_only=True),
    )


def test_the_root_may_say_where_it_goes(image: str) -> None:
    assert mounter(Disk(image, mount_point="/")).plan() == (MountAction(image, "/run/root", "image"),)


def test_a_plan_is_readable() -> None:
    assert str(MountAction("/a", "/b", "image")) == "image /a on /b"
    assert str(MountAction("/a", "/b", DiskKind.BLOCK, read_only=True)) == "block /a on /b (read-only)"


def test_a_disk_inside_anothers_mount_point_comes_after_it(directory: str) -> None:
    points = ("/srv", "/srv/data", "/srv/data/deep", "/opt/app")
    for order in permutations(points):
        disks = [Disk(directory), *(Disk(directory, mount_point=point) for point in order)]
        targets = [action.target for action in mounter(*disks, root="/r").plan()]
        assert targets[0] == "/r"
        assert sorted(targets) == sorted(["/r", *(f"/r{point}" for point in points)])
        assert targets.index("/r/srv") < targets.index("/r/srv/data") < targets.index("/r/srv/data/deep")


def test_the_device_that_was_offered_is_mounted_not_the_definitions_path(directory: str, image: str) -> None:
    (action,) = mounter(Disk("/not/there"), paths=(image,)).plan()
    assert (action.source, action.kind) == (image, "image")


def test_no_disk_is_no_root() -> None:
    with pytest.raises(InvalidInput, match="web1 has no disk to be its root") as caught:
        mounter().plan()
    assert caught.value.key == "disks"


def test_a_missing_disk(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    with pytest.raises(OperationFailed, match=f"{path} cannot be used as a disk: No such file or directory") as caught:
        mounter(Disk(path)).plan()
    assert caught.value.resolution


@pytest.mark.parametrize("wanted", DiskKind)
def test_a_disk_must_be_what_the_definition_says(wanted: DiskKind, directory: str, image: str) -> None:
    for path, found in ((directory, DiskKind.DIRECTORY), (image, DiskKind.IMAGE)):
        device = BlockDevice(disk=Disk(path, kind=wanted), path=path)
        if wanted is found:
            assert kind_of(device) is found
        else:
            with pytest.raises(OperationFailed, match=f"{path} is {found}, not {wanted}"):
                kind_of(device)


def test_what_no_disk_can_be() -> None:
    with pytest.raises(OperationFailed, match=r"/dev/null is neither a directory, a block device nor a file$"):
        kind_of(BlockDevice(disk=Disk("/dev/null"), path="/dev/null"))
    with pytest.raises(OperationFailed, match=r"/dev/null is neither .* nor a file, not block"):
        kind_of(BlockDevice(disk=Disk("/dev/null", kind=DiskKind.BLOCK), path="/dev/null"))


def test_a_link_is_what_it_points_to(directory: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    assert kind_of(BlockDevice(disk=Disk(directory), path=str(tmp_path / "link"))) is DiskKind.DIRECTORY


# -- mount points inside the guest's root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "guest").mkdir()
    return tmp_path / "guest"


def test_a_mount_point_is_made_with_its_parents(root: Path) -> None:
    (root / "srv").mkdir(mode=0o700)
    make_mount_point(str(root), f"{root}/srv/data/deep")
    assert (root / "srv/data/deep").is_dir()
    assert (root / "srv").stat().st_mode & 0o777 == 0o700
    make_mount_point(str(root), f"{root}/srv/data/deep")


@pytest.mark.parametrize("link", ["srv", "srv/data"])
@pytest.mark.parametrize("target", ["outside", "inside", "../outside", "/", "nowhere"])
def test_a_link_in_the_guest_leads_nowhere(root: Path, link: str, target: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (root / "inside").mkdir()
    path = root / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside if target == "outside" else target)
    before = sorted(root.parent.rglob("*"))
    with pytest.raises(OperationFailed, match=f"leads over the symbolic link {path}") as caught:
        make_mount_point(str(root), f"{root}/srv/data")
    assert caught.value.resolution
    assert sorted(root.parent.rglob("*")) == before


@pytest.mark.parametrize("file", ["srv", "srv/data"])
def test_a_file_in_the_way(root: Path, file: str) -> None:
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text("the guest's own")
    with pytest.raises(OperationFailed, match="which is not a directory"):
        make_mount_point(str(root), f"{root}/srv/data")
    assert (root / file).read_text() == "the guest's own"


def test_a_root_that_cannot_be_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: int) -> None:
        raise OSError(30, "Read-only file system", path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(OperationFailed, match=f"the mount point {root}/srv cannot be made: Read-only file system"):
        make_mount_point(str(root), f"{root}/srv")


# -- what is done, with the kernel's part replaced


class Mounts:
    """Records the mounts that would be made."""

    def __init__(self) -> None:
        self.made: list[tuple[object, ...]] = []

    def bind(self, *arguments: object) -> None:
        self.made.append(("bind", *arguments))

    def image(self, *arguments: object) -> None:
        self.made.append(("image", *arguments))


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> Mounts:
    recorder = Mounts()
    monkeypatch.setattr("hvcore.system.mounts.bind_mount", recorder.bind)
    monkeypatch.setattr("hvcore.system.mounts.attach_image", recorder.image)
    return recorder


def test_disks_are_mounted_in_the_order_of_the_plan(directory: str, image: str, root: Path, mounts: Mounts) -> None:
    disks = (
        Disk(directory),
        Disk(image, mount_point="/srv/data", read_only=True),
        Disk(directory, mount_point="/srv", read_only=True),
    )
    mounter(*disks, root=str(root)).mount()
    assert mounts.made == [
        ("bind", directory, str(root), False),
        ("bind", directory, f"{root}/srv", True),
        ("image", image, f"{root}/srv/data", None, ("ro",)),
    ]
    assert (root / "srv/data").is_dir()


def test_a_directory_behind_a_link_is_mounted_itself(
    directory: str, root: Path, mounts: Mounts, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(directory)
    mounter(Disk(str(tmp_path / "link")), root=str(root)).mount()
    assert mounts.made == [("bind", directory, str(root), False)]
