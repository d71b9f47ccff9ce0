"""Imported scans: a mesh with colours or textures, any up axis and unit, with or without labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import unknown_space
from sim_envs.spaces.scans.labels import (
    FaceLabels,
    categorise,
    labels_in_mesh,
    read_instance_table,
    read_labels,
)
from sim_envs.spaces.scans.mesh_files import READERS, RawMesh, read_mesh
from sim_envs.spaces.scans.orientation import check_extent, metres_per, to_y_up, up_of_floor, up_of_shape
from sim_envs.spaces.store import load_space_folder, save_space
from sim_envs.storage import digest_file
from sim_envs.taxonomy import NYU40

SOURCE = "scan"
_GREY = 160
_TABLE_NAMES = ("instances.json", "labels.json", "info_semantic.json")
_LABEL_WORDS = re.compile(r"label|object_?id|instance|semantic")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ScanSource:
    """Spaces that were imported into ``<home>/spaces/scan/<name>``."""

    def names(self, home: Path) -> list[str]:
        """Return the names of the imported scans, sorted."""
        return sorted(path.parent.name for path in _folder(home).glob("[!.]*/space.json"))

    def load(self, name: str, home: Path) -> Space:
        """Return an imported scan, or raise :class:`UserError` with the near names."""
        if not _NAME.fullmatch(name) or not (_folder(home) / name).is_dir():
            raise unknown_space(f"{SOURCE}/{name}", home)
        return load_space_folder(_folder(home) / name)


@dataclass(frozen=True)
class ScanFiles:
    """The files of one scan: its mesh, and where its labels and its instance table are, if anywhere."""

    mesh: Path
    labels: Path | None = None
    instances: Path | None = None


def import_scan(
    path: Path,
    *,
    home: Path,
    name: str | None = None,
    labels: Path | None = None,
    instances: Path | None = None,
    up: str | None = None,
    unit: str | None = None,
) -> Space:
    """Read a scan, bring it into the world frame, and keep it as ``scan/<name>``.

    Args:
        path: a .ply, .glb, .gltf or .obj file, or a folder with one obvious mesh, and maybe its labels
            (a ``*semantic*.ply`` or a ``*.npy``) and instance table (``labels.json``, ``instances.json``).
        home: the data home.
        name: default: the name of the file or folder.
        labels: a PLY with `object_id` per face, or a ``.npy`` of ids per vertex or per face.
        instances: JSON table, instance id → category.
        up: the file's up axis (``y``, ``z``, ``-y`` …); default: as a labelled floor or the
            shape says, ``y`` in doubt.
        unit: the file's unit (``m``, ``cm``, ``mm``, ``in``, ``ft``); default ``m``.

    Returns:
        The space as kept; ``provenance["notes"]`` says what was changed or left out.

    Raises:
        UserError: wrong input, or a name that is taken by another scan. Nothing is left half-written.
    """
    return keep_scan(read_scan(path, name=name, labels=labels, instances=instances, up=up, unit=unit), home)


def keep_scan(space: Space, home: Path) -> Space:
    """Keep a space ``scan/<name>`` in the data home, and return it.

    Raises:
        UserError: the name is taken by another scan. Nothing is left half-written.
    """
    folder = _folder(home) / space.id.partition("/")[2]
    if (folder / "space.json").exists():
        kept = _intact(folder)
        if kept is not None and kept.digest != space.digest:
            raise UserError(f"{space.id} exists and is another scan. Give this one another --name, or remove {folder}.")
    save_space(space, folder)
    return space


def read_scan(
    path: Path,
    *,
    name: str | None = None,
    labels: Path | None = None,
    instances: Path | None = None,
    up: str | None = None,
    unit: str | None = None,
) -> Space:
    """Read a scan as a space without keeping it; the arguments are those of :func:`import_scan`."""
    space_name = checked_name((path.resolve().name if path.is_dir() else path.stem) if name is None else name)
    scale = metres_per(unit or "m")
    if up is not None:
        to_y_up(up)  # refuse a wrong axis before reading a large file
    files = find_files(path, labels, instances)
    mesh = read_mesh(files.mesh)
    face_labels, instance_category, categories, label_notes = _labels(files, mesh, explicit=labels is not None)
    mesh, face_instance, clean_notes = _cleaned(mesh, face_labels.instance, files.mesh)
    notes = [*mesh.notes, *face_labels.notes, *label_notes, *clean_notes]

    metres = mesh.vertices * scale
    found_up, up_from = up or "y", "given"
    if up is None:
        found_up, up_from = _find_up(metres, mesh.faces, instance_category[face_instance], categories)
    if up is None and found_up != "y":
        notes.append(f"{found_up} is up, as the {up_from} says; if that is wrong, import again with --up y")
    vertices = metres @ to_y_up(found_up).T
    notes += check_extent(np.ptp(vertices, axis=0), unit or "m")
    if mesh.vertex_rgb is None:
        notes.append("the file has neither colours nor textures: everything is grey")
    rgb = np.full((len(vertices), 3), _GREY, np.uint8) if mesh.vertex_rgb is None else mesh.vertex_rgb
    return Space(
        id=f"{SOURCE}/{space_name}",
        vertices=vertices.astype(np.float32),
        faces=mesh.faces.astype(np.int32),
        vertex_rgb=rgb,
        face_instance=face_instance.astype(np.uint16),
        instance_category=instance_category,
        categories=categories,
        uv=mesh.uv,
        face_texture=mesh.face_texture,
        textures=mesh.textures,
        provenance=_provenance(files, mesh, found_up, up_from, unit or "m", notes, face_instance),
    )


def find_files(path: Path, labels: Path | None = None, instances: Path | None = None) -> ScanFiles:
    """Return the files of a scan: a mesh file, or what is obvious in a folder; what is named goes first.

    Raises:
        UserError: no such path, or a folder in which the mesh or its labels are not obvious.
    """
    if not path.exists():
        raise UserError(f"No such file or folder: {path}")
    if not path.is_dir():
        return ScanFiles(path, labels, instances)
    entries = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
    meshes = [entry for entry in entries if entry.suffix.lower() in READERS]
    plain = [mesh for mesh in meshes if "semantic" not in mesh.stem.lower()] or meshes
    if len(plain) != 1:
        found = ", ".join(mesh.name for mesh in plain[:8]) or "none"
        raise UserError(f"{path} must hold exactly one mesh ({', '.join(READERS)}); found: {found}. Name the file.")
    semantic = [mesh for mesh in meshes if mesh not in plain and mesh.suffix.lower() == ".ply"]
    arrays = [e for e in entries if e.suffix.lower() == ".npy" and _LABEL_WORDS.search(e.stem.lower())]
    label_files = [labels] if labels is not None else semantic or arrays
    if len(label_files) > 1:
        found = ", ".join(file.name for file in label_files[:8])
        raise UserError(f"{path} holds several label files: {found}. Name one with --labels.")
    tables = [instances] if instances is not None else [e for e in entries if e.name in _TABLE_NAMES]
    return ScanFiles(plain[0], label_files[0] if label_files else None, tables[0] if tables else None)


def _folder(home: Path) -> Path:
    return home / "spaces" / SOURCE


def _intact(folder: Path) -> Space | None:
    try:
        return load_space_folder(folder)
    except UserError:
        return None  # damaged: importing again is what its message advises


def checked_name(name: str) -> str:
    """Return a name that a scan can have, or raise UserError."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot name a space: give a --name of letters, digits, '.', '_' and '-' "
            "that begins with a letter or digit."
        )
    return name


