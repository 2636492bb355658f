"""The mount calls of the kernel that Python does not offer; each raises OSError with the kernel's errno."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

__all__ = ["attach_mount", "clone_mount", "make_private", "make_read_only", "mount", "open_in_root", "unmount"]

# Numbers of calls newer than most C libraries; the same on every architecture but Alpha.
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_OPENAT2 = 437
_SYS_MOUNT_SETATTR = 442

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1
_MS_PRIVATE = 1 << 18
_UMOUNT_NOFOLLOW = 8
_RESOLVE_IN_ROOT = 0x10


def unmount(target: str) -> None:
    """Take the topmost mount off a mount point, without following a symbolic link and never lazily.

    Source: umount(2).
    """
    library = _library()
    _check(library.umount2(os.fsencode(target), _UMOUNT_NOFOLLOW), target)


def mount(source: str, target: str, fs_type: str, flags: int, data: str) -> None:
    """Mount a file system.

    Args:
        source: what the mount table shows as its source.
        target: an existing directory.
        fs_type: the type of the file system.
        flags: the MS_ flags.
        data: the file system's own options.

    Source: mount(2).
    """
    library = _library()
    words = [os.fsencode(word) for word in (source, target, fs_type)]
    _check(library.mount(*words, _unsigned_long(flags), os.fsencode(data)), target)


def open_in_root(root: int, path: str) -> int:
    """Return a descriptor (O_PATH) of what a path names for a process whose root directory is another one.

    Args:
        root: a descriptor of that root directory.
        path: the path; absolute symbolic links in it, and those that climb, stay below the root.

    Source: openat2(2), RESOLVE_IN_ROOT.
    """
    import struct

    # struct open_how: flags, mode, resolve
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    return _syscall(path, _SYS_OPENAT2, root, os.fsencode(path), how, len(how))


def clone_mount(source: str) -> int:
    """Return a descriptor of a new, unattached mount of what a path shows; mounts below it are not included.

    Source: open_tree(2) with OPEN_TREE_CLONE, the first half of a bind mount.
    """
    return _syscall(source, _SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(source), _OPEN_TREE_CLONE | os.O_CLOEXEC)


def attach_mount(descriptor: int, target: str) -> None:
    """Put an unattached mount at a target, whose last name is not followed when it is a symbolic link.

    Source: move_mount(2).
    """
    _syscall(target, _SYS_MOVE_MOUNT, descriptor, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)


def make_read_only(descriptor: int) -> None:
    """Refuse writing through the mount of a descriptor.

    Source: mount_setattr(2), MOUNT_ATTR_RDONLY.
    """
    _set_attributes(descriptor, _MOUNT_ATTR_RDONLY, 0)


def make_private(descriptor: int) -> None:
    """Keep mounts that are made below the mount of a descriptor from showing up elsewhere, and the reverse.

    Source: mount_setattr(2), MS_PRIVATE; mount_namespaces(7).
    """
    _set_attributes(descriptor, 0, _MS_PRIVATE)


def _set_attributes(descriptor: int, attributes: int, propagation: int) -> None:
    import struct

    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    request = struct.pack("=QQQQ", attributes, 0, propagation, 0)
    _syscall(f"/proc/self/fd/{descriptor}", _SYS_MOUNT_SETATTR, descriptor, b"", _AT_EMPTY_PATH, request, len(request))


def _syscall(path: str, number: int, *arguments: int | bytes) -> int:
    import ctypes

    words = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    return _check(_library().syscall(ctypes.c_long(number), *words), path)


def _unsigned_long(value: int) -> ctypes.c_ulong:
    import ctypes

    return ctypes.c_ulong(value)


def _check(result: int, path: str) -> int:
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


@cache
def _library() -> ctypes.CDLL:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library
