"""The parameters of an LXC instance: their declarations, defaults and rules."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hvcore_lxc.node
import hvcore_lxc.params
from hvcore.errors import InvalidInput, InvalidParameter
from hvcore.model.parameter_checks import (
    check_parameter_syntax,
    coerce_parameters,
    fill_parameters,
    validate_parameters,
)
from hvcore.model.parameters import ParameterType, ParameterValue
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore_lxc.document import ConfigEntry
from hvcore_lxc.params import PARAMETERS, extra_entries, words

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}

# Ganeti 3.1, constants and gnt-instance(8); what is a text with commas there is a list here.
GANETI: dict[str, tuple[ParameterType, ParameterValue]] = {
    "cpu_mask": (ParameterType.STRING, ""),
    "devices": (
        ParameterType.LIST,
        tuple(
            f"c {numbers} rw" for numbers in ("1:3", "1:5", "1:7", "1:8", "1:9", "1:10", "5:0", "5:1", "5:2", "136:*")
        ),
    ),
    "drop_capabilities": (
        ParameterType.LIST,
        ("mac_override", "sys_boot", "sys_module", "sys_time", "sys_admin"),
    ),
    "extra_cgroups": (ParameterType.LIST, ()),
    "extra_config": (ParameterType.LIST, ()),
    "num_ttys": (ParameterType.INT, 6),
    "startup_timeout": (ParameterType.INT, 30),
}


def checked(given: Mapping[str, object]) -> dict[str, ParameterValue]:
    filled = fill_parameters(PARAMETERS, coerce_parameters(PARAMETERS, given))
    check_parameter_syntax(PARAMETERS, filled)
    return filled


def refused(name: str, value: object) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as caught:
        checked({name: value})
    assert caught.value.key == name
    assert caught.value.allowed
    assert caught.value.resolution
    return caught.value


@pytest.mark.parametrize("name", GANETI)
def test_ganetis_parameters_have_its_defaults(name: str) -> None:
    parameter = BY_NAME[name]
    assert (parameter.type, parameter.default) == GANETI[name]


def test_only_num_ttys_is_required() -> None:
    assert [parameter.name for parameter in PARAMETERS if parameter.required] == ["num_ttys"]
    assert "is required" in refused("num_ttys", "").message
    assert "is required" in refused("num_ttys", None).message


@pytest.mark.parametrize("name", BY_NAME)
def test_each_is_documented(name: str) -> None:
    parameter = BY_NAME[name]
    assert parameter.description.endswith(".")
    assert parameter.since
    assert parameter.example
    assert (parameter.check.syntax is None) == (parameter.check.syntax_message == "")
    assert (parameter.check.runtime is None) == (parameter.check.runtime_message == "")


@pytest.mark.parametrize("name", BY_NAME)
def test_each_example_passes_its_own_check(name: str) -> None:
    assert checked({name: BY_NAME[name].example})[name] not in {None, ""}


def test_the_defaults_pass() -> None:
    assert checked({}) == {name: parameter.default for name, parameter in BY_NAME.items()}


def test_the_defaults_suit_any_node() -> None:
    validate_parameters(PARAMETERS, checked({}))


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "num_ttys"])
@pytest.mark.parametrize("unset", [None, ""])
def test_unset_is_no_error(name: str, unset: str | None) -> None:
    assert checked({name: unset})[name] in {None, "", ()}


@pytest.mark.parametrize("name", [name for name, parameter in BY_NAME.items() if parameter.type is ParameterType.LIST])
def test_an_empty_list_is_a_value(name: str) -> None:
    assert checked({name: []})[name] == ()


# -- numbers


@pytest.mark.parametrize(
    ("name", "most"), [("num_ttys", 2**20), ("startup_timeout", 604_800), ("shutdown_timeout", 604_800)]
)
def test_bounds(name: str, most: int) -> None:
    assert checked({name: 0})[name] == 0
    assert checked({name: str(most)})[name] == most
    assert f"must be 0 to {most}" in refused(name, most + 1).message
    refused(name, -1)
    refused(name, "six")
    refused(name, True)


# -- CPU mask


@pytest.mark.parametrize("mask", ["0", "0-2,5", "5, 0-2", "1,1"])
def test_cpu_masks(mask: str) -> None:
    assert checked({"cpu_mask": mask})["cpu_mask"] == mask


@pytest.mark.parametrize("mask", ["3-1", "1-", "-1", "+1", "1_0", "0,", "all", "0:1", "0-100000000", "\u0661"])
def test_cpu_masks_that_are_refused(mask: str) -> None:
    assert "CPU mask definition is not well-formed" in refused("cpu_mask", mask).message


def test_a_mask_must_name_cpus_that_are_online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hvcore_lxc.node, "online_cpus", lambda: frozenset({0, 2}))
    validate_parameters(PARAMETERS, checked({"cpu_mask": "0,2"}))
    with pytest.raises(InvalidParameter, match="names CPUs that this node does not have online") as caught:
        validate_parameters(PARAMETERS, checked({"cpu_mask": "0-2"}))
    assert caught.value.key == "cpu_mask"


# -- devices


@pytest.mark.parametrize(
    "rule",
    ["c 1:3 rw", "c 136:* rw", "b 7:* rwm", "c *:* m", "b *:3 r", "a *:* rwm", "a", "c 4095:1048575 rwm", "c 0:0 r"],
)
def test_device_rules(rule: str) -> None:
    assert checked({"devices": [rule]})["devices"] == (rule,)


@pytest.mark.parametrize(
    "rule",
    [
        "c 1:3",
        "c 1:3 rx",
        "c 1:3 rwmr",
        "c  1:3 rw",
        "c 1:3  rw",
        "d 1:3 rw",
        "c 1 rw",
        "c 1:-1 rw",
        "c a:b rw",
        "c 4096:0 rw",
        "c 0:1048576 rw",
        "c 99999999999999999999:0 rw",
        "c \u0661:3 rw",
        "/dev/null rw",
        # The kernel reads nothing after the "a": these would mean every device.
        "a 1:3 r",
        "a *:* r",
        "a rwm",
    ],
)
def test_device_rules_that_are_refused(rule: str) -> None:
    assert "must be rules such as" in refused("devices", ["c 1:3 rw", rule]).message


# -- capabilities


@pytest.mark.parametrize("word", ["sys_tyme", "CAP_SYS_TIME", "cap_sys_time", "SYS_TIME", "none", "all", "21", "a b"])
def test_capabilities_that_are_refused(word: str) -> None:
    assert "names of capabilities" in refused("drop_capabilities", ["sys_boot", word]).message


def test_the_capabilities_of_this_kernel_are_known() -> None:
    capabilities = hvcore_lxc.params.CAPABILITIES
    assert (capabilities[0], capabilities[21], capabilities[40]) == ("chown", "sys_admin", "checkpoint_restore")
    assert len(capabilities) == len(set(capabilities)) == 41
    assert checked({"drop_capabilities": capabilities})["drop_capabilities"] == tuple(capabilities)


# -- controllers


@pytest.mark.parametrize("words_given", [["pids"], ["name=systemd", "perf_event"], "pids, net_cls"])
def test_controllers(words_given: object) -> None:
    checked({"extra_cgroups": words_given})


@pytest.mark.parametrize("word", ["Pids", "a b", "../x", "name=", "x=y", "-"])
def test_controllers_that_are_refused(word: str) -> None:
    assert "names of cgroup controllers" in refused("extra_cgroups", [word]).message


def test_controllers_must_be_on_the_node_and_are_only_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = CgroupLayout(CgroupMode.HYBRID, {"memory": "/m", "systemd": "/s"}, "/u", frozenset({"pids"}))
    monkeypatch.setattr("hvcore.system.cgroup_layout.current_layout", lambda: layout)
    validate_parameters(PARAMETERS, checked({"extra_cgroups": ["memory", "name=systemd", "pids"]}))
    with pytest.raises(InvalidParameter, match="no such cgroup controller"):
        validate_parameters(PARAMETERS, checked({"extra_cgroups": ["memory", "net_cls"]}))


# -- signals


@pytest.mark.parametrize("text", ["SIGPWR", "SIGTERM", "SIGRTMIN+3", "SIGRTMAX-2", "SIGRTMIN", "15", "1", "64"])
def test_signals(text: str) -> None:
    assert checked({"shutdown_signal": text})["shutdown_signal"] == text


@pytest.mark.parametrize(
    "text",
    ["PWR", "sigpwr", "SIGNONE", "SIGTERM+1", "SIGRTMIN+99", "SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+", "0", "65", "-9"],
)
def test_signals_that_are_refused(text: str) -> None:
    assert "must be a signal such as" in refused("shutdown_signal", text).message


# -- init


@pytest.mark.parametrize("command", ["/sbin/init", "/bin/busybox sleep 1000"])
def test_inits(command: str) -> None:
    assert checked({"init": command})["init"] == command


@pytest.mark.parametrize("command", [" ", "init", "bin/init", " /sbin/init"])
def test_inits_that_are_refused(command: str) -> None:
    assert "absolute path" in refused("init", command).message


# -- lists


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        (",", ()),
        (" a , b,,c ", ("a", "b", "c")),
        ((), ()),
        (("a ", " b"), ("a", "b")),
        (("a", ""), ("a",)),
        (("c 1:3 rw",), ("c 1:3 rw",)),
    ],
)
def test_words(value: ParameterValue, expected: tuple[str, ...]) -> None:
    assert words(value) == expected


item = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters=","), min_size=1)


@given(st.lists(item))
@settings(deadline=None)
def test_ganetis_form_and_the_list_mean_the_same(items: list[str]) -> None:
    assert words(",".join(items)) == words(", ".join(items)) == words(tuple(items)) == tuple(items)


# -- extra_config


def test_without_extra_config_there_are_no_entries() -> None:
    assert extra_entries(None) == extra_entries("") == extra_entries(()) == ()


def test_a_list_holds_one_entry_per_item_with_its_commas() -> None:
    given_items = ("lxc.mount.entry = a b none bind,ro 0 0", "lxc.environment=A=1,lxc.cap.drop = x")
    assert extra_entries(given_items) == (
        ConfigEntry("lxc.mount.entry", "a b none bind,ro 0 0"),
        ConfigEntry("lxc.environment", "A=1,lxc.cap.drop = x"),
    )


def test_ganetis_text_is_split_where_a_key_begins() -> None:
    text = "lxc.mount.entry = a b none bind,ro 0 0, lxc.environment = A=1,2,lxc.environment=B"
    assert extra_entries(text) == (
        ConfigEntry("lxc.mount.entry", "a b none bind,ro 0 0"),
        ConfigEntry("lxc.environment", "A=1,2"),
        ConfigEntry("lxc.environment", "B"),
    )


def test_ganetis_text_through_the_front_door() -> None:
    filled = checked({"extra_config": "lxc.environment = A=1, lxc.environment = B=2"})
    assert extra_entries(filled["extra_config"]) == (
        ConfigEntry("lxc.environment", "A=1"),
        ConfigEntry("lxc.environment", "B=2"),
    )


def test_a_text_that_was_cut_at_a_comma_is_refused_and_told_to_be_a_list() -> None:
    error = refused("extra_config", "lxc.environment = A=1,2")
    assert "'2' is not of the form lxc.key = value" in error.details[0]
    assert "a list of entries when a value holds commas" in error.details[0]


def test_quotes_mean_what_they_mean_to_lxc() -> None:
    assert extra_entries(('lxc.environment = " A=1 "',)) == (ConfigEntry("lxc.environment", " A=1 "),)


@pytest.mark.parametrize("text", ["x", "lcx.environment = A", "= x", "lxc.environment", "environment = A", "# comment"])
def test_entries_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not of the form") as caught:
        extra_entries((text,))
    assert (caught.value.key, caught.value.value) == ("extra_config", text)
    refused("extra_config", [text])


@pytest.mark.parametrize(
    "key",
    [
        "lxc.rootfs.path",
        "lxc.uts.name",
        "lxc.cgroup.dir",
        "lxc.cgroup.dir.container",
        "lxc.cgroup.relative",
        "lxc.include",
        "lxc.log.file",
        "lxc.console.logfile",
        "lxc.hook.start-host",
        # LXC would delete the user's root directory when the guest ends.
        "lxc.ephemeral",
    ],
)
def test_keys_that_belong_to_hvcore(key: str) -> None:
    with pytest.raises(InvalidInput, match=f"{key} belongs to hvcore"):
        extra_entries((f" {key} = x",))
    refused("extra_config", f"{key} = x")


@pytest.mark.parametrize("key", ["lxc.rootfs.options", "lxc.cgroup.memory.swappiness", "lxc.hook.start", "lxc.tty.dir"])
def test_keys_beside_them_are_free(key: str) -> None:
    assert extra_entries((f"{key} = x",)) == (ConfigEntry(key, "x"),)


@given(st.lists(st.text(max_size=20) | st.text(max_size=20).map(lambda text: f"lxc.environment = {text}"), max_size=4))
@settings(deadline=None)
def test_extra_config_is_one_entry_per_item_or_refused(items: list[str]) -> None:
    try:
        entries = extra_entries(tuple(items))
    except InvalidInput:
        return
    assert len(entries) == len(items)
    assert all(entry.key == text.partition("=")[0].strip() for entry, text in zip(entries, items, strict=True))
