"""Labels that come beside a scan: which instance a face belongs to, and what category an instance is of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.scans.mesh_files import RawMesh, read_mesh

MAX_ID = int(np.iinfo(np.uint16).max)
_TABLE_KEYS = ("instance_to_class", "instance_to_category", "instances", "objects")
_CATEGORY_KEYS = ("category", "class", "class_name", "category_name", "label")
_NO_CATEGORY = {"", "unlabelled", "unlabeled", "unannotated", "none", "void", "background", "undefined"}


@dataclass(frozen=True, eq=False)
class FaceLabels:
    """Instance ids of triangles, and where they were read.

    Attributes:
        instance: (F,) int64, 0 = none.
        notes: what was changed on the way.
    """

    instance: np.ndarray
    notes: tuple[str, ...] = ()


def read_labels(path: Path, mesh: RawMesh) -> FaceLabels:
    """Read the labels of a mesh from a PLY with the same faces or from a ``.npy`` per vertex or per face.

    Raises:
        UserError: no such file, another kind of file, or labels that do not fit the mesh.
    """
    if not path.is_file():
        raise UserError(f"No such label file: {path}")
    if path.suffix.lower() == ".ply":
        return _labels_of_ply(path, mesh)
    if path.suffix.lower() == ".npy":
        return _labels_of_npy(path, mesh)
    raise UserError(f"{path} is no label file: a PLY with `object_id` per face or a .npy of ids is read.")


def labels_in_mesh(mesh: RawMesh, path: Path) -> FaceLabels | None:
    """Return the labels that the mesh file itself carries per face, if any."""
    if mesh.face_object_id is None:
        return None
    ids, notes = _checked_ids(mesh.face_object_id, path)
    return FaceLabels(ids[mesh.face_origin], notes)


def _labels_of_ply(path: Path, mesh: RawMesh) -> FaceLabels:
    labelled = read_mesh(path)
    if labelled.face_object_id is None:
        raise UserError(f"{path} has no face property `object_id`, so it says nothing of instances.")
    if labelled.file_counts[1] != mesh.file_counts[1]:
        raise UserError(
            f"The labels do not fit: {path} has {labelled.file_counts[1]} faces, the mesh {mesh.file_counts[1]}."
        )
    if labelled.file_counts[0] == mesh.file_counts[0]:
        theirs = labelled.vertex_origin[labelled.faces]
        ours = mesh.vertex_origin[mesh.faces]
        if theirs.shape != ours.shape or not np.array_equal(theirs, ours):
            raise UserError(f"The labels do not fit: the faces of {path} are not those of the mesh, in its order.")
    ids, notes = _checked_ids(labelled.face_object_id, path)
    return FaceLabels(ids[mesh.face_origin], notes)


def _labels_of_npy(path: Path, mesh: RawMesh) -> FaceLabels:
    try:
        raw = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"Cannot read the labels {path}: it is not a .npy file of numbers.") from error
    ids, notes = _checked_ids(raw, path)
    vertex_count, face_count = mesh.file_counts
    if len(ids) == vertex_count:
        if vertex_count == face_count:
            notes = (*notes, "as many vertices as faces: the labels were taken as per vertex")
        return FaceLabels(majority(ids[mesh.vertex_origin[mesh.faces]]), notes)
    if len(ids) == face_count:
        return FaceLabels(ids[mesh.face_origin], notes)
    raise UserError(
        f"The labels do not fit: {path} has {len(ids)} ids, the mesh {vertex_count} vertices and {face_count} faces."
    )


def _checked_ids(raw: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (N,) int64 ids in 0…65535; −1, a common mark for "none", becomes 0."""
    if raw.ndim == 2 and 1 in raw.shape:
        raw = raw.reshape(-1)
    if raw.ndim != 1 or raw.dtype.kind not in "iufb":
        raise UserError(f"The labels {path} must be one list of whole numbers, not {raw.dtype}{raw.shape}.")
    if raw.dtype.kind == "f" and not (np.isfinite(raw).all() and (raw == np.round(raw)).all()):
        raise UserError(f"The labels {path} hold values that are not whole numbers.")
    if len(raw) and (raw.min() < -1 or raw.max() > MAX_ID):
        raise UserError(
            f"The labels {path} hold instance ids from {raw.min():.0f} to {raw.max():.0f}; 0 to {MAX_ID} is possible."
        )
    ids = raw.astype(np.int64)
    none = ids == -1
    return np.where(none, 0, ids), (f"{none.sum()} labels of −1 taken as none",) if none.any() else ()


