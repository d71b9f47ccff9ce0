"""Average precision of boxes as COCO defines it: what was matched, ranked and interpolated, in sums that add up.

Everything here reproduces ``pycocotools.cocoeval`` (Lin et al., "Microsoft COCO", ECCV 2014), to the order of equal
scores and the floating-point thresholds of recall. Average precision is not linear in anything, but it depends on
little: how many true and false detections lie between the places of the ranking where the interpolated precision
steps down. :func:`detection_sums` counts those, trajectory by trajectory, in at most ``STRETCHES`` stretches of
each category's ranking, so that

- the sum over all trajectories gives exactly the average precision of the whole, whatever the scores are;
- a weighted sum, as the bootstrap takes it, gives that of the weighted trajectories: exactly where fewer than 100
  boxes are to be found, otherwise with steps only where the whole has them. Between two steps false detections count
  as if they came first, so it is never too high.

A ranking is that of the frames which are counted together, those of one space. Stretches have the numbers of recall
thresholds, so that adding the sums of several spaces pools their rankings at equal recall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.boxes import Boxes, TrueBoxes
from benchmark.metrics.ratios import ratio

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MEDIUM_FROM, LARGE_FROM = 0.01, 0.09
"""Shares of the frame's area. COCO's 32² and 96² are for photographs of 640 pixels and would call nearly everything
in a frame of 64 pixels small; a tenth and three tenths of a square frame's side split what is seen in a room."""

STRETCHES = len(RECALLS) + 1
"""One a recall threshold, at which a ranking steps down at most once, and one for what lies beyond the last."""

CURVES = len(IOU_THRESHOLDS) + 3
"""Precision-recall curves of a category: all boxes at each threshold, then small, medium and large at IoU 0.5."""

SUMS = (CURVES, STRETCHES + 1, 2)
"""Of one category: hits and false detections in each stretch, best first; in the last row the boxes to be found, 0."""


@dataclass(frozen=True)
class _Curve:
    """Which detections and truths a curve counts: IoU from ``iou``, areas from ``least`` to ``most`` pixels."""

    iou: float
    least: float
    most: float


def detection_sums(prediction: Boxes, truth: TrueBoxes, group: np.ndarray, groups: int, categories: int) -> np.ndarray:
    """Match predictions to truth and count them per group of frames.

    Args:
        prediction: at most 100 boxes a frame, as COCO takes.
        truth: of the same frames, all of them labelled.
        group: (N,) index 0…groups − 1 of each frame.
        categories: evaluation ids run from 1 to this.

    Returns:
        (groups, categories, *SUMS) int64.
    """
    sums = np.zeros((groups, categories, *SUMS), np.int64)
    curves = _curves(truth.height, truth.width)
    by_category = _by_category(prediction.category, categories)
    truths_by_category = _by_category(truth.category, categories)
    predicted_in, true_in = prediction.frame, truth.frame
    for index in range(categories):
        found, there = by_category[index], truths_by_category[index]
        if not len(there):
            continue
        boxes, ignored = truth.box[there].astype(np.float64), truth.ignored[there]
        outside = _outside(boxes, curves) | ignored
        counted_group = group[true_in[there]]
        for c in range(len(curves)):
            sums[:, index, c, -1, 0] = np.bincount(counted_group[~outside[c]], minlength=groups)
        # COCO goes through the images in order and through each image by score; both sorts are stable.
        found = found[np.lexsort((-prediction.score[found], predicted_in[found]))]
        said = prediction.box[found].astype(np.float64)
        hit, skipped = _match(said, predicted_in[found], boxes, true_in[there], outside, curves)
        skipped |= ~hit & _outside(said, curves)
        ranking = np.argsort(-prediction.score[found], kind="stable")
        ranked_group = group[predicted_in[found]][ranking]
        for c in range(len(curves)):
            kept = ~skipped[c, ranking]
            truths = int(sums[:, index, c, -1, 0].sum())
            sums[:, index, c, :-1] = count_stretches(hit[c, ranking][kept], ranked_group[kept], groups, truths)
    return sums


