"""The pages of hooks, and of who supports which operation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from hvcore.hypervisor import Hypervisor
from hvcore.member import Member, Origin
from hvcore.plugin import BaseHypervisor, Kind
from hvcore.scope import Hook
from hvcore.spec import kinds
from reference_pages.extension_examples import EXTENSION_EXAMPLES
from reference_pages.text import arguments_and_errors, code, markdown, read_doc, signature_of, table
from reference_pages.verb_examples import PRELUDE, VERB_EXAMPLES

__all__ = ["hooks_page", "support_page"]

_INTRO = """\
Every hook that the scope of a hypervisor knows which ships with hvcore. A driver answers the `command` hooks, extensions
answer the others, and a wrapper may stand around every kind but `notify`. `hv hooks NAME` shows the same for what is
installed on a node.
"""

_NO_DEFAULTS = """\
An argument has no default here: every caller passes all of them. The defaults are those of the verbs of
`hvcore.Hypervisor`, which [api.md](api.md) lists.
"""

_EXAMPLES = f"""\
Every hook has an example, which a test runs. For what a verb calls it shows the verb, and each begins anew after these lines:

```pycon
{PRELUDE}```
"""

_DOMAINS = {
    "LifecycleSpec": "Life cycle",
    "InventorySpec": "Inventory",
    "ConsoleSpec": "Console and commands",
    "MigrationSpec": "Migration",
    "NodeSpec": "Node",
    "FilesSpec": "Files",
    "ParamsSpec": "Parameters",
    "DevicesSpec": "Devices",
    "StatsSpec": "Statistics",
    "EventsSpec": "Events",
    "ConfigurationSpec": "Configuration",
    "NoticesSpec": "Notices",
}


def hooks_page(hypervisors: Sequence[Hypervisor]) -> str:
    """Return the page of every hook: of the contract, and of each hypervisor's own steps."""
    hooks = {hook.name: hook for hypervisor in hypervisors for hook in hypervisor.scope.hooks}
    specs = list(dict.fromkeys(hook.spec for hook in hooks.values()))
    parts = [
        "# Hooks\n",
        _INTRO,
        markdown(_kinds_table()),
        _NO_DEFAULTS,
        _EXAMPLES,
    ]
    rows = [
        [f"[{code(h.name)}](#{h.name})", h.declaration.kind, h.declaration.since, _title(h.spec)]
        for h in hooks.values()
    ]
    parts.append(table(("hook", "kind", "since", "of"), rows))
    for spec in specs:
        home = code(f"{spec.__module__}.{spec.__qualname__}")
        parts.append(f"## {_title(spec)}\n\n{read_doc(spec).summary} Specified by {home}.\n")
        parts += [_hook(hook, hypervisors) for hook in hooks.values() if hook.spec is spec]
    return "\n".join(parts)


def _kinds_table() -> str:
    lines = (inspect.getdoc(kinds) or "").splitlines()
    bars = [index for index, line in enumerate(lines) if line.startswith("====")]
    columns = [match.span() for match in re.finditer("=+", lines[bars[0]])]
    cut = [[line[start : end + 1].strip() for start, end in columns] for line in lines]
    return table(cut[bars[0] + 1], [[code(row[0]), *row[1:]] for row in cut[bars[1] + 1 : bars[2]]])


def _hook(hook: Hook, hypervisors: Sequence[Hypervisor]) -> str:
    doc = read_doc(hook.function)
    answering = [
        f"{hypervisor.name} ({', '.join(dict.fromkeys(a.role for a in found))})"
        for hypervisor in hypervisors
        if hook in hypervisor.scope.hooks and (found := hypervisor.scope.answerers(hook.function))
    ]
    lines = [f"### {hook.name}\n", f"{doc.summary}\n"]
    if doc.body:
        lines.append(f"{doc.body}\n")
    lines.append(f"```python\n{signature_of(hook.function)}\n```\n")
    lines.append(f"- Kind: {code(hook.declaration.kind)}, since {hook.declaration.since}")
    told = [(name, doc.sections[name]) for name in ("Answered by", "Returns", "Source") if name in doc.sections]
    lines += [f"- {name}: {' '.join(text.split())}" for name, text in told]
    lines.append(f"- Answered today by: {', '.join(answering) or 'nobody'}\n")
    lines.append(arguments_and_errors(doc))
    example = VERB_EXAMPLES.get(hook.name) or EXTENSION_EXAMPLES.get(hook.name)
    if example is None:
        raise LookupError(
            f"{hook.name} has no example in docs/reference_pages/verb_examples.py or extension_examples.py"
        )
    lines.append(f"Example:\n\n```pycon\n{example}```\n")
    return "\n".join(lines)


def _title(spec: type) -> str:
    return _DOMAINS.get(spec.__name__, f"Steps of {spec.__module__.partition('.')[0]}")


def support_page(hypervisors: Sequence[Hypervisor]) -> str:
    """Return the matrix of hypervisors and operations."""
    rows: list[list[str]] = []
    for hook in hypervisors[0].scope.hooks:
        if hook.declaration.kind is Kind.COMMAND:
            answers = [_support(hypervisor, hook.name) for hypervisor in hypervisors]
            rows.append([_title(hook.spec), f"[{code(hook.name)}](hooks.md#{hook.name})", *answers])
    legend = {
        "yes": "the driver answers it itself",
        "default": "the driver has the answer of `hvcore.plugin.BaseHypervisor`, which suits any hypervisor or does nothing",
        "no": "the driver does not implement it: the verb raises `hvcore.Unsupported`, and `hv` ends with status 3",
    }
    return "\n".join(
        (
            "# Support\n",
            "What the hypervisors that ship with hvcore support; `Hypervisor.capabilities()` tells the same of any other.\n",
            "".join(f"- **{word}**: {text}\n" for word, text in legend.items()),
            table(("domain", "operation", *(hypervisor.name for hypervisor in hypervisors)), rows),
        )
    )


def _support(hypervisor: Hypervisor, hook: str) -> str:
    driver = next(member for member in hypervisor.scope.members if member.origin is Origin.DRIVER)
    if not driver.answers(hook):
        return "no"
    return "default" if _is_inherited(driver, hook) else "yes"


def _is_inherited(driver: Member, hook: str) -> bool:
    return getattr(type(driver.implementation), hook) is getattr(BaseHypervisor, hook, None)
