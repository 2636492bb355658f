"""Read and write the small files by which the kernel is asked and told."""

from __future__ import annotations

import errno
import os

from hvcore.errors import OperationFailed

__all__ = ["read_pids", "read_text", "read_value", "write_if_present", "write_value"]

_CHUNK_BYTES = 8192
_VALUE_BYTES = 4096
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.ENOTDIR})


def read_text(path: str) -> str | None:
    """Return what a kernel file says now.

    Args:
        path: the file; bytes that are not UTF-8 survive as surrogates.

    Returns:
        The whole text, or None when the file or the object behind it is gone.

    Raises:
        OperationFailed: the file exists and cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            chunks: list[bytes] = []
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                chunks.append(chunk)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise OperationFailed(f"{path} cannot be read: {error.strerror}", resolution=_advice(error)) from error
    return b"".join(chunks).decode("utf-8", "surrogateescape")


def read_value(path: str) -> str | None:
    """Return the one value that a kernel file holds, without the newline at its end.

    One read is enough for such a file, where ``read_text`` has to look for more.

    Args:
        path: the file.

    Returns:
        The value, or None when the file or the object behind it is gone.

    Raises:
        OperationFailed: the file exists and cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, _VALUE_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise OperationFailed(f"{path} cannot be read: {error.strerror}", resolution=_advice(error)) from error
    return data.decode("utf-8", "surrogateescape").rstrip("\n")


def write_value(path: str, value: str) -> None:
    """Write a value into a kernel file, in one write as the kernel wants it.

    Args:
        path: the file; it must exist.
        value: the text, with or without a newline at its end.

    Raises:
        OperationFailed: the kernel refused it; the message names the file, the value and the kernel's words.
    """
    data = value.encode("utf-8", "surrogateescape")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            written = os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OperationFailed(
            f"{value.strip()!r} cannot be written to {path}: {error.strerror}", resolution=_advice(error)
        ) from error
    if written != len(data):
        raise OperationFailed(f"{path} took only {written} of the {len(data)} bytes of {value.strip()!r}")


def write_if_present(path: str, value: str) -> bool:
    """Write a value as ``write_value`` does, unless the file or the object behind it is gone.

    Returns:
        Whether it was there.

    Raises:
        OperationFailed: it is there and the kernel refused the value.
    """
    try:
        write_value(path, value)
    except OperationFailed as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _GONE:
            return False
        raise
    return True


def read_pids(path: str) -> tuple[int, ...]:
    """Return the process ids that a ``cgroup.procs`` or ``tasks`` file lists.

    A process outside the reader's pid namespace is listed as 0 and left out. A cgroup in threaded mode has no list of
    its own: the root of its threaded subtree lists its processes.

    Returns:
        The ids in the file's order; empty when the cgroup is gone.

    Raises:
        OperationFailed: the file exists and cannot be read.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, "Threads".
    """
    try:
        text = read_text(path)
    except OperationFailed as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EOPNOTSUPP:
            return ()
        raise
    return tuple(pid for pid in map(int, (text or "").split()) if pid > 0)


def _advice(error: OSError) -> str | None:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "run as root, or delegate the file to this user"
    if error.errno == errno.EROFS:
        return "the file system is mounted read-only here; remount it writable or run outside this container"
    return None
