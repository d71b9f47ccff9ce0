"""Register depth: move it from the depth camera's pixels to those of the colour camera."""

from __future__ import annotations

import cv2
import numpy as np

from sim_envs.captures.camera import Camera

# Neighbours on a slanted surface drift apart by a fraction of a pixel when seen from the other camera; squares of
# exactly the pitch would leave cracks there.
OVERLAP = 1.1


class Registration:
    """Takes depth pictures of one camera to another one.

    Every depth pixel is a small square, facing the camera and as wide as the pixel, at its measured distance. The
    squares are projected into the colour camera, where the nearest one wins (a z-buffer). Pixels that no square
    reaches stay 0: what the depth camera did not see is not made up.

    Args:
        depth: the camera that measured; its distortion is undone ray by ray.
        colour: the camera to move to, without distortion.
        depth_to_colour: (4, 4) rigid, OpenCV axes.
    """

    def __init__(self, depth: Camera, colour: Camera, depth_to_colour: np.ndarray) -> None:
        self._depth, self._colour = depth, colour
        self._rays = depth_to_colour[:3, :3] @ _rays(depth)
        self._offset = depth_to_colour[:3, 3]

    def __call__(self, depth_m: np.ndarray) -> np.ndarray:
        """Return (H, W) float32 metres in the colour camera, 0 = none, of (h, w) metres in the depth camera."""
        seen = np.flatnonzero(depth_m.reshape(-1) > 0)
        near = depth_m.reshape(-1)[seen].astype(np.float64)
        x, y, z = self._rays[:, seen] * near + self._offset[:, None]
        ahead = z > 1e-3
        x, y, z, near = x[ahead], y[ahead], z[ahead], near[ahead]
        colour = self._colour
        growth = near / z * OVERLAP / 2
        u, v = colour.fx * x / z + colour.cx, colour.fy * y / z + colour.cy
        left, right = _covered(u, growth * colour.fx / self._depth.fx)
        top, bottom = _covered(v, growth * colour.fy / self._depth.fy)
        nearest = np.full(colour.height * colour.width, np.inf, np.float32)
        distance = z.astype(np.float32)
        for row in range(int((bottom - top).max(initial=-1)) + 1):
            for column in range(int((right - left).max(initial=-1)) + 1):
                i, j = top + row, left + column
                inside = (i <= bottom) & (j <= right) & (i >= 0) & (j >= 0) & (i < colour.height) & (j < colour.width)
                np.minimum.at(nearest, (i * colour.width + j)[inside], distance[inside])
        nearest[~np.isfinite(nearest)] = 0
        return nearest.reshape(colour.height, colour.width)


def _covered(centre: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last pixel, int64, whose centre lies in [centre − half, centre + half)."""
    first = np.ceil(centre - half - 0.5).astype(np.int64)
    return first, np.ceil(centre + half - 0.5).astype(np.int64) - 1


def _rays(camera: Camera) -> np.ndarray:
    """Return (3, h · w) float64 rays with z = 1 through the pixel centres, OpenCV axes."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2).astype(np.float64)
    distortion = np.array(camera.distortion or (0.0,) * 4)
    flat = cv2.undistortPoints(pixels, camera.opencv_intrinsics, distortion).reshape(-1, 2)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1).T
