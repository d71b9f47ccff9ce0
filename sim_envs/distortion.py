"""Radial lens distortion: where a lens shows what a pinhole would show elsewhere, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sim_envs.errors import UserError

COEFFICIENT_RANGE = (-1.0, 1.0)
# Radii must still grow at a tenth of the pinhole's rate; at 0 the picture folds back upon itself.
MIN_GROWTH = 0.1
_TABLE = 4097  # radii whose images are tabled, as a start for Newton's steps
_NEWTON_STEPS = 4
_NO_DIVISOR = 1e-12


@dataclass(frozen=True)
class RadialDistortion:
    """The radial part of Brown's model, as OpenCV has it ("Decentering Distortion of Lenses", 1966).

    Places are on the plane z = 1 of the camera, so in focal lengths from the middle of the picture; it does not
    matter whether y points up or down. What a pinhole shows at (x, y), the lens shows at (x, y) · s, with
    s = 1 + k1 r² + k2 r⁴ and r² = x² + y². ``k1 < 0`` bends lines outwards (barrel), ``k1 > 0`` inwards.

    Raises:
        UserError: a coefficient out of −1…1.
    """

    k1: float = 0.0
    k2: float = 0.0

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        low, high = COEFFICIENT_RANGE
        for name in ("k1", "k2"):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"Distortion {name} {value:g} is out of range: {low:g} to {high:g}.")

    def __bool__(self) -> bool:
        return bool(self.k1 or self.k2)

    @property
    def reach(self) -> float:
        """The distorted radius up to which the picture can be undistorted, in focal lengths; inf where always."""
        return self._image(self._limit) if np.isfinite(self._limit) else np.inf

    def distort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the lens shows what a pinhole shows at (x, y)."""
        scale = self._scale(x**2 + y**2)
        return x * scale, y * scale

    def undistort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where a pinhole shows what the lens shows at (x, y): the inverse of :meth:`distort`.

        Exact to rounding nearer to the middle than ``reach``; NaN farther away. Without distortion it is (x, y).
        """
        if not self:
            return x, y
        radius = np.hypot(x, y)
        wanted = float(np.max(radius, initial=0))
        end = max(wanted, 1.0)
        while end < self._limit and self._image(end) < wanted:
            end *= 2
        known = np.linspace(0, min(end, self._limit), _TABLE)
        found = np.interp(radius, self._image(known), known, right=np.nan)
        for _ in range(_NEWTON_STEPS):
            found = found - (self._image(found) - radius) / self._growth(found**2)
        scale = 1 / self._scale(found**2)
        return x * scale, y * scale

    def jacobian(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the derivatives of :meth:`distort` at (x, y): ∂x'/∂x, ∂x'/∂y (which is ∂y'/∂x) and ∂y'/∂y."""
        square = x**2 + y**2
        scale, twist = self._scale(square), 2 * self.k1 + 4 * self.k2 * square
        return scale + x**2 * twist, x * y * twist, scale + y**2 * twist

    def stretch(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return how much longer a small line at (x, y) of the pinhole's picture is than the lens shows it, at most.

        A radial line is shown at the rate r' grows with r, one across it at r'/r.
        """
        square = x**2 + y**2
        return 1 / np.minimum(self._growth(square), self._scale(square))

    @property
    def _limit(self) -> float:
        """The smallest true radius at which the distorted one grows at ``MIN_GROWTH``; inf where it never does."""
        # 5 k2 s² + 3 k1 s + (1 − MIN_GROWTH) = 0 for s = r²; the smaller positive root, without cancellation.
        under = (3 * self.k1) ** 2 - 20 * self.k2 * (1 - MIN_GROWTH)
        divisor = np.sqrt(under) - 3 * self.k1 if under >= 0 else 0.0
        return float(np.sqrt(2 * (1 - MIN_GROWTH) / divisor)) if divisor > _NO_DIVISOR else np.inf

    def _scale(self, square: Any) -> Any:
        return 1 + square * (self.k1 + square * self.k2)

    def _growth(self, square: Any) -> Any:
        return 1 + square * (3 * self.k1 + square * (5 * self.k2))

    def _image(self, radius: Any) -> Any:
        return radius * self._scale(radius**2)


NO_DISTORTION = RadialDistortion()
