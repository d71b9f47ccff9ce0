"""Scored boxes with a category, any number of them in a frame up to a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.boxes import Boxes
from benchmark.forms import Frames

ARRAYS: dict[str, tuple[np.dtype, tuple[int, ...]]] = {
    "count": (np.dtype(np.int64), ()),
    "box": (np.dtype(np.float32), (4,)),
    "category": (np.dtype(np.uint8), ()),
    "score": (np.dtype(np.float32), ()),
}
"""Array → its type and the shape of one entry: an entry a frame in ``count``, an entry a box in the others."""


@dataclass(frozen=True)
class BoxList:
    """Answers are :class:`~benchmark.boxes.Boxes`.

    Attributes:
        categories: evaluation ids run from 1 to this.
        most: boxes a frame may have.
    """

    categories: int
    most: int

    def pack(self, answers: Boxes) -> dict[str, np.ndarray]:
        """Return the four arrays as they are."""
        return {name: getattr(answers, name) for name in ARRAYS}

    def unpack(self, arrays: Mapping[str, np.ndarray], count: int) -> Boxes:
        """Return the boxes of ``count`` frames.

        Raises:
            KeyError: an array is missing.
            ValueError: of a wrong type or shape, or the counts do not add up to the number of boxes.
        """
        found = {name: arrays[name] for name in ARRAYS}
        for name, (dtype, entry) in ARRAYS.items():
            array = found[name]
            if array.dtype != dtype or array.ndim != 1 + len(entry) or array.shape[1:] != entry:
                what = "(M, 4)" if entry else ("(N,)" if name == "count" else "(M,)")
                raise ValueError(f"{name} must be {what} {dtype}, it is {array.shape} {array.dtype}")
        counts, boxes = found["count"], len(found["box"])
        if len(counts) != count:
            raise ValueError(f"{count} frame numbers for {len(counts)} counts of boxes")
        if (counts < 0).any() or counts.sum() != boxes:
            raise ValueError(f"counts add up to {int(counts.sum())}, there are {boxes} boxes")
        if len(found["category"]) != boxes or len(found["score"]) != boxes:
            raise ValueError(f"{boxes} boxes with {len(found['category'])} categories and {len(found['score'])} scores")
        return Boxes(**found)

    def check(self, answers: Boxes, frames: Frames) -> str:
        """Name frames with too many boxes, and the first box that cannot be."""
        crowded = np.flatnonzero(answers.count > self.most)
        if len(crowded):
            first = crowded[0]
            return f"{int(answers.count[first])} boxes in frame {frames.rows[first]}, at most {self.most} are allowed"
        box, score, category = answers.box, answers.score, answers.category
        x0, y0, x1, y1 = box.T
        flaws = {
            "is NaN or infinite": ~np.isfinite(box).all(axis=1),
            "has no area (x0 y0 x1 y1 with x1 > x0 and y1 > y0 is expected)": (x1 <= x0) | (y1 <= y0),
            f"is not inside the frame of {frames.width} × {frames.height} pixels": (
                (x0 < 0) | (y0 < 0) | (x1 > frames.width) | (y1 > frames.height)
            ),
            f"has an unknown category (ids run from 1 to {self.categories})": (
                (category < 1) | (category > self.categories)
            ),
            "has a score that is not in 0…1": ~((score >= 0) & (score <= 1)),
        }
        for flaw, where in flaws.items():
            if where.any():
                first = int(where.argmax())
                corners = " ".join(f"{value:g}" for value in box[first])
                return (
                    f"a box of frame {frames.rows[answers.frame[first]]} {flaw}: {corners}, "
                    f"category {category[first]}, score {score[first]:g} ({int(where.sum())} such boxes)"
                )
        return ""

    def schema(self) -> dict[str, Any]:
        """Return the schema of the four arrays."""
        corner = {"type": "number", "minimum": 0}
        entries: dict[str, dict[str, Any]] = {
            "count": {"type": "integer", "minimum": 0, "maximum": self.most},
            "box": {"type": "array", "items": corner, "minItems": 4, "maxItems": 4},
            "category": {"type": "integer", "minimum": 1, "maximum": self.categories},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
        }
        meanings = {
            "count": "boxes of each frame",
            "box": "x0 y0 x1 y1 in pixels from the top left corner of the frame, one frame after the other",
            "category": "evaluation id of each box",
            "score": "how sure each box is; of equal scores the earlier box counts first",
        }
        return {
            name: {
                "type": "array",
                "items": entry,
                "description": meanings[name],
                "dtype": ARRAYS[name][0].name,
                "shape": ["frames" if name == "count" else "boxes", *ARRAYS[name][1]],
            }
            for name, entry in entries.items()
        }

    def bytes_per_frame(self, height: int, width: int) -> int:
        """Return the bytes of a frame with as many boxes as are allowed."""
        return 8 + self.most * (4 * 4 + 1 + 4)
