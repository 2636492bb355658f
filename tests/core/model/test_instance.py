from __future__ import annotations

import copy
import json
import pickle

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

from hvcore.errors import InvalidInput
from hvcore.model.instance import Disk, DiskKind, Instance, Nic, NicMode

FULL = Instance(
    name="web1.example.org",
    hypervisor="lxc",
    memory_mib=256,
    memory_min_mib=128,
    vcpus=2,
    parameters={
        "cpu_mask": "0",
        "num_ttys": 6,
        "ratio": 1.0,
        "flag": False,
        "devices": ["c 1:3 rw", "c 1:5 rw"],
        "x": None,
    },
    disks=[Disk("/srv/root", DiskKind.IMAGE), Disk("/srv/data", mount_point="/srv", read_only=True)],
    nics=(Nic(NicMode.BRIDGED, "br0", "aa:00:00:12:34:56", "192.0.2.10/24"), Nic(NicMode.NONE)),
    uuid="3F2B7C1E-6d1a-4f0e-9a53-0c8d2e5b7f10",
    tags=("web", "env:prod"),
)


def refusal(**fields):
    with pytest.raises(InvalidInput) as caught:
        Instance(**{"name": "web1", "hypervisor": "lxc", **fields})
    return caught.value


def test_defaults_are_ganetis():
    instance = Instance("web1", "lxc")
    assert (instance.memory_mib, instance.memory_min_mib, instance.vcpus) == (128, None, 1)
    assert (instance.parameters, instance.disks, instance.nics, instance.tags) == ({}, (), (), ())


def test_to_dict_and_back_through_json():
    again = Instance.from_dict(json.loads(json.dumps(FULL.to_dict())))
    assert again == FULL
    assert type(again.parameters["ratio"]) is float
    assert again.parameters["flag"] is False
    assert again.parameters["devices"] == ("c 1:3 rw", "c 1:5 rw")


def test_keys_of_the_plain_data_are_stable():
    assert list(FULL.to_dict()) == ["name", "hypervisor", "uuid", "tags", "backend", "parameters", "disks", "nics"]
    assert list(FULL.to_dict()["backend"]) == ["memory_mib", "memory_min_mib", "vcpus"]


def test_a_small_dict_is_enough():
    assert Instance.from_dict({"name": "web1", "hypervisor": "lxc"}) == Instance("web1", "lxc")


def test_nothing_can_be_changed():
    with pytest.raises(FrozenInstanceError):
        FULL.name = "x"
    with pytest.raises(TypeError):
        FULL.parameters["cpu_mask"] = "1"


def test_parameters_are_a_copy():
    given = {"a": 1}
    instance = Instance("web1", "lxc", parameters=given)
    given["a"] = 2
    assert instance.parameters == {"a": 1}


def test_pickle_copy_evolve_and_hash():
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert copy.deepcopy(FULL) == FULL
    assert copy.copy(FULL) == FULL
    assert evolve(FULL, vcpus=4).parameters == FULL.parameters
    assert hash(FULL) == hash(copy.deepcopy(FULL))
    assert evolve(FULL, parameters={}) != FULL


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"name": "a b"}, "name"),
        ({"hypervisor": "LXC"}, "hypervisor"),
        ({"memory_mib": 0}, "memory_mib"),
        ({"memory_mib": 2**31 + 1}, "memory_mib"),
        ({"memory_mib": True}, "memory_mib"),
        ({"memory_mib": 256.0}, "memory_mib"),
        ({"memory_mib": "256"}, "memory_mib"),
        ({"memory_mib": None}, "memory_mib"),
        ({"memory_min_mib": 129}, "memory_min_mib"),
        ({"memory_min_mib": 0}, "memory_min_mib"),
        ({"vcpus": 0}, "vcpus"),
        ({"vcpus": 8193}, "vcpus"),
        ({"parameters": {"a b": 1}}, "parameters.'a b'"),
        ({"parameters": {1: 1}}, "parameters.1"),
        ({"parameters": {"a": "x\ny"}}, "parameters.a"),
        ({"parameters": {"a": {"b": 1}}}, "parameters.a"),
        ({"parameters": {"a": float("nan")}}, "parameters.a"),
        ({"parameters": {"a": float("inf")}}, "parameters.a"),
        ({"parameters": {"a": 2**63}}, "parameters.a"),
        ({"parameters": {"a": 10**5000}}, "parameters.a"),
        ({"parameters": {"a": ["x", 1]}}, "parameters.a[1]"),
        ({"parameters": {"a": ["x\r"]}}, "parameters.a[0]"),
        ({"parameters": {"a": object()}}, "parameters.a"),
        ({"disks": ["/srv"]}, "disks[0]"),
        ({"disks": [Disk("/a", mount_point="/srv")]}, "disks[0].mount_point"),
        ({"disks": [Disk("/a"), Disk("/b")]}, "disks[1].mount_point"),
        ({"disks": [Disk("/a"), Disk("/b", mount_point="/")]}, "disks[1].mount_point"),
        (
            {"disks": [Disk("/a"), Disk("/b", mount_point="/x"), Disk("/c", mount_point="/x")]},
            "disks[2].mount_point",
        ),
        ({"disks": [Disk("/a")] + [Disk("/b", mount_point=f"/{n}") for n in range(16)]}, "disks[16]"),
        ({"nics": [Nic(NicMode.NONE)] * 9}, "nics[8]"),
        ({"nics": [Disk("/a")]}, "nics[0]"),
        ({"uuid": "x"}, "uuid"),
        ({"uuid": 5}, "uuid"),
        ({"tags": ["a b"]}, "tags[0]"),
        ({"tags": ["ok", ""]}, "tags[1]"),
        ({"tags": ["x" * 129]}, "tags[0]"),
        ({"tags": "a b"}, "tags[0]"),
        ({"tags": [1]}, "tags[0]"),
    ],
)
def test_what_is_refused_is_named(fields, key):
    error = refusal(**fields)
    assert error.key == key
    assert error.allowed
    assert error.resolution
    assert json.dumps(error.to_dict())
    assert "\n" not in str(error)


