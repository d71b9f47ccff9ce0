"""Masks: exact budgets, the right odds, and numbers that can be used as indices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.tst.masking import MaskPlan, Masks, apportion, sample_masks, visible_counts
from sim_envs.errors import UserError

CPU = torch.device("cpu")


@st.composite
def plans(draw: st.DrawFn) -> MaskPlan:
    modalities, tokens = draw(st.integers(1, 5)), draw(st.integers(2, 30))
    return MaskPlan(
        modalities,
        tokens,
        visible=draw(st.integers(1, tokens * modalities - 1)),
        decoded=draw(st.integers(1, tokens)),
        alpha=draw(st.sampled_from([1e-3, 0.1, 1.0, 5.0, 100.0])),
    )


def draw_masks(plan: MaskPlan, batch: int = 9, seed: int = 0) -> Masks:
    return sample_masks(np.random.default_rng(seed), batch, plan)


@given(plan=plans(), seed=st.integers(0, 2**31))
def test_every_sample_spends_its_budget_and_no_modality_more_than_it_has(plan: MaskPlan, seed: int) -> None:
    counts = visible_counts(np.random.default_rng(seed), 9, plan)
    assert (counts.sum(axis=1) == plan.visible).all()
    assert counts.min() >= 0
    assert counts.max() <= plan.tokens


@given(plan=plans(), seed=st.integers(0, 2**31))
def test_visible_tokens_are_distinct_and_ascending(plan: MaskPlan, seed: int) -> None:
    visible = draw_masks(plan, seed=seed).visible
    assert visible.shape == (9, plan.visible)
    assert (visible.diff(dim=1) > 0).all()
    assert visible.min() >= 0
    assert visible.max() < plan.modalities * plan.tokens


@given(plan=plans(), seed=st.integers(0, 2**31))
def test_what_is_scored_is_exactly_what_is_decoded_and_hidden(plan: MaskPlan, seed: int) -> None:
    masks = draw_masks(plan, seed=seed)
    shown = torch.zeros(9, plan.modalities * plan.tokens, dtype=torch.bool).scatter_(1, masks.visible, True)
    shown = shown.view(9, plan.modalities, plan.tokens)
    assert torch.equal(masks.scored, ~shown.gather(2, masks.decoded))
    assert all(len(set(row)) == plan.decoded for row in masks.decoded.flatten(0, 1).tolist())
    hidden = (~shown).sum(dim=2)
    assert torch.equal(masks.scored.sum(dim=2), hidden.clamp(max=plan.decoded))


@given(
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=5).filter(lambda s: sum(s) > 0),
    data=st.data(),
)
@settings(max_examples=200)
def test_where_nothing_overflows_each_gets_its_quota_rounded(shares: list[float], data: st.DataObject) -> None:
    budget = data.draw(st.integers(1, 50))
    quota = np.array(shares) / sum(shares) * budget
    counts = apportion(quota[None] / budget, budget, capacity=budget)[0]
    assert counts.sum() == budget
    assert (np.abs(counts - quota) < 1 + 1e-6).all()


def test_the_mean_budget_is_even_over_modalities() -> None:
    plan = MaskPlan(4, 64, visible=64, decoded=8, alpha=1.0)
    counts = visible_counts(np.random.default_rng(0), 20_000, plan)
    assert counts.mean(axis=0) == pytest.approx([16] * 4, abs=0.3)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_the_spread_is_that_of_the_dirichlet_distribution(alpha: float) -> None:
    plan = MaskPlan(3, 3000, visible=3000, decoded=1, alpha=alpha)  # large, so that rounding is negligible
    shares = visible_counts(np.random.default_rng(0), 20_000, plan) / 3000
    variance = (1 / 3) * (2 / 3) / (3 * alpha + 1)
    assert shares.var(axis=0) == pytest.approx([variance] * 3, rel=0.05)


def test_the_share_of_rgb_only_samples_is_as_asked() -> None:
    plan = MaskPlan(4, 64, visible=32, decoded=8, rgb_only_share=0.25)
    counts = visible_counts(np.random.default_rng(0), 20_000, plan)
    assert (counts[:, 0] == 32).mean() == pytest.approx(0.25, abs=0.02)


def test_every_position_is_equally_often_visible() -> None:
    plan = MaskPlan(2, 16, visible=8, decoded=4)
    visible = draw_masks(plan, batch=20_000).visible
    share = torch.bincount(visible.flatten(), minlength=32) / 20_000
    assert share.numpy() == pytest.approx(np.full(32, 0.25), abs=0.02)


def test_the_same_generator_draws_the_same_masks() -> None:
    plan = MaskPlan(3, 16, visible=8, decoded=4)
    first, second, other = draw_masks(plan, seed=1), draw_masks(plan, seed=1), draw_masks(plan, seed=2)
    assert torch.equal(first.visible, second.visible)
    assert torch.equal(first.decoded, second.decoded)
    assert not torch.equal(first.visible, other.visible)


@pytest.mark.parametrize(
    "wrong",
    [
        {"visible": 0},
        {"visible": 32},
        {"decoded": 0},
        {"decoded": 17},
        {"alpha": 0.0},
        {"rgb_only_share": 1.5},
        {"visible": 20, "rgb_only_share": 0.1},
    ],
)
def test_plans_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    fields = {"modalities": 2, "tokens": 16, "visible": 8, "decoded": 4} | wrong
    with pytest.raises(UserError):
        MaskPlan(**fields)  # type: ignore[arg-type]
