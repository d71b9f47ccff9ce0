"""Simple shapes for parametric furniture: boxes, lathes, tubes, cushions, cloth and leaves.

Frame: metres, y up, +z towards the viewer. Texture coordinates are in metres along the surface, u along
the longest edge (so that wood grain runs along a board), except where a shape says it fits one image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Vector = tuple[float, float, float]

# Facets of a finer rounding are slivers that no camera tells from a sharp edge.
FINEST_RADIUS = 1e-4


@dataclass(frozen=True, eq=False)
class Solid:
    """A mesh without a colour: ``vertices`` (V, 3), ``faces`` (F, 3), ``uv`` (V, 2), all float64/int64."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Return the solid shifted, metres."""
        return Solid(self.vertices + np.array([x, y, z]), self.faces, self.uv)

    def turned(self, axis: str, degrees: float) -> Solid:
        """Return the solid rotated about ``axis`` ('x', 'y' or 'z') through the origin, right-handed."""
        angle = np.deg2rad(degrees)
        cosine, sine = np.cos(angle), np.sin(angle)
        first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        vertices = self.vertices.copy()
        vertices[:, first] = cosine * self.vertices[:, first] - sine * self.vertices[:, second]
        vertices[:, second] = sine * self.vertices[:, first] + cosine * self.vertices[:, second]
        return Solid(vertices, self.faces, self.uv)

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Solid:
        """Return the solid scaled about the origin by positive factors."""
        return Solid(self.vertices * np.array([x, y, z]), self.faces, self.uv)


def _without_slivers(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the (F, 3) faces that have an area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return faces[np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-12]


def _project_uv(vertices: np.ndarray, faces: np.ndarray) -> Solid:
    """Map each face along the axis it faces, splitting vertices where the axis changes."""
    faces = _without_slivers(vertices, faces)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    axis = np.abs(normals).argmax(axis=1)
    keys, new_faces = np.unique(faces * 3 + axis[:, None], return_inverse=True)
    origin, facing = keys // 3, keys % 3
    positions = vertices[origin]
    longest = int(np.ptp(vertices, axis=0).argmax())
    # u runs along the longest edge of the whole piece wherever that edge lies in the face.
    u_axis = np.where(facing == longest, np.array([2, 0, 0])[facing], longest)
    v_axis = 3 - facing - u_axis
    rows = np.arange(len(keys))
    return Solid(
        positions,
        new_faces.reshape(-1, 3),
        np.stack([positions[rows, u_axis], positions[rows, v_axis]], axis=1),
    )


def rounded_box(width: float, height: float, depth: float, radius: float = 0.0, steps: int = 1) -> Solid:
    """Return a box centred at x = z = 0, standing on y = 0, with edges rounded in ``steps`` facets.

    12 faces without a radius (or with one below ``FINEST_RADIUS``), 44 with one step, 108 with two.
    """
    half = np.array([width, height, depth]) / 2
    radius = min(radius, *(half * 0.999))
    if radius < FINEST_RADIUS:
        radius, steps = 0.0, 0
    latitudes, signs_y = _two_sided_angles(steps)
    quadrant = np.linspace(0, np.pi / 2, steps + 1) if steps else np.array([np.pi / 4])
    longitudes = np.concatenate([quadrant + k * np.pi / 2 for k in range(4)])
    sign_x = np.repeat([1, -1, -1, 1], len(quadrant))
    sign_z = np.repeat([1, 1, -1, -1], len(quadrant))
    ring = len(longitudes)
    rows = []
    for latitude, sign_y in zip(latitudes, signs_y, strict=True):
        rows.append(
            np.stack(
                [
                    sign_x * (half[0] - radius) + radius * np.cos(latitude) * np.cos(longitudes),
                    np.full(ring, sign_y * (half[1] - radius) + radius * np.sin(latitude) + half[1]),
                    sign_z * (half[2] - radius) + radius * np.cos(latitude) * np.sin(longitudes),
                ],
                axis=1,
            )
        )
    faces = np.concatenate([_strip_faces(len(rows), ring, closed=True), _fan(0, ring, False)])
    faces = np.concatenate([faces, _fan((len(rows) - 1) * ring, ring, True)])
    vertices, index = np.unique(np.concatenate(rows).round(9), axis=0, return_inverse=True)
    return _project_uv(vertices, index.reshape(-1)[faces])


def _two_sided_angles(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return latitudes from the south to the north pole with the equator twice, and their signs."""
    if steps == 0:
        return np.zeros(2), np.array([-1, 1])
    up = np.linspace(0, np.pi / 2, steps + 1)
    return np.concatenate([-up[::-1], up]), np.repeat([-1, 1], steps + 1)


def _strip_faces(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Return the triangles of a grid of ``rows`` × ``columns`` vertices, outward when rows go up.

    The columns turn from +x to +z; ``closed`` joins the last column to the first.
    """
    row = np.arange(rows - 1)[:, None] * columns
    column = np.arange(columns if closed else columns - 1)[None]
    right = (column + 1) % columns
    a, b = (row + column).ravel(), (row + right).ravel()
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])


