"""The boxes that are to be found in a frame, from its rendered instances and labels.

A box is drawn around the visible pixels of an instance, all its fragments together, and ends at the frame's border.
How much of an object is hidden is not in a recording. What stands in for it are three rules; a box that breaks one is
*ignored*: to find it is no hit, to miss it is no miss.

- At least ``LEAST_SHARE`` of the frame's pixels belong to it.
- Both sides are at least ``LEAST_SIDE_PX`` long.
- At least ``LEAST_FILL`` of the box is the instance itself: less is seen through or past something else, in pieces
  that say little about where it ends.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects

from benchmark.boxes import TrueBoxes

LEAST_SHARE = 0.001
LEAST_SIDE_PX = 4
LEAST_FILL = 0.2


def instance_boxes(instance: np.ndarray, category: np.ndarray, labelled: np.ndarray) -> TrueBoxes:
    """Return the boxes of N frames, in each by ascending instance id.

    Args:
        instance: (N, H, W) ids, 0 = none.
        category: (N, H, W) uint8 evaluation ids, 0 where nothing is to be found.
        labelled: (N,) bool, whether a frame has labels at all.
    """
    frames, height, width = instance.shape
    count = np.zeros(frames, np.int64)
    boxes: list[tuple[int, int, int, int]] = []
    categories: list[int] = []
    pixels: list[int] = []
    for number in range(frames):
        ids = np.where(category[number] > 0, instance[number], 0)
        present, first, compact, visible = np.unique(ids, return_index=True, return_inverse=True, return_counts=True)
        places = find_objects(compact.reshape(height, width) + 1)
        for k, (rows, columns) in enumerate(places):
            if present[k] > 0:
                boxes.append((columns.start, rows.start, columns.stop, rows.stop))
                categories.append(int(category[number].flat[first[k]]))
                pixels.append(int(visible[k]))
        count[number] = int((present > 0).sum())
    box = np.array(boxes, np.float32).reshape(-1, 4)
    sides = box[:, 2:] - box[:, :2]
    area_px = np.array(pixels, np.int64)
    ignored = (
        (area_px < LEAST_SHARE * height * width)
        | (sides < LEAST_SIDE_PX).any(axis=1)
        | (area_px < LEAST_FILL * sides.prod(axis=1))
    )
    return TrueBoxes(height, width, labelled, count, box, np.array(categories, np.uint8), ignored)
