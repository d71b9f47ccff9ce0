"""A known room and its exact picture: does an engine render, on this machine, what is there?

A driver may paint black squares into frames and report no error (habitat-sim issues 1987 and 2310). Such frames are
indistinguishable from dark furniture once they are on disk, so the fault has to be found before. The room is made of
axis-aligned boxes, whose rays are worked out here in float64 by slabs (Kay and Kajiya, "Ray Tracing Complex Scenes",
SIGGRAPH 1986): no engine, and nothing an engine uses, has a part in the expected picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label, maximum_filter, minimum_filter

from sim_envs.engines import Engine
from sim_envs.modalities import MODALITIES, RENDERED
from sim_envs.rig import Rig
from sim_envs.space import NO_TEXTURE, Space

# Lowest and highest corner in metres. The first is the room, seen from inside: its faces turn their backs to the
# camera, so an engine that culls back faces shows no walls. The others stand in it.
BOXES = np.array(
    [
        [[-2.0, 0.0, -1.5], [2.0, 2.4, 1.5]],
        [[-2.0, 0.0, -1.5], [-1.2, 0.8, -0.3]],
        [[0.1, 0.0, -0.5], [0.7, 1.3, 0.1]],
        [[1.3, 0.9, -1.5], [1.8, 1.6, -1.2]],
        [[-0.9, 0.0, 0.7], [-0.3, 0.45, 1.2]],
    ]
)
CATEGORIES = ("room", "chest", "pillar", "shelf", "stool")
# Instances are spread beyond 255: an engine that keeps ids in a byte is found out.
INSTANCE_STEP = 37
RIG = Rig(320, 240, 80)
# A pixel that belongs to two surfaces may go to either, and colours may be antialiased.
EDGE_PX = 2
# Normals may be derived from the depth of neighbours.
NORMALS_EDGE_PX = 3
# raycast and habitat-sim (llvmpipe) are off by 0 levels, 1 mm and 0.6° at most; GPUs may round otherwise.
RGB_LEVELS = 3
DEPTH_MM = 3
NORMALS_DEG = 3.0
# So many wrong pixels in a frame are hairlines that another rasteriser draws otherwise; a square of 3 × 3 is more.
STRAYS = 8


@dataclass(frozen=True)
class View:
    """Where the camera stands and how it is turned.

    Attributes:
        position: metres.
        yaw_deg: about world Y; 0 looks along −z, positive turns left.
        pitch_deg: positive looks up.
    """

    position: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float

    @property
    def camera_to_world(self) -> np.ndarray:
        """(4, 4) float64, OpenGL camera."""
        yaw, pitch = np.radians([self.yaw_deg, self.pitch_deg])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        tilt = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        out = np.eye(4)
        out[:3, :3] = turn @ tilt
        out[:3, 3] = self.position
        return out


VIEWS = (
    View((1.5, 1.5, 1.2), 50.0, -20.0),
    View((-1.6, 1.7, 1.1), -60.0, -12.0),
    View((-0.4, 0.6, -1.1), 205.0, 6.0),
)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one modality of one view.

    Attributes:
        view: index into ``VIEWS``.
        modality: of the modality table.
        what: in words.
        black: most of the wrong pixels are 0: nothing was written there.
    """

    view: int
    modality: str
    what: str
    black: bool = False

    def __str__(self) -> str:
        return f"{self.modality} of view {self.view + 1}: {self.what}"


