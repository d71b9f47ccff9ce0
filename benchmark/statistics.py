"""How far a score can be trusted: a cluster bootstrap over trajectories, crossed with seeds.

Frames of one trajectory are near-copies, so the trajectory is what is resampled, within each space. The
spaces stay as they are: every interval is conditional on them. Where a model was trained with several seeds
these are resampled too, the same in every space. Each resample recomputes the metric from the resampled sums.

Two departures from the plain percentile bootstrap, both because the numbers of clusters are small:

- n − 1 of n units are drawn (Rao and Wu 1988), which makes the variance unbiased; drawing n of three seeds
  would understate it by a third.
- Deviations from the estimate are stretched by t/z at Satterthwaite's degrees of freedom, as for a mean of so
  few units (Hesterberg 2015, "What Teachers Should Know About the Bootstrap").

Draws depend on the space, its number of trajectories and the seeds only, never on the model: resample i is
the same for all models of a table, and differences are paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtrit

RESAMPLES = 2000
LEVEL = 0.95
_CHUNK_BYTES = 64 << 20

Metrics = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Sample:
    """One model in one space.

    Attributes:
        space: ``source/name``.
        seeds: the S training seeds.
        sums: (S, T, ...) statistics that add up, trajectories in the same order for every seed and model.
        metrics: sums over trajectories → measure → value, over any leading axes.
    """

    space: str
    seeds: tuple[int, ...]
    sums: np.ndarray
    metrics: Metrics


@dataclass(frozen=True, eq=False)
class Estimate:
    """A score and how it spreads.

    Attributes:
        value: the score, mean over seeds (and over spaces).
        per_seed: (S,) the score of each seed.
        seeds: the S training seeds, or () for a difference of models trained with different seeds.
        draws: (R,) the score of each resample; all equal to ``value`` where nothing could be resampled.
        seed_variance: variance of ``value`` that the seeds account for; 0 with one seed.
        seed_freedom: degrees of freedom behind ``seed_variance``.
        trajectory_freedom: number of trajectories less the number of spaces.
    """

    value: float
    per_seed: np.ndarray
    seeds: tuple[int, ...]
    draws: np.ndarray
    seed_variance: float
    seed_freedom: float
    trajectory_freedom: float

    @property
    def freedom(self) -> float:
        """Return Satterthwaite's degrees of freedom of the variance over resamples."""
        total = float(self.draws.var())
        seeds = min(self.seed_variance, total)
        terms = ((seeds, self.seed_freedom), (total - seeds, self.trajectory_freedom))
        spread = sum(variance**2 / freedom for variance, freedom in terms if freedom > 0)
        return total**2 / spread if spread > 0 else 0.0

    @property
    def stretched(self) -> np.ndarray:
        """Return the resamples with deviations stretched for the small number of units, (R,)."""
        if self.freedom <= 0:
            return self.draws
        tail = (1 + LEVEL) / 2
        factor = float(stdtrit(max(self.freedom, 1.0), tail) / ndtri(tail))
        return self.value + factor * (self.draws - self.value)

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval, or (NaN, NaN) where nothing could be resampled."""
        if self.freedom <= 0 or not np.isfinite(self.draws).all():
            return (float("nan"), float("nan"))
        return interval(self.stretched)

    @property
    def p_value(self) -> float:
        """Return the two-sided bootstrap p of a score of 0, above 1 / R; 1 where nothing was resampled."""
        if self.freedom <= 0 or not np.isfinite(self.draws).all():
            return 1.0
        draws = self.stretched
        tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
        return min(1.0, 2 * (tail + 1) / (len(draws) + 1))

    def __neg__(self) -> Estimate:
        """Return the estimate of the score with its sign turned."""
        return replace(self, value=-self.value, per_seed=-self.per_seed, draws=-self.draws)

    def __sub__(self, other: Estimate) -> Estimate:
        """Return the paired difference: resample i of one less resample i of the other."""
        paired = self.seeds == other.seeds
        per_seed = self.per_seed - other.per_seed if paired else np.empty(0)
        seed_variance, seed_freedom = (
            _seed_variance(per_seed)
            if paired
            else _pooled(
                (self.seed_variance, self.seed_freedom),
                (other.seed_variance, other.seed_freedom),
            )
        )
        return Estimate(
            value=self.value - other.value,
            per_seed=per_seed,
            seeds=self.seeds if paired else (),
            draws=self.draws - other.draws,
            seed_variance=seed_variance,
            seed_freedom=seed_freedom,
            trajectory_freedom=min(self.trajectory_freedom, other.trajectory_freedom),
        )


def bootstrap(samples: Sequence[Sample], resamples: int = RESAMPLES) -> dict[str, Estimate]:
    """Estimate every measure as the mean over the given spaces, with resamples.

    Memory stays below about 64 MiB beyond the input: resamples are taken in chunks.

    Args:
        samples: one or more spaces of one model, with the same seeds in each.

    Raises:
        ValueError: no space, or spaces with different seeds.
    """
    if not samples or any(sample.seeds != samples[0].seeds for sample in samples):
        raise ValueError("bootstrap needs at least one space, and the same seeds in each")
    seeds = samples[0].seeds
    per_seed = _mean_over_spaces([sample.metrics(sample.sums.sum(axis=1)) for sample in samples])
    resampled = _mean_over_spaces([_resample(sample, resamples) for sample in samples])
    seed_weights = _weights(f"seeds {seeds}", len(seeds), resamples)
    freedom = float(sum(sample.sums.shape[1] - 1 for sample in samples))
    estimates = {}
    for measure, values in per_seed.items():
        seed_variance, seed_freedom = _seed_variance(values)
        estimates[measure] = Estimate(
            value=float(values.mean()),
            per_seed=values,
            seeds=seeds,
            draws=(resampled[measure] * seed_weights).mean(axis=1),
            seed_variance=seed_variance,
            seed_freedom=seed_freedom,
            trajectory_freedom=freedom,
        )
    return estimates


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resamples (R,)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the order given."""
    corrected = np.empty(len(p_values))
    running = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected.tolist()


