"""The camera of a device: a pinhole with its own two focal lengths and principal point, and maybe distortion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np


@dataclass(frozen=True)
class Camera:
    """Intrinsics in this project's pixels: (0, 0) is the corner of the picture, pixel centres lie at +0.5.

    Attributes:
        width, height: pixels.
        fx, fy: focal lengths, pixels.
        cx, cy: principal point, pixels. A source that puts (0, 0) at a pixel's centre, as OpenCV does, has
            0.5 less.
        distortion: OpenCV's k1, k2, p1, p2, k3 … (0, 4, 5 or 8 numbers); empty for a pure pinhole.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    @classmethod
    def opencv(
        cls, size: tuple[int, int], matrix: np.ndarray, distortion: tuple[float, ...] | np.ndarray = ()
    ) -> Camera:
        """Make a camera from a 3×3 (or larger) matrix whose pixel centres are whole numbers.

        Args:
            size: width, height.
        """
        fx, fy, cx, cy = (float(matrix[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
        numbers = tuple(float(value) for value in distortion)
        return cls(size[0], size[1], fx, fy, cx + 0.5, cy + 0.5, numbers if any(numbers) else ())

    @property
    def pinhole(self) -> Camera:
        """The same camera without its distortion."""
        return replace(self, distortion=())

    @property
    def intrinsics(self) -> np.ndarray:
        """(3, 3) float64, pixel centres at +0.5."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    @property
    def opencv_intrinsics(self) -> np.ndarray:
        """(3, 3) float64 with pixel centres at whole numbers, as the functions of OpenCV take it."""
        return self.intrinsics - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])

    def resized(self, width: int, height: int) -> Camera:
        """Return the camera of the same picture at another size."""
        x, y = width / self.width, height / self.height
        return replace(self, width=width, height=height, fx=self.fx * x, fy=self.fy * y, cx=self.cx * x, cy=self.cy * y)

    def within(self, longest: int) -> Camera:
        """Return the camera with its longer side brought down to ``longest`` pixels, if it is longer."""
        scale = longest / max(self.width, self.height)
        if scale >= 1:
            return self
        return self.resized(max(1, round(self.width * scale)), max(1, round(self.height * scale)))

    def widest_hfov(self, width: int, height: int) -> float:
        """Return the largest horizontal field of view, degrees, of a centred picture of this shape.

        The picture's axis is the optical axis, which need not be the middle of what the device recorded.

        Args:
            width, height: of the picture asked for, pixels; only their ratio matters.
        """
        across = min(self.cx, self.width - self.cx) / self.fx
        down = min(self.cy, self.height - self.cy) / self.fy
        return float(np.degrees(2 * np.arctan(min(across, down * width / height))))

    def undistortion(self, target: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Return the maps that take a picture of this camera to the pinhole ``target``, for ``cv2.remap``."""
        maps: tuple[np.ndarray, np.ndarray] = cv2.initUndistortRectifyMap(
            self.opencv_intrinsics,
            np.array(self.distortion or (0.0,) * 4),
            np.eye(3),
            target.opencv_intrinsics,
            (target.width, target.height),
            cv2.CV_32FC1,
        )
        return maps

    def described(self) -> dict[str, Any]:
        """Return the fields as JSON-like values."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
        return fields | {"distortion": list(self.distortion)}
