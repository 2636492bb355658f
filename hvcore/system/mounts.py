"""Mount devices, images and directories, and take mounts off again.

Targets are given without symbolic links in their path: inside a guest's root a link is the guest's to make, and
following one would mount over, or unmount, a directory of the machine.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence

from hvcore.errors import CommandFailed, CommandTimeout, DeviceBusy, InvalidInput, OperationFailed
from hvcore.system import libc
from hvcore.system.block_devices import device_number, device_users, find_loop_devices, may_become_free
from hvcore.system.mount_holders import find_holders, images_below
from hvcore.system.mountinfo import Mount, mount_at, mounts_below, path_components, read_mounts

__all__ = [
    "attach_image",
    "bind_mount",
    "device_number",
    "device_users",
    "find_loop_devices",
    "mount_device",
    "mount_virtual",
    "unmount",
    "unmount_tree",
]

# A journal to replay or a large file system to check at mount time takes minutes on slow disks.
_MOUNT_TIMEOUT_S = 600.0
# Whoever has a loop device open to look at it, such as udev, closes it again within moments, and a container that is
# being started drops its copies of the machine's mounts.
_RELEASE_TIMEOUT_S = 3.0
# Long against a look at /proc, short for a person.
_BUSY_TIMEOUT_S = 1.0
_BUSY_PAUSE_S = 0.01

_ADVICE = {
    errno.EPERM: "run as root",
    errno.EACCES: "run as root",
    errno.ENOENT: "create the source and the target first",
    errno.ENOSYS: "Linux 5.12 or newer is needed",
    errno.ENOSPC: "raise the sysctl fs.mount-max, or unmount what is not needed",
}
# mount(2), the MS_ flags.
_FLAGS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8}
_INVALID_BIND = "source and target must both be directories, or both be files"
_INVALID_UNMOUNT = "check that it is a mount point of this mount namespace"


def mount_device(source: str, target: str, fs_type: str | None = None, options: Sequence[str] = ()) -> None:
    """Mount the file system of a block device.

    A device that can only be read is refused unless ``ro`` is asked for. What is mounted below the target later does
    not spread to other mount namespaces.

    Args:
        source: the block device or a symbolic link to it.
        target: an existing directory, absolute and without symbolic links.
        fs_type: the type of the file system; None lets mount(8) find it.
        options: mount options, one per item.

    Raises:
        DeviceBusy: the device is in use; the message names where.
        CommandFailed: mount(8) failed; the details are its words.
        OperationFailed: source or target cannot be used.
        InvalidInput: an option holds a comma, which would make it two.
    """
    device_number(source)
    _mount(source, target, fs_type, options)


def attach_image(image: str, target: str, fs_type: str | None = None, options: Sequence[str] = ()) -> None:
    """Mount the file system of an image file through a loop device that disappears with the mount.

    Args:
        image: a regular file.
        target: an existing directory, absolute and without symbolic links.
        fs_type: the type of the file system; None lets mount(8) find it.
        options: mount options, one per item.

    Raises:
        DeviceBusy: the image is in use; the message names where.
        CommandFailed: mount(8) failed; the details are its words.
        OperationFailed: image or target cannot be used.
        InvalidInput: an option holds a comma, which would make it two.

    Source: mount(8), "Loop-device support": the device is freed by the kernel (autoclear) when it is unmounted.
    """
    if not os.path.isfile(image):
        raise OperationFailed(f"{image} is not a regular file", resolution="name an image file")
    _mount(image, target, fs_type, ("loop", *options))


def bind_mount(source: str, target: str, read_only: bool = False) -> None:
    """Show a directory or file at a second place, without the mounts below it.

    The mount is private, so mounts made below it never reach the source's side, and a read-only one is never writable,
    not even for a moment.

    Args:
        source: an existing directory or file.
        target: an existing one of the same kind, absolute and without symbolic links.
        read_only: whether writing through the target is refused.

    Raises:
        OperationFailed: the kernel refused; the message holds its words.
    """
    _check_target(target)
    try:
        descriptor = libc.clone_mount(source)
    except OSError as error:
        raise _failure(f"{source} cannot be bound to {target}", error, _INVALID_BIND) from error
    try:
        if read_only:
            libc.make_read_only(descriptor)
        libc.attach_mount(descriptor, target)
        # Only now: being attached below a shared mount would make it shared again.
        libc.make_private(descriptor)
    except OSError as error:
        raise _failure(f"{source} cannot be bound to {target}", error, _INVALID_BIND) from error
    finally:
        os.close(descriptor)


def mount_virtual(fs_type: str, target: str, options: Sequence[str] = ()) -> None:
    """Mount a file system that has no device, such as proc or tmpfs.

    Args:
        fs_type: its type.
        target: an existing directory, absolute and without symbolic links, below a private mount.
        options: ``ro``, ``nosuid``, ``nodev``, ``noexec``, and the file system's own.

    Raises:
        OperationFailed: the kernel refused; the message holds its words.
    """
    _check_target(target)
    flags = sum(_FLAGS.get(option, 0) for option in options)
    data = ",".join(option for option in options if option not in _FLAGS)
    try:
        libc.mount(fs_type, target, fs_type, flags, data)
    except OSError as error:
        raise _failure(f"{fs_type} cannot be mounted at {target}", error) from error


def unmount(target: str) -> None:
    """Take the topmost mount off a mount point.

    Args:
        target: the mount point, absolute and without symbolic links.

    Raises:
        DeviceBusy: it is in use; the details name the processes and what of them lies on it.
        OperationFailed: nothing is mounted there, or the kernel refused.
    """
    _check_target(target)
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            libc.unmount(target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise _failure(f"{target} cannot be unmounted", error, _INVALID_UNMOUNT) from error
            mounts = mounts_below(read_mounts(), target)
            names = path_components(target)
            below = [mount for mount in mounts if path_components(mount.mount_point) != names]
            _wait_unless_held(target, mounts, [f"mount {mount.mount_point}" for mount in below], deadline, error)
        else:
            return


def unmount_tree(directory: str) -> tuple[str, ...]:
    """Take off every mount at and below a directory, again and again until none is left.

    Args:
        directory: absolute and without symbolic links; it need not exist any more.

    Returns:
        The mount points in the order in which they were unmounted, one entry for each mount.

    Raises:
        DeviceBusy: one is in use; what could be unmounted is, ``left_behind`` names the rest and the details name the
            processes.
        OperationFailed: the kernel refused for another reason.
        InvalidInput: the directory is the root directory.
    """
    if not path_components(directory):
        raise InvalidInput("the root directory's mounts are not unmounted", value=directory)
    _check_target(directory)
    done: list[str] = []
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while mounts := mounts_below(read_mounts(), directory):
        errors: list[OSError] = []
        for mount in mounts:
            try:
                libc.unmount(mount.mount_point)
            except OSError as error:
                # One that another mount hides cannot be reached before that one is off: the next round gets it.
                errors.append(error)
            else:
                done.append(mount.mount_point)
        if len(errors) < len(mounts):
            deadline = time.monotonic() + _BUSY_TIMEOUT_S
            continue
        # The busy one comes first: for one that it hides, the kernel has other words.
        failed = min(errors, key=lambda error: error.errno != errno.EBUSY)
        where = os.fsdecode(failed.filename)
        if failed.errno != errno.EBUSY:
            raise _failure(f"{where} cannot be unmounted", failed, _INVALID_UNMOUNT, mounts) from failed
        _wait_unless_held(where, mounts, (), deadline, failed)
    return tuple(done)


def _mount(source: str, target: str, fs_type: str | None, options: Sequence[str]) -> None:
    from hvcore.system.commands import run

    _check_target(target)
    for option in options:
        if "," in option:
            raise InvalidInput("a mount option holds a comma", value=option, allowed="one option per item")
    if users := _users_that_stay(source):
        raise DeviceBusy(
            f"{source} is in use: {'; '.join(users)}",
            details=users,
            resolution="stop what uses it, or unmount it there; two mounts of one file system can destroy it",
        )
    # --rw forbids mount(8) to fall back to a read-only mount without a word, --no-mtab keeps it from taking notes.
    arguments = ["mount", "--no-mtab", *(() if "ro" in options else ("--rw",))]
    arguments += ["--types", fs_type] if fs_type else []
    arguments += [part for option in options for part in ("--options", option)]
    before = mount_at(read_mounts(), target)
    try:
        run([*arguments, "--", os.path.realpath(source), target], timeout_s=_MOUNT_TIMEOUT_S)
    except CommandTimeout:
        # The kernel finishes a mount that it has begun, although the tool was ended.
        if mount_at(read_mounts(), target) != before:
            unmount(target)
        raise
    except CommandFailed as error:
        words = error.details[0] if error.details else error.message
        raise CommandFailed(
            f"{source} cannot be mounted at {target}: {words}",
            command=error.command,
            status=error.status,
            details=error.details,
            resolution=f"check what it holds with: blkid -p {source}; the kernel's log (dmesg) may say more",
        ) from error
    _isolate(target)


def _users_that_stay(source: str) -> tuple[str, ...]:
    """Who uses a device or an image, once what only outlives an unmount for an instant is gone."""
    deadline = time.monotonic() + _RELEASE_TIMEOUT_S
    pause_s = 0.001
    while (users := device_users(source)) and may_become_free(source) and time.monotonic() < deadline:
        # The kernel announces a detached loop device to nobody but udev, which need not run here.
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.05)
    return users


def _isolate(target: str) -> None:
    """Make a fresh mount private, or take it off again."""
    try:
        descriptor = os.open(target, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            libc.make_private(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        unmount(target)
        raise _failure(f"{target} cannot be made a private mount", error) from error


def _check_target(target: str) -> None:
    """Refuse a target that a symbolic link leads elsewhere."""
    names = path_components(target)
    real = os.path.realpath(target)
    if path_components(real) != names:
        raise OperationFailed(
            f"{target} is reached through a symbolic link and lies at {real}",
            resolution="give the path without symbolic links",
        )


def _wait_unless_held(
    target: str, mounts: Sequence[Mount], others: Sequence[str], deadline: float, error: OSError
) -> None:
    """Raise DeviceBusy when something holds a mount or the time is up; else wait a moment for whoever only looks.

    A program that lists what processes have open holds a mount for an instant, and a dying process a little longer.
    """
    holders = find_holders(mounts)
    images = [f"loop device {image}" for image in images_below(target)]
    named = [*(f"{holder.name}[{holder.pid}]" for holder in holders), *images, *others]
    if not named and time.monotonic() < deadline:
        time.sleep(_BUSY_PAUSE_S)
        return
    raise DeviceBusy(
        f"{target} cannot be unmounted: {error.strerror}; "
        + (f"in use by {', '.join(named)}" if named else "no process of this mount namespace is seen to use it"),
        details=[*(str(holder) for holder in holders), *images, *others],
        left_behind=[f"mount {mount.mount_point}" for mount in mounts],
        resolution="end these processes, or detach what they use, and try again"
        if named
        else "look for a swap file or an exported directory on it, and try again",
    ) from error


def _failure(
    message: str, error: OSError, when_invalid: str | None = None, left_behind: Sequence[Mount] = ()
) -> OperationFailed:
    return OperationFailed(
        f"{message}: {error.strerror}",
        left_behind=[f"mount {mount.mount_point}" for mount in left_behind],
        resolution=when_invalid if error.errno == errno.EINVAL else _ADVICE.get(error.errno or 0),
    )
