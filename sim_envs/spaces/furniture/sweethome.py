"""The catalog of artist-made models from Sweet Home 3D furniture libraries."""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim_envs.errors import UserError, unknown
from sim_envs.spaces.furniture.assembly import grounded
from sim_envs.spaces.furniture.categories import CATEGORIES
from sim_envs.spaces.furniture.finishes import draw_finish
from sim_envs.spaces.furniture.indexing import unique_rows
from sim_envs.spaces.furniture.model import NO_TEXTURE, Finish, FurnitureModel
from sim_envs.spaces.furniture.obj import ObjMaterial, ObjMesh, read_mtl, read_obj
from sim_envs.spaces.furniture.parametric import ParametricCatalog, parametric_catalog
from sim_envs.spaces.furniture.parametric.kit import POOLS
from sim_envs.spaces.furniture.sh3f import Entry, Library, read_library
from sim_envs.spaces.furniture.simplify import extended_uv, simplify
from sim_envs.spaces.furniture.sweethome_rules import category_of, turn_of

DEBIAN_FOLDER = Path("/usr/share/sweethome3d/furniture")
VARIABLE = "TST_BENCH_SH3F"
FACES_PER_METRE = 5_000  # of a model's diagonal: what a pixel can still show from across a room
FACE_BUDGET = (1_500, 9_000)
MAX_OBJ_BYTES = 2_000_000  # larger files take longer to simplify than they are worth
MAX_TEXTURE = 256
GLASS = np.array([0.84, 0.9, 0.92])


class BrokenModel(Exception):
    """A model that cannot be used; says why."""


def find_libraries(libraries: Sequence[Path] | None = None) -> list[Path]:
    """Return the furniture libraries to use, in order of their names.

    Args:
        libraries: files or folders; None: those of ``TST_BENCH_SH3F`` and Debian's package.

    Raises:
        UserError: none found, or a named one does not exist.
    """
    if libraries is None:
        named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
        places = named + ([DEBIAN_FOLDER] if DEBIAN_FOLDER.is_dir() else [])
    else:
        named = places = list(libraries)
    for place in named:
        if not place.exists():
            raise UserError(f"No furniture library at {place} (from {VARIABLE} or the libraries option).")
    found = {path for place in places for path in (place.glob("*.sh3f") if place.is_dir() else [place])}
    if not found:
        raise UserError(
            "No Sweet Home 3D furniture library (.sh3f) found. Run `apt-get install sweethome3d-furniture`, "
            f"or set {VARIABLE} to library files or folders; spaces named builtin/flat-NN need none."
        )
    return sorted(found, key=lambda path: (path.name, str(path)))


def sweethome_catalog(pool: int, libraries: Sequence[Path] | None = None) -> SweetHomeCatalog:
    """Return one pool of the models in Sweet Home 3D furniture libraries.

    Args:
        pool: any integer; pools repeat after four. Models of a category are dealt out to the pools in the
            order of a hash of library and id; a category of fewer than four models is shared by all.
        libraries: files or folders; None: those of ``TST_BENCH_SH3F`` and Debian's package.

    Raises:
        UserError: no library found.
    """
    read = [read_library(path) for path in find_libraries(libraries)]
    by_category: dict[str, list[Entry]] = {category: [] for category in CATEGORIES}
    for library in read:
        for entry in library.entries:
            category = category_of(entry)
            if category is not None and entry.member_bytes <= MAX_OBJ_BYTES:
                by_category[category].append(entry)
    pool %= POOLS
    shares = {category: _share(entries, pool) for category, entries in by_category.items()}
    return SweetHomeCatalog(pool, tuple(read), shares, parametric_catalog(pool))


def _share(entries: Sequence[Entry], pool: int) -> tuple[Entry, ...]:
    """Return the entries of one pool."""

    def rank(entry: Entry) -> str:
        return hashlib.sha256(f"{entry.library}/{entry.id}".encode()).hexdigest()

    ordered = sorted(entries, key=rank)
    return tuple(ordered if len(ordered) < POOLS else ordered[pool::POOLS])


