from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.capability import Capability, Support, refine

YES = Capability("pause_instance", Support.YES)
LIMITED = Capability("pause_instance", Support.LIMITED, "slow", "wait")
NO = Capability("pause_instance", Support.NO, "no freezer", "boot with one")
OTHER = Capability("resume_instance", Support.NO, "elsewhere")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((), YES),
        ((OTHER,), YES),
        ((YES,), YES),
        ((LIMITED,), LIMITED),
        ((LIMITED, YES, OTHER), LIMITED),
        ((LIMITED, NO), NO),
        ((NO, LIMITED, NO), NO),
        (
            (NO, Capability("pause_instance", Support.NO, "no root", "be root")),
            Capability("pause_instance", Support.NO, "no freezer; no root", "boot with one; be root"),
        ),
        ((NO, Capability("pause_instance", Support.NO)), NO),
    ],
)
def test_the_worst_limit_counts(limits, expected):
    assert refine(YES, limits) == expected


def test_a_limit_never_makes_possible_what_is_not():
    assert refine(NO, [YES, LIMITED]) == NO


@given(st.lists(st.sampled_from([YES, LIMITED, NO, OTHER])))
def test_limits_may_come_in_any_order(limits):
    assert refine(YES, limits).support is refine(YES, reversed(limits)).support


def test_to_dict():
    assert json.loads(json.dumps(LIMITED.to_dict())) == {
        "operation": "pause_instance",
        "support": "limited",
        "reason": "slow",
        "remedy": "wait",
    }
