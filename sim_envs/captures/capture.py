"""A capture: what a real RGB-D device recorded in one place, with the pose of every frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.captures.camera import Camera
from sim_envs.captures.labels import ScanLabels
from sim_envs.errors import UserError
from sim_envs.recordings.arrays import array_file
from sim_envs.recordings.format import StoredArray, modality_file

STORED = ("rgb", "depth")


@dataclass(frozen=True, eq=False)
class Capture:
    """Frames of one device on disk, undistorted and registered, as :mod:`.store` keeps them.

    World: right-handed, Y up, metres. It can be recorded as a :class:`~sim_envs.space.Space` can (both are a
    :class:`~sim_envs.space.Place`), only that its views are those that were taken and no others.

    Attributes:
        id: ``capture/name``.
        folder: where ``rgb.npy`` (N, H, W, 3) uint8 sRGB and ``depth.npy`` (N, H, W) uint16 millimetres lie.
        camera: of every frame; a pinhole.
        camera_to_world: (N, 4, 4) float64, OpenGL axes; no two are equal.
        timestamps: (N,) float64 seconds, NaN where the source has none.
        names: what the source calls each frame.
        frame_digests: ``rgb`` and ``depth`` → SHA-256 of the bytes of each frame.
        arrays: headers of the two files.
        labels: the scan that labels are rendered from, or None.
        digest: SHA-256 of everything that can be seen or labelled.
        provenance: JSON-like: format, conversions, what was left out, notes.
    """

    id: str
    folder: Path
    camera: Camera
    camera_to_world: np.ndarray
    timestamps: np.ndarray
    names: tuple[str, ...]
    frame_digests: Mapping[str, tuple[str, ...]]
    arrays: Mapping[str, StoredArray]
    labels: ScanLabels | None
    digest: str
    provenance: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.camera_to_world)

    @property
    def has_labels(self) -> bool:
        """Whether a scan labels it."""
        return self.labels is not None and self.labels.space.has_labels

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the category ids 1…C, in the words of the scan; empty without one."""
        return self.labels.space.categories if self.labels is not None else ()

    def frames(self, name: str) -> np.ndarray:
        """Map all frames of ``rgb`` or ``depth`` read-only."""
        return array_file(self.folder / modality_file(name), self.arrays[name]).map_without_path()

    def widest_hfov(self, width: int, height: int) -> float:
        """Return the widest horizontal field of view, whole hundredths of a degree, at this shape of frame."""
        return float(np.floor(100 * self.camera.widest_hfov(width, height)) / 100)


def no_capture(place_id: str) -> UserError:
    """Return the error for a space that is given to what plays captures back."""
    return UserError(f"Engine capture plays captures back, and {place_id} is none. Name another engine.")
