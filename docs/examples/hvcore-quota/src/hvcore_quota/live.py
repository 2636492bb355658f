"""Quotas of running containers: read, and changed all or not at all."""

from __future__ import annotations

from hvcore import Hypervisor, HypervisorError
from hvcore.errors import NotRunning
from hvcore.system import CgroupLayout, current_layout, read_text, write_value
from hvcore_lxc.spec import CgroupManager, LxcSteps
from hvcore_quota.files import V1_IO_FILES, Setting, settings
from hvcore_quota.quota import CPU_PERIOD_US, FULL_PERCENT, IO_KEYS, NO_LIMIT, IoRule, Quota

__all__ = ["apply", "get_quota", "measure", "set_quota"]


def set_quota(lxc: Hypervisor, instance_name: str, quota: Quota) -> None:
    """Change the limits of a running container; they last until it is stopped or rebooted.

    Args:
        lxc: the hypervisor.
        instance_name: the container's name.
        quota: the new limits; what it leaves open stays as it is.

    Raises:
        NotRunning: the container does not run.
        Busy: another process works on it.
        OperationFailed: the kernel refused one; the old limits are in force again.
    """
    with lxc.context.locks.hold(instance_name, "set_quota"):
        manager, vcpus = _running(lxc, instance_name)
        apply(quota, vcpus, current_layout(), manager.group(instance_name))


def get_quota(lxc: Hypervisor, instance_name: str) -> Quota:
    """Return the limits of a running container, as the kernel has them.

    Raises:
        NotRunning: the container does not run.
    """
    manager, vcpus = _running(lxc, instance_name)
    return measure(vcpus, current_layout(), manager.group(instance_name))


def apply(quota: Quota, vcpus: int, layout: CgroupLayout, group: str) -> None:
    """Write a quota to a cgroup; when one value is refused, those before it are taken back."""
    undo: list[tuple[str, str]] = []
    for setting in settings(quota, vcpus, layout):
        path = f"{layout.directory(setting.controller, group)}/{setting.file}"
        try:
            before = _before(setting, read_text(path) or "")
            write_value(path, setting.value)
        except HypervisorError:
            for written, value in reversed(undo):
                write_value(written, value)
            raise
        undo.append((path, before))


def measure(vcpus: int, layout: CgroupLayout, group: str) -> Quota:
    """Read a quota from a cgroup."""

    def read(controller: str, file: str) -> str:
        directory = layout.directory(controller, group)
        return (read_text(f"{directory}/{file}") or "").strip() if directory else ""

    time_us = read("cpu", "cpu.cfs_quota_us") or read("cpu", "cpu.max").partition(" ")[0]
    is_limited = time_us.isdigit() and int(time_us) > 0
    percent = int(time_us) * FULL_PERCENT // (CPU_PERIOD_US * max(vcpus, 1)) if is_limited else FULL_PERCENT
    pids = read("pids", "pids.max")
    rules: dict[str, dict[str, str]] = {}
    for key, file in V1_IO_FILES.items():
        for line in read("blkio", file).splitlines():
            device, _, value = line.partition(" ")
            rules.setdefault(device, {})[key] = value
    for line in read("io", "io.max").splitlines():
        device, _, words = line.partition(" ")
        limits = dict(word.split("=") for word in words.split())
        rules[device] = {key: limits[key] for key in IO_KEYS if limits.get(key, NO_LIMIT) != NO_LIMIT}
    return Quota(
        cpu_percent=min(max(percent, 1), FULL_PERCENT),
        pids_max=int(pids) if pids.isdigit() else 0,
        io=[IoRule(device, limits) for device, limits in rules.items()],
    )


def _before(setting: Setting, text: str) -> str:
    """Return what to write to bring back what a file says now."""
    if not setting.device:
        return text.strip()
    for line in text.splitlines():
        if line.partition(" ")[0] == setting.device:
            return line
    return f"{setting.device} 0" if setting.is_v1 else str(IoRule(setting.device, dict.fromkeys(IO_KEYS, NO_LIMIT)))


def _running(lxc: Hypervisor, name: str) -> tuple[CgroupManager, int]:
    manager = lxc.scope.choose(LxcSteps.lxc_cgroups)
    known = lxc.get_instance_definition(name)
    if known is None or not manager.pids(name):
        raise NotRunning(f"{name} does not run", instance=name, resolution="'hv list' names those that run")
    return manager, known.vcpus
