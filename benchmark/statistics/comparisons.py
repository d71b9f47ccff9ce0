"""Many comparisons at once: corrected p-values, intervals of ranks, and the smallest difference that would be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from benchmark.statistics.bootstrap import LEVEL, Estimate

POWER = 0.8


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the order given."""
    corrected = np.empty(len(p_values))
    running = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected.tolist()


def rank_intervals(estimates: Sequence[Estimate], higher_is_better: bool = True) -> list[tuple[int, int]]:
    """Return (best, worst) rank of each model that the resamples leave open; 1 is the best.

    The ranks that models have in the resamples themselves are no interval: of equal models the one that happened to
    score highest would keep its rank in most resamples. So a model's rank is bounded by how many others are told
    apart from it, on either side, when all its paired differences are tested together at 95 % (the largest
    studentised deviation over the resamples; Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for Ranks").
    Models that cannot be told apart get overlapping intervals, equal models equal ones.

    Args:
        estimates: of models on the same spaces and trajectories. A score without an interval is told apart from
            none.
    """
    count = len(estimates)
    known = [index for index, estimate in enumerate(estimates) if estimate.known]
    found = [(1, count)] * count
    for index in known:
        differences = [estimates[other] - estimates[index] for other in known if other != index]
        if not higher_is_better:
            differences = [-difference for difference in differences]
        better, worse = _told_apart(differences)
        found[index] = (1 + better, count - worse)
    return found


def _told_apart(differences: Sequence[Estimate]) -> tuple[int, int]:
    """Return how many differences are above and below 0, tested together at :data:`LEVEL`."""
    if not differences:
        return 0, 0
    values = np.array([difference.value for difference in differences])
    draws = np.stack([difference.corrected for difference in differences])
    centres = draws.mean(axis=1)
    deviations = draws - centres[:, None]
    errors = deviations.std(axis=1)
    scaled = np.abs(deviations) / np.where(errors > 0, errors, np.inf)[:, None]
    bound = float(np.quantile(scaled.max(axis=0), LEVEL)) * errors
    # Neither the score nor what it is without its bias may say otherwise, so that a model's rank is among its ranks.
    return int((np.minimum(values, centres) > bound).sum()), int((np.maximum(values, centres) < -bound).sum())


def detectable(difference: Estimate, comparisons: int = 1) -> float:
    """Return the smallest true difference that a paired test would find with a power of 80 %; NaN without interval.

    Two-sided, at level 0.05 divided by the number of comparisons: with 1 this is a plain test, with all those of a
    table it is the hardest step of Holm's procedure, so that the truth with Holm lies between the two. It follows
    from the standard error of the difference alone, not from how large the difference was found to be.
    """
    freedom = difference.freedom
    if not difference.known:
        return float("nan")
    level = (1 - LEVEL) / comparisons
    quantiles = stdtrit(max(freedom, 1.0), 1 - level / 2) + stdtrit(max(freedom, 1.0), POWER)
    return float(quantiles * difference.deviations.std())
