"""Shell completion: the code that a shell is given, and the answers to it, by argcomplete's own protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.cli import completers
from hvcore.cli.verbs import VERBS, Arguments

Offers = Callable[..., list[str]]


@pytest.fixture
def offers(environment: Path) -> Offers:
    """Return what is offered for a line whose cursor stands at its end.

    Source: argcomplete, ``CompletionFinder.__call__``: the answer is written to descriptor 8, or to a file.
    """

    def ask(line: str, **variables: str) -> list[str]:
        answer = environment / "answer"
        answer.write_text("")
        subprocess.run(
            [sys.executable, "-W", "error", "-m", "hvcore.cli.main"],
            env={
                **os.environ,
                "_ARGCOMPLETE": "1",
                "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
                "_ARGCOMPLETE_IFS": "\n",
                "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
                "ARGCOMPLETE_USE_TEMPFILES": "1",
                "COMP_LINE": line,
                "COMP_POINT": str(len(line)),
                **variables,
            },
            check=True,
            timeout=60,
        )
        return answer.read_text().splitlines()

    return ask


def test_verbs(offers: Offers) -> None:
    assert set(VERBS) <= set(offers("hv "))
    assert sorted(offers("hv re")) == ["reboot", "recover", "resume"]


def test_options(offers: Offers) -> None:
    assert offers("hv stop --fo") == ["--force"]
    assert offers("hv --state") == ["--state-dir"]
    assert offers("hv stop --state") == ["--state-dir"]


def test_instances(offers: Offers, started: Any) -> None:
    started("web1")
    started("db")
    assert sorted(offers("hv stop ")) == ["db", "web1"]
    assert offers("hv info w") == ["web1"]
    assert sorted(offers("hv recover ")) == ["db", "web1"]
    assert offers("hv exec d") == ["db"]


def test_hypervisors_and_hooks(offers: Offers) -> None:
    assert offers("hv list -H ") == ["fake"]
    assert sorted(offers("hv hooks start_")) == ["start_instance"]


def test_shells(offers: Offers) -> None:
    assert offers("hv completion ") == ["bash", "zsh", "fish"]


def test_files_are_left_to_the_shell(offers: Offers, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(environment)
    Path("web1.toml").touch()
    assert offers("hv start web") == ["web1.toml"]


def test_completers_look_where_the_options_say(tmp_path: Path) -> None:
    for place in ("fake/web1", "lxc/web2", "lxc/.hidden", ".locks/fake"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "lxc/file").touch()
    everywhere = Arguments(state_dir=str(tmp_path), hypervisor=None)
    assert completers.complete_instances(everywhere) == ["web1", "web2"]
    assert completers.complete_instances(Arguments(state_dir=str(tmp_path), hypervisor="lxc")) == ["web2"]
    assert completers.complete_instances(Arguments(state_dir=str(tmp_path / "absent"), hypervisor=None)) == []


def test_a_broken_hypervisor_does_not_disturb(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HVCORE_DISABLE", "chroot fake lxc")
    assert completers.complete_hypervisors() == []
    assert completers.complete_hooks() == []
    assert completers.complete_hooks(parsed_args=Arguments(hypervisor="nosuch")) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_names_the_command_and_the_protocol(hv: Any, shell: str) -> None:
    outcome = hv("completion", shell)
    assert outcome.status == 0
    assert "_ARGCOMPLETE" in outcome.out
    assert "hv" in outcome.out.split()
    assert hv("completion", shell, "--json").json == {"shell": shell, "code": outcome.out.removesuffix("\n")}


def test_another_shell_is_refused(hv: Any) -> None:
    outcome = hv("completion", "tcsh")
    assert outcome.status == 2
    assert "tcsh" in outcome.err


def test_bash_accepts_the_code_and_completes(hv: Any, started: Any, environment: Path) -> None:
    """The shell itself: bash is on every machine that runs these tests through ``make``."""
    started("web1")
    code = environment / "hv.bash"
    code.write_text(hv("completion", "bash").out)
    assert subprocess.run(["bash", "-n", code], capture_output=True).stderr == b""
    bin_dir = environment / "bin"
    bin_dir.mkdir()
    (bin_dir / "hv").write_text(f'#!/bin/sh\nexec {sys.executable} -W error -m hvcore.cli.main "$@"\n')
    (bin_dir / "hv").chmod(0o755)
    script = f"""
        source {code}
        COMP_LINE="hv info w"; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=(hv info w); COMP_CWORD=2; COMP_TYPE=9
        _python_argcomplete hv w info
        printf '%s' "${{COMPREPLY[*]}}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        env={**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"},
        timeout=60,
    )
    assert done.stdout.decode().strip() == "web1"
