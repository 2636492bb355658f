"""From plain data, as TOML and JSON give it, to an instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from hvcore.errors import InvalidInput
from hvcore.model.instance import Disk, Instance, Nic
from hvcore.model.keys import dotted
from hvcore.model.refusal import missing, nested, refused, unknown_key

__all__ = ["instance_from_data"]

_INSTANCE = ("name", "hypervisor", "uuid", "tags", "backend", "parameters", "disks", "nics")
_BACKEND = ("memory_mib", "memory_min_mib", "vcpus")
_DISK = ("path", "kind", "mount_point", "read_only")
_NIC = ("mode", "link", "mac", "ip", "name")
_NEEDED = {
    "name": "the name of the instance, such as web1",
    "hypervisor": "the name of a hypervisor, such as lxc",
    "path": "the absolute path of the disk",
    "mode": "how the interface is connected, such as bridged",
}
_Part = TypeVar("_Part", Disk, Nic)


def instance_from_data(data: object) -> Instance:
    """Return the instance that plain data describe.

    Args:
        data: nested dicts and lists in the layout of an instance file.

    Raises:
        InvalidInput: with the dotted key of what is wrong, the value and what is allowed.
    """
    fields = _table(data, "", _INSTANCE, needed=("name", "hypervisor"))
    backend = _table(fields.pop("backend", {}), "backend", _BACKEND)
    parameters = _mapping(fields.pop("parameters", {}), "parameters")
    disks = _parts(fields.pop("disks", ()), "disks", Disk, _DISK, "path")
    nics = _parts(fields.pop("nics", ()), "nics", Nic, _NIC, "mode")
    tags = tuple(_items(fields.pop("tags", ()), "tags", "a list of words"))
    try:
        return Instance(**fields, **backend, parameters=parameters, disks=disks, nics=nics, tags=tags)
    except InvalidInput as error:
        if error.key in _BACKEND:
            raise nested(error, "backend") from error
        raise


def _mapping(data: object, key: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise refused(key or "instance", data, "a table")
    table = cast("Mapping[object, object]", data)
    names: dict[str, Any] = {}
    for name, value in table.items():
        if not isinstance(name, str):
            raise refused(key or "instance", name, "a table whose keys are text")
        names[name] = value
    return names


def _table(data: object, key: str, known: Sequence[str], needed: Sequence[str] = ()) -> dict[str, Any]:
    table = _mapping(data, key)
    for name, value in table.items():
        if name not in known:
            raise unknown_key(f"{key}.{dotted((name,))}" if key else dotted((name,)), name, value, known)
    for name in needed:
        if name not in table:
            raise missing(f"{key}.{name}" if key else name, _NEEDED[name])
    return table


def _items(data: object, key: str, allowed: str) -> Sequence[Any]:
    if isinstance(data, (list, tuple)):
        return cast("Sequence[Any]", data)
    raise refused(key, data, allowed)


def _parts(data: object, key: str, kind: type[_Part], known: Sequence[str], needed: str) -> tuple[_Part, ...]:
    found: list[_Part] = []
    for index, item in enumerate(_items(data, key, f"a list of tables, each under [[{key}]]")):
        place = f"{key}[{index}]"
        fields = _table(item, place, known, (needed,))
        try:
            found.append(kind(**fields))
        except InvalidInput as error:
            raise nested(error, place) from error
    return tuple(found)
