"""Write the reference pages that are made from the code.

Run ``python docs/generate_reference.py`` to write them, with ``--check`` to compare them only: the exit status is then 1
when one of them is not what the code says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from reference_pages.api import api_page
from reference_pages.cli import cli_page
from reference_pages.conformance import conformance_page
from reference_pages.contract import contract_page
from reference_pages.errors import errors_page
from reference_pages.hooks import hooks_page, support_page
from reference_pages.lxc_keys import lxc_keys_page
from reference_pages.models import models_page
from reference_pages.parameters import parameters_page

from hvcore.discovery import Selection
from hvcore.host import Host, load
from hvcore.settings import Settings

REFERENCE = Path(__file__).resolve().parent / "reference"
HEADER = "<!-- Made by docs/generate_reference.py from the code; change the code and run it again. -->\n"


def built_in_host() -> Host:
    """Return a host with nothing but what ships with hvcore, whatever the environment says."""
    return load(settings=Settings(selection=Selection(allowed=frozenset())))


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    host = built_in_host()
    hypervisors = [host.hypervisor(name) for name in host.hypervisor_names]
    made = {
        "api.md": api_page(),
        "hooks.md": hooks_page(hypervisors),
        "support.md": support_page(hypervisors),
        "contract-versions.md": contract_page(hypervisors),
        "errors.md": errors_page(),
        "models.md": models_page(),
        "cli.md": cli_page(),
        "conformance.md": conformance_page(),
        "lxc-keys.md": lxc_keys_page(),
    }
    made |= {f"{hypervisor.name}-parameters.md": parameters_page(hypervisor) for hypervisor in hypervisors}
    return {name: f"{HEADER}\n{text}" for name, text in made.items()}


def stale_pages(made: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of the pages that are not what the code says."""
    wanted = pages() if made is None else made
    files = {name: REFERENCE / name for name in wanted}
    return [name for name, file in files.items() if not file.is_file() or file.read_text("utf-8") != wanted[name]]


def main(argv: Sequence[str] | None = None) -> int:
    """Write or compare the pages."""
    parser = argparse.ArgumentParser(description="Write the reference pages that are made from the code.")
    parser.add_argument("--check", action="store_true", help="only compare; exit status 1 when a page is stale")
    only_check = cast("bool", parser.parse_args(argv).check)
    made = pages()
    stale = stale_pages(made)
    for name in stale:
        print(f"{'stale' if only_check else 'written'}: {REFERENCE / name}")
        if not only_check:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            (REFERENCE / name).write_text(made[name], "utf-8")
    return 1 if stale and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
