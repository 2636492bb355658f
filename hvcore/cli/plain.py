"""Command lines of nothing but a plain verb and global options, parsed without the weight of argparse.

``hv list`` is typed often and scripts call it in loops. Everything that is not as plain as that, and every mistake, is left
to the real parser.
"""

from __future__ import annotations

from collections.abc import Sequence

from hvcore.cli.verbs import VERBS, Arguments, Choice, load_command

__all__ = ["FLAGS", "VALUED", "parse_plain"]

FLAGS = {"--json": "json", "--debug": "debug", "--no-plugins": "no_plugins", "--trace": "trace"}
"""Global options that are there or not, and what they are called in the arguments."""

VALUED = {"-H": "hypervisor", "--hypervisor": "hypervisor", "--state-dir": "state_dir", "--log-dir": "log_dir"}
"""Global options that take the next word."""


def parse_plain(words: Sequence[str]) -> Choice | None:
    """Return what the real parser would return, or None when the words are not plain."""
    values: dict[str, object] = {**dict.fromkeys(FLAGS.values(), False), **dict.fromkeys(VALUED.values())}
    verb: str | None = None
    rest = iter(words)
    for word in rest:
        if word in FLAGS:
            values[FLAGS[word]] = True
        elif word in VALUED:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
            values[VALUED[word]] = value
        elif verb is None and word in VERBS and VERBS[word].is_plain:
            verb = word
        else:
            return None
    return Choice(load_command(verb), Arguments(**values, words=[])) if verb else None
