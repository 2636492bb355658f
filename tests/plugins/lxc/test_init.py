"""Which init a container has, and which signal asks it to shut down."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvcore_lxc.init import (
    InitKind,
    find_init_kind,
    halt_signal,
    kind_of_program,
    leaves_by_itself,
    signal_number,
)

ELF = b"\x7fELF\x02\x01\x01" + bytes(64)
# What the real programs of Debian 12 and Alpine say of themselves, among much else.
BUSYBOX = ELF + b"\0BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1)\0can't open '%s'\0/etc/inittab\0"
SYSV = ELF + b"\0INIT: version 3.06 booting\0/etc/inittab\0/run/initctl\0"
OPENRC = ELF + b"\0OpenRC init version %s starting\n\0/run/openrc/init.ctl\0"
RUNIT = ELF + b"\0/etc/runit/1\0/etc/runit/2\0"


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("/usr/lib/systemd/systemd", ELF, InitKind.SYSTEMD),
        ("/lib/systemd/systemd", ELF, InitKind.SYSTEMD),
        ("/usr/lib/systemd/systemd (deleted)", ELF, InitKind.SYSTEMD),
        ("/bin/busybox", BUSYBOX, InitKind.BUSYBOX),
        ("/bin/busybox.static", BUSYBOX, InitKind.BUSYBOX),
        ("/usr/bin/busybox (deleted)", BUSYBOX, InitKind.BUSYBOX),
        ("/sbin/init", BUSYBOX, InitKind.BUSYBOX),
        ("/sbin/init", SYSV, InitKind.SYSV),
        ("/usr/sbin/init (deleted)", SYSV, InitKind.SYSV),
        ("/usr/bin/openrc-init", OPENRC, InitKind.OPENRC),
        ("/sbin/init", OPENRC, InitKind.OPENRC),
        ("/sbin/init", RUNIT, InitKind.OTHER),
        ("/sbin/init", b"", InitKind.OTHER),
        ("/sbin/runit-init", RUNIT, InitKind.OTHER),
        ("/usr/bin/tini", ELF, InitKind.OTHER),
        ("/bin/sh", BUSYBOX, InitKind.OTHER),
        ("/opt/systemd/server", ELF, InitKind.OTHER),
        ("", b"", InitKind.OTHER),
    ],
)
def test_kind_of_program(path: str, content: bytes, kind: InitKind) -> None:
    assert kind_of_program(path, lambda: content) is kind


@pytest.mark.parametrize("path", ["/lib/systemd/systemd", "/bin/busybox", "/sbin/openrc-init", "/bin/app"])
def test_a_program_that_its_name_tells_is_not_read(path: str) -> None:
    def read() -> bytes:
        raise AssertionError("the program was read")

    kind_of_program(path, read)


def test_this_machines_busybox_is_known_by_its_content() -> None:
    path = Path("/bin/busybox")
    if not path.exists():
        pytest.skip("needs /bin/busybox: install busybox-static")
    assert kind_of_program("/sbin/init", path.read_bytes) is InitKind.BUSYBOX


class Proc:
    """A directory that plays /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, pid: int, program: Path, *words: str) -> None:
        directory = self.root / str(pid)
        directory.mkdir()
        (directory / "exe").symlink_to(program)
        (directory / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))

    def kind(self, pid: int) -> InitKind:
        return find_init_kind(pid, str(self.root))


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    (tmp_path / "proc").mkdir()
    return Proc(tmp_path / "proc")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    directory = tmp_path / "guest"
    directory.mkdir()
    (directory / "busybox").write_bytes(BUSYBOX)
    (directory / "init").write_bytes(SYSV)
    (directory / "systemd").write_bytes(ELF)
    return directory


