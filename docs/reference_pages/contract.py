"""The page of contract versions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from hvcore.hypervisor import Hypervisor
from hvcore.spec import versions
from hvcore.spec.kinds import Deprecation, HookDeclaration
from hvcore.spec.versions import CONTRACT_VERSION, FIRST_CONTRACT
from reference_pages.text import code, markdown, read_doc, table

__all__ = ["contract_page"]

_STATED = """\
## How a plugin states its contract

| plugin | where |
| --- | --- |
| a hypervisor | `contract` of its `hvcore.plugin.HypervisorPlugin` |
| an extension | `hvcore_contract` of the object; `contract` of an `hvcore.plugin.Extension` around it wins |

`hv plugins` shows what each one states, and `hv check-plugin` what an author should mend.

## What is new and can be done without

A method that is marked `@hookimpl(optionalhook=True)` is left out where its hook is not known, if its plugin states a contract
that is newer than hvcore's. To a plugin that states hvcore's own contract or an older one, every hook is known, so there an
unknown one is a mistake.
"""

_WARNED = """\
## How it is told

A warning is a `hvcore.plugin.ContractWarning`, which names the line of the author's code. It is a kind of `DeprecationWarning`:
pytest shows it, and other programs keep quiet about it. `hv plugins` shows all of them to whoever runs the node. A refusal is
an `hvcore.errors.InvalidPlugin`; it concerns that plugin alone.

## Names that changed

An old name of a hook still answers it, and an old name of an argument still gets its value, until the next major version. A
method may always take fewer arguments than its hook passes.
"""


_DECLARED = """\
## How a spec declares it

`command`, `choose`, `collect` and `notify` of `hvcore.plugin` take these fields by name, so the steps of a hypervisor may change
in the same way:

```python
from hvcore.plugin import Deprecation, choose


class ToySteps:
    @choose(
        since="1.0",
        formerly={"toy_mount": "1.1"},
        deprecated={"root": Deprecation("1.1", "use path instead", passes="path")},
    )
    def toy_mounter(self, path: str) -> str | None:
        raise NotImplementedError
```
"""


def contract_page(hypervisors: Sequence[Hypervisor]) -> str:
    """Return the page of the rules, and of every name that is deprecated today."""
    words = inspect.getdoc(versions) or ""
    body = words.partition("\n\n")[2].partition("\n====")[0]
    return "\n".join(
        (
            "# Contract versions\n",
            f"{markdown(body).strip()}\n",
            f"This hvcore speaks contract {CONTRACT_VERSION}. The first one was {FIRST_CONTRACT}.\n",
            "## Which go together\n",
            _rules(words),
            _STATED,
            _WARNED,
            _deprecated(hypervisors),
            _DECLARED,
            *(_fields(kind) for kind in (HookDeclaration, Deprecation)),
        )
    )


def _fields(kind: type) -> str:
    doc = read_doc(kind)
    rows = [[code(name), text] for name, text in doc.items("Attributes").items()]
    return f"### {kind.__name__}\n\n{doc.summary}\n\n{table(('field', 'meaning'), rows)}"


def _rules(words: str) -> str:
    lines = words.splitlines()
    bars = [index for index, line in enumerate(lines) if line.startswith("====")]
    columns = [match.span() for match in re.finditer("=+", lines[bars[0]])]
    cut = [[line[start : end + 1].strip() for start, end in columns] for line in lines]
    return table(cut[bars[0] + 1], cut[bars[1] + 1 : bars[2]])


def _deprecated(hypervisors: Sequence[Hypervisor]) -> str:
    rows: list[list[str]] = []
    hooks = {hook.name: hook for hypervisor in hypervisors for hook in hypervisor.scope.hooks}
    for hook in hooks.values():
        rows += [
            [code(old), since, f"rename the method to {hook.name}"] for old, since in hook.declaration.formerly.items()
        ]
        rows += [
            [f"{code(name)} of {code(hook.name)}", old.since, old.advice]
            for name, old in hook.declaration.deprecated.items()
        ]
    return table(("name", "since", "what to do"), rows) if rows else f"In contract {CONTRACT_VERSION} there are none.\n"
