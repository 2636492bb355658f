"""The command lines, as pure functions.

Sources: systemd-nspawn(1), nsenter(1), setpriv(1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hvcore import Instance
from hvcore_nspawn.places import Places

__all__ = ["GATE", "console_command", "enter_command", "launch_command", "nspawn_command"]

GATE = "/run/hvcore-gate"
"""Where the guest finds the gate of a paused start."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Held by two named pipes: says that it is there, waits for a word, and becomes the init.
_GATE_SCRIPT = f'exec 3<{GATE}/go && echo here >{GATE}/here && read -r word <&3 && exec 3<&- && exec "$@"'
# A process enters a cgroup by writing 0; all that it starts is born there.
_JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"'
_LAUNCH = f'exec </dev/null >>"$1" 2>&1; shift; {_JOIN}'
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd")
# The guest's first process is the one that is number 1 in its own pid namespace.
_FIND = f"""for pid in $(cat "$1"/cgroup.procs "$1"/*/cgroup.procs 2>/dev/null); do
if grep -q "^NSpid:.*[[:space:]]1$" "/proc/$pid/status"; then
exec nsenter --target "$pid" {" ".join(_NAMESPACES)} -- env -i PATH={_PATH} TERM="${{TERM:-linux}}" /bin/sh -l; fi; done
echo "$0 does not run" >&2; exit 1"""


def nspawn_command(instance: Instance, places: Places, *, gated: bool = False) -> tuple[str, ...]:
    """Return the command that runs an instance in the foreground.

    Neither systemd nor machined needs to run on the node, and no file of the guest is touched.

    Args:
        instance: the definition, with every parameter filled in.
        places: where its disks are mounted.
        gated: hold the guest before its init; needs /bin/sh in the guest.
    """
    name = instance.name
    root, *others = range(len(instance.disks))
    binds = [
        f"--bind{'-ro' if instance.disks[index].read_only else ''}="
        f"{_escaped(str(places.disk(name, index)))}:{_escaped(instance.disks[index].mount_point)}"
        for index in others
    ]
    init = str(instance.parameters["init"])
    return (
        "systemd-nspawn",
        "--quiet",
        "--keep-unit",
        "--register=no",
        "--settings=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--console=read-only",
        "--private-network",
        # Devices are what /dev holds: there is no cgroup rule that forbids others.
        "--drop-capability=CAP_MKNOD",
        f"--machine={places.machine(name)}",
        f"--hostname={name.partition('.')[0]}",
        f"--directory={places.disk(name, root)}",
        *(["--read-only"] if instance.disks[root].read_only else []),
        *binds,
        *([f"--bind={_escaped(str(places.gate(name)))}:{GATE}"] if gated else []),
        "--",
        *(["/bin/sh", "-c", _GATE_SCRIPT, "gate"] if gated else []),
        init,
    )


def launch_command(command: Sequence[str], groups: Sequence[str], log: Path) -> tuple[str, ...]:
    """Return the command that starts another in the background, in some cgroups, and prints its pid."""
    background = '/bin/sh -c "$0" launch "$@" >/dev/null & echo $!'
    return ("/bin/sh", "-c", background, _LAUNCH, str(log), *groups, "--", *command)


def enter_command(
    command: Sequence[str],
    leader: int,
    groups: Sequence[str],
    environment: Mapping[str, str],
    directory: str,
    forbidden: Iterable[int] = (),
) -> tuple[str, ...]:
    """Return the command that runs another in a guest, and in its cgroups.

    Args:
        command: the program and its arguments.
        leader: the guest's first process.
        groups: the directories of its cgroup.
        environment: variables to set.
        directory: where to run it; "" leaves it to the guest.
        forbidden: the numbers of the capabilities that the guest does not have; the command shall not have them either.
    """
    # nsenter(1) of old cannot change the directory inside; the guest's own shell can.
    change = ("/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", directory) if directory else ()
    variables = {"PATH": _PATH, "container": "systemd-nspawn", **environment}
    dropped = ",".join(f"-cap_{number}" for number in forbidden)
    return (
        *("/bin/sh", "-c", _JOIN, "enter", *groups, "--"),
        *(("setpriv", f"--bounding-set={dropped}") if dropped else ()),
        *("env", "-i", *(f"{key}={value}" for key, value in variables.items())),
        *("nsenter", "--target", str(leader), *_NAMESPACES, "--"),
        *change,
        *command,
    )


def console_command(name: str, group: str) -> tuple[str, ...]:
    """Return the command that opens a shell in a guest, whenever that is started.

    Args:
        name: the instance's name.
        group: a directory of its cgroup that all its processes are in or below.
    """
    return ("/bin/sh", "-c", _FIND, name, group)


def _escaped(path: str) -> str:
    """Protect what separates the parts of a bind."""
    return path.replace("\\", "\\\\").replace(":", "\\:")
