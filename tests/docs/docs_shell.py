"""Blocks of shell commands, run as a reader would run them, but without an index of packages."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

_PRELUDE = f"""
pip() {{ {shlex.quote(sys.executable)} {shlex.quote(__file__)} "$@"; }}
pytest() {{ {shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider "$@"; }}
"""
_TIMEOUT_S = 120


def run_in_shell(text: str, place: Path) -> tuple[int, str]:
    """Run lines of shell in a folder; return the exit status, and what was written to stdout and stderr."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COLUMNS"))}
    environment = kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{place}:{place}/installed",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    done = subprocess.run(
        ["bash", "-c", _PRELUDE + text],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout


def matches(told: str, printed: str) -> bool:
    """Whether a page tells what was printed; ``...`` on a line of its own stands for any lines, within one for any text."""
    parts: list[str] = []
    for line in told.splitlines():
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(r"[^\n]*".join(re.escape(text.rstrip()) for text in line.split("...")) + r"[ ]*\n")
    return re.fullmatch("".join(parts), printed) is not None


def install(folder: Path, into: Path) -> None:
    """Do what ``pip install -e`` does, as far as finding plugins is concerned: metadata, and a way to the code."""
    import tomllib

    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"], project["version"]
    metadata = into / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    lines: list[str] = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    for package in (folder / "src").iterdir():
        link = into / package.name
        if not link.exists():
            link.symlink_to(package.resolve())


if __name__ == "__main__":
    words = sys.argv[1:]
    assert words[:2] == ["install", "-e"], words
    install(Path(words[2]), Path("installed"))
