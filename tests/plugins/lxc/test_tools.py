"""LXC's own programs: the commands, and their words. The logs are real ones of LXC 5.0.2, shortened."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvcore.errors import CommandFailed, OperationFailed
from hvcore.model.execution import ExecRequest
from hvcore.testing.commands import FakeRunner, Reply
from hvcore_lxc.tools import attach_command, console_command, log_words, lxc_version, start_command

LOGS = Path(__file__).parent / "data" / "logs"
LXCPATH = Path("/run/hvcore/lxc")

# Log -> how many words, the first of them, and where in LXC they were said: the cause.
CAUSES = {
    "cgroup-left-over": (
        4,
        "File exists - Creating the final cgroup 13(hvcore.lxc/ct-web1) failed",
        "cgfsng.c:__cgroup_tree_create:748",
    ),
    "device-name-taken": (
        3,
        'File exists - Failed to create veth pair "lo" and "vethiBET0B"',
        "network.c:netdev_configure_server_veth:662",
    ),
    "failing-hook": (3, "Script exited with status 1", "conf.c:run_buffer:322"),
    "missing-mount-source": (
        3,
        'No such file or directory - Failed to mount "/nonexistent" on "/usr/lib/x86_64-linux-gnu/lxc/rootfs/srv"',
        "conf.c:mount_entry:2446",
    ),
    "no-bridge": (
        3,
        """No such file or directory - Failed to attach "vethfojGrW" to bridge "br-missing", bridge interface doesn't exist""",
        "network.c:netdev_configure_server_veth:711",
    ),
    "no-init": (1, 'No such file or directory - Failed to exec "/no/such/init"', "start.c:start:2197"),
    "no-such-cpu": (
        2,
        'Numerical result out of range - Failed to set "cpuset.cpus" to "999"',
        "cgfsng.c:cgfsng_setup_limits_legacy:3165",
    ),
    "root-is-a-file": (5, 'Not a directory - Failed to open "/srv/web1.rootfs"', "dir.c:dir_mount:163"),
    # LXC never learns that the kernel ended its child for want of memory.
    "too-little-memory": (3, "Connection reset by peer - Sync wait failure", "sync.c:sync_wait:25"),
    "unknown-capability": (2, "Invalid argument - Invalid capability specified", "confile.c:add_cap_entry:2471"),
    "unsupported-key": (
        2,
        'Invalid argument - Unsupported config key "lxc.utsname"',
        "confile.c:set_config_unsupported_key:164",
    ),
}


def test_every_log_has_a_cause() -> None:
    assert {path.stem for path in LOGS.glob("*.log")} == CAUSES.keys()


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_comes_first(name: str) -> None:
    words = log_words(LOGS / f"{name}.log")
    count, cause, place = CAUSES[name]
    assert words[0] == f"lxc: {cause} ({place})"
    assert len(words) == count


@pytest.mark.parametrize("name", CAUSES)
def test_advice_to_lxcs_own_users_is_left_out(name: str) -> None:
    text = " ".join(log_words(LOGS / f"{name}.log"))
    assert "--logfile" not in text
    assert "foreground mode" not in text


def lines(tmp_path: Path, *words: tuple[str, str, str]) -> Path:
    log = tmp_path / "web1.lxc.log"
    log.write_text(
        "".join(
            f"lxc-start web1 20240102030405.678 {level:<8} {part} - ../src/lxc/{part}.c:f:{number} - {text}\n"
            for number, (level, part, text) in enumerate(words)
        )
    )
    return log


def test_warnings_when_there_is_no_error(tmp_path: Path) -> None:
    log = lines(tmp_path, ("INFO", "conf", "fine"), ("WARN", "conf", "odd"), ("WARN", "start", "odder"))
    assert log_words(log) == ("lxc: odd (conf.c:f:1)", "lxc: odder (start.c:f:2)")


def test_warnings_of_other_parts_are_not_the_cause_of_an_error(tmp_path: Path) -> None:
    log = lines(tmp_path, ("WARN", "lsm", "no AppArmor"), ("WARN", "conf", "a"), ("ERROR", "conf", "b"))
    assert log_words(log) == ("lxc: a (conf.c:f:1)", "lxc: b (conf.c:f:2)")


def test_a_successful_start_has_nothing_to_say(tmp_path: Path) -> None:
    assert log_words(lines(tmp_path, ("INFO", "conf", "fine"), ("NOTICE", "start", "ERROR is not its level"))) == ()


