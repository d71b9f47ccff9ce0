"""The optional package scenezoo: loading it, and what its meshes are here."""

from __future__ import annotations

import importlib
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.scans.mesh_files import RawMesh, untextured, with_corner_uv


def scenezoo() -> ModuleType:
    """Return the package, or raise :class:`UserError` with how to get it."""
    try:
        importlib.import_module("scenezoo.ops.geometry")  # what needs Open3D and its system libraries
        return importlib.import_module("scenezoo")
    except ImportError as error:
        raise UserError(
            f"This format is read with the package scenezoo, which does not load ({error}): "
            "pip install 'tst-bench[scans]'. Its part Open3D also needs system libraries: "
            "apt-get install libusb-1.0-0 libgl1 libgomp1 libx11-6."
        ) from error


def said(error: Exception) -> str:
    """Return what an error of a library says, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def of_open3d(mesh: Any) -> RawMesh:
    """Return an Open3D triangle mesh as a RawMesh: vertex colours, or textures with corner coordinates, v up."""
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.triangles).astype(np.int64)
    rgb = np.rint(np.clip(np.asarray(mesh.vertex_colors), 0, 1) * 255).astype(np.uint8)
    raw = RawMesh(
        vertices=vertices.astype(np.float64),
        faces=faces,
        vertex_rgb=rgb if len(rgb) == len(vertices) else None,
        uv=np.zeros((len(vertices), 2), np.float32),
        face_texture=untextured(len(faces)),
        textures=(),
        vertex_origin=np.arange(len(vertices)),
        face_origin=np.arange(len(faces)),
        file_counts=(len(vertices), len(faces)),
    )
    corner_uv = np.asarray(mesh.triangle_uvs, np.float32)
    if not mesh.has_textures() or len(corner_uv) != 3 * len(faces):
        return raw
    used, number = np.unique(np.asarray(mesh.triangle_material_ids), return_inverse=True)
    textures = [np.asarray(mesh.textures[i]) for i in used.tolist()]
    textured = with_corner_uv(raw, corner_uv.reshape(-1, 3, 2))
    return replace(
        textured,
        vertex_rgb=np.full((len(textured.vertices), 3), 255, np.uint8),
        face_texture=number.reshape(-1).astype(np.int32),
        textures=tuple(np.ascontiguousarray(_rgb(texture)) for texture in textures),
    )


def _rgb(texture: np.ndarray) -> np.ndarray:
    grey = texture[..., None] if texture.ndim == 2 else texture
    return np.repeat(grey[..., :1], 3, axis=2) if grey.shape[2] < 3 else grey[..., :3]
