"""Read Wavefront OBJ and MTL text, tolerantly, as artists' exporters write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim_envs.spaces.furniture.indexing import unique_rows


@dataclass(frozen=True)
class ObjMaterial:
    """What an MTL entry says about colour.

    Attributes:
        diffuse: Kd, 0…1.
        opacity: d, or 1 − Tr.
        texture: file named by map_Kd, or None.
    """

    diffuse: tuple[float, float, float] = (0.8, 0.8, 0.8)
    opacity: float = 1.0
    texture: str | None = None


@dataclass(frozen=True, eq=False)
class ObjMesh:
    """A triangulated OBJ.

    Attributes:
        vertices: (V, 3) float64 positions; split where texture coordinates, normals or materials change.
        uv: (V, 2) float64, v up; zeros where the file has none.
        faces: (F, 3) int64.
        face_material: (F,) int64, index into ``materials``.
        materials: in order of first use.
    """

    vertices: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    face_material: np.ndarray
    materials: tuple[ObjMaterial, ...]


def read_mtl(text: str) -> dict[str, ObjMaterial]:
    """Return the materials of an MTL file by name; lines that make no sense are passed over."""
    materials: dict[str, ObjMaterial] = {}
    name = ""
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        value = value.strip()
        key = key.lower()
        if key == "newmtl":
            name = value
            materials[name] = ObjMaterial()
        elif name and value:
            materials[name] = _with_property(materials[name], key, value)
    return materials


def _with_property(material: ObjMaterial, key: str, value: str) -> ObjMaterial:
    """Return the material with one MTL line applied."""
    try:
        if key == "kd":
            red, green, blue = (float(word) for word in value.split()[:3])
            return replace(material, diffuse=(red, green, blue))
        if key == "d":
            return replace(material, opacity=float(value.split()[-1]))
        if key == "tr":
            return replace(material, opacity=1.0 - float(value.split()[-1]))
    except ValueError:
        return material
    if key == "map_kd":
        return replace(material, texture=_without_options(value))
    return material


def _without_options(value: str) -> str:
    """Return the file name of a map_Kd line, which may follow options such as ``-s 1 1 1``."""
    words = value.split()
    while words and words[0].startswith("-") and len(words) > 1:
        words.pop(0)
        while len(words) > 1 and _is_number_or_switch(words[0]):
            words.pop(0)
    return " ".join(words).replace("\\", "/")


def _is_number_or_switch(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return word in ("on", "off")
    return True


def read_obj(text: str, read_library: Callable[[str], Mapping[str, ObjMaterial]]) -> ObjMesh:
    """Read an OBJ: groups are ignored, polygons triangulated, negative indices resolved.

    Args:
        text: the OBJ file.
        read_library: returns the materials of an MTL file by the name given in ``mtllib``.

    Raises:
        ValueError: no faces, or an index outside the file.
    """
    positions: list[list[float]] = []
    texture_uv: list[list[float]] = []
    normal_count = 0
    known: dict[str, ObjMaterial] = {}
    slots: dict[str, int] = {}
    slot = -1
    polygons: list[list[tuple[int, int, int]]] = []
    polygon_slot: list[int] = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if not words:
            continue
        key = words[0]
        if key == "v":
            positions.append([float(word) for word in words[1:4]])
        elif key == "vt":
            texture_uv.append([float(words[1]), float(words[2]) if len(words) > 2 else 0.0])
        elif key == "vn":
            normal_count += 1
        elif key == "f":
            if slot < 0:
                slot = slots.setdefault("", len(slots))
            counts = (len(positions), len(texture_uv), normal_count)
            polygons.append([_corner(word, counts) for word in words[1:]])
            polygon_slot.append(slot)
        elif key == "usemtl":
            slot = slots.setdefault(" ".join(words[1:]), len(slots))
        elif key == "mtllib":
            known.update(read_library(line.split(None, 1)[1].strip()))
    if not polygons:
        raise ValueError("no faces")
    materials = tuple(known.get(name, ObjMaterial()) for name in slots)
    return _index(np.array(positions), np.array(texture_uv).reshape(-1, 2), polygons, polygon_slot, materials)


def _corner(word: str, counts: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return zero-based position, uv and normal indices of ``v/vt/vn``; −1 where absent."""
    indices = [-1, -1, -1]
    for place, number in enumerate(word.split("/")[:3]):
        if number:
            index = int(number)
            indices[place] = index - 1 if index > 0 else counts[place] + index
    return indices[0], indices[1], indices[2]


