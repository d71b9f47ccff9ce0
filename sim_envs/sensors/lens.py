"""A distorted picture from a pinhole's: for engines that have no other camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from sim_envs.errors import UserError
from sim_envs.rig import HFOV_RANGE, SIZE_RANGE, Rig

_SUBSAMPLES = 2  # places a pixel, each way, whose mean is its colour


@dataclass(frozen=True, eq=False)
class Lens:
    """What stands between a pinhole that sees all of a distorted picture, and that picture.

    Attributes:
        pinhole: the rig to render; nowhere coarser than the distorted picture.
        centres: (2, H, W) float32 column and row in the pinhole's picture of each pixel's centre, counted as
            OpenCV does: from the centre of the first pixel.
        within: the same for ``_SUBSAMPLES`` × ``_SUBSAMPLES`` places in each pixel, (2, 2 H, 2 W).
    """

    pinhole: Rig
    centres: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, rig: Rig) -> Lens:
        """Prepare the picture of a rig.

        Raises:
            UserError: a pinhole that sees all of it would be wider than 150° or larger than 2048 pixels.
        """
        pinhole = covering_pinhole(rig)
        return cls(pinhole, _places(rig, pinhole, 1), _places(rig, pinhole, _SUBSAMPLES))

    def picture(self, frame: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what the lens shows of a frame of the pinhole.

        Depth (planar, so the same through both), normals (camera frame, likewise) and labels are taken from the
        nearest pixel; colours are the mean of bilinear samples.
        """
        column, row = self.centres
        out = {name: cv2.remap(a, column, row, cv2.INTER_NEAREST) for name, a in frame.items() if name != "rgb"}
        if "rgb" in frame:
            fine = cv2.remap(frame["rgb"], self.within[0], self.within[1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
            out["rgb"] = cv2.resize(fine, column.shape[::-1], interpolation=cv2.INTER_AREA)
        return out


def covering_pinhole(rig: Rig) -> Rig:
    """Return the smallest pinhole rig that sees all that a distorted one does, as finely in every place.

    Raises:
        UserError: it would be out of range.
    """
    if not rig.distortion:
        return Rig(rig.width, rig.height, rig.hfov)
    # Radii grow with each other, so what bounds the picture bounds what it shows.
    across, up = rig.width / 2 / rig.focal, rig.height / 2 / rig.focal
    along = np.linspace(-1, 1, 129)
    x, _ = rig.distortion.undistort(np.full(129, across), along * up)
    _, y = rig.distortion.undistort(along * across, np.full(129, up))
    inside = rig.distortion.undistort(*np.meshgrid(along * across, along * up))
    focal = rig.focal * float(np.max([part.max() for part in rig.distortion.jacobian(*inside)[::2]]))
    low, high = np.tan(np.radians(HFOV_RANGE) / 2)
    if x.max() > high:
        widest = 2 * float(np.degrees(np.arctan(x.max())))
        raise UserError(
            f"Through distortion {rig.distortion.k1:g},{rig.distortion.k2:g} the picture is {widest:.1f} degrees wide, "
            f"and this engine renders up to {HFOV_RANGE[1]:g}. Take a narrower hfov, or the engine raycast."
        )
    width = max(int(np.ceil(2 * focal * max(x.max(), low))), SIZE_RANGE[0])
    height = max(int(np.ceil(2 * focal * y.max())), SIZE_RANGE[0])
    if max(width, height) > SIZE_RANGE[1]:
        raise UserError(
            f"For a distorted picture of {rig.width}x{rig.height} this engine would have to render {width}x{height}, "
            f"and it renders up to {SIZE_RANGE[1]} pixels. Take smaller frames, or the engine raycast."
        )
    hfov = 2 * float(np.degrees(np.arctan(width / 2 / focal)))
    return Rig(width, height, min(hfov, HFOV_RANGE[1]))


def _places(rig: Rig, pinhole: Rig, each: int) -> np.ndarray:
    """Return (2, H · each, W · each) float32: where the pinhole shows what each place of the picture shows."""
    x = ((np.arange(rig.width * each) + 0.5) / each - rig.width / 2) / rig.focal
    y = ((np.arange(rig.height * each) + 0.5) / each - rig.height / 2) / rig.focal
    columns, rows = rig.distortion.undistort(*np.meshgrid(x, y))
    size = np.array([pinhole.width, pinhole.height])[:, None, None]
    return (np.stack([columns, rows]) * pinhole.focal + size / 2 - 0.5).astype(np.float32)
