"""Which contracts go together: the one that a plugin was written for, and the one that this hvcore speaks.

A contract version is ``MAJOR.MINOR``. A new minor version only adds: hooks, arguments, and other names for both, with the
old names still working until the next major version. A new major version may take away.

==================  =============================================  ==================================================
the plugin states   it uses what this hvcore does not know         what happens
==================  =============================================  ==================================================
the same or older   no                                             accepted
the same or older   yes                                            refused, as a mistake
a newer minor       no                                             accepted, with a warning
a newer minor       yes                                            refused: hvcore is too old
another major       either                                         refused
nothing             either                                         taken as written for the first contract, and shown
no version at all   either                                         refused
==================  =============================================  ==================================================
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

__all__ = ["CONTRACT_VERSION", "FIRST_CONTRACT", "Agreement", "ContractWarning", "Verdict", "agree", "speaks"]

CONTRACT_VERSION = "1.0"
"""The version of the contract that this hvcore speaks."""

FIRST_CONTRACT = "1.0"
"""The version that a plugin which states none is taken to be written for."""


class ContractWarning(DeprecationWarning):
    """A plugin and this hvcore still work together, and will not for ever.

    pytest shows it to the plugin's author, ``hv plugins`` to whoever runs the node; elsewhere Python keeps quiet about it.
    """


Verdict = Literal["accepted", "warned", "refused"]
"""Whether a plugin may be used."""


class Agreement(NamedTuple):
    """What is decided of a plugin's contract.

    Attributes:
        verdict: whether the plugin may be used.
        contract: the version that it is taken to be written for.
        reason: why it is warned of or refused; "" when it is accepted. It follows the plugin's name.
        resolution: what to do about it.
    """

    verdict: Verdict
    contract: str
    reason: str = ""
    resolution: str = ""


def agree(stated: object, unknown: Collection[str] = (), ours: str = CONTRACT_VERSION) -> Agreement:
    """Decide whether a plugin and an hvcore go together.

    Args:
        stated: the contract that the plugin states, such as ``"1.0"``; None when it states none.
        unknown: the hooks and arguments that it uses and ours does not know.
        ours: the contract that hvcore speaks.
    """
    contract = FIRST_CONTRACT if stated is None else str(stated)
    wanted = _numbers(contract) if isinstance(stated, (str, type(None))) else None
    if wanted is None:
        why = f"states the contract {contract!r}, which is no version"
        return Agreement("refused", contract, why, f"state it as MAJOR.MINOR, such as {ours!r}")
    major, minor = _numbers(ours) or (0, 0)
    needs = f"needs contract {contract}; this hvcore speaks {ours}"
    if wanted[0] != major:
        newer = "hvcore" if wanted[0] > major else "the plugin"
        return Agreement("refused", contract, needs, f"install a newer release of {newer}")
    if wanted[1] <= minor:
        return Agreement("accepted", contract)
    if unknown:
        why = f"{needs}, which does not know {', '.join(sorted(unknown))}"
        return Agreement("refused", contract, why, "install a newer release of hvcore")
    why = f"is written for contract {contract}; this hvcore speaks {ours}, and knows all that it uses"
    return Agreement("warned", contract, why, "install a newer release of hvcore when there is one")


def speaks(contract: str, ours: str = CONTRACT_VERSION) -> bool:
    """Tell whether an hvcore serves what was written for a contract: the same major version, and not a newer minor one."""
    wanted, known = _numbers(contract), _numbers(ours)
    return wanted is not None and known is not None and wanted[0] == known[0] and wanted[1] <= known[1]


def _numbers(contract: str) -> tuple[int, int] | None:
    major, dot, minor = contract.partition(".")
    parts = (major, minor)
    if not dot or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        return None
    return int(major), int(minor)
