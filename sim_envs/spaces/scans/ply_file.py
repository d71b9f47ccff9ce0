"""Read a PLY file as a mesh: polygons, colours, textures and per-face instance ids, in file order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE
from sim_envs.spaces.scans.mesh_files import MeshFileError, RawMesh, fan, read_texture, untextured, with_corner_uv
from sim_envs.spaces.scans.ply_parse import Columns, Ragged, read_elements

_CORNER_NAMES = ("vertex_indices", "vertex_index")
_ID_NAMES = ("object_id", "objectid", "instance_id", "instanceid")
_RGB_NAMES = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_WANTED = {"x", "y", "z", "texnumber", "texcoord", *_CORNER_NAMES, *_ID_NAMES}.union(*_RGB_NAMES, *_UV_NAMES)


def read_ply(path: Path) -> RawMesh:
    """Read a PLY as a triangle mesh.

    Colours are ``red green blue`` per vertex. Textures are named by ``comment TextureFile``, with coordinates
    per face corner (``texcoord``, ``texnumber``: MeshLab's way) or per vertex (``s t`` or ``u v``).

    Raises:
        MeshFileError: the file does not hold what its header promises.
    """
    elements, texture_names = read_elements(path, _WANTED)
    vertex, face = elements.get("vertex", {}), elements.get("face", {})
    x, y, z = (_scalar(vertex, axis) for axis in "xyz")
    if x is None or y is None or z is None:
        raise MeshFileError("it has no vertices with x, y and z.")
    corners = next((c for name in _CORNER_NAMES if isinstance(c := face.get(name), Ragged)), _NO_CORNERS)
    positions, face_origin = fan(np.arange(len(corners.values)), corners.counts)
    faces = corners.values.astype(np.int64)[positions]
    if faces.size and (faces.min() < 0 or faces.max() >= len(x)):
        raise MeshFileError("a face names a vertex that does not exist; the file is damaged.")
    vertex_rgb = _colours(vertex)
    mesh = RawMesh(
        vertices=np.stack([x, y, z], axis=1).astype(np.float64, copy=False),
        faces=faces,
        vertex_rgb=vertex_rgb,
        uv=np.zeros((len(x), 2), np.float32),
        face_texture=untextured(len(faces)),
        textures=(),
        vertex_origin=np.arange(len(x)),
        face_origin=face_origin,
        file_counts=(len(x), len(corners.counts)),
        face_object_id=_object_ids(face),
        notes=("colours per face are not taken over",) if vertex_rgb is None and "red" in face else (),
    )
    return _textured(mesh, vertex, face, corners, positions, path, texture_names) if texture_names else mesh


def read_face_columns(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return those of the named face properties that a PLY has, one number a polygon.

    Raises:
        UserError: the file does not hold what its header promises.
    """
    try:
        face = read_elements(path, names)[0].get("face", {})
    except MeshFileError as error:
        raise UserError(f"Cannot read {path}: {error}") from error
    return {name: column for name in names if (column := _scalar(face, name)) is not None}


_NO_CORNERS = Ragged(np.empty(0, np.int64), np.empty(0, np.int64))


def _scalar(columns: Columns, name: str) -> np.ndarray | None:
    column = columns.get(name)
    return column if isinstance(column, np.ndarray) else None


def _colours(vertex: Columns) -> np.ndarray | None:
    """Return (V, 3) uint8; floating-point colours are taken as 0…1."""
    for names in _RGB_NAMES:
        channels = [channel for name in names if (channel := _scalar(vertex, name)) is not None]
        if len(channels) == 3:
            rgb = np.stack(channels, axis=1)
            if rgb.dtype.kind == "f":
                rgb = np.round(np.clip(np.nan_to_num(rgb), 0, 1) * 255)
            elif rgb.dtype == np.uint16:
                rgb = np.round(rgb / 257)
            return np.clip(rgb, 0, 255).astype(np.uint8)
    return None


def _object_ids(face: Columns) -> np.ndarray | None:
    for name, column in face.items():
        if name.lower() in _ID_NAMES and isinstance(column, np.ndarray):
            return column.astype(np.int64)
    return None


def _textured(
    mesh: RawMesh,
    vertex: Columns,
    face: Columns,
    corners: Ragged,
    positions: np.ndarray,
    path: Path,
    texture_names: list[str],
) -> RawMesh:
    """Add the textures that the header names."""
    companions = tuple(path.parent / name for name in texture_names)
    number = _scalar(face, "texnumber")
    number = np.zeros(len(corners.counts), np.int64) if number is None else number.astype(np.int64)
    if number.max(initial=0) >= len(companions):
        raise MeshFileError("a face names a texture that the header does not list.")
    mesh = replace(
        mesh,
        face_texture=np.maximum(number, NO_TEXTURE).astype(np.int32)[mesh.face_origin],
        textures=tuple(read_texture(companion) for companion in companions),
        vertex_rgb=np.full((len(mesh.vertices), 3), 255, np.uint8) if mesh.vertex_rgb is None else mesh.vertex_rgb,
        companions=companions,
    )
    texcoord = face.get("texcoord")
    if isinstance(texcoord, Ragged) and (texcoord.counts == 2 * corners.counts).all():
        return with_corner_uv(mesh, texcoord.values.reshape(-1, 2).astype(np.float32)[positions])
    for names in _UV_NAMES:
        pair = [column for name in names if (column := _scalar(vertex, name)) is not None]
        if len(pair) == 2:
            return replace(mesh, uv=np.stack(pair, axis=1).astype(np.float32))
    raise MeshFileError("it names a texture but has texture coordinates neither per corner nor per vertex.")