def rests_on(groups: Mapping[str, Sequence[tuple[str, int, int]]], seeds: Sequence[int]) -> str:
    """Say in words what the intervals of a table rest on.

    Args:
        groups: what a group of spaces is called → (space, trajectories, frames) of each.
        seeds: number of training seeds of each model.
    """
    said = []
    for title, spaces in groups.items():
        frames, trajectories = sum(s[2] for s in spaces), sum(s[1] for s in spaces)
        where = spaces[0][0] if len(spaces) == 1 else f"{len(spaces)} spaces"
        said.append(f"{title}: {_count(frames, 'frame')} of {_count(trajectories, 'trajectory')} in {where}.")
    least, most = min(seeds), max(seeds)
    if most == 1:
        said.append("One training seed, so the spread between training runs is not in the intervals.")
    else:
        several = f"{most}" if least == most else f"{least} to {most}"
        alone = " (not for models with one)" if least == 1 else ""
        said.append(f"{several} training seeds, resampled with the trajectories{alone}.")
    every = [space for spaces in groups.values() for space in spaces]
    said.append(f"Conditional on {'this space' if len(every) == 1 else f'these {len(every)} spaces'}.")
    few = [space for space, trajectories, _ in every if trajectories < 2]
    if few:
        said.append(f"A single trajectory in {', '.join(few)}: its spread is unknown and in no interval.")
    return " ".join(said)


def _resample(sample: Sample, resamples: int) -> dict[str, np.ndarray]:
    """Return each measure of each resample and seed, (R, S)."""
    seeds, trajectories = sample.sums.shape[:2]
    shape = sample.sums.shape[2:]
    flat = np.moveaxis(sample.sums, 1, 0).reshape(trajectories, -1).astype(np.float64)
    weights = _weights(sample.space, trajectories, resamples)
    chunk = max(1, _CHUNK_BYTES // (8 * 4 * max(1, flat.shape[1])))  # metrics hold a few arrays of this size
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, chunk):
        sums = (weights[start : start + chunk] @ flat).reshape(-1, seeds, *shape)
        for measure, values in sample.metrics(sums).items():
            parts.setdefault(measure, []).append(values)
    return {measure: np.concatenate(values) for measure, values in parts.items()}


def _weights(name: str, units: int, resamples: int) -> np.ndarray:
    """Return how much each unit weighs in each resample, (R, units), mean 1; all 1 for a single unit."""
    if units < 2:
        return np.ones((resamples, units))
    key = hashlib.sha256(f"{name}|{units}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(key[:8], "little"))
    drawn = rng.multinomial(units - 1, np.full(units, 1 / units), size=resamples)
    return drawn * (units / (units - 1))


def _mean_over_spaces(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {measure: np.mean([part[measure] for part in parts], axis=0) for measure in parts[0]}


def _seed_variance(per_seed: np.ndarray) -> tuple[float, float]:
    """Return the variance of the mean over seeds, and its degrees of freedom."""
    if len(per_seed) < 2:
        return 0.0, 0.0
    return float(per_seed.var(ddof=1) / len(per_seed)), len(per_seed) - 1.0


def _pooled(*parts: tuple[float, float]) -> tuple[float, float]:
    """Return the summed variance and its Satterthwaite degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / freedom for variance, freedom in parts if freedom > 0)
    return total, (total**2 / spread if spread > 0 else 0.0)


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
