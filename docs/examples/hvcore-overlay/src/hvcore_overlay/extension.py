"""What joins LXC's scope: two parameters more, and a mounter for instances that ask for it."""

from __future__ import annotations

from collections.abc import Generator

from hvcore.plugin import BlockDevice, Instance, Parameter, hookimpl
from hvcore_lxc.spec import Mounter
from hvcore_overlay.mounter import VolatileMounter
from hvcore_overlay.parameters import PARAMETERS, SIZE_MIB, VOLATILE

__all__ = ["Overlay"]


class Overlay:
    """Gives instances with ``volatile = true`` a root that forgets."""

    hvcore_contract = "1.0"

    @hookimpl(wrapper=True)
    def get_parameters(self) -> Generator[None, tuple[Parameter, ...], tuple[Parameter, ...]]:
        """Declare this extension's parameters beside LXC's own, so that they are filled in and checked like those."""
        declared = yield
        return (*declared, *PARAMETERS)

    @hookimpl
    def lxc_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter | None:
        """Choose the overlay where it is asked for, and decline everywhere else.

        The answer depends on the definition alone: it is asked for again when the instance is stopped, by whichever
        process does that.
        """
        if not instance.parameters.get(VOLATILE):
            return None
        return VolatileMounter(instance, block_devices, root, int(str(instance.parameters[SIZE_MIB])))
