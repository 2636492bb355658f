"""The command lines that put a process into an instance: first its cgroup, then its root, then the program.

A shell of the node enters the cgroup, so that nothing of the guest ever runs outside of it, and stays outside itself as the
parent, so that it can be waited for and ended whatever becomes of the guest. The texts are fixed; everything that varies
is an argument.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence

from hvcore.errors import MissingRequirement

__all__ = ["MARK", "background_command", "environment_of", "foreground_command", "is_launcher", "logged_command"]

MARK = "hvcore-chroot"
"""What the shell calls itself, so that one whose manager was killed is found."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Writing 0 moves the writer itself.
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"'
_FOREGROUND = f"({_ENTER}); exit $?"
_LOG = 'exec >>"$1" 2>&1; shift; '
_BACKGROUND = f"{{ {_ENTER}; }} &"


def environment_of(name: str) -> dict[str, str]:
    """Return the variables of everything that is put into an instance; nothing of the manager's own gets there.

    Args:
        name: the instance's name, by which a script tells the instances of a shared root apart.
    """
    return {"PATH": _PATH, "HOME": "/root", "TERM": "linux", "HVCORE_INSTANCE": name}


def foreground_command(
    root: str, entries: Sequence[str], environment: Mapping[str, str], words: Iterable[str]
) -> list[str]:
    """Return the command that runs a program in a root and ends as it does.

    Args:
        root: the directory that becomes the root.
        entries: the files to which the process writes itself before all else.
        environment: the program's whole environment.
        words: the program, as it is called in the root, and its arguments.

    Raises:
        MissingRequirement: the node has no chroot(8).
    """
    return [*_shell(_FOREGROUND), *_arguments(root, entries, environment, words)]


def logged_command(
    log: str, root: str, entries: Sequence[str], environment: Mapping[str, str], words: Iterable[str]
) -> list[str]:
    """Return the same with all output appended to a file of the node."""
    return [*_shell(_LOG + _FOREGROUND), log, *_arguments(root, entries, environment, words)]


def background_command(
    log: str, root: str, entries: Sequence[str], environment: Mapping[str, str], words: Iterable[str]
) -> list[str]:
    """Return the same, ending at once and leaving the program to itself."""
    return [*_shell(_LOG + _BACKGROUND), log, *_arguments(root, entries, environment, words)]


def is_launcher(words: Sequence[str], root: str) -> bool:
    """Tell whether a command line is one of these shells, for a root."""
    return len(words) > 3 and words[1] == "-c" and words[3] == MARK and root in words


def _shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text, MARK]


def _arguments(root: str, entries: Sequence[str], environment: Mapping[str, str], words: Iterable[str]) -> list[str]:
    # By its path: env(1) looks for it in the guest's PATH.
    chroot = shutil.which("chroot") or shutil.which("chroot", path=_PATH)
    if chroot is None:
        raise MissingRequirement("chroot is not installed", resolution="install coreutils")
    variables = [f"{key}={value}" for key, value in environment.items()]
    return [*entries, "--", "env", "-i", "--", *variables, chroot, root, *words]
