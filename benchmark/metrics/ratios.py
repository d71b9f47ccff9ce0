"""Divisions and means where there may be nothing."""

from __future__ import annotations

import numpy as np


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, element by element; NaN where ``whole`` is not above 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean along the last axis of what is finite, (...,); NaN where nothing is."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))
