from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import OperationFailed
from hvcore.system.mountinfo import (
    Mount,
    decode_octal,
    is_below,
    mount_at,
    mount_of_path,
    mounts_below,
    mounts_of_device,
    parse_mountinfo,
    path_components,
    read_mounts,
)

LINE = (
    r"36 35 98:0 /mnt1\040x /mnt2/a\011b\134c rw,noatime master:1 shared:2 - ext3 /dev/ro\043ot rw,errors=continue,"
    r"lowerdir=/a\054b"
)


def make(mount_id: int, parent_id: int, mount_point: str, **fields: Any) -> Mount:
    values: dict[str, Any] = {
        "device": "0:1",
        "root": "/",
        "options": ("rw",),
        "fs_type": "tmpfs",
        "source": "tmpfs",
        "super_options": ("rw",),
    }
    return Mount(mount_id=mount_id, parent_id=parent_id, mount_point=mount_point, **{**values, **fields})


def escape(path: bytes, unsafe: bytes = b" \t\n\\#") -> str:
    """Write a path as the kernel does."""
    return b"".join(b"\\%03o" % byte if byte in unsafe else bytes([byte]) for byte in path).decode(
        "utf-8", "surrogateescape"
    )


def test_every_field_of_a_line() -> None:
    assert parse_mountinfo(LINE + "\n") == (
        Mount(
            mount_id=36,
            parent_id=35,
            device="98:0",
            root="/mnt1 x",
            mount_point="/mnt2/a\tb\\c",
            options=("rw", "noatime"),
            fs_type="ext3",
            source="/dev/ro#ot",
            super_options=("rw", "errors=continue", "lowerdir=/a,b"),
            propagation=("master:1", "shared:2"),
        ),
    )


def test_a_private_mount_with_an_empty_source() -> None:
    (mount,) = parse_mountinfo("50 27 0:40 / /srv rw - tmpfs  rw,size=4k")
    assert (mount.source, mount.propagation, mount.super_options) == ("", (), ("rw", "size=4k"))


def test_a_file_system_that_does_not_escape_its_options() -> None:
    (mount,) = parse_mountinfo("50 27 0:40 / /srv rw - 9p drv rw,aname=drvfs;path=C:\\Program Files")
    assert mount.super_options == ("rw", "aname=drvfs;path=C:\\Program Files")


@pytest.mark.parametrize("white", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2028", "\u3000"])
def test_only_newline_and_blank_separate(white: str) -> None:
    mounts = parse_mountinfo(f"50 27 0:40 / /srv/a{white}b rw - tmpfs t{white} rw\n51 27 0:41 / /y rw - tmpfs t rw\n")
    assert [(mount.mount_point, mount.source) for mount in mounts] == [(f"/srv/a{white}b", f"t{white}"), ("/y", "t")]


@pytest.mark.parametrize("line", ["nonsense", "1 2 3:4 / / rw shared:1 ext4 /dev/x rw", "x 2 3:4 / / rw - ext4 s rw"])
def test_a_line_that_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(OperationFailed, match="line 2"):
        parse_mountinfo(f"{LINE}\n{line}\n")


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_any_path_survives_the_kernels_escapes(name: bytes) -> None:
    point = b"/srv/" + name
    (mount,) = parse_mountinfo(f"50 27 0:40 / {escape(point)} rw - tmpfs {escape(name)} rw\n")
    assert os.fsencode(mount.mount_point) == point
    assert os.fsencode(mount.source) == name


@given(st.text(st.characters(exclude_characters="\\")))
def test_text_without_escapes_is_left_alone(text: str) -> None:
    assert decode_octal(text) == text


def test_only_whole_escapes_are_decoded() -> None:
    assert decode_octal(r"a\04b\777\134040\400") == "a\\04b\\777\\040\\400"


NAMES = st.text(st.sampled_from("ab1 .é,:"), min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))


@given(PATHS, PATHS, st.booleans())
def test_below_is_judged_by_components(path: str, directory: str, include_self: bool) -> None:
    expected = (path.rstrip("/") + "/").startswith(directory.rstrip("/") + "/") and (include_self or path != directory)
    assert is_below(path, directory, include_self=include_self) == expected


@given(PATHS)
def test_slashes_and_dots_do_not_matter(path: str) -> None:
    assert path_components(path.replace("/", "//./") + "/") == path_components(path)


@pytest.mark.parametrize("path", ["", "srv/x", "/srv/../etc", "/.."])
def test_a_path_that_does_not_say_what_it_names_is_refused(path: str) -> None:
    with pytest.raises(OperationFailed):
        path_components(path)


