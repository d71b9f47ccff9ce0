"""Division where the whole may be nothing."""

from __future__ import annotations

import numpy as np


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, element by element; NaN where ``whole`` is not above 0."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
