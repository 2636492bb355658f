"""The contract as a value: every hook that all hypervisors share, for extensions that treat many of them alike."""

from __future__ import annotations

from functools import cache

from attrs import frozen

from hvcore.spec.contract import CONTRACT_SPECS
from hvcore.spec.kinds import Kind, declaration_of

__all__ = ["ContractHook", "contract_hooks"]


@frozen
class ContractHook:
    """A hook of the contract.

    Attributes:
        name: the hook's name.
        kind: who answers it.
        since: the contract version in which it appeared.
        arguments: its argument names, in order.
    """

    name: str
    kind: Kind
    since: str
    arguments: tuple[str, ...]


@cache
def contract_hooks() -> tuple[ContractHook, ...]:
    """Return every hook of the contract, in the order in which the specs are written."""
    found: list[ContractHook] = []
    for spec in CONTRACT_SPECS:
        for name, function in vars(spec).items():
            declaration = declaration_of(function)
            if declaration is not None:
                code = function.__code__
                arguments = code.co_varnames[1 : code.co_argcount]
                found.append(ContractHook(name, declaration.kind, declaration.since, arguments))
    return tuple(found)