def _labels(
    files: ScanFiles, mesh: RawMesh, explicit: bool
) -> tuple[FaceLabels, np.ndarray, tuple[str, ...], list[str]]:
    """Return instance per triangle, category per instance, category names, and notes."""
    nothing = FaceLabels(np.zeros(len(mesh.faces), np.int64)), np.zeros(1, np.uint16), ()
    if files.labels is not None:
        found, where = read_labels(files.labels, mesh), files.labels
    else:
        carried, where = labels_in_mesh(mesh, files.mesh), files.mesh
        if carried is None:
            if files.instances is not None:
                raise UserError(
                    f"{files.instances} names instances, but no face has one: give their ids with --labels."
                )
            return *nothing, ["no labels: the space serves tasks that need none, such as depth"]
        found = carried
    if files.instances is None:
        if explicit:
            raise UserError(f"{where} has instance ids, but what they are is not said: give a table with --instances.")
        return *nothing, [f"the instance ids in {where.name} are not used: no table says what they are (--instances)"]
    categories, names = categorise(found.instance, read_instance_table(files.instances), files.instances)
    return found, categories, names, []


def _find_up(
    vertices_m: np.ndarray,
    faces: np.ndarray,
    face_category: np.ndarray,
    categories: tuple[str, ...],
) -> tuple[str, str]:
    """Return the up axis, and what it was told by: the labelled floor, or the shape."""
    floors = NYU40.lookup(categories) == NYU40.evaluation_id("floor")
    by_floor = up_of_floor(vertices_m, faces, floors[face_category])
    return (by_floor, "labelled floor") if by_floor else (up_of_shape(vertices_m, faces), "shape")


