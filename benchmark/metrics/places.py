"""Place recognition: whether a frame of the same place is among the best ranked ones."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.ratios import ratio

CUTOFFS = (1, 5, 10)
PLACE_SUMS = ("queries", "answerable", *(f"found_{k}" for k in CUTOFFS), "trajectory", "chance")
"""What is summed: queries; of these, those that have an answer; of these, those with an answer among the k best, those
whose best ranked frame is of a trajectory that saw the place, and the share of answers among what is searched."""


def place_sums(
    hit: np.ndarray, share: np.ndarray, on_trajectory: np.ndarray, group: np.ndarray, groups: int
) -> np.ndarray:
    """Count queries, per group of frames.

    Args:
        hit: (N, K) bool, whether each ranked frame is an answer, best first.
        share: (N,) of right answers among the frames that are searched; a query with none is counted as a query only.
        on_trajectory: (N,) bool, whether the best ranked frame is of a trajectory with an answer.
        group: (N,) index 0…groups − 1 of each query.

    Returns:
        (groups, 7) float64 in the order of ``PLACE_SUMS``.
    """
    answerable = share > 0
    found = [hit[:, :k].any(axis=1) for k in CUTOFFS]
    counted = [np.ones(len(hit), bool), answerable, *(f & answerable for f in found), on_trajectory & answerable]
    columns = [np.bincount(group[column], minlength=groups) for column in counted]
    return np.stack([*columns, np.bincount(group, share, groups)], axis=-1).astype(np.float64)


def place_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return recall at each cutoff, for trajectories and of chance from (..., 7) sums, (...,); NaN without answers.

    ``chance`` is the recall at 1 that a random ranking has in the mean.
    """
    total = dict(zip(PLACE_SUMS, np.moveaxis(np.asarray(sums, np.float64), -1, 0), strict=True))
    found = {f"recall_{k}": ratio(total[f"found_{k}"], total["answerable"]) for k in CUTOFFS}
    return found | {key: ratio(total[key], total["answerable"]) for key in ("trajectory", "chance")}