@dataclass(frozen=True, eq=False)
class SweetHomeCatalog:
    """Models of furniture libraries; fills :class:`sim_envs.spaces.furniture.model.Catalog`.

    A category without a usable model falls back to the parametric catalog of the same pool, and the
    provenance says so.

    Attributes:
        pool: 0…3.
        libraries: what the models come from.
        shares: category → this pool's models.
        parametric: what fills the gaps, and makes the finishes.
    """

    pool: int
    libraries: tuple[Library, ...]
    shares: Mapping[str, tuple[Entry, ...]]
    parametric: ParametricCatalog
    _used: dict[str, Entry] = field(default_factory=dict)
    _set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of models of each category in this pool."""
        return {category: len(entries) for category, entries in self.shares.items()}

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Libraries with digests, authors and licences, the models used, set aside, and the fallbacks."""
        libraries = []
        for library in self.libraries:
            used = sorted((e for e in self._used.values() if e.library == library.path.name), key=lambda e: e.id)
            libraries.append(
                {
                    "file": library.path.name,
                    "sha256": library.sha256,
                    "name": library.name,
                    "version": library.version,
                    "licence": library.licence,
                    "licence_texts": list(library.licence_files),
                    "authors": sorted({entry.creator for entry in used if entry.creator}),
                    "models": [{"id": e.id, "name": e.name, "author": e.creator} for e in used],
                }
            )
        return {
            "furniture": "sweethome3d",
            "pool": self.pool,
            "libraries": libraries,
            "skipped": dict(sorted(self._set_aside.items())),
            "parametric": dict(self.parametric.provenance["pieces"]),
        }

    def pick(
        self, category: str, rng: np.random.Generator, max_size: tuple[float, float, float] | None = None
    ) -> FurnitureModel | None:
        """Return one model that fits, trying the others of the pool when one is broken.

        Raises:
            UserError: the category is not one of the furniture categories.
        """
        if category not in self.shares:
            raise unknown("furniture category", category, self.shares)
        entries = self.shares[category]
        fitting = [entry for entry in entries if max_size is None or _fits(entry.size, max_size)]
        for place in rng.permutation(len(fitting)):
            entry = fitting[int(place)]
            key = f"{entry.library}/{entry.id}"
            if key in self._set_aside:
                continue
            try:
                model = load_model(self._library(entry), entry, category)
            except BrokenModel as reason:
                warnings.warn(f"{entry.library}: model {entry.id} skipped: {reason}", stacklevel=2)
                self._set_aside[key] = str(reason)
                continue
            self._used[key] = entry
            return model
        usable = any(f"{entry.library}/{entry.id}" not in self._set_aside for entry in entries)
        return None if usable else self.parametric.pick(category, rng, max_size)

    def finish(self, kind: str, rng: np.random.Generator) -> Finish:
        """Return a procedural surface, as the parametric catalog of this pool makes it."""
        return draw_finish(kind, self.pool, rng)

    def _library(self, entry: Entry) -> Path:
        return next(library.path for library in self.libraries if library.path.name == entry.library)


def _fits(size: tuple[float, float, float], limit: tuple[float, float, float]) -> bool:
    return all(extent <= bound + 1e-6 for extent, bound in zip(size, limit, strict=True))


def load_model(path: Path, entry: Entry, category: str) -> FurnitureModel:
    """Read one model out of a library, in our frame and at its catalogued size.

    Raises:
        BrokenModel: missing or unreadable parts, or no volume.
    """
    return _load_model(path, entry, category)


@lru_cache(maxsize=128)
def _load_model(path: Path, entry: Entry, category: str) -> FurnitureModel:
    with zipfile.ZipFile(path) as archive:
        try:
            text = archive.read(entry.member).decode("latin-1")
            mesh = read_obj(text, lambda name: _materials(archive, entry.member, name))
        except (KeyError, ValueError, IndexError, zipfile.BadZipFile) as error:
            raise BrokenModel(f"{entry.member}: {error}") from error
        mesh = _without_clear_faces(mesh)
        names = {material.texture for material in mesh.materials if material.texture is not None}
        present = set(archive.namelist())
        # A texture the library does not hold leaves the plain colour, as Sweet Home 3D shows it.
        pictures = {
            name: _texture(archive, path) for name in sorted(names) if (path := _beside(entry.member, name)) in present
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
    except (KeyError, OSError, ValueError) as error:
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
    """Return the vertices turned, and scaled to the catalogued size, metres."""
    turned = vertices @ entry.rotation.T
    extent = np.ptp(turned, axis=0)
    if not np.isfinite(turned).all() or (extent > 0).sum() < 2:
        raise BrokenModel("no volume")
    placed = turned * (np.array(entry.size) / np.where(extent > 0, extent, 1.0))
    angle = np.deg2rad(turn_of(entry))
    cosine, sine = np.round(np.cos(angle), 12), np.round(np.sin(angle), 12)
    return placed @ np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]).T


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
    names = list(pictures)
    slots = np.array([names.index(m.texture) if m.texture in pictures else NO_TEXTURE for m in mesh.materials])
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
            textures=tuple(pictures[name] for name in names),
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
