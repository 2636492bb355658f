"""From the words of the command line to a verb and its arguments.

Only the chosen verb's parser is built. It knows the global options too, so they may stand before and after the verb.
"""

from __future__ import annotations

from collections.abc import Sequence

from hvcore.cli.options import PROGRAM, Parser, add_global_options
from hvcore.cli.plain import VALUED
from hvcore.cli.verbs import VERBS, Arguments, Choice, Command, load_command
from hvcore.errors import InvalidInput

__all__ = ["build_full_parser", "parse"]

_DESCRIPTION = "Start, stop and watch instances on this node's hypervisors."
_EPILOG = (
    "Exit status: 0 done; 1 the operation failed; 2 bad usage or bad input; 3 the hypervisor does not support it; "
    "4 no such instance; 5 the instance is busy."
)


def parse(words: Sequence[str]) -> Choice:
    """Find the verb and parse everything else by its rules.

    Args:
        words: the command line without the program's name.

    Raises:
        InvalidInput: the words make no command; says what comes closest.
        SystemExit: help or the version was asked for, and printed.
    """
    verb, rest = _split(words)
    if verb is None:
        build_full_parser().parse_args(rest)
        raise InvalidInput("no verb was given", resolution="'hv --help' lists the verbs")
    if verb not in VERBS:
        raise _unknown_verb(verb)
    command: list[str] = []
    if VERBS[verb].takes_command and "--" in rest:
        at = rest.index("--")
        rest, command = rest[:at], rest[at + 1 :]
    chosen = load_command(verb)
    parser = _verb_parser(verb, chosen)
    arguments, extra = parser.parse_known_args(rest, Arguments())
    if extra:
        raise _unexpected(parser, verb, extra[0])
    arguments.words = command
    return Choice(chosen, arguments)


def build_full_parser() -> Parser:
    """Return the parser of every verb at once, as help and shell completion need it."""
    parser = Parser(prog=PROGRAM, description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False)
    add_global_options(parser)
    # Not required: the caller says in its own words that there is no verb.
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=False)
    for name, verb in VERBS.items():
        child = verbs.add_parser(
            name, prog=f"{PROGRAM} {name}", help=verb.summary, description=_sentence(verb.summary), allow_abbrev=False
        )
        load_command(name).configure(child)
        add_global_options(child)
    return parser


def _split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take the verb, the first word that is neither an option nor an option's value, out of the words."""
    is_value = False
    for index, word in enumerate(words):
        if is_value:
            is_value = False
        elif word in VALUED:
            is_value = True
        elif word == "--":
            break
        elif not word.startswith("-"):
            return word, [*words[:index], *words[index + 1 :]]
    return None, list(words)


def _verb_parser(name: str, command: Command) -> Parser:
    parser = Parser(prog=f"{PROGRAM} {name}", description=_sentence(VERBS[name].summary), allow_abbrev=False)
    command.configure(parser)
    add_global_options(parser)
    return parser


def _unknown_verb(word: str) -> InvalidInput:
    from hvcore.model.refusal import closest, shown

    guess = closest(word, VERBS)
    return InvalidInput(
        f"there is no verb {shown(word)}",
        key="verb",
        value=word,
        resolution=f"did you mean 'hv {guess}'?" if guess else "'hv --help' lists the verbs",
    )


def _unexpected(parser: Parser, verb: str, word: str) -> InvalidInput:
    from hvcore.model.refusal import closest, shown

    guess = closest(word.partition("=")[0], parser.options) if word.startswith("-") else None
    if guess:
        resolution = f"did you mean {guess}?"
    elif VERBS[verb].takes_command:
        resolution = f"write -- before the command: {PROGRAM} {verb} NAME -- COMMAND ..."
    else:
        resolution = parser.short_usage
    kind = "unknown option" if word.startswith("-") else "unexpected word"
    return InvalidInput(f"{parser.verb}{kind} {shown(word)}", value=word, resolution=resolution)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."
