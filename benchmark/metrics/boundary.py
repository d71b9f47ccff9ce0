"""Boundaries of categories, as boundary IoU counts them.

Cheng et al.: Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

DILATION_RATIO = 0.02
"""Width of a boundary as a share of the frame's diagonal; the paper's choice."""


def boundary_width(height: int, width: int) -> int:
    """Return the width of a boundary in pixels, at least 1, rounded as the authors' code does."""
    return max(1, round(DILATION_RATIO * float(np.hypot(height, width))))


def boundaries(ids: np.ndarray, ignored: np.ndarray, width: int) -> np.ndarray:
    """Return which pixels lie on the boundary of their own category's mask.

    Those are the pixels that eroding the mask ``width`` times by 3 × 3 takes away. As in the authors' code a mask
    ends at the frame's border. What lies under an ignored pixel is not known, so it makes no boundary: an
    ignored pixel counts as inside of every mask.

    All masks are done at once: a pixel is kept where the (2 · width + 1)² window around it lies in the frame and
    holds one category only.

    Args:
        ids: (N, H, W) unsigned integers, one category a pixel.
        ignored: (N, H, W) bool.
        width: pixels, at least 1.

    Returns:
        (N, H, W) bool; False where ignored.
    """
    found = ~ignored
    size = 2 * width + 1
    if min(ids.shape[1:]) < size:
        return found
    ones = np.negative(ignored.astype(ids.dtype))  # all bits where ignored: np.where would take ten times as long
    highest = _over_windows(np.maximum, ids & ~ones, size)
    lowest = _over_windows(np.minimum, ids | ones, size)
    found[:, width:-width, width:-width] &= highest > lowest
    return found


def _over_windows(extreme: np.ufunc, values: np.ndarray, size: int) -> np.ndarray:
    """Return the extreme of each size × size window that lies in the frame, (N, H − size + 1, W − size + 1).

    Windows are doubled until the next doubling would be too large; two that overlap make the rest. All frames are one
    row of pixels here, in which a pixel below is W further on: their rows by themselves are so short that NumPy would
    take longer to begin with each than to go through it. Windows that reach over an end of a row are left out.
    """
    count, height, width = values.shape
    flat = np.ascontiguousarray(values).reshape(-1)
    for step in (1, width):
        reach = 1
        while 2 * reach <= size:
            flat = extreme(flat[: -reach * step], flat[reach * step :])
            reach *= 2
        if reach < size:
            rest = (size - reach) * step
            flat = extreme(flat[:-rest], flat[rest:])
    # The last window of the last frame is the last entry that there is.
    inside = (count, height - size + 1, width - size + 1)
    strides = np.array([height * width, width, 1]) * flat.itemsize
    return as_strided(flat, inside, strides.tolist(), writeable=False)
