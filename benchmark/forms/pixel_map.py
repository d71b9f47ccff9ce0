"""One value, or one vector, for every pixel of a frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmark.forms import Frames


@dataclass(frozen=True)
class PixelMap:
    """Answers are arrays (N, height, width, \\*value_shape).

    Attributes:
        dtype: of the array.
        meaning: of a value, in a few words, with its unit or encoding.
        flaw: says what is wrong with the values of an array of the right type and shape, or "".
        value_shape: of one pixel's answer, () for a single number.
        limits: keywords of JSON schema that numbers keep to: ``{"minimum": 1}``.
    """

    dtype: np.dtype
    meaning: str
    flaw: Callable[[np.ndarray], str]
    value_shape: tuple[int, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)

    def pack(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the array as ``values``."""
        return {"values": answers}

    def unpack(self, arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray:
        """Return ``values``."""
        values = arrays["values"]
        if not values.ndim or len(values) != count:
            raise ValueError(f"{count} frame numbers for values of shape {values.shape}")
        return values

    def check(self, answers: np.ndarray, frames: Frames) -> str:
        """Name a wrong type, shape or size, then what ``flaw`` finds."""
        if answers.dtype != self.dtype:
            return f"values must be {self.dtype}, these are {answers.dtype}"
        if answers.ndim != 3 + len(self.value_shape) or answers.shape[3:] != self.value_shape:
            pixel = "".join(f", {n}" for n in self.value_shape)
            return f"expected values (N, height, width{pixel}), got {answers.shape}"
        if answers.shape[1:3] != (frames.height, frames.width):
            height, width = answers.shape[1:3]
            return f"values are {height} × {width} pixels, the frames {frames.height} × {frames.width}"
        return self.flaw(answers)

    def stacked(self) -> tuple[str, ...]:
        """Return ``values``: one map a frame."""
        return ("values",)

    def schema(self) -> dict[str, Any]:
        """Return the schema of ``values``."""
        kind = "integer" if np.issubdtype(self.dtype, np.integer) else "number"
        inner: dict[str, Any] = {"type": kind, **self.limits, "description": self.meaning}
        for length in reversed(self.value_shape):
            inner = {"type": "array", "items": inner, "minItems": length, "maxItems": length}
        for axis in ("columns, left to right", "rows, top to bottom", "one a frame"):
            inner = {"type": "array", "items": inner, "description": axis}
        shape = ["frames", "height", "width", *self.value_shape]
        return {"values": inner | {"dtype": self.dtype.name, "shape": shape}}

    def bytes_per_frame(self, height: int, width: int) -> int:
        """Return the bytes of the array."""
        return height * width * math.prod(self.value_shape) * self.dtype.itemsize