def test_the_same_words_are_told_once_and_not_without_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = "lxc-start web1 20240102030405.678 ERROR    conf - ../src/lxc/conf.c:f:{} - broken\n"
    log.write_text(line.format(1) * 50 + "".join(line.format(number) for number in range(2, 50)))
    words = log_words(log)
    assert words[:2] == ("lxc: broken (conf.c:f:1)", "lxc: broken (conf.c:f:2)")
    assert len(words) == 12


def test_a_line_from_before_lxc_knew_the_container(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("lxc-start 20240102030405.678 ERROR    lxc_start - tools/lxc_start.c:main:1 - no such thing\n")
    assert log_words(log) == ("lxc: no such thing (lxc_start.c:main:1)",)


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert log_words(tmp_path / "log") == ()


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_a_log_of_anything(content: bytes) -> None:
    with TemporaryDirectory() as directory:
        log = Path(directory, "log")
        log.write_bytes(content)
        assert all(word.startswith("lxc: ") for word in log_words(log))


# -- commands


def test_start_command() -> None:
    assert start_command(LXCPATH, "web1", Path("/var/log/hvcore/lxc/web1.lxc.log")) == [
        *("lxc-start", "-P", "/run/hvcore/lxc", "-n", "web1"),
        *("-o", "/var/log/hvcore/lxc/web1.lxc.log", "-l", "INFO"),
    ]


def test_a_console_is_a_terminal_or_the_console_itself() -> None:
    command = ("lxc-console", "-P", "/run/hvcore/lxc", "-n", "web1")
    assert console_command("/run/hvcore/lxc", "web1", has_ttys=True) == command
    assert console_command("/run/hvcore/lxc", "web1", has_ttys=False) == (*command, "-t", "0")


def attach(request: ExecRequest) -> tuple[list[str], list[str]]:
    """The options and the command of an lxc-attach."""
    command = attach_command(LXCPATH, "web1", request, "MARK=1")
    end = command.index("--")
    return command[:end], command[end + 1 :]


PATH = "--set-var=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_attach_command() -> None:
    options, command = attach(ExecRequest(("ls", "-l", "--", "a b; rm -rf /")))
    assert options == [
        *("lxc-attach", "-P", "/run/hvcore/lxc", "-n", "web1", "--clear-env", "--set-var=MARK=1"),
        PATH,
    ]
    # Never a shell line: each word stays one word.
    assert command == ["ls", "-l", "--", "a b; rm -rf /"]


def test_attach_with_an_environment() -> None:
    options, _ = attach(ExecRequest(("env",), environment={"LANG": "C.UTF-8", "TEXT": "a=b --flag\nsecond line"}))
    assert options[-3:] == [PATH, "--set-var=LANG=C.UTF-8", "--set-var=TEXT=a=b --flag\nsecond line"]


def test_attach_with_a_path_of_the_callers_own() -> None:
    options, _ = attach(ExecRequest(("env",), environment={"PATH": "/opt/bin"}))
    assert [option for option in options if "PATH" in option] == ["--set-var=PATH=/opt/bin"]


def test_attach_with_a_working_directory() -> None:
    _, command = attach(ExecRequest(("ls", "$HOME"), working_directory="/srv/-a b'"))
    assert command == ["/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", "/srv/-a b'", "ls", "$HOME"]


# -- version


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (b"5.0.2\n", (5, 0, 2)),
        (b"4.0.12-devel\n", (4, 0, 12)),
        (b"3.1\n", (3, 1)),
        (b"6.0.4", (6, 0, 4)),
        (b"5.0.2~git2209-g5a7b9ce67-0ubuntu1\n", (5, 0, 2)),
        (b"10.20.30.40\n", (10, 20, 30)),
    ],
)
def test_versions(output: bytes, version: tuple[int, ...]) -> None:
    runner = FakeRunner().answer(["lxc-start", "--version"], Reply(output))
    assert lxc_version(runner) == version
    assert runner.calls[0].timeout_s is not None


@pytest.mark.parametrize("output", [b"", b"LXC\n", b"5\n", b"v5.0.2", b"\xff\xfe"])
def test_what_is_no_version(output: bytes) -> None:
    with pytest.raises(OperationFailed, match="lxc-start --version said") as caught:
        lxc_version(FakeRunner(default=Reply(output)))
    assert caught.value.resolution
    assert "\n" not in caught.value.message


def test_a_broken_lxc() -> None:
    with pytest.raises(CommandFailed, match="exited with status 127"):
        lxc_version(FakeRunner(default=Reply(status=127)))
