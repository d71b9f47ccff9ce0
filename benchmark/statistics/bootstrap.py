"""How far a score can be trusted: a cluster bootstrap over trajectories, crossed with seeds.

Frames of one trajectory are near-copies, so the trajectory is what is resampled, within each space. The
spaces stay as they are: every interval is conditional on them. Where a model was trained with several seeds
these are resampled too, the same in every space. Each resample recomputes the metric from the resampled sums.

Four departures from the plain percentile bootstrap, all because the numbers of clusters are small:

- n − 1 of n units are drawn (Rao and Wu 1988), which makes the variance unbiased; drawing n of three seeds
  would understate it by a third.
- Deviations from the estimate are stretched by t/z at Satterthwaite's degrees of freedom, as for a mean of so
  few units (Hesterberg 2015, "What Teachers Should Know About the Bootstrap").
- Where leaving out single trajectories moves a score by more than the resamples say (a category that few of them
  show weighs as much in mIoU as any other), deviations are widened to the jackknife's standard error, which errs on
  the safe side (MacKinnon, Nielsen and Webb 2023, "Cluster-robust inference").
- A score that is no ratio of sums has a bias: average precision takes the best precision from each recall on, so it is
  too high where the ranking is short, and higher still in resamples of it. As far as resamples lie above the estimate,
  so far, about, the estimate lies above the truth: intervals are moved by twice that (Efron and Tibshirani 1993, "An
  Introduction to the Bootstrap", chapter 10), to the estimate and beyond it. The score itself stays what it is, and its
  interval holds it.

Simulated tables say how well that works (``python -m tests.bench.simulated_tables``).

Draws depend on the space, its number of trajectories and the seeds only, never on the model: resample i is
the same for all models of a table, and differences are paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

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
        fixed: (R,) the same with the seeds as they are: what the trajectories alone do.
        influence: space → (T,) what leaving out a trajectory does to ``value``, less the mean of that, scaled so that
            the squares add up to the jackknife's variance.
        seed_variance: variance of ``value`` that the seeds account for; 0 with one seed.
        seed_freedom: degrees of freedom behind ``seed_variance``.
        trajectory_freedom: number of trajectories less the number of spaces.
    """

    value: float
    per_seed: np.ndarray
    seeds: tuple[int, ...]
    draws: np.ndarray
    fixed: np.ndarray
    influence: Mapping[str, np.ndarray]
    seed_variance: float
    seed_freedom: float
    trajectory_freedom: float

    @cached_property
    def known(self) -> bool:
        """Whether there is an interval: something was resampled, and every resample has a score."""
        return bool(self.freedom > 0 and np.isfinite(self.draws).all())

    @cached_property
    def bias(self) -> float:
        """Return by how much resamples lie above the estimate in the mean; seeds, which are averaged, add none."""
        return float(self.fixed.mean() - self.value)

    @cached_property
    def deviations(self) -> np.ndarray:
        """Return deviations from the mean of the resamples, (R,), those by trajectories as wide as the jackknife's."""
        jackknife = sum(float((influence**2).sum()) for influence in self.influence.values())
        resampled = float(self.fixed.var())
        deviations = self.draws - self.draws.mean()
        if not 0 < resampled < jackknife < np.inf:  # also where one of them is undefined
            return deviations
        return deviations + (np.sqrt(jackknife / resampled) - 1) * (self.fixed - self.fixed.mean())

    @cached_property
    def freedom(self) -> float:
        """Return Satterthwaite's degrees of freedom of the variance over resamples."""
        total = float(self.deviations.var())
        seeds = min(self.seed_variance, total)
        terms = ((seeds, self.seed_freedom), (total - seeds, self.trajectory_freedom))
        spread = sum(variance**2 / freedom for variance, freedom in terms if freedom > 0)
        return total**2 / spread if spread > 0 else 0.0

    @property
    def stretch(self) -> float:
        """Return by how much deviations are stretched for the small number of units; 1 where nothing was resampled."""
        freedom, tail = self.freedom, (1 + LEVEL) / 2
        return float(stdtrit(max(freedom, 1.0), tail) / ndtri(tail)) if freedom > 0 else 1.0

    @cached_property
    def corrected(self) -> np.ndarray:
        """Return the resamples with deviations widened and stretched about the score less its bias, (R,).

        The score stays within their central 95 %: where the bias is larger than that, it is anything but known.
        """
        deviations = self.stretch * self.deviations
        low, high = interval(deviations)
        return self.value - float(np.clip(self.bias, low, high)) + deviations

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval, or (NaN, NaN) where nothing could be resampled."""
        return interval(self.corrected) if self.known else (float("nan"), float("nan"))

    @property
    def p_value(self) -> float:
        """Return the two-sided bootstrap p of a score of 0, above 1 / R; 1 where nothing was resampled."""
        if not self.known:
            return 1.0
        draws = self.corrected
        tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
        return min(1.0, 2 * (tail + 1) / (len(draws) + 1))

    def __neg__(self) -> Estimate:
        """Return the estimate of the score with its sign turned."""
        return replace(
            self,
            value=-self.value,
            per_seed=-self.per_seed,
            draws=-self.draws,
            fixed=-self.fixed,
            influence={space: -influence for space, influence in self.influence.items()},
        )

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
            fixed=self.fixed - other.fixed,
            influence=_added(self.influence, {space: -moved for space, moved in other.influence.items()}),
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
    influence = [_influence(sample, len(samples)) for sample in samples]
    seed_weights = resample_weights(f"seeds {seeds}", len(seeds), resamples)
    trajectories = {sample.space: sample.sums.shape[1] for sample in samples}  # a space may come again
    freedom = float(sum(count - 1 for count in trajectories.values()))
    estimates = {}
    for measure, values in per_seed.items():
        seed_variance, seed_freedom = _seed_variance(values)
        estimates[measure] = Estimate(
            value=float(values.mean()),
            per_seed=values,
            seeds=seeds,
            draws=(resampled[measure] * seed_weights).mean(axis=1),
            fixed=resampled[measure].mean(axis=1),
            influence=_added(*(moved[measure] for moved in influence)),
            seed_variance=seed_variance,
            seed_freedom=seed_freedom,
            trajectory_freedom=freedom,
        )
    return estimates


def mean_estimate(parts: Sequence[Estimate]) -> Estimate:
    """Return the mean of scores of one model in one space each: what :func:`bootstrap` gives for the spaces together.

    A space may come again: its trajectories were resampled alike wherever it does.

    Raises:
        ValueError: no score, or scores with different seeds.
    """
    if not parts or any(part.seeds != parts[0].seeds for part in parts):
        raise ValueError("a mean needs at least one score, and the same seeds in each")
    per_seed = np.mean([part.per_seed for part in parts], axis=0)
    influence = _added(*({space: moved / len(parts) for space, moved in part.influence.items()} for part in parts))
    seed_variance, seed_freedom = _seed_variance(per_seed)
    return Estimate(
        value=float(per_seed.mean()),
        per_seed=per_seed,
        seeds=parts[0].seeds,
        draws=np.mean([part.draws for part in parts], axis=0),
        fixed=np.mean([part.fixed for part in parts], axis=0),
        influence=influence,
        seed_variance=seed_variance,
        seed_freedom=seed_freedom,
        trajectory_freedom=float(sum(len(moved) - 1 for moved in influence.values())),
    )


def interval(draws: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resamples (R,)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resample(sample: Sample, resamples: int) -> dict[str, np.ndarray]:
    """Return each measure of each resample and seed, (R, S)."""
    seeds, trajectories = sample.sums.shape[:2]
    shape = sample.sums.shape[2:]
    flat = np.moveaxis(sample.sums, 1, 0).reshape(trajectories, seeds * int(np.prod(shape))).astype(np.float64)
    weights = resample_weights(sample.space, trajectories, resamples)
    chunk = max(1, _CHUNK_BYTES // (8 * 4 * max(1, flat.shape[1])))  # metrics hold a few arrays of this size
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, chunk):
        drawn = weights[start : start + chunk]
        sums = (drawn @ flat).reshape(len(drawn), seeds, *shape)  # sums may be of size 0: nothing is scored
        for measure, values in sample.metrics(sums).items():
            parts.setdefault(measure, []).append(values)
    return {measure: np.concatenate(values) for measure, values in parts.items()}


def _influence(sample: Sample, spaces: int) -> dict[str, dict[str, np.ndarray]]:
    """Return measure → space → how each trajectory moves the mean over so many spaces, see :class:`Estimate`."""
    count = sample.sums.shape[1]
    others = sample.sums.sum(axis=1, keepdims=True) - sample.sums if count > 1 else sample.sums
    moved = {}
    for measure, values in sample.metrics(np.moveaxis(others, 1, 0)).items():
        without = values.mean(axis=1)
        deviation = without - without.mean() if count > 1 else np.zeros(count)
        moved[measure] = {sample.space: np.sqrt((count - 1) / count) * deviation / spaces}
    return moved


def _added(*parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the sum of influences; spaces that are in one part only stay as they are."""
    spaces = dict.fromkeys(space for part in parts for space in part)
    return {space: np.sum([part[space] for part in parts if space in part], axis=0) for space in spaces}


@lru_cache(maxsize=64)
def resample_weights(name: str, units: int, resamples: int) -> np.ndarray:
    """Return how much each unit weighs in each resample, (R, units), mean 1; all 1 for a single unit.

    All models of a table share these, so they are drawn once; read-only.
    """
    weights = np.ones((resamples, units))
    if units > 1:
        key = hashlib.sha256(f"{name}|{units}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(key[:8], "little"))
        weights *= rng.multinomial(units - 1, np.full(units, 1 / units), size=resamples)
        weights *= units / (units - 1)
    weights.flags.writeable = False
    return weights


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