def _fan(start: int, ring: int, upwards: bool) -> np.ndarray:
    """Return triangles that close the ring of vertices beginning at ``start``."""
    index = np.arange(1, ring - 1)
    first = np.full(len(index), start)
    second, third = start + index, start + index + 1
    return np.stack([first, third, second] if upwards else [first, second, third], axis=1)


def box(width: float, height: float, depth: float) -> Solid:
    """Return a plain box centred at x = z = 0, standing on y = 0."""
    return rounded_box(width, height, depth)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 12, caps: bool = True) -> Solid:
    """Turn a profile of (radius, y) pairs, bottom to top, about the y axis."""
    radius, height = np.array(profile, dtype=float).T
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    vertices = np.stack(
        [
            radius[:, None] * np.cos(angles),
            np.broadcast_to(height[:, None], (len(radius), segments + 1)),
            radius[:, None] * np.sin(angles),
        ],
        axis=2,
    ).reshape(-1, 3)
    travelled = np.concatenate([[0.0], np.hypot(np.diff(radius), np.diff(height)).cumsum()])
    u = np.broadcast_to(angles * max(radius.max(), 1e-6), (len(radius), segments + 1))
    v = np.broadcast_to(travelled[:, None], u.shape)
    uv = np.stack([u, v], axis=2).reshape(-1, 2)
    faces = _strip_faces(len(radius), segments + 1, closed=False)
    if caps:
        for row, upwards in ((0, False), (len(radius) - 1, True)):
            if radius[row] > 1e-6:
                rim = vertices[row * (segments + 1) : (row + 1) * (segments + 1) - 1]
                faces = np.concatenate([faces, _fan(len(vertices), segments, upwards)])
                vertices, uv = np.concatenate([vertices, rim]), np.concatenate([uv, rim[:, [0, 2]]])
    return Solid(vertices, _without_slivers(vertices, faces), uv)


def cylinder(radius: float, height: float, segments: int = 12, top: float | None = None) -> Solid:
    """Return an upright cylinder on y = 0, or a cone when ``top`` gives another radius."""
    return lathe([(radius, 0.0), (radius if top is None else top, height)], segments)


def cushion(width: float, height: float, depth: float, squareness: float = 0.5, detail: int = 3) -> Solid:
    """Return a superellipsoid standing on y = 0: 1 is an ellipsoid, towards 0 a box (Barr 1981)."""
    latitudes = np.linspace(-np.pi / 2, np.pi / 2, 2 * detail + 1)
    longitudes = np.linspace(0, 2 * np.pi, 4 * detail, endpoint=False)

    def power(value: np.ndarray, exponent: float) -> np.ndarray:
        return np.sign(value) * np.abs(np.where(np.abs(value) < 1e-9, 0.0, value)) ** exponent

    around = power(np.cos(latitudes), 0.8)[:, None]
    vertices = np.stack(
        [
            width / 2 * around * power(np.cos(longitudes), squareness),
            np.broadcast_to(
                height / 2 * (power(np.sin(latitudes), 0.8)[:, None] + 1), (len(latitudes), len(longitudes))
            ),
            depth / 2 * around * power(np.sin(longitudes), squareness),
        ],
        axis=2,
    ).reshape(-1, 3)
    return _project_uv(vertices, _strip_faces(len(latitudes), len(longitudes), closed=True))


