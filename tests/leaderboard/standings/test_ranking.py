"""Ranks of a long table are those that the statistics of a report give, only sooner."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.statistics import Estimate, Sample, bootstrap, rank_intervals
from leaderboard.standings import ranks
from sim_envs.errors import UserError

METRICS = {
    "mean": lambda s: {"m": s[..., 1] / s[..., 0]},
    "biased": lambda s: {"m": np.sqrt(np.abs(s[..., 1] / s[..., 0] - 0.5))},
    "worst of two": lambda s: {"m": np.minimum(s[..., 1], s[..., 2]) / s[..., 0]},
}


def models(
    rng: np.random.Generator, metric: str, seeds: list[int], trajectories: list[int], spread: float
) -> list[Estimate]:
    """Return one model for each number of seeds, in spaces of so many trajectories, further apart for more spread."""
    hard = [rng.uniform(0, 0.3, count) for count in trajectories]
    found = []
    for index, count in enumerate(seeds):
        samples = []
        for space, trajectory in enumerate(hard):
            values = 0.3 + spread * index + trajectory + rng.normal(0, 0.02, (2, count, len(trajectory)))
            sums = np.stack([np.full(values[0].shape, 100.0), *(100 * values)], axis=-1)
            samples.append(Sample(f"s/{space}", tuple(range(count)), sums, METRICS[metric]))
        found.append(bootstrap(samples, 300)["m"])
    return found


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(sorted(METRICS)),
    seeds=st.lists(st.integers(1, 3), min_size=1, max_size=20),
    trajectories=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    spread=st.sampled_from([0.0, 0.003, 0.03]),
    higher_is_better=st.booleans(),
)
def test_ranks_are_those_of_a_report(
    number: int, metric: str, seeds: list[int], trajectories: list[int], spread: float, higher_is_better: bool
) -> None:
    found = models(np.random.default_rng(number), metric, seeds, trajectories, spread)
    found += found[:2]  # the same twice
    assert ranks(found, higher_is_better) == rank_intervals(found, higher_is_better)


def test_a_row_without_a_score_has_no_rank_and_counts_for_nobody() -> None:
    one, other = models(np.random.default_rng(0), "mean", [1, 1], [5], 0.2)
    nothing = bootstrap([Sample("s/0", (0,), np.zeros((1, 5, 3)), lambda s: {"m": np.full(s.shape[:-1], np.nan)})], 300)
    assert ranks([one, nothing["m"], other], True) == [(2, 2), None, (1, 1)]


def test_rows_of_different_trajectories_cannot_be_ranked() -> None:
    one, other = (models(np.random.default_rng(0), "mean", [1], [count], 0)[0] for count in (4, 5))
    with pytest.raises(UserError, match="different trajectories"):
        ranks([one, other], True)


def test_nobody_has_no_ranks() -> None:
    assert ranks([], True) == []
