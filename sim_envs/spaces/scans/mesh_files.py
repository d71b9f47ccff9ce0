"""Meshes as files hold them: one shape for PLY, glTF and OBJ, in file order, so that labels fit."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE

READERS = {
    ".ply": "sim_envs.spaces.scans.ply_file:read_ply",
    ".glb": "sim_envs.spaces.scans.gltf_file:read_gltf",
    ".gltf": "sim_envs.spaces.scans.gltf_file:read_gltf",
    ".obj": "sim_envs.spaces.scans.obj_file:read_obj",
}


class MeshFileError(Exception):
    """A mesh file that does not hold what its format promises; :func:`read_mesh` names the file."""


@dataclass(frozen=True, eq=False)
class RawMesh:
    """A triangulated mesh with its appearance, in the file's own axes and unit.

    Attributes:
        vertices: (V, 3) float64; a file vertex with several texture coordinates occurs several times.
        faces: (F, 3) int64.
        vertex_rgb: (V, 3) uint8, or None where the file has neither colours nor materials.
        uv: (V, 2) float32, v up; zeros where unused.
        face_texture: (F,) int32 index into ``textures`` or ``NO_TEXTURE``.
        textures: (h, w, 3) uint8 arrays, row 0 on top.
        vertex_origin: (V,) int64, which vertex of the file each one is.
        face_origin: (F,) int64, which face (polygon) of the file each triangle is part of.
        file_counts: vertices and faces in the file, as label files count them.
        face_object_id: (file faces,) int64 instance ids, or None.
        companions: other files that were read (materials, textures, buffers).
        notes: what was not taken over, for the provenance.
    """

    vertices: np.ndarray
    faces: np.ndarray
    vertex_rgb: np.ndarray | None
    uv: np.ndarray
    face_texture: np.ndarray
    textures: tuple[np.ndarray, ...]
    vertex_origin: np.ndarray
    face_origin: np.ndarray
    file_counts: tuple[int, int]
    face_object_id: np.ndarray | None = None
    companions: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def read_mesh(path: Path) -> RawMesh:
    """Read a mesh file of any known format.

    Raises:
        UserError: no such file, an unknown extension, a corrupt file, or one without faces.
    """
    if not path.is_file():
        raise UserError(f"No such file: {path}")
    target = READERS.get(path.suffix.lower())
    if target is None:
        raise UserError(f"{path} is no mesh this program reads: its name must end in {', '.join(READERS)}.")
    module, _, attribute = target.partition(":")
    read: Callable[[Path], RawMesh] = getattr(importlib.import_module(module), attribute)
    try:
        mesh = read(path)
    except MeshFileError as error:
        raise UserError(f"Cannot read {path}: {error}") from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from error
    if not len(mesh.faces):
        raise UserError(f"{path} is a mesh without faces: a space needs surfaces, not points or lines alone.")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise UserError(f"Cannot read {path}: a face names a vertex that does not exist; the file is damaged.")
    return mesh


def fan(corners: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut polygons into triangle fans.

    Args:
        corners: flat positions (into whatever the caller keeps per corner), polygon after polygon.
        counts: (P,) corners per polygon; polygons of fewer than three give nothing.

    Returns:
        (F, 3) entries of ``corners`` and (F,) the polygon each triangle came from.
    """
    if len(counts) and (counts == 3).all():
        return corners.reshape(-1, 3), np.arange(len(counts))
    triangles = np.maximum(counts - 2, 0)
    polygon = np.repeat(np.arange(len(counts)), triangles)
    start = (np.cumsum(counts) - counts)[polygon]
    step = np.arange(len(polygon)) - (np.cumsum(triangles) - triangles)[polygon]
    return np.stack([corners[start], corners[start + step + 1], corners[start + step + 2]], axis=1), polygon


def split_corners(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give every distinct combination of corner attributes one vertex.

    Args:
        keys: integer arrays of one shape, e.g. vertex, texture coordinate and material of every corner.

    Returns:
        ``first``: flat index of the corner that stands for each new vertex, and ``index``: the new vertex of
        every corner, in the shape of the keys. New vertices are in the order of the sorted combinations.
    """
    combined = np.zeros(keys[0].size, np.int64)
    for part in keys:
        flat = part.reshape(-1).astype(np.int64)
        low = flat.min(initial=0)
        combined = combined * (flat.max(initial=0) - low + 1) + (flat - low)
    _, first, index = np.unique(combined, return_index=True, return_inverse=True)
    return first, index.reshape(keys[0].shape)


def with_corner_uv(mesh: RawMesh, corner_uv: np.ndarray) -> RawMesh:
    """Give a mesh (F, 3, 2) texture coordinates, splitting vertices where the corners of faces differ."""
    flat = corner_uv.reshape(-1, 2)
    _, which = np.unique(np.ascontiguousarray(flat).view(np.int64).reshape(-1), return_inverse=True)
    first, faces = split_corners(mesh.faces, which)
    origin = mesh.faces.reshape(-1)[first]
    return replace(
        mesh,
        vertices=mesh.vertices[origin],
        faces=faces,
        vertex_rgb=None if mesh.vertex_rgb is None else mesh.vertex_rgb[origin],
        uv=flat[first],
        vertex_origin=mesh.vertex_origin[origin],
    )


def numbers(text: bytes, dtype: type) -> np.ndarray:
    """Parse numbers between blanks.

    Raises:
        ValueError: something in the text is not a number of that type.
    """
    if not text.strip():
        return np.empty(0, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text.decode("ascii"), dtype, sep=" ")
        except DeprecationWarning as error:  # how NumPy says that it stopped before the end
            raise ValueError("not a number") from error


def untextured(face_count: int) -> np.ndarray:
    """Return a ``face_texture`` for faces without any."""
    return np.full(face_count, NO_TEXTURE, np.int32)


def read_texture(path: Path) -> np.ndarray:
    """Read an image as (h, w, 3) uint8 sRGB.

    Raises:
        MeshFileError: it is missing or not an image.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise MeshFileError(f"its texture {path.name} is missing; put it beside the mesh.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise MeshFileError(f"its texture {path.name} is not a readable image.") from error
