"""The labels of a stage that is a scan: HM3D's painted mesh, or Matterport3D's and Replica's, with an id per face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.colour_labels import ids_of_colours
from sim_envs.spaces.formats.hm3d import read_semantic_txt
from sim_envs.spaces.formats.house_file import read_house
from sim_envs.spaces.formats.instances import Instances, number_instances
from sim_envs.spaces.formats.transfer import carry_face_labels
from sim_envs.spaces.habitat.attributes import StageAttributes, read_json
from sim_envs.spaces.habitat.placement import axes_to_world
from sim_envs.spaces.scans.mesh_files import RawMesh, read_mesh

_NO_INSTANCE = -1
_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class StageLabels:
    """Instances of the triangles of a stage's mesh, and the files they were read from."""

    instances: Instances
    files: tuple[Path, ...]


def read_stage_labels(mesh: RawMesh, attributes: StageAttributes) -> StageLabels | None:
    """Return the labels of a stage, or None where the dataset has none for it.

    The labelled mesh is another file than the one that is seen; a face takes the label of the labelled face at its
    place.

    Args:
        mesh: that is seen, in the axes of its file.

    Raises:
        UserError: a file is damaged, or is of a form that is not read.
    """
    asset, descriptor = Path(attributes.semantic_asset), Path(attributes.semantic_descriptor_filename)
    if not attributes.semantic_asset or not asset.is_file() or not descriptor.is_file():
        return None
    labelled = read_mesh(asset)
    if descriptor.suffix == ".txt":
        id_of_colour, names = read_semantic_txt(descriptor)
        label = ids_of_colours(labelled, id_of_colour, _NO_INSTANCE)
    else:
        names = read_house(descriptor).names if descriptor.suffix == ".house" else _object_names(descriptor)
        if labelled.face_object_id is None:
            raise UserError(f"{asset} has no face property `object_id`, so it says nothing of instances.")
        label = labelled.face_object_id
    carried = carry_face_labels(_in_axes_of(mesh, labelled, attributes), label, mesh, _NO_INSTANCE)
    found = number_instances(carried.label, names, none=_NO_INSTANCE)
    notes = tuple(f"{asset.name}: {note}" for note in (*carried.notes, *found.notes))
    return StageLabels(replace(found, notes=notes), (asset, descriptor))


def _object_names(path: Path) -> dict[int, str]:
    """Return object id → class name of an ``info_semantic.json`` of Replica."""
    info = read_json(path)
    try:
        classes = {int(row["id"]): str(row["name"]) for row in info["classes"]}
        return {int(row["id"]): classes.get(int(row["class_id"]), "") for row in info["objects"]}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} names no objects: 'classes' and 'objects' of Replica's form are read.") from error


def _in_axes_of(mesh: RawMesh, labelled: RawMesh, attributes: StageAttributes) -> RawMesh:
    """Return the labelled mesh in the axes of the file that is seen.

    A dataset may give its axes; without, they are those of the other file or, of a PLY, Z up whatever the other's.
    The two show one surface, so the turn after which their boxes agree best is right.
    """
    seen = axes_to_world(attributes.up, attributes.front)
    turns = [seen, _Z_UP]
    if attributes.semantic_up is not None and attributes.semantic_front is not None:
        turns.append(axes_to_world(attributes.semantic_up, attributes.semantic_front))
    box = _box(mesh.vertices)
    moved = [replace(labelled, vertices=labelled.vertices @ (seen.T @ turn).T) for turn in turns]
    return min(moved, key=lambda candidate: float(np.abs(_box(candidate.vertices) - box).max()))


def _box(vertices: np.ndarray) -> np.ndarray:
    finite = vertices[np.isfinite(vertices).all(axis=1)]
    return np.stack([finite.min(axis=0), finite.max(axis=0)])