def count_stretches(hit: np.ndarray, group: np.ndarray, groups: int, truths: int) -> np.ndarray:
    """Count the detections of one ranking in each stretch, group by group.

    Args:
        hit: (n,) bool, best first.
        group: (n,) index 0…groups − 1.
        truths: to be found by the whole ranking.

    Returns:
        (groups, stretches, 2) int64: hits and false detections.
    """
    stretch = _stretches(hit, truths)
    used = stretch < STRETCHES
    counts = np.zeros((groups, STRETCHES, 2), np.int64)
    np.add.at(counts, (group[used], stretch[used], np.where(hit[used], 0, 1)), 1)
    return counts


def average_precision(sums: np.ndarray) -> np.ndarray:
    """Return the interpolated precision, averaged over 101 recalls.

    Args:
        sums: (..., stretches + 1, 2) as :data:`SUMS`; there may be fewer stretches.

    Returns:
        (...,) float64; NaN where there is nothing to be found.
    """
    hits = np.cumsum(sums[..., :-1, 0], axis=-1, dtype=np.float64)
    said = np.cumsum(sums[..., :-1, 1], axis=-1, dtype=np.float64)
    said += hits
    precision = np.divide(hits, np.maximum(said, 1e-300, out=said), out=said)
    backwards = precision[..., ::-1]
    np.maximum.accumulate(backwards, axis=-1, out=backwards)
    truths = np.asarray(sums[..., -1, 0], np.float64)
    hits /= np.where(truths > 0, truths, 1.0)[..., None]
    passed = _recalls_passed(hits)
    # Between two stretches as many thresholds lie as their numbers differ by: the sum over them, by parts.
    total = np.einsum("...i,...i->...", passed, precision) - np.einsum(
        "...i,...i->...", passed[..., :-1], precision[..., 1:]
    )
    return ratio(total, np.where(truths > 0, float(len(RECALLS)), 0.0))


def average_precisions(sums: np.ndarray) -> np.ndarray:
    """Return :func:`average_precision` of many rankings whose stretches are filled from the front.

    Most rankings are far shorter than the longest: those of like length are taken together, without the zeros behind
    them. This is what makes resampling affordable.

    Args:
        sums: (..., categories, curves, n + 1, 2).

    Returns:
        (..., categories, curves) float64.
    """
    longest = sums.shape[-2] - 1
    rankings = sums.reshape(-1, sums.shape[-4] * sums.shape[-3], longest + 1, 2)
    filled = rankings.sum(axis=0)[:, :-1].any(axis=-1)
    length = (filled * np.arange(1, longest + 1)).max(axis=-1, initial=0)
    precision = np.empty(rankings.shape[:2])
    above = -1
    for limit in (0, 2, 4, 8, 16, 32, 64, longest):
        chosen = np.flatnonzero((length > above) & (length <= limit))
        if len(chosen):
            stretches = rankings[:, chosen, : min(limit, longest)]
            precision[:, chosen] = average_precision(np.concatenate([stretches, rankings[:, chosen, -1:]], axis=2))
        above = limit
    return precision.reshape(sums.shape[:-2])


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return (n, m) float64 of (n, 4) and (m, 4) boxes, computed as pycocotools does."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=2)
    union = _areas(first)[:, None] + _areas(second)[None] - inner
    return np.divide(inner, union, out=np.zeros_like(inner), where=inner > 0)


def _recalls_passed(recall: np.ndarray) -> np.ndarray:
    """Return how many of the 101 thresholds are not above each recall, (...,) float64."""
    nearest = (recall * 100 + 0.5).astype(np.int32)
    passed = np.take(RECALLS, nearest, mode="clip") <= recall
    return np.add(nearest, passed, dtype=np.float64)


def _curves(height: int, width: int) -> list[_Curve]:
    medium, large = MEDIUM_FROM * height * width, LARGE_FROM * height * width
    return [
        *(_Curve(float(iou), 0.0, np.inf) for iou in IOU_THRESHOLDS),
        *(_Curve(0.5, *area) for area in ((0.0, medium), (medium, large), (large, np.inf))),
    ]


