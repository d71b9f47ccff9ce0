"""Bring one model of a furniture library into our frame, at its catalogued size, as light as it may be."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from sim_envs.spaces.furniture.assembly import grounded
from sim_envs.spaces.furniture.indexing import unique_rows
from sim_envs.spaces.furniture.model import NO_TEXTURE, FurnitureModel
from sim_envs.spaces.furniture.sweethome.obj import ObjMaterial, ObjMesh, read_mtl, read_obj
from sim_envs.spaces.furniture.sweethome.sh3f import Entry
from sim_envs.spaces.furniture.sweethome.simplify import extended_uv, simplify

FACES_PER_METRE = 5_000  # of a model's diagonal: what a pixel can still show from across a room
FACE_BUDGET = (1_500, 9_000)
MAX_TEXTURE = 256
GLASS = np.array([0.84, 0.9, 0.92])


class BrokenModel(Exception):
    """A model that cannot be used; says why."""


@lru_cache(maxsize=128)
def load_model(path: Path, entry: Entry, category: str) -> FurnitureModel:
    """Read one model out of a library, in our frame and at its catalogued size.

    Raises:
        BrokenModel: missing or unreadable parts, or no volume.
    """
    with zipfile.ZipFile(path) as archive:
        try:
            text = archive.read(entry.member).decode("latin-1")
            mesh = read_obj(text, lambda name: _materials(archive, entry.member, name))
        except (KeyError, ValueError, IndexError, zipfile.BadZipFile, zlib.error) as error:
            raise BrokenModel(f"{entry.member}: {error}") from error
        mesh = _without_clear_faces(mesh)
        names = {material.texture for material in mesh.materials if material.texture is not None}
        present = set(archive.namelist())
        # A texture the library does not hold leaves the plain colour, as Sweet Home 3D shows it.
        pictures = {
            name: _texture(archive, member)
            for name in sorted(names)
            if (member := _beside(entry.member, name)) in present
        }
    mesh = replace(mesh, vertices=_placed(mesh.vertices, entry))
    return _coloured(entry, category, _lightened(mesh), pictures)


def _beside(member: str, name: str) -> str:
    """Return the zip path of a file named in another one."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(member), name.replace("\\", "/")))


def _materials(archive: zipfile.ZipFile, member: str, name: str) -> dict[str, ObjMaterial]:
    return read_mtl(archive.read(_beside(member, name)).decode("latin-1"))


def _texture(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """Return a texture of at most ``MAX_TEXTURE`` pixels; see-through pixels take the mean colour."""
    try:
        with Image.open(io.BytesIO(archive.read(member))) as image:
            rgba = np.asarray(image.convert("RGBA"), dtype=np.float64)
    except (OSError, ValueError, Image.DecompressionBombError, zipfile.BadZipFile, zlib.error) as error:
        raise BrokenModel(f"texture {member}: {error}") from error
    opacity = rgba[:, :, 3:] / 255.0
    mean = (rgba[:, :, :3] * opacity).sum(axis=(0, 1)) / max(float(opacity.sum()), 1e-9)
    flat = Image.fromarray(np.round(rgba[:, :, :3] * opacity + mean * (1 - opacity)).astype(np.uint8))
    flat.thumbnail((MAX_TEXTURE, MAX_TEXTURE), Image.Resampling.BOX)
    return np.ascontiguousarray(flat)


def _without_clear_faces(mesh: ObjMesh) -> ObjMesh:
    """Return the mesh without faces that cannot be seen."""
    seen = np.array([material.opacity > 0.05 for material in mesh.materials])
    keep = seen[mesh.face_material]
    if not keep.any():
        raise BrokenModel("every face is transparent")
    used, faces = np.unique(mesh.faces[keep], return_inverse=True)
    return ObjMesh(mesh.vertices[used], mesh.uv[used], faces.reshape(-1, 3), mesh.face_material[keep], mesh.materials)


def _placed(vertices: np.ndarray, entry: Entry) -> np.ndarray:
    """Return the vertices turned, and scaled to the catalogued size, metres.

    The library's frame is ours: x right, y up, front to +z.
    """
    turned = vertices @ entry.rotation.T
    extent = np.ptp(turned, axis=0)
    if not np.isfinite(turned).all() or (extent > 0).sum() < 2:
        raise BrokenModel("no volume")
    return turned * (np.array(entry.size) / np.where(extent > 0, extent, 1.0))


def _lightened(mesh: ObjMesh) -> ObjMesh:
    """Return the mesh with no more faces than its size deserves."""
    diagonal = float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    budget = int(np.clip(diagonal * FACES_PER_METRE, *FACE_BUDGET))
    if len(mesh.faces) <= budget:
        return mesh
    kept, corners = simplify(mesh.vertices, mesh.faces, mesh.face_material, budget)
    old = mesh.faces[kept]
    uv = extended_uv(mesh.vertices[old], mesh.uv[old], corners)
    material = mesh.face_material[kept]
    # Corners that agree in everything share a vertex; uv is compared at a 1000th of the image.
    keyed = np.concatenate(
        [
            corners.reshape(-1, 3) * 1e5,
            np.clip(uv.reshape(-1, 2) * 1e3, -1e7, 1e7),
            np.repeat(material, 3)[:, None],
        ],
        axis=1,
    )
    first, index = unique_rows(np.round(keyed).astype(np.int64))
    return ObjMesh(
        corners.reshape(-1, 3)[first], uv.reshape(-1, 2)[first], index.reshape(-1, 3), material, mesh.materials
    )


def _coloured(entry: Entry, category: str, mesh: ObjMesh, pictures: Mapping[str, np.ndarray]) -> FurnitureModel:
    """Give every vertex its material's colour, and every face its texture."""
    slot_of = {name: slot for slot, name in enumerate(pictures)}
    slots = np.array([slot_of.get(m.texture or "", NO_TEXTURE) for m in mesh.materials])
    colours = np.array([_tint(material, slot >= 0) for material, slot in zip(mesh.materials, slots, strict=True)])
    vertex_rgb = np.zeros((len(mesh.vertices), 3), dtype=np.uint8)
    vertex_rgb[mesh.faces] = np.round(colours * 255).astype(np.uint8)[mesh.face_material][:, None]
    return grounded(
        FurnitureModel(
            name=f"{entry.library}/{entry.id}",
            category=category,
            vertices=mesh.vertices.astype(np.float32),
            faces=mesh.faces.astype(np.int32),
            uv=mesh.uv.astype(np.float32),
            vertex_rgb=vertex_rgb,
            face_texture=slots[mesh.face_material].astype(np.int32),
            textures=tuple(pictures.values()),
        )
    )


def _tint(material: ObjMaterial, textured: bool) -> np.ndarray:
    """Return a material's colour in 0…1; what is see-through turns pale, for nothing is transparent here."""
    colour = np.clip(np.array(material.diffuse), 0.0, 1.0)
    if textured:
        # Exporters leave a grey of their own in Kd; a real tint has a hue.
        return np.ones(3) if np.ptp(colour) < 0.05 else colour
    if material.opacity < 0.7:
        return GLASS * (0.5 + 0.5 * colour)
    return colour