def majority(corners: np.ndarray) -> np.ndarray:
    """Return for each row of (F, 3) ids the one that most corners bear; the lowest where all three differ."""
    a, b, c = np.sort(corners, axis=1).T
    return np.where(b == c, b, a)


def read_instance_table(path: Path) -> dict[int, str]:
    """Read instance id → category from JSON.

    Accepted: ``{"1": "floor", …}``; the same under ``instance_to_class``; a list of objects with ``id`` and
    ``category`` (or ``class``, ``class_name``), bare or under ``instances`` or ``objects``.

    Raises:
        UserError: no such file, not JSON, or JSON of another form.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"No such instance table: {path}") from error
    except OSError as error:
        raise UserError(f"Cannot read the instance table {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"The instance table {path} is not JSON: {error}.") from error
    if isinstance(value, dict):
        value = next((value[key] for key in _TABLE_KEYS if key in value), value)
    pairs = _pairs(value)
    if pairs is None:
        raise UserError(
            f'The instance table {path} is not of the form {{"1": "floor", "2": "chair"}} or '
            '[{"id": 1, "category": "floor"}].'
        )
    table: dict[int, str] = {}
    for raw_id, category in pairs:
        if raw_id == 0:
            if category.strip().lower() not in _NO_CATEGORY:
                raise UserError(f"The instance table {path} calls id 0 '{category}', but 0 means unlabelled.")
        elif table.setdefault(raw_id, category.strip()) != category.strip():
            raise UserError(f"The instance table {path} gives id {raw_id} two categories.")
    return table


def _pairs(value: Any) -> list[tuple[int, str]] | None:
    """Return (id, category) pairs, or None where the JSON has another form."""
    if isinstance(value, Mapping):
        items = [(key, category) for key, category in value.items()]
    elif isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        items = [(row.get("id"), next((row[k] for k in _CATEGORY_KEYS if k in row), None)) for row in value]
    else:
        return None
    pairs = []
    for raw_id, category in items:
        text = str(raw_id).strip()
        if isinstance(raw_id, bool) or not text.isdecimal() or not isinstance(category, str):
            return None
        pairs.append((int(text), category))
    return pairs


def categorise(instance: np.ndarray, table: Mapping[int, str], path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (I + 1,) uint16 categories of instances, and the category names in alphabetical order.

    Raises:
        UserError: the table is without an instance that faces bear, or has ids that are out of range.
    """
    missing = sorted(set(np.unique(instance).tolist()) - set(table) - {0})
    if missing:
        shown = ", ".join(map(str, missing[:8])) + (", …" if len(missing) > 8 else "")
        raise UserError(f"The instance table {path} is without {len(missing)} of the scan's instances: {shown}.")
    too_high = [i for i in table if i > MAX_ID]
    if too_high:
        raise UserError(f"The instance table {path} has id {min(too_high)}; 0 to {MAX_ID} is possible.")
    empty = [i for i, category in table.items() if not category]
    if empty:
        raise UserError(f"The instance table {path} gives id {min(empty)} an empty category.")
    names = tuple(sorted(set(table.values())))
    category_id = {name: i for i, name in enumerate(names, start=1)}
    categories = np.zeros(max(table, default=0) + 1, np.uint16)
    for i, name in table.items():
        categories[i] = category_id[name]
    return categories, names
