"""Angles between unit vectors in the encoding of recordings: uint8, round((n + 1) · 127.5)."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.ratios import ratio

WITHIN_DEG = (11.25, 22.5, 30.0)
BIN_DEG = 0.5
"""Width of the histogram's bins: the median is exact to this."""

_BINS = round(180 / BIN_DEG)
_FIRST_BIN = 2 + len(WITHIN_DEG)
ANGLE_SUMS = _FIRST_BIN + _BINS
"""Pixels, the sum of angles, pixels within each of ``WITHIN_DEG``, then pixels in each bin of 0…180°."""

_UNIT_TOLERANCE = 0.02  # rounding to 255 levels moves the length of a unit vector by less than 0.007


def is_direction(encoded: np.ndarray) -> np.ndarray:
    """Return where (..., 3) uint8 decode to a vector of length 1 ± 0.02, (...,) bool; never for 0, 0, 0."""
    squared = _squared(_doubled(encoded)) / 255**2
    return (squared > (1 - _UNIT_TOLERANCE) ** 2) & (squared < (1 + _UNIT_TOLERANCE) ** 2)


def angles_deg(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the angles between (..., 3) uint8 encoded vectors, (...,) float64 in 0…180.

    From sine and cosine both, over integers: exactly 0 for equal vectors, where the arc cosine alone would lose half
    of the digits.
    """
    a, b = _doubled(one), _doubled(two)
    cosine = np.einsum("...i,...i->...", a, b)
    sine = np.sqrt(_squared(a) * _squared(b) - cosine**2)  # Lagrange's identity; integers below 2⁵³ are exact
    return np.degrees(np.arctan2(sine, cosine))


def angle_sums(prediction: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sum angular errors over pixels with a true direction, per group of frames.

    Args:
        prediction: (N, H, W, 3) uint8 encoded directions.
        target: (N, H, W, 3) uint8 encoded directions; 0, 0, 0 = none, not counted.
        group: (N,) index 0…groups − 1 of each frame.

    Returns:
        (groups, ANGLE_SUMS) float64.
    """
    sums = np.zeros((groups, ANGLE_SUMS))
    for guessed, true, index in zip(prediction, target, group, strict=True):
        known = true.any(axis=-1)
        error = angles_deg(guessed[known], true[known])
        bins = np.minimum(error / BIN_DEG, _BINS - 1).astype(np.int64)
        sums[index, 0] += error.size
        sums[index, 1] += error.sum()
        sums[index, 2:_FIRST_BIN] += [(error < limit).sum() for limit in WITHIN_DEG]
        sums[index, _FIRST_BIN:] += np.bincount(bins, minlength=_BINS)
    return sums


def angle_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return every measure of directions from (..., ANGLE_SUMS) sums, (...,); NaN where no direction was known.

    Pooled over pixels (Fouhey et al. 2013): ``within_11``, ``within_22``, ``within_30`` (shares of pixels with an
    error below 11.25, 22.5 and 30°), ``mean_deg`` and ``median_deg``.
    """
    sums = np.asarray(sums, np.float64)
    pixels = sums[..., 0]
    shares = ratio(sums[..., 2:_FIRST_BIN], pixels[..., None])
    return {
        "within_11": shares[..., 0],
        "within_22": shares[..., 1],
        "within_30": shares[..., 2],
        "mean_deg": ratio(sums[..., 1], pixels),
        "median_deg": histogram_median(sums[..., _FIRST_BIN:]) * BIN_DEG,
    }


def histogram_median(histogram: np.ndarray) -> np.ndarray:
    """Return the median of (..., B) counts, (...,), in bins from the start of the first; NaN of nothing.

    It is where the count reaches one half, which is in the bin of the (lower) median of the values that were
    counted; within the bin they are taken as evenly spread.
    """
    reached = np.cumsum(histogram, axis=-1)
    half = reached[..., -1:] / 2
    bin_of_half = np.argmax(reached >= half, axis=-1)[..., None]
    inside = np.take_along_axis(histogram, bin_of_half, axis=-1)
    before = np.take_along_axis(reached, bin_of_half, axis=-1) - inside
    return (bin_of_half + ratio(half - before, inside))[..., 0]


def _doubled(encoded: np.ndarray) -> np.ndarray:
    """Return 255 times the decoded vectors: whole numbers, odd, so that none has length 0."""
    return 2 * encoded.astype(np.float64) - 255


def _squared(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("...i,...i->...", vectors, vectors))
