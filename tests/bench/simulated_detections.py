"""Detections as a table of models would have them, without pictures: what was found, how surely, and what is not there.

Each trajectory shows some categories, several boxes of each. A model finds a box or does not, by its difficulty, and
imagines others, more of them where it finds less; what it finds it mostly, not always, scores higher. Rankings are
counted as :mod:`benchmark.metrics.detection` counts those of real boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from benchmark.metrics.detection import (
    IOU_THRESHOLDS,
    STRETCHES,
    average_precision,
    average_precisions,
    count_stretches,
)
from benchmark.metrics.ratios import mean_of_defined
from benchmark.tasks.detection import LEAST_BOXES

IMAGINED = 1.5  # false detections for every box to be found, where half of the boxes are found
SURER = 0.8  # by how much the score of what is found is above that of what is imagined, in its spread
LARGE = 0.12  # share of the boxes


@dataclass(frozen=True)
class Curves:
    """Precision-recall curves of a measure: the IoU a hit must have, and the share of all boxes it counts."""

    thresholds: tuple[float, ...]
    share: float = 1.0


MEASURES = {
    "ap50": Curves((0.5,)),
    "ap50_large": Curves((0.5,), LARGE),
    "map": Curves(tuple(IOU_THRESHOLDS)),
}


def detection_sums(measure: str, boxes: np.ndarray, logit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the sums of models and runs.

    Args:
        measure: one of :data:`MEASURES`.
        boxes: (T, K) mean number of boxes of each category in each trajectory.
        logit: (M, S, T, K) how easily each is found.

    Returns:
        (M, S, T, K, curves, n + 1, 2) with as few stretches as hold them all; nothing of categories that do not count.
    """
    curves = MEASURES[measure]
    models, seeds, count, categories = logit.shape
    there = rng.poisson(boxes)
    counted = rng.binomial(there, curves.share)
    sums = np.zeros((models, seeds, count, categories, len(curves.thresholds), STRETCHES + 1, 2))
    for k in np.flatnonzero(there.sum(axis=0) >= LEAST_BOXES):
        sums[..., k, :, -1, 0] = counted[:, k, None]
        for model, seed in np.ndindex(models, seeds):
            ranking = _ranking(counted[:, k], curves.share * boxes[:, k], logit[model, seed, :, k], rng)
            sums[model, seed, :, k, :, :-1] = _counted(*ranking, count, curves, int(counted[:, k].sum())).swapaxes(0, 1)
    filled = sums[..., :-1, :].any(axis=(0, 1, 2, 3, 4, 6))
    return sums[..., np.append(filled, True), :]


def average_precision_of_all(
    measure: str, boxes: np.ndarray, logit: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the average precision of each category over all of very many trajectories, (K,).

    Args:
        measure: one of :data:`MEASURES`.
        boxes: (T, K) as above.
        logit: (T, K) of one model.
    """
    curves = MEASURES[measure]
    counted = rng.poisson(curves.share * boxes)
    found = np.empty(boxes.shape[1])
    for k, truths in enumerate(counted.sum(axis=0)):
        iou, _ = _ranking(counted[:, k], curves.share * boxes[:, k], logit[:, k], rng)
        sums = np.zeros((len(curves.thresholds), STRETCHES + 1, 2))
        sums[:, -1, 0] = truths
        sums[:, :-1] = _counted(iou, np.zeros(len(iou), int), 1, curves, int(truths))[:, 0]
        found[k] = average_precision(sums).mean()
    return found


def _ranking(
    there: np.ndarray, boxes: np.ndarray, logit: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return IoU (0 where nothing is) and trajectory of the detections of one category, best first, (n,) each.

    Args:
        there: (T,) boxes to be found.
        boxes: (T,) their mean number, to which false detections are proportional.
        logit: (T,) how easily they are found.
    """
    trajectories = np.arange(len(there))
    found = np.repeat(trajectories, rng.binomial(there, expit(logit)))
    imagined = np.repeat(trajectories, rng.poisson(IMAGINED * boxes * np.exp(-logit / 2)))
    iou = np.concatenate([rng.uniform(0.5, 1.0, len(found)), np.zeros(len(imagined))])
    score = rng.normal(SURER * (iou > 0) + (iou > 0.75), 1.0)
    ranking = np.argsort(-score)
    return iou[ranking], np.concatenate([found, imagined])[ranking]


def _counted(iou: np.ndarray, group: np.ndarray, groups: int, curves: Curves, truths: int) -> np.ndarray:
    """Return hits and false detections, (curves, groups, stretches, 2)."""
    return np.stack([count_stretches(iou > least, group, groups, truths) for least in curves.thresholds])


def score(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean over the categories that have something to be found."""
    return {"score": mean_of_defined(average_precisions(sums).mean(axis=-1))}
