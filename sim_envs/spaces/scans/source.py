"""Imported scans: a mesh with colours or textures, any up axis and unit, with or without labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces import unknown_space
from sim_envs.spaces.scans.assemble import RawScan, assemble
from sim_envs.spaces.scans.labels import (
    FaceLabels,
    categorise,
    labels_in_mesh,
    read_instance_table,
    read_labels,
)
from sim_envs.spaces.scans.mesh_files import READERS, RawMesh, read_mesh
from sim_envs.spaces.scans.orientation import metres_per, to_y_up
from sim_envs.spaces.store import load_space_folder, save_space

SOURCE = "scan"
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
    space = read_scan(path, name=name, labels=labels, instances=instances, up=up, unit=unit)
    keep_scan(space, home)
    return space


def keep_scan(space: Space, home: Path) -> None:
    """Keep an imported scan under its name.

    Raises:
        UserError: the name is taken by another scan, or the disk refuses.
    """
    folder = _folder(home) / space.id.partition("/")[2]
    if (folder / "space.json").exists():
        kept = _intact(folder)
        if kept is not None and kept.digest != space.digest:
            raise UserError(f"{space.id} exists and is another scan. Give this one another --name, or remove {folder}.")
    save_space(space, folder)


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
    space_name = checked_name(name, path.resolve().name if path.is_dir() else path.stem)
    metres_per(unit or "m")  # refuse a wrong unit or axis before reading a large file
    to_y_up(up or "y")
    files = find_files(path, labels, instances)
    mesh = read_mesh(files.mesh)
    face_labels, instance_category, categories, label_notes = _labels(files, mesh, explicit=labels is not None)
    companions = [(role, path) for role, path in (("labels", files.labels), ("instances", files.instances)) if path]
    scan = RawScan(
        mesh=mesh,
        instance=face_labels.instance,
        instance_category=instance_category,
        categories=categories,
        files=(("mesh", files.mesh), *companions),
        notes=(*face_labels.notes, *label_notes),
    )
    return assemble(scan, f"{SOURCE}/{space_name}", up, unit)


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


def checked_name(name: str | None, default: str) -> str:
    """Return the name that was given, or the default.

    Raises:
        UserError: it cannot be the name of a folder and a part of a space id.
    """
    chosen = default if name is None else name
    if not _NAME.fullmatch(chosen):
        raise UserError(
            f"'{chosen}' cannot name a space: give a --name of letters, digits, '.', '_' and '-' "
            "that begins with a letter or digit."
        )
    return chosen


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
            return *nothing, ["no labels: the space serves tasks that need none: depth and normals"]
        found = carried
    if files.instances is None:
        if explicit:
            raise UserError(f"{where} has instance ids, but what they are is not said: give a table with --instances.")
        return *nothing, [f"the instance ids in {where.name} are not used: no table says what they are (--instances)"]
    categories, names = categorise(found.instance, read_instance_table(files.instances), files.instances)
    return found, categories, names, []
