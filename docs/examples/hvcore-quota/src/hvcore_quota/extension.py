"""What joins LXC's scope: parameters, and a manager around whichever cgroup manager others chose."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

from attrs import field, frozen

from hvcore.plugin import Instance, Parameter, hookimpl
from hvcore.system import CgroupLayout, current_layout
from hvcore_lxc.spec import CgroupManager, ConfigEntry
from hvcore_quota.files import CPU_FILES, settings
from hvcore_quota.parameters import PARAMETERS
from hvcore_quota.quota import Quota

__all__ = ["QuotaLimits", "WithQuota"]


@frozen
class WithQuota:
    """A cgroup manager that sets the quota beside the limits of another, and leaves all else to that one.

    Attributes:
        inner: the other manager.
        layout: how the node's hierarchies are mounted.
    """

    inner: CgroupManager
    layout: CgroupLayout = field(factory=current_layout)

    @property
    def name(self) -> str:
        """What plans call it."""
        return f"{self.inner.name}, with quota"

    def limits(self, instance: Instance) -> tuple[ConfigEntry, ...]:
        """Return what LXC shall set before the container's init runs."""
        wanted = settings(Quota.of(instance), instance.vcpus, self.layout)
        ours = tuple(ConfigEntry(f"lxc.{'cgroup' if one.is_v1 else 'cgroup2'}.{one.file}", one.value) for one in wanted)
        replaced = {entry.key for entry in ours if entry.key.split(".", 2)[2] in CPU_FILES}
        return (*(entry for entry in self.inner.limits(instance) if entry.key not in replaced), *ours)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class QuotaLimits:
    """Limits containers by three parameters more."""

    hvcore_contract = "1.0"

    @hookimpl(wrapper=True)
    def get_parameters(self) -> Generator[None, tuple[Parameter, ...], tuple[Parameter, ...]]:
        """Declare this extension's parameters beside LXC's own."""
        declared = yield
        return (*declared, *PARAMETERS)

    @hookimpl(wrapper=True)
    def lxc_cgroups(self) -> Generator[None, CgroupManager, CgroupManager]:
        """Stand around the manager that others chose."""
        inner = yield
        # Every method but one is the inner manager's, which no checker can see.
        return cast("CgroupManager", WithQuota(inner))