def test_a_process_is_known_by_its_program(proc: Proc, programs: Path) -> None:
    proc.add(41, programs / "systemd", "/sbin/init")
    proc.add(42, programs / "init", "init [2]")
    assert (proc.kind(41), proc.kind(42)) == (InitKind.SYSTEMD, InitKind.SYSV)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("/sbin/init",), InitKind.BUSYBOX),
        # BusyBox's init shortens its own command line, and fills the rest with zeros.
        (("init", "", "", ""), InitKind.BUSYBOX),
        (("init", "auto"), InitKind.BUSYBOX),
        (("/linuxrc",), InitKind.BUSYBOX),
        (("/bin/busybox", "init"), InitKind.BUSYBOX),
        (("busybox.static", "init", "-x"), InitKind.BUSYBOX),
        ((), InitKind.BUSYBOX),
        (("/bin/sh", "/sbin/init"), InitKind.OTHER),
        (("-sh",), InitKind.OTHER),
        (("/bin/busybox", "sleep", "1000"), InitKind.OTHER),
        (("/bin/sleep", "init"), InitKind.OTHER),
    ],
)
def test_busybox_is_an_init_only_where_it_runs_as_one(
    proc: Proc, programs: Path, words: tuple[str, ...], kind: InitKind
) -> None:
    proc.add(1234, programs / "busybox", *words)
    assert proc.kind(1234) is kind


def test_a_process_that_is_gone_has_no_kind(proc: Proc, programs: Path) -> None:
    assert proc.kind(4711) is InitKind.OTHER
    proc.add(1, programs / "init-that-was-never-there" / "init", "init")
    assert proc.kind(1) is InitKind.OTHER


def test_this_process_is_no_init() -> None:
    assert find_init_kind(os.getpid()) is InitKind.OTHER


# -- signals


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (InitKind.SYSTEMD, "SIGRTMIN+3"),
        (InitKind.BUSYBOX, "SIGUSR2"),
        (InitKind.OPENRC, "SIGTERM"),
        (InitKind.SYSV, "SIGPWR"),
        (InitKind.OTHER, "SIGTERM"),
    ],
)
def test_what_each_init_understands(kind: InitKind, text: str) -> None:
    assert halt_signal(kind) == signal_number(text)


def test_inits_that_need_reboot_2_to_end() -> None:
    assert {kind for kind in InitKind if not leaves_by_itself(kind)} == {InitKind.SYSV, InitKind.OPENRC}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIGTERM", 15),
        ("15", 15),
        ("SIGPWR", signal.SIGPWR),
        ("SIGRTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+0", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
        ("64", 64),
    ],
)
def test_signal_numbers(text: str, number: int) -> None:
    assert signal_number(text) == number


@given(st.sampled_from(list(signal.Signals)))
@settings(deadline=None)
def test_every_signal_by_name_and_by_number(known: signal.Signals) -> None:
    assert signal_number(known.name) == signal_number(str(int(known))) == known


@given(st.integers(0, 99))
@settings(deadline=None)
def test_real_time_signals_never_leave_their_range(offset: int) -> None:
    span = signal.SIGRTMAX - signal.SIGRTMIN
    for text, expected in (
        (f"SIGRTMIN+{offset}", signal.SIGRTMIN + offset),
        (f"SIGRTMAX-{offset}", signal.SIGRTMAX - offset),
    ):
        if offset <= span:
            assert signal_number(text) == expected
        else:
            with pytest.raises(ValueError, match="there is no signal"):
                signal_number(text)


junk = st.text(max_size=8) | st.from_regex(r"(SIG)?[A-Z]{0,4}[+-]?[0-9]{0,5}", fullmatch=True)


@given(junk)
@settings(deadline=None)
def test_anything_else_is_refused_or_a_number_that_exists(text: str) -> None:
    try:
        number = signal_number(text)
    except ValueError:
        return
    assert 0 < number <= signal.SIGRTMAX
    assert text.isascii()


@pytest.mark.parametrize(
    "text", ["", "0", "00", "015", "65", "100", "-1", "+9", " 9", "9\n", "1_0", "\u0661", "\u00b2", "9" * 5000]
)
def test_numbers_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there is no signal"):
        signal_number(text)