def ball(radius: float, detail: int = 3) -> Solid:
    """Return a sphere standing on y = 0."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, 2 * detail + 1)
    profile = [(radius * float(np.cos(a)), radius * float(1 + np.sin(a))) for a in angles]
    return lathe(profile, segments=4 * detail, caps=False)


def tube(points: Sequence[Vector], radius: float, segments: int = 6) -> Solid:
    """Sweep a round bar along ``points``; ends are closed."""
    path = np.array(points, dtype=float)
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    helper = np.eye(3)[np.abs(tangents).max(axis=0).argmin()]
    side = np.cross(tangents, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangents, side)
    angles = np.linspace(0, 2 * np.pi, segments + 1)[None, :, None]
    rings = path[:, None] + radius * (np.cos(angles) * side[:, None] - np.sin(angles) * other[:, None])
    vertices = rings.reshape(-1, 3)
    travelled = np.concatenate([[0.0], np.linalg.norm(np.diff(path, axis=0), axis=1).cumsum()])
    u = np.broadcast_to(travelled[:, None], rings.shape[:2])
    v = np.broadcast_to(angles[0, :, 0] * radius, rings.shape[:2])
    faces = np.concatenate(
        [
            _strip_faces(len(path), segments + 1, closed=False),
            _fan(0, segments, False),
            _fan((len(path) - 1) * (segments + 1), segments, True),
        ]
    )
    return Solid(vertices, _without_slivers(vertices, faces), np.stack([u, v], axis=2).reshape(-1, 2))


def bar(start: Vector, end: Vector, radius: float, segments: int = 6) -> Solid:
    """Return a straight round bar between two points."""
    return tube([start, end], radius, segments)


def image_panel(width: float, height: float) -> Solid:
    """Return a rectangle in z = 0 facing +z, standing on y = 0, that shows one image whole (uv 0…1)."""
    x = width / 2
    vertices = np.array([[-x, 0, 0], [x, 0, 0], [x, height, 0], [-x, height, 0]])
    return Solid(vertices, np.array([[0, 1, 2], [0, 2, 3]]), np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))


def cloth(width: float, height: float, wave_depth: float, waves: float, flare: float = 0.0, rows: int = 4) -> Solid:
    """Return hanging fabric, a wavy sheet facing +z on y = 0; ``flare`` deepens the folds at the hem."""
    columns = max(3, round(waves * 6) + 1)
    across = np.linspace(0, 1, columns)
    down = np.linspace(0, 1, rows + 1)
    x, y = np.meshgrid((across - 0.5) * width, down * height)
    depth = wave_depth / 2 * (1 + flare * (1 - down))[:, None]
    z = depth * np.sin(2 * np.pi * waves * across)[None]
    vertices = np.stack([x, y, z], axis=2).reshape(-1, 3)
    faces = _strip_faces(rows + 1, columns, closed=False)[:, [0, 2, 1]]
    return Solid(vertices, faces, vertices[:, :2].copy())


def leaf(length: float, width: float, lift_degrees: float, droop: float, steps: int = 3) -> Solid:
    """Return a pointed blade from the origin towards +z, rising and then bending down by ``droop``."""
    along = np.linspace(0, 1, steps + 1)
    lift = np.deg2rad(lift_degrees)
    z = length * along * np.cos(lift)
    y = length * (along * np.sin(lift) - droop * along**2)
    half = width / 2 * np.sin(np.pi * np.clip(along * 0.86 + 0.1, 0, 1))
    half[-1] = 0.0
    left = np.stack([-half, y, z], axis=1)
    right = np.stack([half, y, z], axis=1)
    vertices = np.stack([left, right], axis=1).reshape(-1, 3)
    faces = _without_slivers(vertices, _strip_faces(steps + 1, 2, closed=False))
    uv = np.stack([np.tile([0.0, width], steps + 1), np.repeat(along * length, 2)], axis=1)
    return Solid(vertices, faces, uv)
