from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore.model.migration import MigrationState, MigrationStatus

BYTES = st.none() | st.integers(0, 3) | st.integers(0, 2**63 - 1)


@pytest.mark.parametrize(
    ("status", "is_active", "has_failed"),
    [
        ("active", True, False),
        ("postcopy-active", True, False),
        ("completed", False, False),
        ("cancelled", False, True),
        ("failed", False, True),
    ],
)
def test_phases(status, is_active, has_failed):
    migration = MigrationStatus(status)
    assert migration.status is MigrationState(status)
    assert (migration.is_active, migration.has_failed) == (is_active, has_failed)


@pytest.mark.parametrize("status", ["", "done", "ACTIVE", None, 1])
def test_unknown_phases_are_refused(status):
    with pytest.raises(InvalidInput) as caught:
        MigrationStatus(status)
    assert caught.value.key == "status"
    assert "postcopy-active" in caught.value.allowed


@pytest.mark.parametrize(
    ("transferred", "total", "expected"),
    [
        (None, None, None),
        (1, None, None),
        (None, 1, None),
        (0, 0, None),
        (5, 0, None),
        (0, 4, 0.0),
        (1, 4, 0.25),
        (9, 4, 1.0),
    ],
)
def test_progress(transferred, total, expected):
    assert MigrationStatus("active", transferred, total).progress == expected


@given(st.sampled_from(MigrationState), BYTES, BYTES)
def test_progress_is_a_part_or_unknown(status, transferred, total):
    progress = MigrationStatus(status, transferred, total).progress
    assert progress is None or 0 <= progress <= 1


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"transferred_bytes": -1}, "transferred_bytes"),
        ({"total_bytes": 1.5}, "total_bytes"),
        ({"total_bytes": True}, "total_bytes"),
        ({"postcopy": "yes"}, "postcopy"),
    ],
)
def test_fields_out_of_their_range(fields, key):
    with pytest.raises(InvalidInput) as caught:
        MigrationStatus("active", **fields)
    assert caught.value.key == key


def test_to_dict():
    assert json.loads(json.dumps(MigrationStatus("active", 1, 4, False).to_dict())) == {
        "status": "active",
        "transferred_bytes": 1,
        "total_bytes": 4,
        "postcopy": False,
        "progress": 0.25,
    }
