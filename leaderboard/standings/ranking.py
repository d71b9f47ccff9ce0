"""Rank intervals of a long table: what :func:`benchmark.statistics.rank_intervals` gives, at a cost a board can bear.

That function makes an estimate of each of N² differences; here their deviations are taken row by row in blocks that
stay in the processor's cache, each pair once. The numbers are the same (up to the last bits of double precision).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from benchmark.statistics import LEVEL, Estimate
from sim_envs.errors import UserError

_BLOCK = 32  # rows of 2,000 resamples in double precision: 512 kB
_FIRST = 256  # resamples that are counted before any are sorted


def ranks(estimates: Sequence[Estimate], higher_is_better: bool) -> list[tuple[int, int] | None]:
    """Return (best, worst) rank of each row, or None for one without a score; 1 is the best.

    Time and memory grow with the square of the number of rows: a thousand take 5 s of one core and 60 MB.

    Args:
        estimates: of rows that were scored on the same trajectories.

    Raises:
        UserError: they were not.
    """
    scored = [index for index, estimate in enumerate(estimates) if np.isfinite(estimate.value)]
    known = [index for index in scored if estimates[index].known]
    found: list[tuple[int, int] | None] = [None] * len(estimates)
    for index in scored:
        found[index] = (1, len(scored))
    if known:
        above, below = _told_apart(_stack([estimates[index] for index in known]))
        better, worse = (above, below) if higher_is_better else (below, above)
        for position, index in enumerate(known):
            found[index] = (1 + int(better[position]), len(scored) - int(worse[position]))
    return found


@dataclass(frozen=True, eq=False)
class _Rows:
    """N estimates as arrays.

    Attributes:
        values, bias: (N,)
        draws, fixed: (N, R), each less its mean.
        single: whether ``draws`` and ``fixed`` are the same, as with one training seed.
        influence: (N, T) over the trajectories of all spaces.
        seed_groups: (N,) rows with equal numbers have the same seeds.
        per_seed: (N, S) padded with 0.
        seeds: (N,) number of them.
    """

    values: np.ndarray
    bias: np.ndarray
    draws: np.ndarray
    fixed: np.ndarray
    single: bool
    influence: np.ndarray
    seed_groups: np.ndarray
    per_seed: np.ndarray
    seeds: np.ndarray
    seed_variance: np.ndarray
    seed_freedom: np.ndarray
    trajectory_freedom: np.ndarray


def _stack(estimates: Sequence[Estimate]) -> _Rows:
    first = estimates[0]
    shapes = {space: moved.shape for space, moved in first.influence.items()}
    for estimate in estimates:
        if {space: moved.shape for space, moved in estimate.influence.items()} != shapes:
            raise UserError("Rows that were scored on different trajectories cannot be ranked against each other.")
    fixed = np.stack([estimate.fixed for estimate in estimates])
    single = all(np.array_equal(estimate.draws, estimate.fixed) for estimate in estimates)
    draws = fixed if single else np.stack([estimate.draws for estimate in estimates])
    values = np.array([estimate.value for estimate in estimates])
    bias = fixed.mean(axis=1) - values
    fixed = fixed - fixed.mean(axis=1, keepdims=True)
    groups = {seeds: number for number, seeds in enumerate(dict.fromkeys(estimate.seeds for estimate in estimates))}
    per_seed = np.zeros((len(estimates), max(len(estimate.seeds) for estimate in estimates)))
    for row, estimate in zip(per_seed, estimates, strict=True):
        row[: len(estimate.per_seed)] = estimate.per_seed
    return _Rows(
        values=values,
        bias=bias,
        draws=fixed if single else draws - draws.mean(axis=1, keepdims=True),
        fixed=fixed,
        single=single,
        influence=np.stack([np.concatenate([estimate.influence[space] for space in shapes]) for estimate in estimates]),
        seed_groups=np.array([groups[estimate.seeds] for estimate in estimates]),
        per_seed=per_seed,
        seeds=np.array([len(estimate.seeds) for estimate in estimates]),
        seed_variance=np.array([estimate.seed_variance for estimate in estimates]),
        seed_freedom=np.array([estimate.seed_freedom for estimate in estimates]),
        trajectory_freedom=np.array([estimate.trajectory_freedom for estimate in estimates]),
    )


def _told_apart(rows: _Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return how many rows are above and below each row, all of its differences tested together at :data:`LEVEL`."""
    count, resamples = rows.draws.shape
    largest = np.zeros((count, resamples))  # of each row's studentised deviations, over the others
    ahead = np.zeros((count, count))  # of row i: by how many standard errors row j is above it, at the least
    for start in range(0, count, _BLOCK):
        end = min(start + _BLOCK, count)
        for index in range(end - 1):
            others = slice(max(start, index + 1), end)
            scaled, errors, centres = _differences(rows, index, others)
            np.maximum(largest[others], scaled, out=largest[others])
            np.maximum(largest[index], scaled.max(axis=0), out=largest[index])
            # Neither the score nor what it is without its bias may say otherwise, so that a model's rank is among its
            # ranks.
            values = rows.values[others] - rows.values[index]
            ahead[index, others] = _in_errors(np.minimum(values, centres), errors)
            ahead[others, index] = _in_errors(-np.maximum(values, centres), errors)
    bounds = np.quantile(largest, LEVEL, axis=1)
    return (ahead > bounds[:, None]).sum(axis=1), (ahead > bounds[None, :]).sum(axis=0)


