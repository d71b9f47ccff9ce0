"""A limited run takes a slice of everything, has a name of its own, and never asks for more than the full one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.limit import limited
from benchmark.plan import plan_run
from benchmark.suites import load_suite
from sim_envs.errors import UserError

PLAN = plan_run(load_suite("small"), None)


def frames(split: tuple[int, int]) -> int:
    return split[0] * split[1]


@given(limit=st.integers(2, 5000))
def test_no_scored_space_has_more_frames_than_the_limit_or_the_suite(limit: int) -> None:
    few = limited(PLAN, limit).suite
    for role in ("test", "held_out"):
        assert frames(few.recordings[role]["test"]) <= min(limit, frames(PLAN.suite.recordings[role]["test"]))
        assert few.recordings[role]["test"][0] >= 2  # one trajectory has no spread
    assert few.pretrain.frames == min(limit, PLAN.suite.pretrain.frames)
    assert few.transfer_budget.frames == min(limit, PLAN.suite.transfer_budget.frames)


@given(limit=st.integers(2, 5000))
def test_recordings_hold_the_frames_that_are_drawn_from_them_and_no_more_than_in_full(limit: int) -> None:
    plan = limited(PLAN, limit)
    drawn = {
        "test": plan.suite.pretrain.frames,
        "external": plan.suite.pretrain.frames / len(plan.spaces("external")),
        "transfer": plan.suite.transfer_budget.frames / len(plan.spaces("transfer")),
    }
    for role, splits in PLAN.suite.recordings.items():
        for split, full in splits.items():
            assert frames(plan.suite.recordings[role][split]) <= frames(full)
        if role in drawn:
            assert frames(plan.suite.recordings[role]["train"]) >= drawn[role]


def test_a_limited_plan_has_a_name_and_a_flag_of_its_own() -> None:
    plan = limited(PLAN, 64)
    assert plan.name == "small-limit-64/builtin__flat-01"
    assert plan.suite.flags == ("limited to 64 frames",)
    assert PLAN.suite.flags == ()


def test_without_a_limit_the_plan_stays_as_it_is() -> None:
    assert limited(PLAN, None) is PLAN


def test_a_limit_that_leaves_nothing_to_compare_is_refused() -> None:
    with pytest.raises(UserError, match="--limit 1 is out of range"):
        limited(PLAN, 1)