def _cleaned(mesh: RawMesh, instance: np.ndarray, path: Path) -> tuple[RawMesh, np.ndarray, list[str]]:
    """Drop faces that have no surface and vertices that no face uses."""
    finite = np.isfinite(mesh.vertices).all(axis=1)
    whole = finite[mesh.faces].all(axis=1)
    a, b, c = (np.where(finite[:, None], mesh.vertices, 0)[mesh.faces[:, i]] for i in range(3))
    flat = whole & ~np.cross(b - a, c - a).any(axis=1)
    keep = whole & ~flat
    if not keep.any():
        raise UserError(f"{path} is a mesh without faces: all {len(keep)} have no surface or no finite position.")
    notes = []
    if not whole.all():
        notes.append(f"{(~whole).sum()} faces dropped: a corner has no finite position")
    if flat.any():
        notes.append(f"{flat.sum()} faces dropped: they have no area")
    used = np.zeros(len(mesh.vertices), bool)
    used[mesh.faces[keep]] = True
    if not used.all():
        notes.append(f"{(~used).sum()} vertices dropped: no face uses them")
    if keep.all() and used.all():
        return mesh, instance, notes
    renumbered = np.cumsum(used) - 1
    cleaned = replace(
        mesh,
        vertices=mesh.vertices[used],
        faces=renumbered[mesh.faces[keep]],
        vertex_rgb=None if mesh.vertex_rgb is None else mesh.vertex_rgb[used],
        uv=np.nan_to_num(mesh.uv[used]),
        face_texture=mesh.face_texture[keep],
        vertex_origin=mesh.vertex_origin[used],
        face_origin=mesh.face_origin[keep],
    )
    return cleaned, instance[keep], notes


def _provenance(
    files: ScanFiles,
    mesh: RawMesh,
    up: str,
    up_from: str,
    unit: str,
    notes: list[str],
    face_instance: np.ndarray,
) -> dict[str, Any]:
    """Say where a scan came from, without paths of the machine it was imported on."""
    roles = [("mesh", files.mesh), *(("companion", path) for path in mesh.companions)]
    roles += [(role, path) for role, path in (("labels", files.labels), ("instances", files.instances)) if path]
    return {
        "source": "imported scan",
        "files": [{"role": role, "name": path.name, "sha256": digest_file(path)} for role, path in roles],
        "conversions": {"up": up, "up_from": up_from, "unit": unit},
        "counts": {
            "file_vertices": mesh.file_counts[0],
            "file_faces": mesh.file_counts[1],
            "vertices": len(mesh.vertices),
            "faces": len(mesh.faces),
            "faces_without_instance": int((face_instance == 0).sum()),
        },
        "notes": notes,
    }
