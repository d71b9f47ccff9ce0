"""Find equal rows of integer arrays fast (``numpy.unique(axis=0)`` compares rows as bytes, ten times slower)."""

from __future__ import annotations

import numpy as np


def unique_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each distinct row of an integer array (N, C) first occurs, and each row's number.

    Returns:
        ``first`` (U,) indices into ``rows``; ``number`` (N,) so that ``rows[first][number]`` equals ``rows``.
    """
    number = np.zeros(len(rows), dtype=np.int64)
    first = np.zeros(min(1, len(rows)), dtype=np.int64)
    for column in rows.T:
        low = int(column.min()) if len(column) else 0
        span = int(column.max()) - low + 1 if len(column) else 1
        # Numbers stay below N, so the product fits 64 bits unless a column spans more than 2^63 / N.
        _, first, number = np.unique(number * span + (column - low), return_index=True, return_inverse=True)
    return first, number.reshape(-1)
