"""Do the intervals keep their word? Simulated tables with a known truth: ``python -m tests.bench.simulated_tables``.

A simulated space has trajectories of unequal length. Scores are ratios of sums over trajectories, as most measures of
the benchmark are: a share of pixels, a mean over frames (CIDEr-D), a geometric mean of shares (BLEU-4), or a mean over
categories of intersection over union where a category shows up in some trajectories only. Average precision is none,
see :mod:`tests.bench.simulated_detections`. Trajectories differ in difficulty (shared by all models), models differ on
top of that from trajectory to trajectory, and training seeds shift a model everywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import expit

from benchmark.metrics.captions import CAPTION_SUMS, LONGEST, caption_metrics
from benchmark.metrics.overlap import mean_iou
from benchmark.statistics import RESAMPLES, Estimate, Sample, bootstrap, rank_intervals
from tests.bench import simulated_detections as detections


@dataclass(frozen=True)
class Design:
    """How a table comes about.

    Attributes:
        trajectories: number in each space.
        measure: ``share``, ``miou``, ``cider_d``, ``bleu_4``, or one of detections.
        shared: spread of difficulty over trajectories, in logits; the same for all models.
        own: spread of one model over trajectories beyond that, shared by its seeds.
        noise: spread of one training run over trajectories beyond that.
        seed_effect: spread of training runs of one model, in logits.
        skill: of the models, in logits: one number a model.
        level: of all models, in logits.
    """

    name: str
    trajectories: tuple[int, ...] = (40,)
    seeds: int = 1
    measure: str = "share"
    shared: float = 0.5
    own: float = 0.2
    noise: float = 0.1
    seed_effect: float = 0.0
    skill: tuple[float, ...] = (0.0, 0.0)
    level: float = 1.0


DESIGNS = (
    Design("share, 40 trajectories, 1 seed"),
    Design("share, 8 trajectories, 1 seed", (8,)),
    Design("share, 40 trajectories, 3 seeds", seeds=3, seed_effect=0.05),
    Design("share, 8 trajectories, 3 seeds", (8,), seeds=3, seed_effect=0.05),
    Design("share, 3 spaces of 16 trajectories, 3 seeds", (16, 16, 16), seeds=3, seed_effect=0.05),
    Design("share, 40 trajectories, 3 seeds that differ a lot", seeds=3, seed_effect=0.3),
    Design("mIoU, 40 trajectories, 1 seed", measure="miou"),
    Design("mIoU, 8 trajectories, 1 seed", (8,), measure="miou"),
    Design("mIoU, 40 trajectories, 3 seeds", measure="miou", seeds=3, seed_effect=0.05),
    Design("mIoU, 8 trajectories, 3 seeds", (8,), measure="miou", seeds=3, seed_effect=0.05),
    Design("mIoU, 3 spaces of 16 trajectories, 3 seeds", (16, 16, 16), measure="miou", seeds=3, seed_effect=0.05),
    Design("CIDEr-D, 16 trajectories, 1 seed", (16,), measure="cider_d"),
    Design("BLEU-4, 16 trajectories, 1 seed", (16,), measure="bleu_4"),
    Design("mAP, 16 trajectories, 1 seed", (16,), measure="map"),
    Design("AP50, 40 trajectories, 1 seed", measure="ap50"),
    Design("AP50, 8 trajectories, 1 seed", (8,), measure="ap50"),
    Design("AP50, 16 trajectories, 3 seeds", (16,), seeds=3, seed_effect=0.05, measure="ap50"),
    Design("AP50 of weak models, 16 trajectories, 1 seed", (16,), measure="ap50", level=-1.5),
    Design("AP50 of weak models, 3 spaces of 16 trajectories", (16, 16, 16), measure="ap50", level=-1.5),
    Design("AP50 of few large boxes, 40 trajectories, 1 seed", measure="ap50_large"),
    Design("AP50 of few large boxes, weak models, 16 traj.", (16,), measure="ap50_large", level=-1.5),
    Design("AP50 of few large boxes, weak models, 80 traj.", (80,), measure="ap50_large", level=-1.5),
)

CATEGORIES = 12
HARDER = np.linspace(0.5, -1.5, CATEGORIES)  # rare categories are the harder ones, in logits
SCATTER = 0.5  # of the difficulty of a category over trajectories
_PRESENT = np.linspace(1.0, 0.25, CATEGORIES)  # share of trajectories that show a category
_PIXELS = np.geomspace(1.0, 0.05, CATEGORIES)  # relative size where it shows up
_MEASURES: dict[str, Callable[[np.ndarray], dict[str, np.ndarray]]] = {
    "share": lambda sums: {"score": sums[..., 0] / sums[..., 1]},
    "miou": lambda sums: {"score": mean_iou(sums)},
    "cider_d": lambda sums: {"score": caption_metrics(sums)["cider_d"]},
    "bleu_4": lambda sums: {"score": caption_metrics(sums)["bleu_4"]},
    **dict.fromkeys(detections.MEASURES, detections.score),
}
_BOXES = 1.5  # of a category in a frame, where its relative size is 1
_GRAMS = np.array([0.5, -0.5, -1.5, -2.5])  # longer runs of words are the harder ones, in logits
_BREVITY = 0.9  # words of a caption for each of a reference


def draw(design: Design, rng: np.random.Generator) -> list[list[Sample]]:
    """Return samples of one table: model → space."""
    models = len(design.skill)
    runs = rng.normal(0, design.seed_effect, (models, design.seeds, 1)) + np.array(design.skill)[:, None, None]
    table: list[list[Sample]] = [[] for _ in range(models)]
    for number, count in enumerate(design.trajectories):
        sums = _sums(design, runs, count, rng)
        for model in range(models):
            seeds = tuple(range(design.seeds))
            table[model].append(Sample(f"simulated/{number}", seeds, sums[model], _MEASURES[design.measure]))
    return table


def _sums(design: Design, runs: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return sums of models and seeds in one space of ``count`` trajectories, (M, S, T, ...)."""
    models, seeds = runs.shape[:2]
    difficulty = rng.normal(0, design.shared, (1, 1, count)) + rng.normal(0, design.own, (models, 1, count))
    logit = design.level + runs + difficulty + rng.normal(0, design.noise, (models, seeds, count))
    frames = rng.integers(2, 13, count)
    if design.measure == "share":
        pixels = 1000.0 * frames
        return np.stack([expit(logit) * pixels, np.broadcast_to(pixels, logit.shape)], axis=-1)
    if design.measure in ("cider_d", "bleu_4"):
        return _caption_sums(logit, frames)
    amount = _amount(frames, rng)
    scatter = rng.normal(0, SCATTER, (count, CATEGORIES))
    if design.measure in detections.MEASURES:
        return detections.detection_sums(design.measure, _BOXES * amount, logit[..., None] + HARDER + scatter, rng)
    truth = 1000.0 * amount
    right = expit(logit[..., None] + HARDER + scatter) * truth
    predicted = right + (1 - expit(logit[..., None] + HARDER)) * truth
    return np.stack([right, np.broadcast_to(truth, right.shape), predicted], axis=-2)