def test_a_name_that_begins_alike_is_not_below() -> None:
    mounts = (
        make(1, 0, "/"),
        make(2, 1, "/srv/inst1"),
        make(3, 2, "/srv/inst1/proc"),
        make(4, 1, "/srv/inst10"),
        make(5, 4, "/srv/inst10/proc"),
    )
    assert [mount.mount_id for mount in mounts_below(mounts, "/srv/inst1")] == [3, 2]
    assert [mount.mount_id for mount in mounts_below(mounts, "/srv/inst1/", include_self=False)] == [3]
    assert [mount.mount_id for mount in mounts_below(mounts, "/")] == [5, 3, 4, 2, 1]


def test_stacked_mounts_come_off_from_the_top() -> None:
    mounts = (
        make(1, 0, "/"),
        make(2, 1, "/srv"),
        make(3, 2, "/srv"),
        make(4, 3, "/srv"),
        make(5, 4, "/srv/a"),
        make(6, 1, "/opt"),
    )
    assert [mount.mount_id for mount in mounts_below(mounts, "/srv")] == [5, 4, 3, 2]


def test_a_mount_that_was_moved_comes_before_the_one_it_stands_on() -> None:
    mounts = (make(1, 0, "/"), make(2, 3, "/srv/data"), make(3, 1, "/srv"))
    assert [mount.mount_id for mount in mounts_below(mounts, "/srv")] == [2, 3]


@given(st.data())
def test_no_mount_is_listed_after_its_parent(data: st.DataObject) -> None:
    mounts = [make(1, 0, "/")]
    for mount_id in range(2, data.draw(st.integers(2, 12))):
        parent = data.draw(st.sampled_from(mounts))
        name = data.draw(st.sampled_from(["", "/a", "/b", "/a/b"]))
        mounts.append(make(mount_id, parent.mount_id, parent.mount_point.rstrip("/") + name or "/"))
    shuffled = data.draw(st.permutations(mounts))
    order = [mount.mount_id for mount in mounts_below(shuffled, "/")]
    assert sorted(order) == [mount.mount_id for mount in mounts]
    for mount in mounts[1:]:
        assert order.index(mount.mount_id) < order.index(mount.parent_id)


def test_the_topmost_mount_is_seen() -> None:
    mounts = (make(1, 0, "/"), make(2, 1, "/srv"), make(3, 2, "/srv"), make(4, 3, "/srv/a"))
    found = mount_at(mounts, "/srv/")
    assert found is not None
    assert found.mount_id == 3
    assert mount_at(mounts, "/srv/b") is None
    assert mount_at(mounts, "/sr") is None
    assert mount_at((), "/") is None


def test_a_mount_below_a_hidden_one_is_not_met() -> None:
    mounts = (
        make(1, 0, "/"),
        make(2, 1, "/srv"),
        make(3, 2, "/srv/a"),
        make(4, 2, "/srv"),
        make(5, 4, "/srv/a/b"),
    )
    assert mount_at(mounts, "/srv/a") is None
    found = [mount_of_path(mounts, path) for path in ("/srv/a/x", "/srv/a/b/x", "/etc")]
    assert [mount and mount.mount_id for mount in found] == [4, 5, 1]


def test_a_mount_that_was_moved_over_an_earlier_one_hides_it() -> None:
    mounts = (make(1, 0, "/"), make(2, 1, "/srv"), make(3, 1, "/srv/a"))
    assert mount_at(mounts, "/srv/a") is None


def test_a_root_mount_that_is_its_own_parent() -> None:
    mounts = (make(1, 1, "/"), make(2, 1, "/srv"))
    found = mount_of_path(mounts, "/srv/x")
    assert found is not None
    assert found.mount_id == 2
    assert [mount.mount_id for mount in mounts_below(mounts, "/")] == [2, 1]


def test_mounts_of_a_device() -> None:
    mounts = (make(1, 0, "/", device="8:1"), make(2, 1, "/a", device="8:10"), make(3, 1, "/b", device="8:1"))
    assert [mount.mount_id for mount in mounts_of_device(mounts, "8:1")] == [1, 3]


def test_read_only_by_the_mount_or_by_the_file_system() -> None:
    assert not make(1, 0, "/").is_read_only
    assert make(1, 0, "/", options=("ro", "nosuid")).is_read_only
    assert make(1, 0, "/", super_options=("ro",)).is_read_only


def test_this_machines_table_is_read() -> None:
    root = mount_at(read_mounts(), "/")
    assert root is not None
    status = os.stat("/proc")
    proc = mount_at(read_mounts(), "/proc")
    assert proc is not None
    assert proc.device == f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"


def test_the_table_of_a_process_that_is_gone_is_empty() -> None:
    assert read_mounts("/proc/4194305/mountinfo") == ()