def _in_errors(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return values in standard errors; what is above 0 without any error is above it by infinitely many."""
    return np.divide(values, errors, out=np.where(values > 0, np.inf, 0.0), where=errors > 0)


def _differences(rows: _Rows, index: int, others: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what is known of the differences of B rows from one: see :class:`~benchmark.statistics.Estimate`.

    Returns:
        (B, R) absolute deviations in standard errors, (B,) standard errors, (B,) values without their bias.
    """
    deviations = rows.draws[others] - rows.draws[index]
    fixed = deviations if rows.single else rows.fixed[others] - rows.fixed[index]
    jackknife = ((rows.influence[others] - rows.influence[index]) ** 2).sum(axis=1)
    resampled = _mean_square(fixed)
    widened = (resampled > 0) & (resampled < jackknife) & (jackknife < np.inf)
    widening = np.sqrt(np.divide(jackknife, resampled, out=np.ones_like(resampled), where=widened)) - 1
    if rows.single:
        deviations *= 1 + widening[:, None]
    elif widened.any():
        fixed *= widening[:, None]
        deviations += fixed
    total = _mean_square(deviations)
    stretch = _stretch(_freedom(rows, index, others, total))
    bias = _within(rows.bias[others] - rows.bias[index], stretch, deviations)
    centres = rows.values[others] - rows.values[index] - bias
    np.abs(deviations, out=deviations)
    deviations *= _over(np.ones_like(total), np.sqrt(total))[:, None]
    return deviations, stretch * np.sqrt(total), centres


def _mean_square(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("br,br->b", values, values)) / values.shape[1]


def _freedom(rows: _Rows, index: int, others: slice, total: np.ndarray) -> np.ndarray:
    """Return Satterthwaite's degrees of freedom of the variance of each difference."""
    count = max(int(rows.seeds[index]), 1)
    per_seed = (rows.per_seed[others] - rows.per_seed[index])[:, :count]
    same = rows.seed_groups[others] == rows.seed_groups[index]
    alike = per_seed.var(axis=1, ddof=1) / count if count > 1 else np.zeros(len(total))
    pooled = rows.seed_variance[others] + rows.seed_variance[index]
    pooled_freedom = _over(
        pooled**2,
        _over(rows.seed_variance[others] ** 2, rows.seed_freedom[others])
        + _over(rows.seed_variance[index] ** 2, rows.seed_freedom[index]),
    )
    seeds = np.minimum(np.where(same, alike, pooled), total)
    seed_freedom = np.where(same, count - 1.0, pooled_freedom)
    trajectory_freedom = np.minimum(rows.trajectory_freedom[others], rows.trajectory_freedom[index])
    return _over(total**2, _over(seeds**2, seed_freedom) + _over((total - seeds) ** 2, trajectory_freedom))


def _over(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return a quotient, 0 where the denominator is."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)


def _stretch(freedom: np.ndarray) -> np.ndarray:
    tail = (1 + LEVEL) / 2
    return np.where(freedom > 0, stdtrit(np.maximum(freedom, 1.0), tail) / ndtri(tail), 1.0)


def _within(bias: np.ndarray, stretch: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return biases, those outside the central 95 % of stretched deviations moved to its ends.

    Quantiles are only taken where counting in the first resamples does not say already that a bias lies within.
    """
    tail = (1 - LEVEL) / 2
    some = deviations[:, :_FIRST]
    further = np.where(
        bias >= 0,
        (some > (bias / stretch)[:, None]).sum(axis=1),
        (some < (bias / stretch)[:, None]).sum(axis=1),
    )
    doubtful = np.flatnonzero(further <= tail * deviations.shape[1] + 2)
    if len(doubtful) == 0:
        return bias
    ends = np.quantile(deviations[doubtful], [tail, 1 - tail], axis=1) * stretch[doubtful]
    moved = bias.copy()
    moved[doubtful] = np.clip(bias[doubtful], ends[0], ends[1])
    return moved
