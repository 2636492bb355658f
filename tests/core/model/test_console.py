from __future__ import annotations

import json

import pytest

from hvcore.errors import InvalidInput
from hvcore.model.console import ConsoleKind, InstanceConsole

COMPLETE = {
    "ssh": {"host": "node1", "user": "root", "command": ("lxc-console", "-n", "web1")},
    "vnc": {"host": "node1", "port": 5900, "display": 0},
    "spice": {"host": "node1", "port": 5900},
    "msg": {"message": "it has none"},
}


@pytest.mark.parametrize("kind", COMPLETE)
def test_what_is_needed_is_enough(kind):
    console = InstanceConsole("web1", kind, **COMPLETE[kind])
    assert console.kind is ConsoleKind(kind)
    again = json.loads(json.dumps(console.to_dict()))
    assert InstanceConsole(**again) == console


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, needed in COMPLETE.items() for name in needed])
def test_everything_that_is_needed_is_asked_for(kind, name):
    fields = {key: value for key, value in COMPLETE[kind].items() if key != name}
    with pytest.raises(InvalidInput, match=f"^{name} is missing") as caught:
        InstanceConsole("web1", kind, **fields)
    assert caught.value.key == name


def test_display_0_is_a_display():
    assert InstanceConsole("web1", "vnc", **COMPLETE["vnc"]).display == 0


def test_an_ssh_console_may_have_a_port():
    assert InstanceConsole("web1", ConsoleKind.SSH, port=2222, **COMPLETE["ssh"]).port == 2222


def test_a_message_may_have_lines():
    assert InstanceConsole("web1", "msg", message="one\ntwo").message == "one\ntwo"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"instance": ""}, "instance"),
        ({"instance": "a/b"}, "instance"),
        ({"kind": "telnet"}, "kind"),
        ({"kind": None}, "kind"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"port": "22"}, "port"),
        ({"display": -1}, "display"),
        ({"display": True}, "display"),
        ({"host": "a\nb"}, "host"),
        ({"host": "-oProxyCommand=x"}, "host"),
        ({"user": "-l"}, "user"),
        ({"user": "a b"}, "user"),
        ({"user": 5}, "user"),
        ({"command": ("a", 5)}, "command[1]"),
        ({"command": ("a\0b",)}, "command[0]"),
        ({"message": 5}, "message"),
        ({"command": "ls -l"}, "command"),
    ],
)
def test_fields_out_of_their_range(change, key):
    with pytest.raises(InvalidInput) as caught:
        InstanceConsole(**{"instance": "web1", "kind": "ssh", **COMPLETE["ssh"], **change})
    assert caught.value.key == key
    assert caught.value.allowed
