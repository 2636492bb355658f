"""The parameters of an LXC instance: Ganeti's seven with its defaults, and what they lacked.

Source: Ganeti 3.1, ``hv_lxc.py`` and gnt-instance(8), "LXC" parameters.
"""

from __future__ import annotations

import re

from hvcore.errors import InvalidInput
from hvcore.model.parameters import CPU_MASK, Check, Parameter, ParameterType, ParameterValue
from hvcore_lxc.document import ConfigEntry, unquoted

__all__ = ["CAPABILITIES", "PARAMETERS", "extra_entries", "is_device_rule", "words"]

# Type "a" means every device, whatever numbers follow it, so only the form that says so is taken.
_DEVICE = re.compile(r"a(?: \*:\* rwm)?|[bc] (\*|[0-9]{1,4}):(\*|[0-9]{1,7}) [rwm]{1,3}")
_LAST_MAJOR = 2**12 - 1
_LAST_MINOR = 2**20 - 1
_MOST_TTYS = 2**20
_MOST_SECONDS = 7 * 24 * 3600
# linux/capability.h, in its order; a name that LXC does not know keeps the container from starting.
_CAPABILITY_NAMES = """
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
    net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct
    sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control
    setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
"""
CAPABILITIES = tuple(_CAPABILITY_NAMES.split())
"""The capabilities that LXC knows by name."""

_CONTROLLER = re.compile(r"(?:name=)?[a-z][a-z0-9_.-]*")
# hvcore sets these, or relies on their defaults: an ephemeral container deletes its root when it ends.
_OWN_KEYS = (
    "lxc.ephemeral",
    "lxc.rootfs.path",
    "lxc.uts.name",
    "lxc.cgroup.dir",
    "lxc.cgroup.relative",
    "lxc.include",
    "lxc.log",
    "lxc.console.logfile",
    "lxc.hook.start-host",
)
_START_OF_ENTRY = re.compile(r",\s*(?=lxc\.)")


def words(value: ParameterValue) -> tuple[str, ...]:
    """Return the items of a list parameter without blanks around them; an unset one has none."""
    if value is None or value == "":
        return ()
    items = value if isinstance(value, tuple) else str(value).split(",")
    return tuple(item.strip() for item in items if item.strip())


def extra_entries(value: ParameterValue) -> tuple[ConfigEntry, ...]:
    """Return the entries of ``extra_config``.

    Ganeti splits its text at every comma, so that no value can hold one. Here each item of a list is one entry, commas
    included, and in a text a comma separates two entries only when an LXC key follows it.

    Args:
        value: the parameter's value.

    Raises:
        InvalidInput: an entry is not ``key = value``, or sets a key that belongs to hvcore.
    """
    if value is None or value == "":
        return ()
    given = value if isinstance(value, tuple) else tuple(_START_OF_ENTRY.split(str(value)))
    return tuple(_extra_entry(text) for text in given)


def _extra_entry(text: str) -> ConfigEntry:
    key, equals, content = text.partition("=")
    if not (equals and key.strip().startswith("lxc.")):
        raise InvalidInput(
            f"{text!r} is not of the form lxc.key = value",
            key="extra_config",
            value=text,
            allowed="'lxc.key = value' for every entry; a list of entries when a value holds commas",
        )
    entry = ConfigEntry(key.strip(), unquoted(content))
    if entry.key.startswith(_OWN_KEYS):
        raise InvalidInput(
            f"{entry.key} belongs to hvcore",
            key="extra_config",
            value=text,
            allowed=f"any key but {', '.join(_OWN_KEYS)}",
        )
    return entry


def _has_controllers(value: ParameterValue) -> bool:
    if not words(value):
        return True
    from hvcore.system.cgroup_layout import current_layout

    layout = current_layout()
    names = (word.removeprefix("name=") for word in words(value))
    return all(name in layout.controllers or name in layout.unified_controllers for name in names)


def _is_capability_list(value: ParameterValue) -> bool:
    return set(words(value)) <= set(CAPABILITIES)


def _is_device_list(value: ParameterValue) -> bool:
    return all(map(is_device_rule, words(value)))


def is_device_rule(rule: str) -> bool:
    """Tell whether a text is a device rule.

    Source: Linux, Documentation/admin-guide/cgroup-v1/devices.rst; MINORBITS in include/linux/kdev_t.h.
    """
    match = _DEVICE.fullmatch(rule)
    if match is None:
        return False
    major, minor = (0 if number in {None, "*"} else int(number) for number in match.groups())
    return major <= _LAST_MAJOR and minor <= _LAST_MINOR


def _is_controller_list(value: ParameterValue) -> bool:
    return all(_CONTROLLER.fullmatch(word) for word in words(value))


def _is_extra_config(value: ParameterValue) -> bool:
    extra_entries(value)
    return True


