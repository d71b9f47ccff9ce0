"""What all formats say of a frame: its name, its camera, the categories of its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim_envs.exports import Selection
from sim_envs.recordings.reader import Recording
from sim_envs.taxonomy import IGNORED, NYU40


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a selection.

    Attributes:
        number: in the recording.
        split, trajectory, step: where it belongs.
        camera_to_world: (4, 4) float64, OpenGL camera.
    """

    number: int
    split: str
    trajectory: int
    step: int
    camera_to_world: np.ndarray

    @property
    def stem(self) -> str:
        """Its file name without extension: unique in the recording, sorted like the frames."""
        return f"{self.trajectory:06d}-{self.step:06d}"


def frames_of(selection: Selection) -> Iterator[Frame]:
    """Yield the chosen frames, in the order of the recording."""
    table, poses = selection.recording.frames, selection.recording.poses
    columns = [table[name].to_numpy() for name in ("split", "trajectory", "step")]
    for number in selection.frames.tolist():
        split, trajectory, step = (column[number] for column in columns)
        yield Frame(number, str(split), int(trajectory), int(step), poses[number])


@dataclass(frozen=True)
class Category:
    """A category of the labels, in the words of the space, and its NYU40 category ("" where it has none)."""

    id: int
    name: str
    nyu40_id: int
    nyu40: str


def categories_of(recording: Recording) -> list[Category]:
    """Return the categories that the ids of ``semantic`` mean."""
    names = recording.meta.categories
    lookup = NYU40.lookup(names).tolist()[1:]
    return [
        Category(i, name, nyu40_id, "" if nyu40_id == IGNORED else NYU40.categories[nyu40_id - 1])
        for i, (name, nyu40_id) in enumerate(zip(names, lookup, strict=True), start=1)
    ]


@dataclass(frozen=True)
class Camera:
    """The camera of all frames, in the OpenCV sense: pixels, x right, y down, pixel centres at +0.5.

    Attributes:
        width, height: pixels.
        fx, fy, cx, cy: focal lengths and principal point, pixels.
        k1, k2: radial distortion of Brown and Conrady; zeros for a pinhole.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float
    k2: float


def camera_of(recording: Recording) -> Camera:
    """Return the camera of a recording."""
    rig = recording.meta.rig
    (fx, _, cx), (_, fy, cy), _ = rig.intrinsics
    lens = recording.rig.distortion
    return Camera(rig.width, rig.height, fx, fy, cx, cy, lens.k1, lens.k2)
