"""Rules for starts: pure functions of what is asked for."""

from __future__ import annotations

from typing import Any, cast

from attrs import field, frozen

from hvcore import Instance
from hvcore.errors import PolicyRefused

__all__ = ["Policy", "texts"]


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises:
        TypeError: it is anything else.
    """
    words: tuple[Any, ...] = tuple(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else (None,)
    if not all(isinstance(word, str) for word in words):
        raise TypeError(f"{value!r} is no list of texts")
    return words


def _check_number(value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{value!r} is no number of at least 1")


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")


@frozen
class Policy:
    """What may be started.

    Attributes:
        closed: why nothing may be started at all; "" when starts are allowed.
        most_memory_mib: the memory, in MiB, that an instance may have; None sets no limit.
        most_vcpus: the CPUs that an instance may have; None sets no limit.
        required_tags: tags that every instance must carry.
        forbidden_hypervisors: hypervisors that may not be used.

    Raises:
        TypeError: a value is not of its type.
        ValueError: a number is not one of at least 1.
    """

    closed: str = field(default="", validator=lambda _policy, _name, value: _check_text(value))
    most_memory_mib: int | None = field(default=None, validator=lambda _policy, _name, value: _check_number(value))
    most_vcpus: int | None = field(default=None, validator=lambda _policy, _name, value: _check_number(value))
    required_tags: tuple[str, ...] = field(default=(), converter=texts)
    forbidden_hypervisors: tuple[str, ...] = field(default=(), converter=texts)

    def judge(self, instance: Instance) -> None:
        """Let a start pass, or refuse it.

        Raises:
            PolicyRefused: a rule forbids it; the first one that does is told.
        """
        name, missing = instance.name, [tag for tag in self.required_tags if tag not in instance.tags]
        if self.closed:
            raise _refused(f"nothing may be started now: {self.closed}", "try again later, or ask this node's operator")
        if instance.hypervisor in self.forbidden_hypervisors:
            raise _refused(f"{instance.hypervisor} may not be used on this node", "use another hypervisor")
        if self.most_memory_mib is not None and instance.memory_mib > self.most_memory_mib:
            raise _refused(
                f"{name} asks for {instance.memory_mib} MiB, and {self.most_memory_mib} MiB are allowed",
                "lower memory_mib under [backend]",
            )
        if self.most_vcpus is not None and instance.vcpus > self.most_vcpus:
            raise _refused(
                f"{name} asks for {instance.vcpus} CPUs, and {self.most_vcpus} are allowed",
                "lower vcpus under [backend]",
            )
        if missing:
            raise _refused(f"{name} lacks the tag {missing[0]}", f"add to its definition: {', '.join(missing)}")


def _refused(message: str, resolution: str) -> PolicyRefused:
    return PolicyRefused(message, resolution=resolution)
