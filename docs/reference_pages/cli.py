"""The page of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import cast

from hvcore.cli.parser import build_full_parser
from hvcore.cli.verbs import VERBS
from reference_pages.text import code, table

__all__ = ["cli_page"]


def cli_page() -> str:
    """Return the page of the ``hv`` command."""
    full = build_full_parser()
    verbs = next(action for action in _actions(full) if action.dest == "verb")
    children = cast("Mapping[str, argparse.ArgumentParser]", verbs.choices)
    shared = [action for action in _actions(full) if action is not verbs]
    common = {option for action in shared for option in action.option_strings}
    parts = [
        "# The hv command\n",
        "`hv [OPTIONS] VERB [OPTIONS] [ARGUMENTS]`. What each verb prints with `--json` is in [cli-json.md](cli-json.md).\n",
        table(("verb", "what it does"), [[f"[{code(n)}](#hv-{n})", verb.summary] for n, verb in VERBS.items()]),
        f"{full.epilog}\n",
        "## Options of every verb\n",
        "They may stand before the verb, too.\n",
        table(("option", "meaning"), map(_option, shared)),
    ]
    for name in VERBS:
        own = [a for a in _actions(children[name]) if not common & set(a.option_strings)]
        positional = [a for a in own if not a.option_strings]
        words = [f"hv {name}", *(_usage(a) for a in own if a.option_strings), *map(_usage, positional)]
        words += ["--", "COMMAND", "..."] if VERBS[name].takes_command else []
        parts += [f"## hv {name}\n", f"{_sentence(VERBS[name].summary)}\n", f"```text\n{' '.join(words)}\n```\n"]
        if own:
            parts.append(table(("argument", "meaning"), map(_option, own)))
    return "\n".join(parts)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return cast("list[argparse.Action]", vars(parser)["_actions"])


def _value(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else str(action.metavar or action.dest.upper())


def _option(action: argparse.Action) -> list[str]:
    spelt = ", ".join(action.option_strings) or _value(action)
    value = f" {_value(action)}" if action.option_strings and _value(action) else ""
    return [code(spelt + value), (action.help or "").replace("%%", "%")]


def _usage(action: argparse.Action) -> str:
    text = " ".join(filter(None, (action.option_strings[-1] if action.option_strings else "", _value(action))))
    return f"[{text}]" if action.option_strings or action.nargs == "?" else text


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
