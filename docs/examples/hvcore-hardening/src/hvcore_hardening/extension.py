"""What joins LXC's scope."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from hvcore.plugin import Instance, Parameter, hookimpl
from hvcore_hardening.parameters import PARAMETERS, is_hardened, kept_capabilities, tmp_mib
from hvcore_lxc.spec import ConfigDocument, ConfigEntry

__all__ = ["DROPPED", "PROFILE", "Hardening"]

DROPPED = (
    "audit_control",
    "block_suspend",
    "linux_immutable",
    "mac_admin",
    "mknod",
    "net_raw",
    "sys_pacct",
    "sys_ptrace",
    "sys_rawio",
    "syslog",
    "wake_alarm",
)
"""Capabilities that a guest rarely needs, and an intruder likes; capabilities(7) tells what each allows."""

PROFILE = Path(__file__).with_name("default.seccomp")
"""The system calls that are refused."""

_SECCOMP = "lxc.seccomp.profile"
_NO_NEW_PRIVS = "lxc.no_new_privs"
_CAP_DROP = "lxc.cap.drop"
_CAP_KEEP = "lxc.cap.keep"


class Hardening:
    """Hardens every container that does not opt out with ``hardening = false``."""

    hvcore_contract = "1.0"

    @hookimpl(wrapper=True)
    def get_parameters(self) -> Generator[None, tuple[Parameter, ...], tuple[Parameter, ...]]:
        """Declare this extension's parameters beside LXC's own."""
        declared = yield
        return (*declared, *PARAMETERS)

    @hookimpl(wrapper=True)
    def lxc_config(self, instance: Instance) -> Generator[None, ConfigDocument, ConfigDocument]:
        """Amend the document that others chose; what the instance's own ``extra_config`` says stays in force."""
        document = yield
        if not is_hardened(instance):
            return document
        # LXC refuses a configuration that both drops and keeps.
        if not document.values(_CAP_KEEP):
            taken = {*document.values(_CAP_DROP), *kept_capabilities(instance)}
            document = document.append(*(ConfigEntry(_CAP_DROP, name) for name in DROPPED if name not in taken))
        for key, value in ((_SECCOMP, str(PROFILE)), (_NO_NEW_PRIVS, "1")):
            if not document.values(key):
                document = document.append(ConfigEntry(key, value))
        return document

    @hookimpl
    def lxc_config_entries(self, instance: Instance) -> Sequence[ConfigEntry]:
        """Append a private /tmp in memory."""
        size_mib = tmp_mib(instance)
        if not is_hardened(instance) or not size_mib:
            return []
        options = f"nodev,nosuid,noexec,mode=1777,size={size_mib}m,create=dir"
        return [ConfigEntry("lxc.mount.entry", f"tmpfs tmp tmpfs {options} 0 0")]
