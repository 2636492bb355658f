"""An instance: what the user wants to run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from hvcore.errors import InvalidInput
from hvcore.model.disk import BlockDevice, Disk, DiskKind
from hvcore.model.keys import dotted
from hvcore.model.names import check_hypervisor_name, check_instance_name, refuse_control_characters
from hvcore.model.nic import Nic, NicMode
from hvcore.model.parameter_types import ParameterValue, freeze_value
from hvcore.model.refusal import missing, nested, refused
from hvcore.model.validation import by, check_integer

__all__ = ["BlockDevice", "Disk", "DiskKind", "Instance", "Nic", "NicMode"]

MAX_MEMORY_MIB = 2**31
MAX_VCPUS = 8192
MAX_DISKS = 16
MAX_NICS = 8

_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAG = re.compile("[A-Za-z0-9_.+*/:@-]{1,128}")
_PARAMETER_NAME = re.compile("[A-Za-z][A-Za-z0-9_-]{0,99}")


def _check_memory(value: object, key: str) -> None:
    check_integer(value, key, 1, MAX_MEMORY_MIB, "MiB")


def _check_memory_min(value: object, key: str) -> None:
    if value is not None:
        check_integer(value, key, 1, MAX_MEMORY_MIB, "MiB")


def _check_vcpus(value: object, key: str) -> None:
    check_integer(value, key, 1, MAX_VCPUS)


def _check_parameter_name(name: object) -> None:
    if not (isinstance(name, str) and _PARAMETER_NAME.fullmatch(name)):
        key = dotted(("parameters", str(name)))
        raise refused(key, name, "a name of at most 100 letters, digits, underscores and hyphens, a letter first")


def _freeze(parameters: Mapping[str, ParameterValue]) -> Mapping[str, ParameterValue]:
    frozen_values: dict[str, ParameterValue] = {}
    for name, value in parameters.items():
        _check_parameter_name(name)
        frozen_values[name] = freeze_value(value, f"parameters.{name}")
    return MappingProxyType(frozen_values)


def _uuid(value: str) -> str:
    text = refuse_control_characters(value, "uuid").lower()
    if text and not _UUID.fullmatch(text):
        raise refused("uuid", value, "a UUID such as 3f2b7c1e-6d1a-4f0e-9a53-0c8d2e5b7f10")
    return text


def _disks(value: Iterable[Disk]) -> tuple[Disk, ...]:
    disks = tuple(value)
    _check_members(disks, "disks", Disk, MAX_DISKS)
    return disks


def _nics(value: Iterable[Nic]) -> tuple[Nic, ...]:
    nics = tuple(value)
    _check_members(nics, "nics", Nic, MAX_NICS)
    return nics


def _check_members(members: tuple[object, ...], key: str, kind: type, most: int) -> None:
    for index, item in enumerate(members):
        if not isinstance(item, kind):
            raise refused(f"{key}[{index}]", item, f"a {kind.__name__}")
    if len(members) > most:
        raise InvalidInput(
            f"{key}[{most}] is one too many",
            key=f"{key}[{most}]",
            value=len(members),
            allowed=f"at most {most} {key}",
            resolution=f"remove {len(members) - most} of the {key}",
        )


def _tags(value: Iterable[str]) -> tuple[str, ...]:
    # A single text would fall apart into tags of one letter.
    tags = (value,) if isinstance(value, str) else tuple(value)
    for index, tag in enumerate(tags):
        _check_tag(tag, f"tags[{index}]")
    return tags


def _check_tag(tag: object, key: str) -> None:
    """Refuse what cannot be a tag.

    Source: Ganeti ``TaggableObject.VALID_TAG_RE``, its letters limited to ASCII, and MAX_TAG_LEN.
    """
    if not (isinstance(tag, str) and _TAG.fullmatch(tag)):
        raise refused(key, tag, "1 to 128 letters, digits and any of _ . + * / : @ -")


@frozen
class Instance:
    """The definition of an instance, as the user wrote it.

    Args:
        name: one DNS label, or labels with dots between them, 200 characters at most.
        hypervisor: the name of the hypervisor that runs it.
        memory_mib: the most memory it may have, in MiB, 1 to 2**31.
        memory_min_mib: the least memory it can do with, in MiB; None means ``memory_mib``.
        vcpus: virtual CPUs, 1 to 8192.
        parameters: the hypervisor's own parameters by name; read-only, lists become tuples of str.
        disks: at most 16 disks. The first is the root; every other one has a mount point of its own.
        nics: at most 8 network interfaces.
        uuid: its UUID, or "".
        tags: free words.

    Raises:
        InvalidInput: a field is out of its range.

    Source: Ganeti's instance object, its defaults (128 MiB, 1 vCPU) and its limits (MAX_DISKS, MAX_NICS).
    """

    name: str = field(validator=by(check_instance_name))
    hypervisor: str = field(validator=by(check_hypervisor_name))
    memory_mib: int = field(default=128, validator=by(_check_memory))
    memory_min_mib: int | None = field(default=None, validator=by(_check_memory_min))
    vcpus: int = field(default=1, validator=by(_check_vcpus))
    # A mapping has no hash; instances that differ in parameters alone share one, and still compare as different.
    parameters: Mapping[str, ParameterValue] = field(factory=dict[str, ParameterValue], converter=_freeze, hash=False)
    disks: tuple[Disk, ...] = field(default=(), converter=_disks)
    nics: tuple[Nic, ...] = field(default=(), converter=_nics)
    uuid: str = field(default="", converter=_uuid)
    tags: tuple[str, ...] = field(default=(), converter=_tags)

    def __attrs_post_init__(self) -> None:
        if self.memory_min_mib is not None and self.memory_min_mib > self.memory_mib:
            raise refused("memory_min_mib", self.memory_min_mib, f"at most memory_mib, which is {self.memory_mib}")
        self._check_mount_points()

    def _check_mount_points(self) -> None:
        taken = {"/": 0}
        for index, disk in enumerate(self.disks):
            if index == 0:
                if disk.mount_point not in {"", "/"}:
                    raise refused("disks[0].mount_point", disk.mount_point, '"": the first disk is the root')
            elif not disk.mount_point:
                raise nested(missing("mount_point", "where the guest sees the disk, such as /srv"), f"disks[{index}]")
            elif disk.mount_point in taken:
                other = taken[disk.mount_point]
                why = f"disks[{other}] is mounted there"
                raise refused(f"disks[{index}].mount_point", disk.mount_point, "a path of its own", why=why)
            else:
                taken[disk.mount_point] = index

    def __reduce__(self) -> tuple[Callable[[Mapping[str, object]], Instance], tuple[dict[str, Any]]]:
        # A read-only view of a mapping cannot be pickled or copied; plain data can.
        return Instance.from_dict, (self.to_dict(),)

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as plain data with stable keys, ready for JSON, in the layout of an instance file."""
        return {
            "name": self.name,
            "hypervisor": self.hypervisor,
            "uuid": self.uuid,
            "tags": list(self.tags),
            "backend": {
                "memory_mib": self.memory_mib,
                "memory_min_mib": self.memory_min_mib,
                "vcpus": self.vcpus,
            },
            "parameters": {
                name: list(value) if isinstance(value, tuple) else value for name, value in self.parameters.items()
            },
            "disks": [disk.to_dict() for disk in self.disks],
            "nics": [nic.to_dict() for nic in self.nics],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Instance:
        """Return the instance that ``to_dict`` described.

        Args:
            data: plain data in the layout of an instance file; what is left out has its default.

        Raises:
            InvalidInput: a key is unknown or missing, or a value is out of its range; its ``key`` is dotted, such as
                ``disks[1].path``.
        """
        from hvcore.model.instance_data import instance_from_data

        return instance_from_data(data)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Instance:
        """Read an instance file.

        Args:
            path: the TOML file.

        Raises:
            InvalidInput: it cannot be read or holds bad input; the error names file, line, key, value and what is
                allowed.
        """
        from hvcore.model.instance_file import read_instance_file

        return read_instance_file(path)
