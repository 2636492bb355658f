"""liblxc reads what is rendered, and reads what was meant.

liblxc is an oracle on one side only: what it refuses is wrong, and what it loads may be wrong all the same. The last tests
keep a list of what it loads without a word.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hvcore_lxc.params
from hvcore.errors import InvalidInput
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore.model.parameter_checks import check_parameter_syntax, coerce_parameters, fill_parameters
from hvcore.model.parameters import ParameterValue
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.system.commands import Runner
from hvcore_lxc.cgroup_limits import limit_entries
from hvcore_lxc.config import build_document
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument, ConfigEntry, render
from hvcore_lxc.keys.table import GROUPS, KEYS, find_key
from hvcore_lxc.lint.facts import NodeFacts
from hvcore_lxc.lint.linter import lint
from hvcore_lxc.params import PARAMETERS
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

HIERARCHIES = {name: f"/nowhere/{name}" for name in ("memory", "cpu", "cpuset", "devices", "freezer")}
LAYOUTS = [
    CgroupLayout(CgroupMode.V1, HIERARCHIES, None, frozenset()),
    CgroupLayout(CgroupMode.V2, {}, "/nowhere", frozenset({"memory", "cpu", "cpuset"})),
]
NAME = "probe"
LOCKS = Path("/run/lxc/lock")
HERE = NodeFacts.of_node(Runner())


class Liblxc:
    """liblxc with one configuration, asked through lxc-info."""

    def __init__(self, directory: Path) -> None:
        self._path = directory
        (directory / NAME).mkdir()

    def load(self, text: str) -> Liblxc:
        """Give it another configuration."""
        (self._path / NAME / "config").write_text(text, "utf-8")
        return self

    def forget(self) -> None:
        """Remove the lock that liblxc makes for whatever it is asked, with the directories above it."""
        lock = Path(f"/run/lxc/lock{self._path}/.{NAME}")
        lock.unlink(missing_ok=True)
        for directory in lock.parents:
            if directory == LOCKS or not directory.is_dir() or any(directory.iterdir()):
                break
            directory.rmdir()

    def ask(self, key: str) -> str | None:
        """Return what liblxc says of a key, or None when it refuses the configuration."""
        command = ["lxc-info", "-P", str(self._path), "-n", NAME, f"--config={key}", "-H"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        said = done.stdout.decode("utf-8")
        if done.returncode != 0:
            assert "Failed to load config" in done.stderr.decode("utf-8", "replace"), done.stderr
            return None
        return said.removesuffix("\n")

    def values(self, key: str) -> tuple[str, ...]:
        said = self.ask(key)
        assert said is not None, "liblxc refuses the configuration"
        return tuple(said.removesuffix("\n").split("\n")) if said else ()


@pytest.fixture
def liblxc(tmp_path: Path) -> Iterator[Liblxc]:
    probe = Liblxc(tmp_path)
    yield probe
    probe.forget()
    assert not Path(f"/run/lxc/lock{tmp_path}").exists()


# One component of a path, a word, a name: whatever the model takes.
printable = st.characters(exclude_categories=("C", "Zl", "Zp"))
component = (
    st.text(printable | st.sampled_from(": ,#='\"\\$%"), min_size=1, max_size=12)
    .map(lambda text: text.replace("/", "-"))
    .filter(lambda text: text not in {".", ".."})
)
device = st.from_regex(r"[!-.0-9;-~]{1,15}", fullmatch=True).filter(lambda text: text not in {".", ".."})
label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", fullmatch=True)
environment = st.text(printable | st.sampled_from(" '\"=,#"), max_size=20)
bits = st.integers(0, 255)
nics = st.lists(
    st.builds(
        Nic,
        mode=st.sampled_from([NicMode.BRIDGED, NicMode.BRIDGED, NicMode.NONE]),
        link=device,
        mac=st.just("") | st.lists(bits, min_size=4, max_size=4).map(lambda b: "02:00:" + bytes(b).hex(":")),
        ip=st.just("")
        | st.builds("192.0.2.{}/{}".format, bits, st.integers(0, 32))
        | st.builds("2001:db8::{:x}/{}".format, st.integers(1, 65535), st.integers(0, 128)),
    ),
    max_size=4,
)
device_rule = st.builds(
    "{} {}:{} {}".format,
    st.sampled_from("bc"),
    st.just("*") | st.integers(0, 4095),
    st.just("*") | st.integers(0, 2**20 - 1),
    st.sampled_from(["r", "w", "m", "rw", "rwm"]),
)
CAPABILITIES = hvcore_lxc.params.CAPABILITIES
parameters = st.fixed_dictionaries(
    {
        "devices": st.lists(device_rule, max_size=3),
        "drop_capabilities": st.lists(st.sampled_from(CAPABILITIES), max_size=4, unique=True),
        "extra_config": st.lists(environment.map(lambda text: f'lxc.environment = "V={text}"'), max_size=3),
        "num_ttys": st.integers(0, 2**20),
        "init": st.just("") | component.map(lambda text: f"/{text}"),
        "cpu_mask": st.sampled_from(["", "0-1", "5, 3", "8191,0"]),
    }
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Instance, LxcPaths, CgroupLayout]:
    given_parameters: dict[str, object] = dict(draw(parameters))
    filled: dict[str, ParameterValue] = fill_parameters(PARAMETERS, coerce_parameters(PARAMETERS, given_parameters))
    check_parameter_syntax(PARAMETERS, filled)
    instance = Instance(
        name=".".join(draw(st.lists(label, min_size=1, max_size=3))),
        hypervisor="lxc",
        memory_mib=draw(st.integers(1, 2**31)),
        vcpus=2,
        parameters=filled,
        nics=tuple(draw(nics)),
    )
    state, log = (Path("/", *draw(st.lists(component, min_size=1, max_size=3))) for _ in range(2))
    return instance, LxcPaths(state, log, draw(st.sampled_from(["", "0123abcd"]))), draw(st.sampled_from(LAYOUTS))


# What liblxc says in other words than it was told.
SPOKEN: dict[str, Callable[[str], str]] = {"lxc.rootfs.path": lambda value: value.removeprefix("dir:")}
ASKED = (
    "lxc.uts.name",
    "lxc.rootfs.path",
    "lxc.init.cmd",
    "lxc.mount.auto",
    "lxc.pty.max",
    "lxc.tty.max",
    "lxc.console.logfile",
    "lxc.cgroup.dir.container",
    "lxc.cgroup.dir.monitor",
    "lxc.cgroup.dir.monitor.pivot",
    "lxc.cap.drop",
    "lxc.environment",
)


@given(case=cases())
@settings(
    max_examples=60,
    deadline=None,
    # One directory serves all examples: every one overwrites the configuration.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
def test_liblxc_reads_what_was_meant(liblxc: Liblxc, case: tuple[Instance, LxcPaths, CgroupLayout]) -> None:
    instance, paths, layout = case
    root = str(paths.root(instance.name))
    document = build_document(instance, root, limit_entries(instance, layout), paths)
    keys = [*ASKED, *(entry.key for entry in document.entries if entry.key.startswith(("lxc.net.", "lxc.cgroup")))]
    text = render(document, ["made by a test"])
    assert parse(text) == document
    liblxc.load(text)
    for key in dict.fromkeys(keys):
        meant = tuple(map(SPOKEN.get(key, str), document.values(key)))
        assert liblxc.values(key) == meant, key


def test_every_capability_is_known_to_liblxc(liblxc: Liblxc) -> None:
    liblxc.load("".join(f"lxc.cap.drop = {name}\n" for name in CAPABILITIES))
    assert liblxc.values("lxc.cap.drop") == tuple(CAPABILITIES)


def test_a_quoted_value_keeps_its_blanks_and_quotes(liblxc: Liblxc) -> None:
    values = (" A=1 ", '"B=2"', "'C=3'", "'D=4", 'E=5"', "F=a = b, # c", "G=")
    text = render(ConfigDocument(tuple(ConfigEntry("lxc.environment", value) for value in values)))
    assert liblxc.load(text).values("lxc.environment") == values


# -- what liblxc refuses, and never gets


@pytest.mark.parametrize(
    "line",
    [
        "lxc.utsname = web1",
        "lxc.network.type = veth",
        "lxc.rootfs = /srv",
        "lxc.nonsense = 1",
        "lxc.cap.drop = sys_tyme",
        "lxc.tty.max = -1",
        "lxc.tty.max = 4294967296",
        f"lxc.uts.name = {'a' * 65}",
        "lxc.cgroup.dir.container = /absolute",
        "lxc.environment",
    ],
)
def test_what_liblxc_refuses(liblxc: Liblxc, line: str) -> None:
    assert liblxc.load(f"{line}\n").ask("lxc.uts.name") is None


def test_the_longest_host_name_that_liblxc_takes(liblxc: Liblxc) -> None:
    assert liblxc.load(f"lxc.uts.name = {'a' * 64}\n").ask("lxc.uts.name") == "a" * 64


# -- what liblxc loads without a word, and hvcore refuses


def parameter(**given_parameters: object) -> None:
    check_parameter_syntax(PARAMETERS, fill_parameters(PARAMETERS, coerce_parameters(PARAMETERS, given_parameters)))


def on_line(text: str, line: int) -> tuple[str, ...]:
    """Return the rules that the linter finds broken on a line, on a node of the present layout."""
    return tuple(finding.rule for finding in lint(text, "config", HERE) if finding.line == line)


SILENT: dict[str, Callable[[], object]] = {
    "lcx.net.0.type = veth": lambda: ConfigEntry("lcx.net.0.type", "veth"),
    "garbage": lambda: parameter(extra_config=["garbage"]),
    "lxc.net.0.hwaddr = not a mac": lambda: Nic(NicMode.BRIDGED, "br0", mac="not a mac"),
    "lxc.cgroup.devices.allow = nonsense": lambda: parameter(devices=["nonsense"]),
    "lxc.cgroup.devices.allow = a 1:3 r": lambda: parameter(devices=["a 1:3 r"]),
    "lxc.cgroup.cpuset.cpus = 3-1": lambda: parameter(cpu_mask="3-1"),
    "lxc.cgroup.memory.limit_in_bytes = much": lambda: Instance.from_dict(
        {"name": "web1", "hypervisor": "lxc", "backend": {"memory_mib": "much"}}
    ),
    "lxc.ephemeral = 1": lambda: parameter(extra_config=["lxc.ephemeral = 1"]),
    "lxc.cap.drop =   ": lambda: parameter(drop_capabilities=[""]),
}


@pytest.mark.parametrize("line", SILENT)
def test_what_liblxc_loads_silently_is_refused_here(liblxc: Liblxc, line: str) -> None:
    text = f"lxc.net.0.type = veth\nlxc.uts.name = web1\n{line}\n"
    assert liblxc.load(text).ask("lxc.uts.name") == "web1"
    if "ephemeral" not in line:  # anybody else may mean it
        assert on_line(text, 3)
    with pytest.raises(InvalidInput):
        SILENT[line]()


# Nobody but a user's own extra_config can write these; the start then fails, or the line has no effect.
@pytest.mark.parametrize(
    "line",
    [
        "lxc.mount.entry = garbage",
        "lxc.cgroup2.memory.max = notanumber",
        "lxc.cgroup2.invented = 1",
        "lxc.cgroup.cpu.invented = 1",
        "lxc.rootfs.path = dir:/nowhere/at/all",
        "lxc.init.cmd = no such program",
        "lxc.net.0.link = bridge-that-is-not",
    ],
)
def test_what_liblxc_loads_silently_and_only_a_start_finds(liblxc: Liblxc, line: str) -> None:
    # The root of a first line is there for the init of a later one.
    text = f"lxc.net.0.type = veth\nlxc.uts.name = web1\n{line}\nlxc.rootfs.path = /etc\n"
    assert liblxc.load(text).ask("lxc.uts.name") == "web1"
    assert on_line(text, 3)


# -- what the linter lets pass is loaded; the other way round it is the stricter one

ONE_VALUE = st.one_of(
    st.sampled_from([key.example for key in (*KEYS, *GROUPS["Interfaces"]) if key.example]),
    st.sampled_from(
        ["0", "1", "-1", "010", "auto", "none", "up", "a b", "SIGKILL", "12M", "/", "=", '"', "u 0 1 1", "x:y"]
    ),
    st.text(printable, max_size=12),
)
WRITABLE = [
    key
    for key in (*KEYS, *GROUPS["Interfaces"])
    # Included files and logs are opened at once, and idmap= names a namespace that is; kernels differ in security modules.
    if not key.name.startswith(("lxc.include", "lxc.log.file", "lxc.rootfs.options", "lxc.selinux", "lxc.net.*"))
]


@st.composite
def entries(draw: st.DrawFn) -> ConfigEntry:
    key = draw(st.sampled_from(WRITABLE))
    name = key.name.replace(".N.", ".0.", 1).replace("*", (key.subkeys or ("memory.max",))[0])
    return ConfigEntry(name, draw(st.just(key.example) | ONE_VALUE))


@given(st.lists(entries(), min_size=1, max_size=4))
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_what_the_linter_lets_pass_is_loaded_by_liblxc(liblxc: Liblxc, some: list[ConfigEntry]) -> None:
    text = render(ConfigDocument(tuple(some)))
    errors = [finding for finding in lint(text, "config", HERE) if finding.severity == "error"]
    said = liblxc.load(text).ask("lxc.uts.name")
    if not errors:
        assert said is not None, text


def test_the_values_of_every_key_are_read_back(liblxc: Liblxc) -> None:
    """Each example alone: what liblxc says of it is what it was told."""
    others: dict[str, str] = {}
    for key in WRITABLE:
        if key.only_clears or not key.is_known_to(HERE.lxc_version):
            continue
        name = key.name.replace(".N.", ".0.", 1).replace("*", (key.subkeys or ("memory.max",))[0])
        kind = name.split(".")[3] if name.startswith("lxc.net.0.") else ""
        kind = kind if kind in {"macvlan", "ipvlan", "vlan"} else "veth"
        head = "" if not name.startswith("lxc.net.0.") or name == "lxc.net.0.type" else f"lxc.net.0.type = {kind}\n"
        liblxc.load(f"{head}{name} = {key.example}\n")
        assert find_key(name) is key
        said = " ".join(" ".join(liblxc.values(name)).split())
        if said not in {key.example, READ_BACK.get(key.name)}:
            others[name] = said
    assert others == {}


SIGNALS = {"halt": signal.SIGPWR, "reboot": signal.SIGINT, "stop": signal.SIGKILL}
# What liblxc says in other words.
READ_BACK = {
    "lxc.rootfs.path": "/srv/web1",
    "lxc.console.buffer.size": "131072",
    "lxc.console.size": "131072",
    "lxc.seccomp.notify.proxy": "/run/proxy",
    **{f"lxc.signal.{what}": str(int(number)) for what, number in SIGNALS.items()},
    "lxc.monitor.signal.pdeath": "9",
    # LXC 6 writes them without the blank.
    "lxc.time.offset.boot": "86400 s",
    "lxc.time.offset.monotonic": "3600s",
}
