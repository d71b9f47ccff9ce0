"""For every frame, the frames of the same recording that are most like it, best first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.forms import Frames

NONE = -1
"""Fills the end of a ranking where there are fewer candidates than places."""


@dataclass(frozen=True)
class Ranking:
    """Answers are arrays (N, length) int32 of row numbers in the recording.

    Attributes:
        length: places in a ranking.
    """

    length: int

    def pack(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the array as ``ranking``."""
        return {"ranking": answers}

    def unpack(self, arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """Return ``ranking``."""
        ranking = arrays["ranking"]
        if not ranking.ndim or len(ranking) != count:
            raise ValueError(f"{count} frame numbers for ranking of shape {ranking.shape}")
        return ranking

    def check(self, answers: np.ndarray, frames: Frames) -> str:
        """Name a wrong type or shape, then rows that were not asked about, gaps, repetitions, and the frame itself."""
        if answers.dtype != np.int32:
            return f"ranking must be int32, this is {answers.dtype}"
        if answers.ndim != 2 or answers.shape[1] != self.length:
            return f"expected ranking (N, {self.length}), got {answers.shape}"
        named = answers != NONE
        strange = named & ~np.isin(answers, frames.rows)
        if strange.any():
            rows = ", ".join(str(row) for row in np.unique(answers[strange])[:5])
            return f"{int(strange.sum())} places are taken by frames that are not among those predicted: {rows}"
        if (named[:, 1:] & ~named[:, :-1]).any():
            return f"a place is filled after an empty one ({NONE}) in the ranking of {_first(named, frames)}"
        itself = answers == np.asarray(frames.rows)[:, None]
        if itself.any():
            return f"frame {frames.rows[np.flatnonzero(itself.any(axis=1))[0]]} is in its own ranking"
        ordered = np.sort(answers, axis=1)
        twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NONE)).any(axis=1)
        if twice.any():
            return f"a frame is named twice in the ranking of frame {frames.rows[np.flatnonzero(twice)[0]]}"
        return ""

    def schema(self) -> dict[str, Any]:
        """Return the schema of ``ranking``."""
        row = {"type": "integer", "minimum": NONE, "description": f"row in the recording; {NONE}: no candidate left"}
        places = {"type": "array", "items": row, "minItems": self.length, "maxItems": self.length}
        places |= {"description": "best first"}
        return {
            "ranking": {
                "type": "array",
                "items": places,
                "description": "one a frame",
                "dtype": "int32",
                "shape": ["frames", self.length],
            }
        }

    def bytes_per_frame(self, height: int, width: int) -> int:
        """Return the bytes of a ranking."""
        return self.length * np.dtype(np.int32).itemsize


def _first(named: np.ndarray, frames: Frames) -> str:
    gap = (named[:, 1:] & ~named[:, :-1]).any(axis=1)
    return f"frame {frames.rows[np.flatnonzero(gap)[0]]}"
