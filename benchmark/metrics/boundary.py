"""Boundaries of categories, as boundary IoU counts them.

Cheng et al.: Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021.
"""

from __future__ import annotations

import numpy as np

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
    highest = _over_windows(np.maximum, np.where(ignored, 0, ids), size)
    lowest = _over_windows(np.minimum, np.where(ignored, np.iinfo(ids.dtype).max, ids), size)
    found[:, width:-width, width:-width] &= highest > lowest
    return found


def _over_windows(extreme: np.ufunc, values: np.ndarray, size: int) -> np.ndarray:
    """Return the extreme of each size × size window that lies in the frame, (N, H − size + 1, W − size + 1).

    Windows are doubled until the next doubling would be too large; two that overlap make the rest.
    """
    for axis in (1, 2):
        values = np.moveaxis(values, axis, 0)
        reach = 1
        while 2 * reach <= size:
            values = extreme(values[:-reach], values[reach:])
            reach *= 2
        if reach < size:
            values = extreme(values[: reach - size], values[size - reach :])
        values = np.moveaxis(values, 0, axis)
    return values