def _by_category(category: np.ndarray, categories: int) -> list[np.ndarray]:
    """Return the numbers of the boxes of each category, ascending."""
    order = np.argsort(category, kind="stable")
    return np.split(order, np.searchsorted(category[order], np.arange(1, categories + 1)))[1:]


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _outside(boxes: np.ndarray, curves: list[_Curve]) -> np.ndarray:
    """Return which boxes a curve does not count for their size, (C, n) bool."""
    areas = _areas(boxes)
    return np.stack([(areas < curve.least) | (areas > curve.most) for curve in curves])


def _match(
    said: np.ndarray,
    said_in: np.ndarray,
    true: np.ndarray,
    true_in: np.ndarray,
    ignored: np.ndarray,
    curves: list[_Curve],
) -> tuple[np.ndarray, np.ndarray]:
    """Match the detections of one category, the best of a frame first, each to the truth it overlaps most.

    Args:
        said: (n, 4), ordered by frame, then by score.
        said_in: (n,) their frames.
        true: (m, 4), ordered by frame.
        true_in: (m,) their frames.
        ignored: (C, m) bool: matched only by what matches nothing else.

    Returns:
        (C, n) bool, of each detection: whether it has found a truth that counts, and whether one that does not.
    """
    hit, skipped = (np.zeros((len(curves), len(said)), bool) for _ in range(2))
    thresholds = np.array([min(curve.iou, 1 - 1e-10) for curve in curves])[:, None]
    rows = np.arange(len(curves))
    frames = np.intersect1d(said_in, true_in)
    spans = (np.searchsorted(of, frames, side) for of in (said_in, true_in) for side in ("left", "right"))
    for first, last, start, stop in zip(*spans, strict=True):
        overlap = intersection_over_union(said[first:last], true[start:stop])
        free = np.ones((len(curves), stop - start), bool)
        skip = ignored[:, start:stop]
        for i in np.flatnonzero(overlap.max(axis=1) >= thresholds.min()):
            # Of equal overlaps COCO takes the last truth, and one that counts before any that does not.
            rank = np.where(free & (overlap[i] >= thresholds), overlap[i] + np.where(skip, 0.0, 2.0), -1.0)
            best = stop - start - 1 - rank[:, ::-1].argmax(axis=1)
            matched = rank[rows, best] > 0
            free[rows[matched], best[matched]] = False
            nothing = skip[rows, best]
            hit[:, first + i] = matched & ~nothing
            skipped[:, first + i] = matched & nothing
    return hit, skipped


def _stretches(hit: np.ndarray, truths: int) -> np.ndarray:
    """Return the stretch of each place in a ranking, (n,), ``STRETCHES`` where a place has no say.

    A stretch ends at a hit, and its number is that of the last recall threshold which is passed there. Where hits are
    fewer than thresholds each ends one. Elsewhere those do at which the interpolated precision steps down between two
    thresholds, and the last hit of all, which has the last stretch if it passes no further threshold.

    Args:
        hit: (n,) bool, best first.
        truths: to be found.
    """
    ends = np.flatnonzero(hit)
    if not len(ends):
        return np.full(len(hit), STRETCHES)
    hits = np.cumsum(hit)
    recall = hits / truths
    if truths >= len(RECALLS) - 1:
        precision = hits / np.arange(1, len(hit) + 1)
        best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.where(precision == best_from_here, np.arange(len(hit)), len(hit))
        step_from_here = np.minimum.accumulate(steps[::-1])[::-1]
        reached = np.searchsorted(recall, RECALLS)
        ends = np.unique(np.append(step_from_here[reached[reached < len(hit)]], ends[-1]))
    number = np.append(np.searchsorted(RECALLS, recall[ends], "right") - 1, STRETCHES)
    if len(ends) > 1 and number[-2] == number[-3]:
        number[-2] = STRETCHES - 1
    return number[np.searchsorted(ends, np.arange(len(hit)))]
