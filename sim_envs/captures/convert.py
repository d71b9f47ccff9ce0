"""Make a decoded frame that of the stored camera: undistorted, depth registered, brought to size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.register import Registration
from sim_envs.captures.sequence import RawFrame, RawSequence
from sim_envs.errors import UserError

MAX_DEPTH_M = 65.535
SAME_SHAPE = 0.03  # two pictures of one view may differ so much in aspect: exporters round and trim borders


@dataclass(frozen=True, eq=False)
class Converter:
    """Makes decoded frames those of the stored camera.

    Attributes:
        native: the colour camera as the files have it.
        colour: its pinhole, at the same size.
        target: the pinhole as stored, maybe smaller.
        depth_size: (width, height) of the depth camera, where depth comes in one of its own.
        register: moves such depth straight to ``target``.
        maps: undo the distortion all frames share, if there is any.
    """

    native: Camera
    colour: Camera
    target: Camera
    depth_size: tuple[int, int] | None
    register: Registration | None
    maps: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, sequence: RawSequence, colour: Camera, target: Camera) -> Converter:
        """Prepare what all frames share."""
        depth, register = sequence.depth, None
        if depth is not None:
            register = Registration(depth, target, sequence.depth_to_colour)
        maps = sequence.colour.undistortion(colour) if sequence.colour.distortion else None
        size = (depth.width, depth.height) if depth else None
        return cls(sequence.colour, colour, target, size, register, maps)

    def __call__(self, frame: RawFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return rgb (H, W, 3) uint8 and depth (H, W) uint16 millimetres of the stored camera."""
        rgb, depth_m = frame.load()
        native = frame.colour or self.native
        _check_size(frame.name, "colour", rgb, (native.width, native.height))
        maps = self.maps
        if frame.colour is not None and frame.colour != self.colour:
            maps = frame.colour.undistortion(self.colour)
        if self.register is not None:
            assert self.depth_size is not None
            _check_size(frame.name, "depth", depth_m, self.depth_size)
            depth_m = self.register(depth_m)
        else:
            depth_m = self._as_colour(frame.name, depth_m, rgb.shape[:2], maps)
        if maps is not None:
            rgb = cv2.remap(rgb, *maps, cv2.INTER_LINEAR)
        size = (self.target.width, self.target.height)
        if rgb.shape[1::-1] != size:
            rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        return rgb, _millimetres(depth_m)

    def _as_colour(
        self, name: str, depth_m: np.ndarray, shape: tuple[int, ...], maps: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """Bring depth that is registered already to the stored size, picking pixels: depth is never mixed."""
        height, width = shape[:2]
        if abs(depth_m.shape[1] * height / (depth_m.shape[0] * width) - 1) > SAME_SHAPE:
            found = f"{depth_m.shape[1]} × {depth_m.shape[0]}"
            raise UserError(
                f"{name}: its depth of {found} pixels is not of the shape of its colour ({width} × {height})."
            )
        if maps is not None:
            if depth_m.shape != (height, width):
                depth_m = cv2.resize(depth_m, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
            depth_m = cv2.remap(depth_m, *maps, cv2.INTER_NEAREST)
        size = (self.target.width, self.target.height)
        if depth_m.shape[1::-1] != size:
            depth_m = cv2.resize(depth_m, size, interpolation=cv2.INTER_NEAREST_EXACT)
        return depth_m


def _check_size(name: str, what: str, picture: np.ndarray, size: tuple[int, int]) -> None:
    found = (picture.shape[1], picture.shape[0])
    if found != size:
        raise UserError(
            f"{name}: its {what} has {found[0]} × {found[1]} pixels, where {size[0]} × {size[1]} are declared."
        )


def _millimetres(depth_m: np.ndarray) -> np.ndarray:
    """Round to uint16 millimetres; what is not finite, negative or beyond 65.535 m counts as not measured."""
    usable = np.isfinite(depth_m) & (depth_m > 0) & (depth_m <= MAX_DEPTH_M)
    return np.rint(np.where(usable, depth_m, 0) * 1000).astype(np.uint16)
