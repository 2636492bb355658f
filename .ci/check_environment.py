"""Fail a tox environment that would not test what its name promises.

Usage: check_environment.py ENV_DIR [NAME==VERSION ...]

The packages must come from ENV_DIR, not from a checkout, and each NAME must be installed in that VERSION (``1.6.*``
means any 1.6). A pin alone does not ensure it: the test tools are installed after it and may need a newer release. The
plugins of others, whose distributions are called hvcore-SOMETHING, must come from their wheels, too.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions, version
from pathlib import Path

import hvcore
import hvcore_chroot
import hvcore_lxc


def main(env_dir: str, *pins: str) -> int:
    """Print every broken promise.

    Args:
        env_dir: The environment's own folder.
        pins: Requirements of the form ``NAME==VERSION``.

    Returns:
        0 when all hold, else 1.
    """
    broken = [
        f"{package.__name__} comes from {package.__file__}, not from the wheel in {env_dir}"
        for package in (hvcore, hvcore_chroot, hvcore_lxc)
        if Path(env_dir) not in Path(package.__file__).parents
    ]
    for distribution in distributions():
        if distribution.name.startswith("hvcore-"):
            # An editable installation keeps its packages elsewhere.
            names = {path.parts[0] for path in distribution.files or () if path.suffix == ".py"}
            if distribution.name.replace("-", "_") not in names:
                broken.append(f"{distribution.name} was not installed from its wheel")
    for pin in pins:
        name, wanted = pin.split("==")
        found = version(name)
        if found != wanted and not (wanted.endswith("*") and found.startswith(wanted[:-1])):
            broken.append(f"{name} {found} is installed where {wanted} is wanted")
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
