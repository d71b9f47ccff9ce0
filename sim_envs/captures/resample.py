"""Look at a captured frame through a rig: a centred part of it, at the rig's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sim_envs.captures.camera import Camera
from sim_envs.errors import UserError
from sim_envs.rig import Rig


@dataclass(frozen=True, eq=False)
class View:
    """What a rig sees of the frames of a camera that stands where the rig stands and looks the same way.

    Attributes:
        columns, rows: (width, W) and (height, H) sparse float32: each row holds the weights that make one pixel of
            the rig from a line of captured pixels.
        column, row: (width,), (height,) int64: the captured pixel under the centre of each pixel of the rig.
    """

    columns: csr_array
    rows: csr_array
    column: np.ndarray
    row: np.ndarray

    @classmethod
    def of(cls, camera: Camera, rig: Rig, name: str) -> View:
        """Lay the pixels of a rig over those of a camera.

        Args:
            name: of the capture, for the message.

        Raises:
            UserError: the rig looks further aside than was captured.
        """
        widest = camera.widest_hfov(rig.width, rig.height)
        if rig.hfov > widest + 1e-6:
            raise UserError(
                f"{name} was recorded with a horizontal field of view of at most {np.floor(100 * widest) / 100:g}° "
                f"for frames of {rig.width} × {rig.height} pixels; {rig.hfov:g}° are asked for. Nothing beyond the "
                f"picture is made up: take --hfov {np.floor(100 * widest) / 100:g} or less, or leave it out."
            )
        across = camera.cx + camera.fx * (np.arange(rig.width + 1) - rig.width / 2) / rig.focal
        down = camera.cy + camera.fy * (np.arange(rig.height + 1) - rig.height / 2) / rig.focal
        return cls(
            columns=_area_weights(across, camera.width),
            rows=_area_weights(down, camera.height),
            column=_under(across, camera.width),
            row=_under(down, camera.height),
        )

    def colour(self, rgb: np.ndarray) -> np.ndarray:
        """Return (height, width, 3) uint8: means of the captured pixels, each weighted by its share of the area.

        Where the rig's pixels are smaller than the captured ones, that is bilinear interpolation.
        """
        height, width, channels = rgb.shape
        lines = self.rows @ rgb.reshape(height, width * channels).astype(np.float32)
        lines = lines.reshape(-1, width, channels).transpose(1, 0, 2).reshape(width, -1)
        means = (self.columns @ lines).reshape(len(self.column), len(self.row), channels).transpose(1, 0, 2)
        return np.rint(means).astype(np.uint8)

    def sample(self, values: np.ndarray) -> np.ndarray:
        """Return (height, width, …): the captured value under the centre of each pixel, unmixed."""
        return values[self.row[:, None], self.column[None, :]]


def _area_weights(edges: np.ndarray, size: int) -> csr_array:
    """Return (len(edges) − 1, size) weights of captured pixels in the stretch between two edges, at least 1 wide."""
    middle, half = (edges[1:] + edges[:-1]) / 2, np.maximum(np.diff(edges), 1) / 2
    low, high = middle - half, middle + half
    first = np.floor(low).astype(np.int64)
    reach = int(np.ceil((high - first).max()))
    pixel = first[:, None] + np.arange(reach + 1)
    overlap = np.minimum(pixel + 1, high[:, None]) - np.maximum(pixel, low[:, None])
    inside = (overlap > 0) & (pixel >= 0) & (pixel < size)
    line = np.broadcast_to(np.arange(len(middle))[:, None], pixel.shape)
    weights = csr_array((overlap[inside], (line[inside], pixel[inside])), shape=(len(middle), size))
    total = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
    return csr_array(weights / total, dtype=np.float32)


def _under(edges: np.ndarray, size: int) -> np.ndarray:
    return np.clip(np.floor((edges[1:] + edges[:-1]) / 2).astype(np.int64), 0, size - 1)
