"""Errors of metric depth, and of depth up to a scale for each frame."""

from __future__ import annotations

import numpy as np

from benchmark.metrics.ratios import ratio

DEPTH_SUMS = (
    "pixels",
    "squared_error",
    "absolute_relative_error",
    "delta1_hits",
    "delta2_hits",
    "delta3_hits",
    "scaled_absolute_relative_error",
    "scaled_delta1_hits",
    "frames",
    "scale_invariant_error",
)
"""What is summed: over measured pixels, except the last two, which are over frames with any measured pixel."""

DELTA = 1.25
"""Base of the δ thresholds: a pixel is within δ<1.25ᵏ when prediction / truth and its inverse both are."""


def depth_sums(prediction: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sum depth errors over measured pixels, per group of frames.

    Args:
        prediction: (N, H, W) metres, above 0.
        target: (N, H, W) metres; 0 = no measurement, not counted.
        group: (N,) index 0…groups − 1 of each frame.

    Returns:
        (groups, 10) float64 in the order of ``DEPTH_SUMS``.
    """
    sums = np.zeros((groups, len(DEPTH_SUMS)))
    for guessed, true, index in zip(prediction, target, group, strict=True):
        measured = true > 0
        if measured.any():
            sums[index] += _frame_sums(guessed[measured].astype(np.float64), true[measured].astype(np.float64))
    return sums


def _frame_sums(guess: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """Return the sums of one frame's measured pixels, both (P,) metres, P ≥ 1."""
    factor = _factor(guess, truth)
    scaled = guess * (np.median(truth) / np.median(guess))
    log_error = np.log(guess) - np.log(truth)
    return (
        truth.size,
        ((guess - truth) ** 2).sum(),
        (np.abs(guess - truth) / truth).sum(),
        *((factor < DELTA**power).sum() for power in (1, 2, 3)),
        (np.abs(scaled - truth) / truth).sum(),
        (_factor(scaled, truth) < DELTA).sum(),
        1,
        np.std(log_error),
    )


def depth_metrics(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return every depth measure from (..., 10) sums, (...,); NaN where nothing was measured.

    Pooled over pixels (Eigen et al. 2014): ``delta1``, ``delta2``, ``delta3`` (shares within a factor 1.25, 1.25²,
    1.25³), ``rmse`` (metres), ``abs_rel``; ``scaled_abs_rel`` and ``scaled_delta1`` are the same after each frame's
    prediction is multiplied by median(truth) / median(prediction) of its measured pixels (Zhou et al. 2017).
    ``silog`` is the mean over frames of the standard deviation of ln(prediction) − ln(truth), as the KITTI depth
    benchmark defines it, without its factor of 100.
    """
    total = dict(zip(DEPTH_SUMS, np.moveaxis(np.asarray(sums, np.float64), -1, 0), strict=True))
    pixels = total["pixels"]
    return {
        "delta1": ratio(total["delta1_hits"], pixels),
        "rmse": np.sqrt(ratio(total["squared_error"], pixels)),
        "abs_rel": ratio(total["absolute_relative_error"], pixels),
        "delta2": ratio(total["delta2_hits"], pixels),
        "delta3": ratio(total["delta3_hits"], pixels),
        "silog": ratio(total["scale_invariant_error"], total["frames"]),
        "scaled_delta1": ratio(total["scaled_delta1_hits"], pixels),
        "scaled_abs_rel": ratio(total["scaled_absolute_relative_error"], pixels),
    }


def _factor(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.maximum(guess / truth, truth / guess)
