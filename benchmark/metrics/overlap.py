"""Agreement of categories: confusion matrices, intersection over union of masks and of boundaries, accuracy."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.boundary import boundaries, boundary_width
from benchmark.metrics.ratios import mean_of_defined, ratio

PIXELS_AT_ONCE = 1 << 17
"""Frames are counted in parts of about this size, which stay in a processor's cache and memory flat."""


def confusion_matrices(
    prediction: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int, classes: int
) -> np.ndarray:
    """Count (truth, prediction) pairs per group of frames, apart for pixels on a boundary of either.

    Args:
        prediction: (N, H, W) ids 1…classes.
        target: (N, H, W) ids 0…classes; 0 is not counted, and makes no boundary (:mod:`benchmark.metrics.boundary`).
        group: (N,) index 0…groups − 1 of each frame.

    Returns:
        (groups, 2, 2, classes, classes) int64; entry [g, a, b, t − 1, p − 1] counts pixels of truth t and
        prediction p; a: whether on the boundary of the true mask of t, b: of the predicted mask of p.
    """
    height, width = target.shape[1:]
    frames_at_once = max(1, PIXELS_AT_ONCE // (height * width))
    shape = (2, 2, classes + 1, classes)
    counts = np.zeros((groups, *shape), np.int64)
    for index in range(groups):
        frames = np.flatnonzero(group == index)
        for start in range(0, len(frames), frames_at_once):
            part = frames[start : start + frames_at_once]
            codes = _codes(prediction[part], target[part], boundary_width(height, width), classes)
            counts[index] += np.bincount(codes.ravel(), minlength=counts[index].size).reshape(shape)
    return counts[:, :, :, 1:]


def _codes(prediction: np.ndarray, target: np.ndarray, width: int, classes: int) -> np.ndarray:
    """Return the position of each pixel in a (2, 2, 1 + classes, classes) array of counts."""
    ignored = target == 0
    narrow = np.min_scalar_type(4 * (classes + 1) * classes)  # a quarter of the memory of the integers of an index
    codes = boundaries(target, ignored, width).astype(narrow)
    for values, count in ((boundaries(prediction, ignored, width), 2), (target, classes + 1), (prediction, classes)):
        codes *= narrow.type(count)
        np.add(codes, values, out=codes, casting="unsafe")
    codes -= narrow.type(1)  # predictions start at 1
    return codes


def overlap_sums(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Reduce confusion matrices to what IoU and accuracy depend on; linear, so it commutes with summing.

    Pixels whose true category is not scored are left out, as unlabelled ones are; a scored pixel that is
    taken for a category that is not scored is a miss.

    Args:
        confusion: (..., K, K) counts, truth × prediction.
        scored: (K,) bool.

    Returns:
        (..., 3, K) float64: pixels that are right, that are true, and that are predicted, of each category.
    """
    counted = np.asarray(confusion)[..., scored, :]
    sums = np.zeros((*confusion.shape[:-2], 3, len(scored)))
    rows = np.flatnonzero(scored)
    sums[..., 0, rows] = counted[..., np.arange(len(rows)), rows]
    sums[..., 1, rows] = counted.sum(axis=-1)
    sums[..., 2, :] = counted.sum(axis=-2)
    return sums


def boundary_overlap_sums(confusion: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Reduce confusion matrices to what boundary IoU depends on; see :func:`overlap_sums`.

    Args:
        confusion: (..., 2, 2, K, K) from :func:`confusion_matrices`.
        scored: (K,) bool.

    Returns:
        (..., 3, K) float64, of each category: pixels on its true boundary and its predicted boundary, on its true
        boundary, on its predicted boundary.
    """
    on_both = overlap_sums(confusion[..., 1, 1, :, :], scored)
    on_true = overlap_sums(confusion[..., 1, :, :, :].sum(axis=-3), scored)
    on_predicted = overlap_sums(confusion[..., :, 1, :, :].sum(axis=-3), scored)
    return np.stack([on_both[..., 0, :], on_true[..., 1, :], on_predicted[..., 2, :]], axis=-2)


def category_iou(overlaps: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each category.

    Args:
        overlaps: (..., 3, K) from :func:`overlap_sums` or :func:`boundary_overlap_sums`.

    Returns:
        (..., K) float64; NaN where a category is not scored or has no true pixel there.
    """
    hits, truth, predicted = np.moveaxis(overlaps, -2, 0)
    return np.where(truth > 0, ratio(hits, truth + predicted - hits), np.nan)


def mean_iou(overlaps: np.ndarray) -> np.ndarray:
    """Return the mean of :func:`category_iou` over the scored categories with any true pixel, (...,)."""
    return mean_of_defined(category_iou(overlaps))


def pixel_accuracy(overlaps: np.ndarray) -> np.ndarray:
    """Return the share of scored pixels whose category is right, (...,); NaN without any."""
    return ratio(overlaps[..., 0, :].sum(axis=-1), overlaps[..., 1, :].sum(axis=-1))