def _is_signal(value: ParameterValue) -> bool:
    from hvcore_lxc.init import signal_number

    signal_number(str(value))
    return True


def _is_program(value: ParameterValue) -> bool:
    return str(value).startswith("/")


def _is_tty_count(number: int) -> bool:
    return 0 <= number <= _MOST_TTYS


def _is_wait(seconds: int) -> bool:
    return 0 <= seconds <= _MOST_SECONDS


_WAIT = Check(syntax=_is_wait, syntax_message=f"must be 0 to {_MOST_SECONDS} seconds")


def _cpus_exist(value: ParameterValue) -> bool:
    from hvcore.model.cpu_mask import parse_cpu_mask
    from hvcore_lxc.node import online_cpus

    return set(parse_cpu_mask(value)) <= online_cpus()


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="cpu_mask",
        type=ParameterType.STRING,
        default="",
        description="The CPUs that the container may use; their number must equal vcpus. Unset: any CPU, vcpus' worth of time.",
        check=Check(
            syntax=CPU_MASK.syntax,
            syntax_message=CPU_MASK.syntax_message,
            runtime=_cpus_exist,
            runtime_message="the mask names CPUs that this node does not have online",
        ),
        since="1.0",
        example="0-1",
    ),
    Parameter(
        name="devices",
        type=ParameterType.LIST,
        default=(
            "c 1:3 rw",
            "c 1:5 rw",
            "c 1:7 rw",
            "c 1:8 rw",
            "c 1:9 rw",
            "c 1:10 rw",
            "c 5:0 rw",
            "c 5:1 rw",
            "c 5:2 rw",
            "c 136:* rw",
        ),
        description="Device numbers that the container may open; all others are denied.",
        check=Check(syntax=_is_device_list, syntax_message="must be rules such as 'c 1:3 rw'"),
        since="1.0",
        example="c 1:3 rw, c 136:* rw",
    ),
    Parameter(
        name="drop_capabilities",
        type=ParameterType.LIST,
        default=("mac_override", "sys_boot", "sys_module", "sys_time", "sys_admin"),
        description="Capabilities that no process of the container can have.",
        check=Check(
            syntax=_is_capability_list, syntax_message="must be names of capabilities without 'cap_', such as sys_time"
        ),
        since="1.0",
        example="sys_module, sys_time",
    ),
    Parameter(
        name="extra_cgroups",
        type=ParameterType.LIST,
        default=(),
        description="Further cgroup controllers that the node must have; nothing is ever mounted for it.",
        check=Check(
            syntax=_is_controller_list,
            syntax_message="must be names of cgroup controllers",
            runtime=_has_controllers,
            runtime_message="this node has no such cgroup controller",
        ),
        since="1.0",
        example="pids",
    ),
    Parameter(
        name="extra_config",
        type=ParameterType.LIST,
        default=(),
        description="Further lines for the container's configuration, each 'lxc.key = value'; in a list a value may hold commas.",
        check=Check(
            syntax=_is_extra_config, syntax_message="must be 'lxc.key = value' with a key that hvcore does not set"
        ),
        since="1.0",
        example="lxc.environment = LANG=C.UTF-8",
    ),
    Parameter(
        name="num_ttys",
        type=ParameterType.INT,
        default=6,
        description="Terminals made for the container; with 0 only its console is there.",
        check=Check(required=True, syntax=_is_tty_count, syntax_message=f"must be 0 to {_MOST_TTYS}"),
        since="1.0",
        example="6",
    ),
    Parameter(
        name="startup_timeout",
        type=ParameterType.INT,
        default=30,
        description="Seconds that a start may take before it is given up and undone; 0 sets no limit.",
        check=_WAIT,
        since="1.0",
        example="30",
    ),
    Parameter(
        name="shutdown_timeout",
        type=ParameterType.INT,
        default=120,
        description="Seconds that the guest has to shut down when the caller names no time, as in a reboot.",
        check=_WAIT,
        since="1.0",
        example="120",
    ),
    Parameter(
        name="shutdown_signal",
        type=ParameterType.STRING,
        default="",
        description="The signal that asks the container's init to shut down. Unset: found by looking at the init.",
        check=Check(syntax=_is_signal, syntax_message="must be a signal such as SIGPWR, SIGRTMIN+3 or 15"),
        since="1.0",
        example="SIGRTMIN+3",
    ),
    Parameter(
        name="init",
        type=ParameterType.STRING,
        default="",
        description="The command that runs as the container's init, without shell quoting. Unset: /sbin/init.",
        check=Check(syntax=_is_program, syntax_message="must begin with the absolute path of a program"),
        since="1.0",
        example="/sbin/init",
    ),
)
"""What an LXC instance can be given under ``[parameters]``."""