def room() -> Space:
    """Return the room: a colour and an instance for every side of every box, a category for every box."""
    sides = 6 * len(BOXES)
    vertices: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    for low, high in BOXES:
        for side in range(6):
            axis, positive = divmod(side, 2)
            first, second = (axis + 1) % 3, (axis + 2) % 3
            corners = np.tile(low, (4, 1))
            corners[:, axis] = high[axis] if positive else low[axis]
            corners[[1, 2], first] = high[first]
            corners[[2, 3], second] = high[second]
            quad = np.array([[0, 1, 2], [0, 2, 3]] if positive else [[0, 2, 1], [0, 3, 2]])
            faces.append(quad + 4 * len(vertices))
            vertices.append(corners)
    surface = np.arange(sides)
    instance_category = np.zeros(INSTANCE_STEP * sides + 1, np.uint16)
    instance_category[_instance(surface)] = surface // 6 + 1
    return Space(
        id="selftest/room",
        vertices=np.concatenate(vertices).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        vertex_rgb=np.repeat(_rgb(surface), 4, axis=0),
        face_instance=np.repeat(_instance(surface), 2).astype(np.uint16),
        instance_category=instance_category,
        categories=CATEGORIES,
        uv=np.zeros((4 * sides, 2), np.float32),
        face_texture=np.full(2 * sides, NO_TEXTURE, np.int32),
    )


def expected(camera_to_world: np.ndarray, rig: Rig = RIG) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what a camera inside the room, outside its furniture, sees.

    Args:
        camera_to_world: (4, 4) float64.
        rig: intrinsics.

    Returns:
        frame: every rendered modality in its stored type.
        surface: (H, W) int, 6 · box + side; sides are −x, +x, −y, +y, −z, +z.
    """
    columns, rows = np.meshgrid(np.arange(rig.width) + 0.5, np.arange(rig.height) + 0.5)
    x, y = (columns - rig.width / 2) / rig.focal, (rig.height / 2 - rows) / rig.focal
    # A direction has length 1 along the camera's axis, so where a ray ends is a planar depth.
    rays_camera = np.stack([x, y, -np.ones_like(x)], axis=-1)
    rays = rays_camera @ camera_to_world[:3, :3].T
    depth_m, surface = np.full(x.shape, np.inf), np.zeros(x.shape, int)
    with np.errstate(divide="ignore"):
        for box in range(len(BOXES)):
            planes = (BOXES[box] - camera_to_world[:3, 3])[:, None, None, :] / rays
            near, far = planes.min(axis=0), planes.max(axis=0)
            if box == 0:
                met, axis = far.min(axis=-1), far.argmin(axis=-1)
                positive = np.take_along_axis(rays, axis[..., None], -1)[..., 0] > 0
            else:
                met, axis = near.max(axis=-1), near.argmax(axis=-1)
                met = np.where((met > 0) & (met <= far.min(axis=-1)), met, np.inf)
                positive = np.take_along_axis(rays, axis[..., None], -1)[..., 0] < 0
            nearer = met < depth_m
            depth_m[nearer] = met[nearer]
            surface[nearer] = (6 * box + 2 * axis + positive)[nearer]
    normals = np.eye(3)[surface % 6 // 2] @ camera_to_world[:3, :3]
    normals *= -np.sign((normals * rays_camera).sum(axis=-1, keepdims=True))
    frame = {
        "rgb": _rgb(surface),
        "depth": np.rint(depth_m * 1000).astype(np.uint16),
        "normals": np.rint((normals + 1) * 127.5).astype(np.uint8),
        "semantic": (surface // 6 + 1).astype(np.uint16),
        "instance": _instance(surface).astype(np.uint16),
    }
    return frame, surface


def compare(frame: dict[str, np.ndarray], view: int, camera_to_world: np.ndarray, rig: Rig = RIG) -> list[Fault]:
    """Return what is wrong with a frame of the room.

    Every pixel is compared. Within ``EDGE_PX`` of an edge it may be what its neighbourhood should be: between the
    lowest and the highest colour and depth, or one of the ids there. Elsewhere colours may be off by
    ``RGB_LEVELS``, depth by ``DEPTH_MM``, ids by nothing. Normals are compared further than ``NORMALS_EDGE_PX``
    from edges, to ``NORMALS_DEG``.
    """
    right, surface = expected(camera_to_world, rig)
    faults = []
    for name in RENDERED:
        row = MODALITIES[name]
        if name not in frame:
            faults.append(Fault(view, name, "missing"))
            continue
        values, shape = frame[name], row.frame_shape(rig.height, rig.width)
        if values.shape != shape or values.dtype != row.dtype:
            is_, should = f"{values.dtype}{values.shape}", f"{np.dtype(row.dtype)}{shape}"
            faults.append(Fault(view, name, f"an array of {is_}, not {should}"))
            continue
        wrong = COMPARISONS[name](values, right[name], surface)
        if wrong.sum() > STRAYS:
            faults.append(_fault(view, name, values, wrong))
    return faults


def selftest(engine: Engine) -> list[Fault]:
    """Render every view with an engine that was opened with :func:`room` and ``RIG``; return what is wrong."""
    faults = []
    for view, place in enumerate(VIEWS):
        faults += compare(engine.render(place.camera_to_world), view, place.camera_to_world)
    return faults


def _instance(surface: np.ndarray) -> np.ndarray:
    return INSTANCE_STEP * (surface + 1)


def _rgb(surface: np.ndarray) -> np.ndarray:
    """Return a colour for every surface, far from black in every channel and far from its neighbours' colours."""
    return (45 + (surface[..., None] + 1) * np.array([67, 101, 139]) % 200).astype(np.uint8)


