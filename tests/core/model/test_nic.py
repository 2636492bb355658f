from __future__ import annotations

import pytest

from hvcore.errors import InvalidInput
from hvcore.model.nic import Nic, NicMode


def test_every_mode_by_name():
    for mode in NicMode:
        assert Nic(str(mode), link="br0").mode is mode


@pytest.mark.parametrize("mode", ["", "bridge", "BRIDGED", None, 1])
def test_unknown_modes(mode):
    with pytest.raises(InvalidInput) as caught:
        Nic(mode)
    assert caught.value.key == "mode"
    assert "bridged, routed" in caught.value.allowed


@pytest.mark.parametrize("mode", [NicMode.BRIDGED, NicMode.OPENVSWITCH, NicMode.MACVLAN])
def test_modes_that_need_a_link(mode):
    with pytest.raises(InvalidInput, match=r"^link is missing"):
        Nic(mode)


@pytest.mark.parametrize("mode", [NicMode.NONE, NicMode.HOST, NicMode.VETH, NicMode.ROUTED])
def test_modes_that_need_none(mode):
    assert Nic(mode).link == ""


@pytest.mark.parametrize("key", ["link", "name"])
@pytest.mark.parametrize("value", [".", "..", "a/b", "a:b", "a b", "a\n", "a\u00a0b", "x" * 16, "é" * 8, 5, None])
def test_refused_device_names(key, value):
    with pytest.raises(InvalidInput) as caught:
        Nic(NicMode.VETH, **{key: value})
    assert caught.value.key == key


@pytest.mark.parametrize("value", ["", "br0", "x" * 15, "eth0.100", "br-ä"])
def test_device_names(value):
    assert Nic(NicMode.VETH, link=value).link == value


@pytest.mark.parametrize(
    ("mac", "expected"),
    [("", ""), ("AA:00:00:12:34:5F", "aa:00:00:12:34:5f"), ("00:16:3e:00:00:00", "00:16:3e:00:00:00")],
)
def test_macs(mac, expected):
    assert Nic(NicMode.VETH, mac=mac).mac == expected


@pytest.mark.parametrize(
    "mac",
    [
        "aa:00:00:12:34",
        "aa:00:00:12:34:56:78",
        "aa-00-00-12-34-56",
        "gg:00:00:12:34:56",
        "01:00:5e:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
        "aa:00:00:12:34:56\n",
        "aa:00:00:12:34:5\u0661",
        5,
        None,
    ],
)
def test_refused_macs(mac):
    with pytest.raises(InvalidInput) as caught:
        Nic(NicMode.VETH, mac=mac)
    assert (caught.value.key, caught.value.value) == ("mac", mac)


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("", ""),
        ("192.0.2.10/24", "192.0.2.10/24"),
        ("2001:DB8:0:0::1/64", "2001:db8::1/64"),
        ("192.0.2.10/32", "192.0.2.10/32"),
    ],
)
def test_addresses(ip, expected):
    assert Nic(NicMode.VETH, ip=ip).ip == expected


@pytest.mark.parametrize(
    "ip",
    [
        "192.0.2.10",
        "192.0.2.10/",
        "192.0.2.10/33",
        "192.0.2.10/255.255.255.0",
        "192.0.2.256/24",
        "192.0.2.10/24\n",
        "192.0.2.10 /24",
        "fe80::1%eth0/64",
        "2001:db8::1/129",
        "224.0.0.1/24",
        "0.0.0.0/0",
        "::/0",
        "192.0.2.10/\u0662\u0664",
        "x/24",
        "/24",
        "192.0.2.10/" + "9" * 5000,
        5,
        None,
    ],
)
def test_refused_addresses(ip):
    with pytest.raises(InvalidInput) as caught:
        Nic(NicMode.VETH, ip=ip)
    assert (caught.value.key, caught.value.value) == ("ip", ip)


def test_to_dict():
    assert Nic(NicMode.BRIDGED, "br0", "aa:00:00:12:34:56", "192.0.2.10/24", "eth0").to_dict() == {
        "mode": "bridged",
        "link": "br0",
        "mac": "aa:00:00:12:34:56",
        "ip": "192.0.2.10/24",
        "name": "eth0",
    }