def test_limits_are_inclusive():
    disks = [Disk("/a")] + [Disk("/b", mount_point=f"/{n}") for n in range(15)]
    instance = Instance("a", "lxc", 2**31, 2**31, 8192, disks=disks, nics=[Nic(NicMode.NONE)] * 8)
    assert (len(instance.disks), len(instance.nics)) == (16, 8)


def test_a_doubled_mount_point_names_the_other_disk():
    disks = [Disk("/a"), Disk("/b", mount_point="/x"), Disk("/c", mount_point="/x")]
    assert "disks[1] is mounted there" in str(refusal(disks=disks))


def test_the_root_may_say_that_it_is_the_root():
    assert Instance("a", "lxc", disks=[Disk("/a", mount_point="/")]).disks[0].mount_point == "/"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (None, "instance"),
        ([], "instance"),
        ({1: 2}, "instance"),
        ({}, "name"),
        ({"name": "a"}, "hypervisor"),
        ({"name": "a", "hypervisor": "lxc", "vcpus": 1}, "vcpus"),
        ({"name": "a", "hypervisor": "lxc", "a.b": 1}, "'a.b'"),
        ({"name": "a", "hypervisor": "lxc", "backend": {"vcpu": 1}}, "backend.vcpu"),
        ({"name": "a", "hypervisor": "lxc", "backend": []}, "backend"),
        ({"name": "a", "hypervisor": "lxc", "backend": {"vcpus": 0}}, "backend.vcpus"),
        ({"name": "a", "hypervisor": "lxc", "backend": {"memory_min_mib": 500}}, "backend.memory_min_mib"),
        ({"name": "a", "hypervisor": "lxc", "parameters": []}, "parameters"),
        ({"name": "a", "hypervisor": "lxc", "disks": {}}, "disks"),
        ({"name": "a", "hypervisor": "lxc", "disks": [{}]}, "disks[0].path"),
        ({"name": "a", "hypervisor": "lxc", "disks": ["/a"]}, "disks[0]"),
        ({"name": "a", "hypervisor": "lxc", "disks": [{"path": "a"}]}, "disks[0].path"),
        ({"name": "a", "hypervisor": "lxc", "disks": [{"path": "/a", "size": 1}]}, "disks[0].size"),
        ({"name": "a", "hypervisor": "lxc", "nics": [{}]}, "nics[0].mode"),
        ({"name": "a", "hypervisor": "lxc", "nics": [{"mode": "bridged"}]}, "nics[0].link"),
        ({"name": "a", "hypervisor": "lxc", "nics": [{"mode": "none", "mac": "x"}]}, "nics[0].mac"),
        ({"name": "a", "hypervisor": "lxc", "tags": "a"}, "tags"),
        ({"name": "a", "hypervisor": "lxc", "uuid": None}, "uuid"),
    ],
)
def test_bad_plain_data_is_refused_with_the_dotted_key(data, key):
    with pytest.raises(InvalidInput) as caught:
        Instance.from_dict(data)
    assert caught.value.key == key
    assert json.dumps(caught.value.to_dict())


def test_from_file(tmp_path):
    path = tmp_path / "web1.toml"
    path.write_text('name = "web1"\nhypervisor = "lxc"\n')
    assert Instance.from_file(path) == Instance.from_file(str(path)) == Instance("web1", "lxc")
