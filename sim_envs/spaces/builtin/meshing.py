"""Coloured, textured triangles in world coordinates: make them, split them finely, put them together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim_envs.spaces.furniture.model import NO_TEXTURE, Finish, FurnitureModel
from sim_envs.storage import digest_arrays

Vector = Sequence[float] | np.ndarray


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with colours that no light has fallen on yet.

    Attributes:
        vertices: (V, 3) float64, metres, world.
        faces: (F, 3) int64.
        uv: (V, 2) float64.
        rgb: (V, 3) float64, 0…255.
        face_texture: (F,) int64, index into ``textures`` or ``NO_TEXTURE``.
        textures: (h, w, 3) uint8.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    rgb: np.ndarray
    face_texture: np.ndarray
    textures: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, eq=False)
class Part:
    """One instance of a space: what it is and its mesh.

    Attributes:
        category: its name in the space.
        mesh: in world coordinates.
        glow: it shines by itself (a window pane) and takes no light.
    """

    category: str
    mesh: Mesh
    glow: bool = False


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh; textures of equal content become one."""
    textures: list[np.ndarray] = []
    slot_of: dict[str, int] = {}
    digest_of: dict[int, str] = {}
    face_texture, faces, start = [], [], 0
    for mesh in meshes:
        slots = [NO_TEXTURE]  # a face without a texture reads the first entry
        for texture in mesh.textures:
            key = digest_of.setdefault(id(texture), "") or digest_arrays({"texture": texture})
            digest_of[id(texture)] = key
            if key not in slot_of:
                slot_of[key] = len(textures)
                textures.append(texture)
            slots.append(slot_of[key])
        face_texture.append(np.array(slots)[mesh.face_texture + 1])
        faces.append(mesh.faces + start)
        start += len(mesh.vertices)
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        faces=np.concatenate(faces),
        uv=np.concatenate([m.uv for m in meshes]),
        rgb=np.concatenate([m.rgb for m in meshes]),
        face_texture=np.concatenate(face_texture),
        textures=tuple(textures),
    )


def panel(
    origin: Vector,
    along: Vector,
    up: Vector,
    u: np.ndarray,
    v: np.ndarray,
    finish: Finish,
    keep: np.ndarray | None = None,
) -> Mesh:
    """Return a flat grid of rectangles that faces ``along × up``.

    Args:
        origin: (3,) where u and v are 0.
        along, up: (3,) unit vectors.
        u, v: grid lines, metres, rising.
        finish: its texture repeats in metres, counted from ``origin``.
        keep: (len(u) − 1, len(v) − 1) bool; cells that exist. Default all.
    """
    grid_u, grid_v = np.meshgrid(u, v, indexing="ij")
    flat = np.stack([grid_u.ravel(), grid_v.ravel()], axis=1)
    vertices = np.array(origin) + flat[:, :1] * np.array(along) + flat[:, 1:] * np.array(up)
    i, j = np.meshgrid(np.arange(len(u) - 1), np.arange(len(v) - 1), indexing="ij")
    chosen = np.ones(i.shape, bool) if keep is None else keep
    a = (i * len(v) + j)[chosen]
    b, c, d = a + len(v), a + len(v) + 1, a + 1
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return Mesh(
        vertices=vertices,
        faces=faces,
        uv=flat / finish.metres_per_repeat,
        rgb=np.tile(np.asarray(finish.rgb, dtype=float), (len(vertices), 1)),
        face_texture=np.full(len(faces), NO_TEXTURE if finish.texture is None else 0),
        textures=() if finish.texture is None else (finish.texture,),
    )


def steps(start: float, end: float, size: float, *extra: float) -> np.ndarray:
    """Return grid lines from start to end at most ``size`` apart that pass through ``extra``."""
    fixed = np.unique([start, end, *(e for e in extra if start < e < end)])
    pieces = [
        np.linspace(a, b, max(1, int(np.ceil((b - a) / size - 1e-9))) + 1)[:-1] for a, b in itertools.pairwise(fixed)
    ]
    return np.concatenate([*pieces, [end]])


