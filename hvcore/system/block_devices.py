"""Ask what a block device or an image file is and who uses it already."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import Mount, decode_octal, mounts_of_device, read_mounts

__all__ = ["device_number", "device_users", "find_loop_devices", "may_become_free"]

_LOOP_GET_STATUS64 = 0x4C05
_LOOP_INFO64_BYTES = 232


def device_number(path: str) -> str:
    """Return ``major:minor`` of a block device.

    Args:
        path: the device or a symbolic link to it.

    Raises:
        OperationFailed: it does not exist or is no block device.
    """
    status = _status(path)
    if not stat.S_ISBLK(status.st_mode):
        raise OperationFailed(f"{path} is not a block device", resolution="name a block device, or use it as an image")
    return _text_number(status.st_rdev)


def find_loop_devices(image: str) -> tuple[str, ...]:
    """Return the loop devices that show an image file.

    The kernel's own device and inode numbers decide, not the path: a loop device may know the image under another name,
    or another file may have taken its name.

    Args:
        image: the file; for a file that was deleted, ``/proc/PID/fd/N`` of a process that has it open.

    Raises:
        OperationFailed: the file does not exist.

    Source: loop(4), LOOP_GET_STATUS64.
    """
    wanted = _status(image)
    found = [name for name in os.listdir("/sys/block") if name.startswith("loop") and _is_backed_by(name, wanted)]
    return tuple(f"/dev/{name}" for name in sorted(found, key=lambda name: (len(name), name)))


def device_users(path: str) -> tuple[str, ...]:
    """Return who uses a block device, its partitions or an image file, each as a phrase that names where.

    Looked at are mounts in this mount namespace, loop devices, devices built on top (device-mapper, md), swap, and,
    when these are silent and the device is claimed all the same, mounts in the other mount namespaces.

    Args:
        path: a block device or a regular file.

    Returns:
        The users; empty when it is free.

    Raises:
        OperationFailed: it does not exist or is neither.
    """
    status = _status(path)
    if stat.S_ISREG(status.st_mode):
        return (*_image_users(path), *_swap_users(status))
    number = device_number(path)
    users = (*_block_users(number, read_mounts()), *_swap_users(status))
    if not users and _is_claimed(path):
        return tuple(_foreign_users(number)) or ("the kernel or another mount namespace",)
    return users


def may_become_free(path: str) -> bool:
    """Return whether a device or image in use may be free in a moment, since nothing that lasts uses it here.

    Two things outlive an unmount for an instant: a loop device with autoclear, for as long as somebody has it open to look
    at it, and the copy of the mount that a container which is just being started has in its new mount namespace.

    Raises:
        OperationFailed: it does not exist or is neither a block device nor a regular file.

    Source: loop(4), LO_FLAGS_AUTOCLEAR; mount_namespaces(7).
    """
    status = _status(path)
    if any(_swap_users(status)):
        return False
    mounts = read_mounts()
    if not stat.S_ISREG(status.st_mode):
        return not any(_block_users(device_number(path), mounts))
    return all(
        (read_text(f"/sys/block/{os.path.basename(loop)}/loop/autoclear") or "1").strip() == "1"
        and not any(_block_users(device_number(loop), mounts))
        for loop in find_loop_devices(path)
    )


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise OperationFailed(
            f"{path} cannot be looked at: {error.strerror}", resolution="check the path, and that the device is active"
        ) from error


def _text_number(number: int) -> str:
    return f"{os.major(number)}:{os.minor(number)}"


def _is_backed_by(name: str, wanted: os.stat_result) -> bool:
    backing = (read_text(f"/sys/block/{name}/loop/backing_file") or "").removesuffix("\n")
    if not backing:
        return False
    numbers = _backing_numbers(f"/dev/{name}")
    if numbers is None:
        # Without the right to ask the device, the file of that name is the best guess there is.
        try:
            status = os.stat(backing)
        except OSError:
            return False
        numbers = (status.st_dev, status.st_ino)
    return numbers == (wanted.st_dev, wanted.st_ino)


def _backing_numbers(device: str) -> tuple[int, int] | None:
    """Device and inode of the file behind a loop device; None when it cannot be asked or was detached just now."""
    import fcntl
    import struct

    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        information = fcntl.ioctl(descriptor, _LOOP_GET_STATUS64, bytes(_LOOP_INFO64_BYTES))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    number, inode = struct.unpack_from("=QQ", information)
    return number, inode


def _image_users(path: str) -> Iterator[str]:
    mounts = read_mounts()
    for loop in find_loop_devices(path):
        users = tuple(_block_users(device_number(loop), mounts)) or tuple(_foreign_users(device_number(loop)))
        yield f"loop device {loop}" + (f", {', '.join(users)}" if users else "")


def _block_users(number: str, mounts: Iterable[Mount]) -> Iterator[str]:
    """The mounts and the holders of a device, of its partitions and of the disk that it is a partition of, by sysfs."""
    device = f"/sys/dev/block/{number}"
    names = [device, *(entry.path for entry in _entries(device) if os.path.exists(f"{entry.path}/partition"))]
    if os.path.exists(f"{device}/partition"):
        names.append(f"{device}/..")
    for name in names:
        part = (read_text(f"{name}/dev") or number).strip()
        for mount in _mounts_of(part, mounts):
            yield f"mounted at {mount.mount_point}"
        for holder in _entries(f"{name}/holders"):
            yield f"part of /dev/{holder.name}"


def _mounts_of(number: str, mounts: Iterable[Mount]) -> Iterator[Mount]:
    """The mounts of a block device, those of file systems included that show a device number of their own (btrfs)."""
    table = tuple(mounts)
    yield from mounts_of_device(table, number)
    for mount in table:
        if mount.device.startswith("0:") and mount.source.startswith("/dev/"):
            try:
                status = os.stat(mount.source)
            except OSError:
                continue  # A source is a mere text; it need not exist.
            if stat.S_ISBLK(status.st_mode) and _text_number(status.st_rdev) == number:
                yield mount


def _swap_users(status: os.stat_result) -> Iterator[str]:
    for line in (read_text("/proc/swaps") or "").split("\n")[1:]:
        name = decode_octal(line.split(" ")[0].split("\t")[0])
        if name.startswith("/") and os.path.exists(name) and os.path.samestat(os.stat(name), status):
            yield f"swap space {name}"


def _is_claimed(path: str) -> bool:
    """Whether the kernel refuses the device to another exclusive user, whichever namespace the present one is in.

    Source: open(2): O_EXCL without O_CREAT on a block device that the system uses fails with EBUSY.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return True
        raise OperationFailed(
            f"{path} cannot be opened: {error.strerror}", resolution="run as root and check the device"
        ) from error
    os.close(descriptor)
    return False


def _foreign_users(number: str) -> Iterator[str]:
    """The mounts of a device in other mount namespaces, one process each."""
    seen = {_namespace("self")}
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        namespace = _namespace(str(pid))
        if namespace is None or namespace in seen:
            continue
        seen.add(namespace)
        try:
            mounts = read_mounts(f"/proc/{pid}/mountinfo")
        except OperationFailed:
            continue  # The process ended at this moment and left its namespace.
        for mount in _mounts_of(number, mounts):
            yield f"mounted at {mount.mount_point} in the mount namespace of process {pid}"


def _namespace(pid: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return None


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
