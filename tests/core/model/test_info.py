from __future__ import annotations

import json

import pytest
from attrs import fields
from attrs.exceptions import FrozenInstanceError

from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState

INFO = InstanceInfo("web1", "lxc", InstanceState.PAUSED, 256, 2, 1.5, 4711, 12, 3)


def test_keys_are_stable_and_in_the_order_of_the_fields():
    assert list(INFO.to_dict()) == [field.name for field in fields(InstanceInfo)]
    assert list(INFO.to_dict())[:7] == ["name", "hypervisor", "state", "memory_mib", "vcpus", "cpu_seconds", "pid"]


def test_it_is_json():
    assert json.loads(json.dumps(INFO.to_dict())) == {
        "name": "web1",
        "hypervisor": "lxc",
        "state": "paused",
        "memory_mib": 256,
        "vcpus": 2,
        "cpu_seconds": 1.5,
        "pid": 4711,
        "memory_used_mib": 12,
        "processes": 3,
    }


def test_the_state_is_a_plain_text():
    assert type(INFO.to_dict()["state"]) is str


def test_it_is_frozen_and_small():
    with pytest.raises(FrozenInstanceError):
        INFO.name = "x"
    assert not hasattr(INFO, "__dict__")
    assert all(field.validator is None and field.converter is None for field in fields(InstanceInfo))


def test_what_is_not_known_is_none():
    info = InstanceInfo("web1", "lxc", InstanceState.RUNNING, 256, 2, 0)
    assert (info.pid, info.memory_used_mib, info.processes) == (None, None, None)
