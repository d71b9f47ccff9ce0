"""Boxes of many frames: a ragged container that is taken apart and put together by frames, as an array is.

Boxes are (x0, y0, x1, y1) in pixels, float32, of pixel *edges*: a box around the pixel in the top left corner is
0, 0, 1, 1. They lie one frame after the other, ``count`` of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Boxes:
    """What a detector said about N frames, M boxes in all.

    Attributes:
        count: (N,) int64, boxes of each frame.
        box: (M, 4) float32.
        category: (M,) uint8 evaluation ids.
        score: (M,) float32 in 0…1.
    """

    count: np.ndarray
    box: np.ndarray
    category: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: np.ndarray) -> Boxes:
        """Return the frames ``rows``, an (n,) integer or (N,) bool array, in that order."""
        frames, flat = _taken(self.count, rows)
        return Boxes(self.count[frames], self.box[flat], self.category[flat], self.score[flat])

    @property
    def frame(self) -> np.ndarray:
        """Return the frame of each box, (M,) int64."""
        return np.repeat(np.arange(len(self.count)), self.count)

    @staticmethod
    def concatenate(parts: Sequence[Boxes]) -> Boxes:
        """Return the frames of several, one part after the other."""
        return Boxes(
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.box for part in parts]),
            np.concatenate([part.category for part in parts]),
            np.concatenate([part.score for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class TrueBoxes:
    """What is in N frames, M boxes in all.

    Attributes:
        height, width: of a frame, pixels.
        labelled: (N,) bool; a frame without any label says nothing, not even that it is empty.
        count: (N,) int64, boxes of each frame.
        box: (M, 4) float32, around the visible pixels of an instance.
        category: (M,) uint8 evaluation ids.
        ignored: (M,) bool: neither to be found nor wrong to be found.
    """

    height: int
    width: int
    labelled: np.ndarray
    count: np.ndarray
    box: np.ndarray
    category: np.ndarray
    ignored: np.ndarray

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: np.ndarray) -> TrueBoxes:
        """Return the frames ``rows``, an (n,) integer or (N,) bool array, in that order."""
        frames, flat = _taken(self.count, rows)
        return TrueBoxes(
            self.height,
            self.width,
            self.labelled[frames],
            self.count[frames],
            self.box[flat],
            self.category[flat],
            self.ignored[flat],
        )

    @property
    def frame(self) -> np.ndarray:
        """Return the frame of each box, (M,) int64."""
        return np.repeat(np.arange(len(self.count)), self.count)

    @staticmethod
    def concatenate(parts: Sequence[TrueBoxes]) -> TrueBoxes:
        """Return the frames of several, one part after the other.

        Raises:
            ValueError: their frames differ in size.
        """
        first = parts[0]
        if any((part.height, part.width) != (first.height, first.width) for part in parts):
            raise ValueError("boxes of frames of different sizes cannot be put together")
        return TrueBoxes(
            first.height,
            first.width,
            np.concatenate([part.labelled for part in parts]),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.box for part in parts]),
            np.concatenate([part.category for part in parts]),
            np.concatenate([part.ignored for part in parts]),
        )


def _taken(count: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the frame numbers that ``rows`` means, and the numbers of their boxes, frame after frame."""
    frames = np.arange(len(count))[rows]
    first = (np.cumsum(count) - count)[frames]
    taken = count[frames]
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    return frames, np.repeat(first, taken) + within
