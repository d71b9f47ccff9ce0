"""Place recognition: whether a frame of the same place is among the best ranked ones."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.ratios import ratio

CUTOFFS = (1, 5, 10)
PLACE_SUMS = ("queries", "answerable", *(f"found_{k}" for k in CUTOFFS), "trajectory")
"""What is counted: queries; of these, those that have an answer; of these, those with an answer among the k best, and
those whose best ranked frame is of a trajectory that saw the place."""


def place_sums(
    hit: np.ndarray, answerable: np.ndarray, on_trajectory: np.ndarray, group: np.ndarray, groups: int
) -> np.ndarray:
    """Count queries, per group of frames.

    Args:
        hit: (N, K) bool, whether each ranked frame is an answer, best first.
        answerable: (N,) bool, whether the query has an answer at all; others are counted as queries only.
        on_trajectory: (N,) bool, whether the best ranked frame is of a trajectory with an answer.
        group: (N,) index 0…groups − 1 of each query.

    Returns:
        (groups, 6) int64 in the order of ``PLACE_SUMS``.
    """
    found = [hit[:, :k].any(axis=1) for k in CUTOFFS]
    counted = [np.ones(len(hit), bool), answerable, *(f & answerable for f in found), on_trajectory & answerable]
    columns = [np.bincount(group[column], minlength=groups) for column in counted]
    return np.stack(columns, axis=-1).astype(np.int64)


def place_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return recall at each cutoff and for trajectories from (..., 6) sums, (...,); NaN without answerable queries."""
    total = dict(zip(PLACE_SUMS, np.moveaxis(np.asarray(sums, np.float64), -1, 0), strict=True))
    found = {f"recall_{k}": ratio(total[f"found_{k}"], total["answerable"]) for k in CUTOFFS}
    return found | {"trajectory": ratio(total["trajectory"], total["answerable"])}