def _index(
    positions: np.ndarray,
    texture_uv: np.ndarray,
    polygons: Sequence[Sequence[tuple[int, int, int]]],
    polygon_slot: Sequence[int],
    materials: tuple[ObjMaterial, ...],
) -> ObjMesh:
    """Triangulate and give every distinct corner a vertex of its own."""
    by_size: dict[int, list[int]] = {}
    for place, polygon in enumerate(polygons):
        by_size.setdefault(len(polygon), []).append(place)
    triangles, owners = [], []
    for size, places in sorted(by_size.items()):
        if size < 3:
            continue
        group = np.array([polygons[place] for place in places])
        if group[:, :, 0].min() < 0 or group[:, :, 0].max() >= len(positions):
            raise ValueError("a face names a vertex that is not there")
        of, corner = triangulate(positions[group[:, :, 0]])
        triangles.append(group[of[:, None], corner])
        owners.append(np.array(places)[of])
    if not triangles:
        raise ValueError("no faces")
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    slot = np.array(polygon_slot)[owner[order]]
    corners = np.concatenate(triangles)[order]
    keyed = np.concatenate([corners, np.broadcast_to(slot[:, None, None], (*corners.shape[:2], 1))], axis=2)
    rows = keyed.reshape(-1, 4)
    first, index = unique_rows(rows)
    keys = rows[first]
    has_uv = (keys[:, 1] >= 0) & (keys[:, 1] < len(texture_uv))
    uv = np.zeros((len(keys), 2))
    uv[has_uv] = texture_uv[keys[has_uv, 1]]
    return ObjMesh(positions[keys[:, 0]], uv, index.reshape(-1, 3), slot, materials)


def triangulate(polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangulate planar polygons of one size: fans where convex, ear clipping otherwise.

    Args:
        polygons: (M, N, 3) corners in order, N ≥ 3.

    Returns:
        ``owner`` (T,) which polygon a triangle is of, and ``corners`` (T, 3) its corners in 0…N − 1.
    """
    count, size = polygons.shape[:2]
    first = np.arange(1, size - 1)
    fan = np.stack([np.zeros_like(first), first, first + 1], axis=1)
    following = np.roll(polygons, -1, axis=1)
    normals = np.cross(polygons - polygons[:, :1], following - polygons[:, :1]).sum(axis=1)
    turns = np.cross(following - polygons, np.roll(polygons, -2, axis=1) - following)
    turns = (turns * normals[:, None]).sum(axis=2)
    slack = 1e-9 * np.abs(turns).max(axis=1, initial=1e-30)
    convex = np.flatnonzero((turns >= -slack[:, None]).all(axis=1))
    owners = [np.repeat(convex, size - 2)]
    corners = [np.tile(fan, (len(convex), 1))]
    for place in np.setdiff1d(np.arange(count), convex):
        axis = int(np.abs(normals[place]).argmax())
        flat = np.delete(polygons[place], axis, axis=1)
        if np.sign(normals[place, axis]) * (-1 if axis == 1 else 1) < 0:
            flat = flat * np.array([1.0, -1.0])
        owners.append(np.full(size - 2, place))
        corners.append(_clip_ears(flat))
    return np.concatenate(owners), np.concatenate(corners)


def _clip_ears(flat: np.ndarray) -> np.ndarray:
    """Return (N − 2, 3) triangles of a simple counter-clockwise polygon (N, 2)."""
    left = list(range(len(flat)))
    triangles: list[tuple[int, int, int]] = []
    while len(left) > 3:
        place = _ear(flat[left])
        triangles.append((left[place - 1], left[place], left[(place + 1) % len(left)]))
        left.pop(place)
    return np.array([*triangles, (left[0], left[1], left[2])])


def _ear(outline: np.ndarray) -> int:
    """Return a corner of an outline (N, 2) that can be cut off; 0 where a faulty outline has none."""

    def side(a: np.ndarray, b: np.ndarray, points: np.ndarray) -> np.ndarray:
        return (b[..., 0] - a[..., 0]) * (points[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
            points[..., 0] - a[..., 0]
        )

    before, after = np.roll(outline, 1, axis=0), np.roll(outline, -1, axis=0)
    for place in np.flatnonzero(side(before, outline, after) > 0):
        a, b, c = before[place], outline[place], after[place]
        others = np.delete(outline, [place - 1, place, (place + 1) % len(outline)], axis=0)
        inside = (side(a, b, others) >= 0) & (side(b, c, others) >= 0) & (side(c, a, others) >= 0)
        if not inside.any():
            return int(place)
    return 0
