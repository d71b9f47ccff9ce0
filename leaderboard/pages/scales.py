"""From scores to places in a picture: a linear axis with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Maps values between ``low`` and ``high`` to places between ``start`` and ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value, to a tenth, inside the picture."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)


def axis(values: Iterable[float | None], start: float, end: float, pad: float = 0.06) -> Axis:
    """Return an axis that holds all values, with a margin of a share ``pad`` of their span on both sides."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = pad * (high - low) or max(abs(low), abs(high), 1.0) * 0.05
    return Axis(low - margin, high + margin, start, end)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return the multiples of 1, 2 or 5 times a power of ten between two values, ``most`` at most and at least two.

    Raises:
        ValueError: the values are not finite, or the second is not larger.
    """
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        raise ValueError(f"no axis from {low} to {high}")
    exponent = math.floor(math.log10((high - low) / most))
    for step in (factor * 10.0**power for power in (exponent, exponent + 1) for factor in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [step * index for index in range(first, last + 1)]
    raise AssertionError("a step of ten times the span always fits")
