"""The default configuration of a container.

Source: lxc.container.conf(5), for LXC 4 and newer (keys since LXC 2.1, ``lxc.cgroup.dir.container`` since LXC 4.0).
"""

from __future__ import annotations

from hvcore.errors import InvalidInput
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore_lxc.document import ConfigDocument, ConfigEntry
from hvcore_lxc.params import extra_entries, words
from hvcore_lxc.paths import LxcPaths

__all__ = ["build_document"]

_PTYS = "255"
_MAX_HOST_NAME = 64
_SUPPORTED_NICS = (NicMode.BRIDGED, NicMode.NONE)


def build_document(instance: Instance, root: str, limits: tuple[ConfigEntry, ...], paths: LxcPaths) -> ConfigDocument:
    """Return the configuration of an instance; a pure function of its arguments.

    Args:
        instance: the definition, with every parameter filled in.
        root: the directory at which the guest's root appears.
        limits: what the cgroup manager wants set.
        paths: where the instance keeps what.

    Raises:
        InvalidInput: a NIC's mode is not supported, two NICs have one name in the guest, or ``extra_config`` is not
            well-formed.
    """
    name = instance.name
    parameters = instance.parameters
    init = str(parameters.get("init") or "")
    return ConfigDocument(
        (
            ConfigEntry("lxc.uts.name", _host_name(name)),
            ConfigEntry("lxc.rootfs.path", f"dir:{root}"),
            *([ConfigEntry("lxc.init.cmd", init)] if init else []),
            ConfigEntry("lxc.mount.auto", "proc:mixed sys:mixed"),
            ConfigEntry("lxc.pty.max", _PTYS),
            ConfigEntry("lxc.tty.max", str(parameters.get("num_ttys") or 0)),
            ConfigEntry("lxc.console.logfile", str(paths.console_log(name))),
            ConfigEntry("lxc.cgroup.dir.container", paths.container_group(name)),
            ConfigEntry("lxc.cgroup.dir.monitor", paths.monitor_group(name)),
            ConfigEntry("lxc.cgroup.dir.monitor.pivot", paths.monitor_parent),
            *limits,
            *(ConfigEntry("lxc.cap.drop", word) for word in words(parameters.get("drop_capabilities"))),
            *_network(instance, paths),
            *extra_entries(parameters.get("extra_config")),
        )
    )


def _host_name(name: str) -> str:
    """Return the guest's host name: its first label when the whole is longer than the kernel takes.

    Source: Linux, include/uapi/linux/utsname.h, __NEW_UTS_LEN; LXC refuses a configuration with a longer one.
    """
    return name if len(name) <= _MAX_HOST_NAME else name.partition(".")[0]


def _network(instance: Instance, paths: LxcPaths) -> list[ConfigEntry]:
    entries: list[ConfigEntry] = []
    taken: dict[str, int] = {}
    for index, nic in enumerate(instance.nics):
        if nic.mode not in _SUPPORTED_NICS:
            raise InvalidInput(
                f"NICs of mode {nic.mode.value} are not supported",
                key=f"nics[{index}].mode",
                value=nic.mode.value,
                allowed=" or ".join(mode.value for mode in _SUPPORTED_NICS),
            )
        if nic.mode is NicMode.BRIDGED:
            name = _guest_device(nic, index)
            if name in taken:
                raise InvalidInput(
                    f"nics[{taken[name]}] and nics[{index}] are both {name} in the guest",
                    key=f"nics[{index}].name",
                    value=name,
                    allowed="a name of its own",
                )
            taken[name] = index
            entries += _bridged(nic, index, paths.host_device(instance.name, index))
    # Said even when there is no NIC: the guest gets a network of its own, never the node's.
    return entries or [ConfigEntry("lxc.net.0.type", "empty")]


def _guest_device(nic: Nic, index: int) -> str:
    return nic.name or f"eth{index}"


def _bridged(nic: Nic, index: int, host_device: str) -> list[ConfigEntry]:
    key = f"lxc.net.{index}"
    entries = [
        ConfigEntry(f"{key}.type", "veth"),
        ConfigEntry(f"{key}.veth.pair", host_device),
        ConfigEntry(f"{key}.link", nic.link),
        ConfigEntry(f"{key}.name", _guest_device(nic, index)),
        ConfigEntry(f"{key}.flags", "up"),
    ]
    if nic.mac:
        entries.append(ConfigEntry(f"{key}.hwaddr", nic.mac))
    if nic.ip:
        family = "ipv6" if ":" in nic.ip else "ipv4"
        entries.append(ConfigEntry(f"{key}.{family}.address", nic.ip))
    return entries
