"""Names that users write, and the characters that no text of theirs may hold."""

from __future__ import annotations

import re

from hvcore.model.refusal import refused

__all__ = ["check_hypervisor_name", "check_instance_name", "refuse_control_characters"]

MAX_INSTANCE_NAME = 200
"""Characters in an instance's name; a file name of 255 bytes then still has room for a suffix."""

# Category Cc (which holds U+0085), the two separators that end a line in Unicode, and halves of surrogate pairs, which
# no file can hold.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_INSTANCE = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_HYPERVISOR = re.compile("[a-z][a-z0-9-]{0,62}")


def refuse_control_characters(text: object, key: str) -> str:
    """Return a text that cannot add a line to a rendered config.

    Args:
        text: what the user wrote.
        key: the dotted key that it was given for.

    Returns:
        The text itself.

    Raises:
        InvalidInput: it is no text, or it holds a control character, a line or paragraph separator or a surrogate.

    Source: Unicode 15, category Cc, U+2028 and U+2029: every character that Python's ``str.splitlines`` splits at.
    """
    allowed = "text on one line, without control characters"
    if not isinstance(text, str):
        raise refused(key, text, allowed)
    if found := _CONTROL.search(text):
        raise refused(key, text, allowed, why=f"character {found.start() + 1} is U+{ord(found.group()):04X}")
    return text


def check_instance_name(name: object, key: str = "name") -> str:
    """Return a name that can safely be a host name, a directory and a cgroup.

    Args:
        name: one DNS label, or labels with dots between them: ASCII letters, digits and hyphens, at most 63 characters
            a label and 200 in all.
        key: the key that the error names.

    Returns:
        The name itself.

    Raises:
        InvalidInput: it is anything else.

    Source: RFC 1123 section 2.1 and RFC 1035 section 2.3.1 (labels).
    """
    if isinstance(name, str) and len(name) <= MAX_INSTANCE_NAME and _INSTANCE.fullmatch(name):
        return name
    raise refused(
        key,
        name,
        f"labels of 1 to 63 letters, digits and hyphens (no hyphen at an end), separated by dots, "
        f"{MAX_INSTANCE_NAME} characters at most",
    )


def check_hypervisor_name(name: object, key: str = "hypervisor") -> str:
    """Return a name that can be a hypervisor's.

    Args:
        name: a lowercase letter, then lowercase letters, digits and hyphens, at most 63 characters.
        key: the key that the error names.

    Returns:
        The name itself.

    Raises:
        InvalidInput: it is anything else.
    """
    if isinstance(name, str) and _HYPERVISOR.fullmatch(name):
        return name
    raise refused(key, name, "a lowercase letter, then lowercase letters, digits and hyphens, 63 characters at most")