def _out_of_range(values: np.ndarray, right: np.ndarray, tolerance: int) -> np.ndarray:
    """Return (H, W) bool: below the lowest or above the highest right value within ``EDGE_PX``."""
    window = (2 * EDGE_PX + 1, 2 * EDGE_PX + 1) + (1,) * (right.ndim - 2)
    right = right.astype(int)
    low, high = minimum_filter(right, window) - tolerance, maximum_filter(right, window) + tolerance
    wrong = (values < low) | (values > high)
    return wrong.any(axis=-1) if wrong.ndim == 3 else wrong


def _rgb_wrong(values: np.ndarray, right: np.ndarray, surface: np.ndarray) -> np.ndarray:
    return _out_of_range(values, right, RGB_LEVELS)


def _depth_wrong(values: np.ndarray, right: np.ndarray, surface: np.ndarray) -> np.ndarray:
    return _out_of_range(values, right, DEPTH_MM)


def _normals_wrong(values: np.ndarray, right: np.ndarray, surface: np.ndarray) -> np.ndarray:
    given, due = values / 127.5 - 1, right / 127.5 - 1
    length = np.linalg.norm(given, axis=-1) * np.linalg.norm(due, axis=-1)
    cosine = (given * due).sum(axis=-1) / np.maximum(length, 1e-9)
    window = 2 * NORMALS_EDGE_PX + 1
    clear = minimum_filter(surface, window) == maximum_filter(surface, window)
    return clear & (cosine < np.cos(np.radians(NORMALS_DEG)))


def _ids_wrong(values: np.ndarray, right: np.ndarray, surface: np.ndarray) -> np.ndarray:
    wrong = np.ones(values.shape, bool)
    padded = np.pad(right, EDGE_PX, mode="edge")
    for row in range(2 * EDGE_PX + 1):
        for column in range(2 * EDGE_PX + 1):
            wrong &= values != padded[row : row + values.shape[0], column : column + values.shape[1]]
    return wrong


COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "rgb": _rgb_wrong,
    "depth": _depth_wrong,
    "normals": _normals_wrong,
    "semantic": _ids_wrong,
    "instance": _ids_wrong,
}
"""Rendered modality → (values, right values, surface) → (H, W) bool, where a frame is wrong."""


def _fault(view: int, name: str, values: np.ndarray, wrong: np.ndarray) -> Fault:
    zero = (values == 0).all(axis=-1) if values.ndim == 3 else values == 0
    black = 2 * int((wrong & zero).sum()) > int(wrong.sum())
    patches, count = label(wrong, np.ones((3, 3)))
    largest = 1 + int(np.bincount(patches[wrong])[1:].argmax())
    rows, columns = (np.flatnonzero((patches == largest).any(axis=axis)) for axis in (1, 0))
    where = f"columns {columns[0]} to {columns[-1]}, rows {rows[0]} to {rows[-1]}"
    what = f"{wrong.sum()} of {wrong.size} pixels are {'black (0)' if black else 'wrong'}, " + (
        where if count == 1 else f"in {count} patches, the largest in {where}"
    )
    return Fault(view, name, what, black)