def _amount(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how much of each category the trajectories show, relative to a frame of the most frequent, (T, K)."""
    shape = (len(frames), CATEGORIES)
    present = rng.uniform(size=shape) < _PRESENT
    return np.asarray(frames[:, None] * present * _PIXELS * rng.lognormal(0, 0.7, shape))


def _caption_sums(logit: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return sums of captions of ten words, the better the higher the logit, (..., T, 12)."""
    sums = np.zeros((*logit.shape, len(CAPTION_SUMS)))
    words = 10.0 * frames
    sums[..., 0], sums[..., 1], sums[..., 3] = frames, frames * np.exp(logit), words / _BREVITY
    sums[..., 4 : 4 + LONGEST] = words[:, None]
    sums[..., 4 + LONGEST :] = words[:, None] * expit(logit[..., None] + _GRAMS)
    return sums


@lru_cache
def truths(design: Design) -> np.ndarray:
    """Return the score of each model and category over ever more trajectories and training runs, (M, C).

    Exactly, but for detections: there it is that of 20,000 trajectories and the mean run, with models of equal skill.
    """
    if design.measure in detections.MEASURES:
        if any(design.skill):
            raise ValueError("the truth of detections is known for models of equal skill only")
        rng = np.random.default_rng(0)
        boxes = _BOXES * _amount(rng.integers(2, 13, 20_000), rng)
        spread = np.hypot(np.hypot(design.shared, design.own), design.noise)
        logit = design.level + rng.normal(0, spread, (len(boxes), 1)) + HARDER + rng.normal(0, SCATTER, boxes.shape)
        return np.tile(detections.average_precision_of_all(design.measure, boxes, logit, rng), (len(design.skill), 1))
    difficulty = np.hypot(np.hypot(design.shared, design.own), design.noise)
    runs, weights = _normal(design.seed_effect)
    logit = design.level + np.array(design.skill)[:, None, None] + runs[:, None]  # model, run, category
    if design.measure == "share":
        of_runs = _mean_expit(logit, difficulty)
    elif design.measure == "cider_d":
        of_runs = np.exp(logit + difficulty**2 / 2)
    elif design.measure == "bleu_4":
        matched = _mean_expit(logit + _GRAMS, difficulty)
        of_runs = matched.prod(axis=2, keepdims=True) ** (1 / LONGEST) * np.exp(1 - 1 / _BREVITY)
    else:
        harder = logit + HARDER
        of_runs = _mean_expit(harder, np.hypot(difficulty, SCATTER)) / (2 - _mean_expit(harder, difficulty))
    return np.asarray((of_runs * weights[:, None]).sum(axis=1))


def _normal(spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values and weights that stand for a normal distribution about 0 (Gauss-Hermite quadrature)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return spread * nodes, weights / weights.sum()


def _mean_expit(mean: np.ndarray, spread: float) -> np.ndarray:
    nodes, weights = _normal(spread)
    return np.asarray((expit(np.asarray(mean)[..., None] + nodes) * weights).sum(axis=-1))


@dataclass(frozen=True)
class Kept:
    """How often intervals hold the truth, as shares; errors of these are about √(p (1 − p) / repetitions)."""

    score: float
    difference: float
    rejected: float
    rejected_unpaired: float
    ranks: float


def simulate(design: Design, repetitions: int, resamples: int = RESAMPLES, seed: int = 1) -> Kept:
    """Count in how many tables the intervals of the first model's score and difference and all ranks hold the truth."""
    rng = np.random.default_rng(seed)
    true = truths(design)
    counts = np.zeros(5)
    for _ in range(repetitions):
        table = draw(design, rng)
        known = np.mean([true[:, shown].mean(axis=1) for shown in _shown(table[0])], axis=0)
        estimates = [bootstrap(samples, resamples)["score"] for samples in table]
        one, two = estimates[:2]
        difference = one - two
        right = (known[:, None] > known).sum(axis=0) + 1, len(known) - (known[:, None] < known).sum(axis=0)
        ranks = np.array(rank_intervals(estimates))
        counts += [
            _holds(one, known[0]),
            _holds(difference, known[0] - known[1]),
            not _holds(difference, 0.0),
            unpaired_rejects(one, two),
            bool((ranks[:, 0] <= right[0]).all() and (right[1] <= ranks[:, 1]).all()),
        ]
    return Kept(*(counts / repetitions))


def _shown(samples: Sequence[Sample]) -> list[np.ndarray]:
    """Return which categories show up in each space: the scope is fixed on what was sampled, as the benchmark does."""
    totals = [sample.sums[0].sum(axis=0) for sample in samples]
    if samples[0].metrics is _MEASURES["miou"]:
        return [total[1] > 0 for total in totals]
    if samples[0].metrics is detections.score:
        return [total[:, 0, -1, 0] > 0 for total in totals]
    return [np.ones(1, bool) for _ in totals]


def unpaired_rejects(one: Estimate, two: Estimate) -> bool:
    """Tell whether a test that does not know that trajectories are the same finds a difference."""
    error = np.hypot(one.draws.std() * one.stretch, two.draws.std() * two.stretch)
    return bool(abs(one.value - two.value) > 1.959964 * error)


def _holds(estimate: Estimate, truth: float) -> bool:
    low, high = estimate.interval
    return bool(low <= truth <= high)


def main() -> None:
    """Print coverage for every design, and the power of paired and unpaired tests for a growing difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    print(f"Share of {repetitions:,} simulated tables whose 95 % interval holds the truth")
    print(f"{'design':<52} {'score':>7} {'difference':>11} {'ranks':>7}")
    for design in DESIGNS:
        kept = simulate(design, repetitions)
        print(f"{design.name:<52} {kept.score:7.1%} {kept.difference:11.1%} {kept.ranks:7.1%}", flush=True)
    print("\nShare of tables in which a difference in skill is found (share, 40 trajectories, 3 seeds)")
    print(f"{'difference in logits':<22} {'true difference':>16} {'paired':>8} {'unpaired':>9}")
    for step in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        design = Design("power", seeds=3, seed_effect=0.05, skill=(step, 0.0))
        kept, true = simulate(design, repetitions), truths(design)
        print(
            f"{step:<22} {float(true[0, 0] - true[1, 0]):16.4f} {kept.rejected:8.1%} {kept.rejected_unpaired:9.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
