"""Detection: where the things are that a frame shows, a box and a category each, from RGB alone. A box is drawn around
the visible pixels of an instance. It is ignored, neither hit nor miss, with less than 0.1 % of the frame's pixels, a
side below 4 pixels, or less than a fifth of its area being that instance (:mod:`benchmark.instance_boxes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from baselines.heads import HeadSpec
from benchmark.box_pictures import draw_boxes
from benchmark.boxes import Boxes, TrueBoxes
from benchmark.forms.box_list import BoxList
from benchmark.instance_boxes import instance_boxes
from benchmark.metrics.detection import (
    IOU_THRESHOLDS,
    LARGE_FROM,
    MEDIUM_FROM,
    SUMS,
    average_precisions,
    detection_sums,
)
from benchmark.metrics.ratios import mean_of_defined
from benchmark.tasks import Measure, Scope, Statistics
from sim_envs.taxonomy import NYU40, Taxonomy

if TYPE_CHECKING:
    from sim_envs.recordings.reader import Recording

NO_THINGS = ("wall", "floor", "ceiling", "otherstructure", "otherfurniture", "otherprop")
"""Categories without boxes: a building is not countable, and an "other" has no look that could be learnt."""

LEAST_BOXES = 10
"""A category counts in a space when it has at least so many boxes there: the precision over a handful is luck, and
would weigh as much in the mean as that over all chairs."""

MOST_BOXES = 100
"""Boxes a prediction may have in a frame, as in COCO."""

SKETCHED_BOXES = 10
"""In a picture of a prediction whose truth is not known, at most."""

FRAMES_AT_ONCE = 256
"""Maps are opened for so many frames at a time: boxes of any number of frames fit in memory, their maps do not."""

_SIZES = {
    "small": f"below {100 * MEDIUM_FROM:g} %",
    "medium": f"from {100 * MEDIUM_FROM:g} to {100 * LARGE_FROM:g} %",
    "large": f"from {100 * LARGE_FROM:g} %",
}


def _percent(key: str, label: str, meaning: str) -> Measure:
    return Measure(key, label, True, 100, 1, "%", meaning)


@dataclass(frozen=True)
class Detection:
    """Scored by COCO's mAP over the categories that the space shows and transfer training could have taught."""

    taxonomy: Taxonomy = NYU40
    no_things: tuple[str, ...] = NO_THINGS
    name: str = "detection"
    version: int = 1
    truth_version: int = 1
    needs: tuple[str, ...] = ("semantic", "instance")
    category_unit: str = "boxes"
    measures: tuple[Measure, ...] = (
        _percent(
            "map", "mAP", "mean average precision over the scored categories and IoU thresholds 0.50, 0.55 … 0.95"
        ),
        _percent("ap50", "AP50", "mean average precision at IoU 0.5"),
        _percent("ap75", "AP75", "mean average precision at IoU 0.75"),
        *(
            _percent(f"ap50_{size}", f"AP50 {size}", f"mean average precision at IoU 0.5 of boxes {area} of the frame")
            for size, area in _SIZES.items()
        ),
    )
    display_note: str = (
        "Truth: every box that counts. Prediction: the best boxes, as many as are to be found, and how many are found "
        "at IoU 0.5. An ignored box is thin."
    )

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Names of the evaluation ids 1…K: the taxonomy's without ``no_things``."""
        return tuple(name for name in self.taxonomy.categories if name not in self.no_things)

    @property
    def form(self) -> BoxList:
        """Boxes with a category and a score."""
        return BoxList(len(self.categories), MOST_BOXES)

    @property
    def sum_shape(self) -> tuple[int, ...]:
        """See :data:`~benchmark.metrics.detection.SUMS`."""
        return (len(self.categories), *SUMS)

    def head(self) -> HeadSpec:
        """Ask for boxes; channel c scores evaluation id c + 1."""
        return HeadSpec("boxes", len(self.categories))

    def targets(self, recording: Recording, rows: np.ndarray) -> TrueBoxes:
        """Return the boxes of the instances in view."""
        ids = self.taxonomy.lookup(recording.meta.categories)
        things = np.array(
            [0, *(self.categories.index(n) + 1 if n in self.categories else 0 for n in self.taxonomy.categories)],
            np.uint8,
        )
        parts = []
        for start in range(0, len(rows), FRAMES_AT_ONCE):
            some = rows[start : start + FRAMES_AT_ONCE]
            semantic = np.asarray(recording.array("semantic")[some])
            labelled = np.asarray((semantic > 0).any(axis=(1, 2)))
            parts.append(instance_boxes(recording.array("instance")[some], things[ids][semantic], labelled))
        return TrueBoxes.concatenate(parts)

    def has_truth(self, target: TrueBoxes) -> np.ndarray:
        """Return which frames are labelled; one without any box can still be spoilt by false ones."""
        return target.labelled

    def encode_prediction(self, output: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Boxes:
        """Keep the boxes of the head that have a score and an area.

        Args:
            output: (B, n, 4) boxes, (B, n) evaluation ids and (B, n) scores, 0 where there is no box.
        """
        box, category, score = (np.asarray(values) for values in output)
        real = (score > 0) & (box[..., 2:] > box[..., :2]).all(axis=-1)
        return Boxes(
            real.sum(axis=1).astype(np.int64),
            box[real].astype(np.float32),
            category[real].astype(np.uint8),
            score[real].astype(np.float32),
        )

    def conclude(self, encoded: Boxes, rows: np.ndarray, trajectory: np.ndarray) -> Boxes:
        """Return the boxes as they are."""
        return encoded

    def statistics(self, prediction: Boxes, target: TrueBoxes, trajectory: np.ndarray) -> Statistics:
        """Count matched and false boxes per trajectory; of *all* frames of a space, whose ranking is one."""
        ids, group = np.unique(trajectory, return_inverse=True)
        known = target.labelled
        return Statistics(
            trajectory=ids.astype(np.int64),
            frames=np.bincount(group[known], minlength=len(ids)).astype(np.int64),
            sums=detection_sums(prediction[known], target[known], group[known], len(ids), len(self.categories)),
        )

    def seen(self, targets: Iterable[TrueBoxes]) -> tuple[int, ...]:
        """Return the evaluation ids that have a box that is not ignored, ascending."""
        counts = sum((self.count_categories(target) for target in targets), np.zeros(len(self.categories), np.int64))
        return tuple(int(i) + 1 for i in np.flatnonzero(counts))

    def count_categories(self, target: TrueBoxes) -> np.ndarray:
        """Return the number of boxes to be found of each category, (K,)."""
        return np.bincount(target.category[~target.ignored], minlength=len(self.categories) + 1)[1:]

    def scope(self, total: np.ndarray, seen: tuple[int, ...]) -> Scope:
        """Score what the space shows (``LEAST_BOXES``) and what transfer training has seen."""
        boxes = self.category_truth(total)
        return Scope.of_categories(
            self.categories, boxes, seen, boxes >= LEAST_BOXES, f"fewer than {LEAST_BOXES} boxes"
        )

    def lacking(self, categories: Sequence[str]) -> tuple[str, ...]:
        """Return the evaluation categories that no source category of a space means."""
        return tuple(name for name in self.taxonomy.lacking(categories) if name in self.categories)

    def reduced(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the counts of the scored categories, (..., categories, curves, n + 1, 2).

        Of each ranking only the stretches with anything in them are kept, in their order; n is the most of any.
        Where no category is scored there is one with nothing to be found.
        """
        scored = sums[..., np.asarray(scope.scored, int) - 1, :, :, :]
        if not scope.scored:
            scored = np.zeros_like(sums[..., :1, :, :, :])
        stretches, truths = scored[..., :-1, :], scored[..., -1:, :]
        needed = stretches.any(axis=(*range(scored.ndim - 4), -1))
        order = np.argsort(~needed, axis=-1, kind="stable")[..., : needed.sum(axis=-1).max(initial=0)]
        kept = np.take_along_axis(stretches, order.reshape(*[1] * (scored.ndim - 4), *order.shape, 1), axis=-2)
        return np.concatenate([kept, truths], axis=-2)

    def reduced_metrics(self, reduced: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure, (..., categories, curves, stretches + 1, 2) → (...,)."""
        precision = average_precisions(reduced)
        thresholds = len(IOU_THRESHOLDS)
        at = {f"ap50_{size}": thresholds + i for i, size in enumerate(_SIZES)} | {"ap50": 0, "ap75": 5}
        return {
            "map": mean_of_defined(precision[..., :thresholds].mean(axis=-1)),
            **{key: mean_of_defined(precision[..., curve]) for key, curve in at.items()},
        }

    def metrics(self, sums: np.ndarray, scope: Scope) -> dict[str, np.ndarray]:
        """Return every measure, (..., *sum_shape) → (...,)."""
        return self.reduced_metrics(self.reduced(sums, scope))

    def per_category(self, sums: np.ndarray, scope: Scope) -> np.ndarray:
        """Return the average precision of each category, mean over the IoU thresholds, (..., K)."""
        found = np.full((*sums.shape[:-4], len(self.categories)), np.nan)
        precision = average_precisions(self.reduced(sums, scope))[..., : len(IOU_THRESHOLDS)].mean(axis=-1)
        found[..., np.asarray(scope.scored, int) - 1] = precision[..., : len(scope.scored)]
        return found

    def category_truth(self, total: np.ndarray) -> np.ndarray:
        """Return the number of boxes to be found of each category, (K,)."""
        return np.asarray(total[:, 0, -1, 0])

    def display(self, values: Boxes | TrueBoxes, target: TrueBoxes, rgb: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Draw the boxes that count, or the best of a prediction, on the frame, with the names of their categories."""
        names = ("", *self.categories)
        if isinstance(values, TrueBoxes):
            return draw_boxes(rgb, values.box, values.category, names, colours, thin=values.ignored)
        best = _best(values, target)
        return draw_boxes(rgb, best.box, best.category, names, colours, thin=np.zeros(len(best.box), bool))

    def sketch(self, values: Boxes, row: int, views: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Draw those boxes on the frame that are at least half as sure as the surest: how many are true is unknown."""
        best = np.argsort(-values.score, kind="stable")[:SKETCHED_BOXES]
        best = best[values.score[best] >= values.score.max(initial=0) / 2]
        box, category = values.box[best], values.category[best]
        return draw_boxes(views[row], box, category, ("", *self.categories), colours, thin=np.zeros(len(best), bool))

    def in_words(self, prediction: Boxes, target: TrueBoxes) -> str:
        """Say how many of the boxes to be found the best boxes find, as many as are to be found."""
        wanted = int((~target.ignored).sum())
        if not wanted:
            return "nothing to be found"
        best = _best(prediction, target)
        sums = detection_sums(best, target, np.zeros(1, int), 1, len(self.categories))
        return f"{int(sums[0, :, 0, :-1, 0].sum())} of {wanted} found"


def _best(prediction: Boxes, target: TrueBoxes) -> Boxes:
    """Return the boxes of one frame with the highest scores, as many as are to be found."""
    order = np.argsort(-prediction.score, kind="stable")[: int((~target.ignored).sum())]
    return Boxes(np.array([len(order)]), prediction.box[order], prediction.category[order], prediction.score[order])


DETECTION = Detection()