def slab(
    origin: Sequence[float], axes: Sequence[Sequence[float]], size: Sequence[float], finish: Finish, step: float = 0.3
) -> Mesh:
    """Return a closed box with one corner at ``origin`` and edges ``size`` along three unit ``axes``.

    Faces look outward where the axes are right-handed. Edges longer than ``step`` are divided.
    """
    start, axis, lines = np.array(origin, float), np.array(axes, float), [steps(0.0, s, step) for s in size]
    sides = []
    for k in range(3):
        a, b = (k + 1) % 3, (k + 2) % 3
        sides.append(panel(start + size[k] * axis[k], axis[a], axis[b], lines[a], lines[b], finish))
        sides.append(panel(start, axis[b], axis[a], lines[b], lines[a], finish))
    return join(sides)


def placed(model: FurnitureModel, x: float, base: float, z: float, yaw: float) -> Mesh:
    """Return a furniture model in the world, turned by ``yaw`` radians about +Y and then moved."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    return Mesh(
        vertices=model.vertices.astype(float) @ turn.T + np.array([x, base, z]),
        faces=model.faces.astype(np.int64),
        uv=model.uv.astype(float),
        rgb=model.vertex_rgb.astype(float),
        face_texture=model.face_texture.astype(np.int64),
        textures=model.textures,
    )


def creased(mesh: Mesh) -> Mesh:
    """Split vertices whose faces look in clearly different directions, so that light can differ there.

    Directions are told apart by the cube face and quadrant the normal points to; slivers are dropped.
    """
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    solid = length > 1e-10
    normal = np.round(normal[solid] / length[solid, None], 3)
    axis = np.abs(normal).argmax(axis=1)
    sign = normal[np.arange(len(normal)), axis] > 0
    faces = mesh.faces[solid]
    keys, new_faces = np.unique(faces * 6 + (axis * 2 + sign)[:, None], return_inverse=True)
    source = keys // 6
    return replace(
        mesh,
        vertices=mesh.vertices[source],
        faces=new_faces.reshape(-1, 3),
        uv=mesh.uv[source],
        rgb=mesh.rgb[source],
        face_texture=mesh.face_texture[solid],
    )


def divided(mesh: Mesh, longest: float) -> Mesh:
    """Halve every edge longer than ``longest`` metres, the longest of a triangle first (Rivara 1984)."""
    vertices, uv, rgb = mesh.vertices, mesh.uv, mesh.rgb
    faces, face_texture = mesh.faces, mesh.face_texture
    while True:
        corners = vertices[faces]
        lengths = np.linalg.norm(corners[:, [1, 2, 0]] - corners, axis=2)
        # Rounded, so that both triangles at an edge agree which of two equal edges is the longest.
        edge = np.round(lengths, 6).argmax(axis=1)
        split = np.flatnonzero(lengths.max(axis=1) > longest)
        if not len(split):
            return replace(mesh, vertices=vertices, faces=faces, uv=uv, rgb=rgb, face_texture=face_texture)
        turn = (edge[split, None] + np.arange(3)) % 3
        a, b, c = np.take_along_axis(faces[split], turn, axis=1).T
        ends, middle = np.unique(np.sort(np.stack([a, b], axis=1), axis=1), axis=0, return_inverse=True)
        middle = middle.ravel() + len(vertices)
        vertices, uv, rgb = (np.concatenate([array, array[ends].mean(axis=1)]) for array in (vertices, uv, rgb))
        second = np.stack([middle, b, c], axis=1)
        faces = faces.copy()
        faces[split] = np.stack([a, middle, c], axis=1)
        faces = np.concatenate([faces, second])
        face_texture = np.concatenate([face_texture, face_texture[split]])
