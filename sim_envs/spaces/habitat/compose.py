"""Compose a scene of a habitat dataset into one space: the stage, and every object at its place as an instance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import NO_TEXTURE, Space
from sim_envs.spaces.habitat.dataset import SceneDataset
from sim_envs.spaces.habitat.placement import object_to_world, stage_to_world
from sim_envs.spaces.habitat.scene import Scene, read_scene
from sim_envs.spaces.habitat.scene_graph import file_box
from sim_envs.spaces.habitat.stage_labels import StageLabels, read_stage_labels
from sim_envs.spaces.scans.labels import MAX_ID
from sim_envs.spaces.scans.mesh_files import MeshFileError, RawMesh, read_mesh
from sim_envs.storage import digest_file

_GREY = 160


@dataclass(frozen=True, eq=False)
class _Part:
    """A mesh in the world, with the instance of each face."""

    vertices: np.ndarray
    faces: np.ndarray
    vertex_rgb: np.ndarray
    uv: np.ndarray
    face_texture: np.ndarray
    face_instance: np.ndarray


def compose(dataset: SceneDataset, scene_id: str | None, space_id: str) -> Space:
    """Return a scene as a space.

    Objects are instances 1, 2, … in the order of the scene file. A stage that is a labelled scan has instances after
    theirs; any other bears none, as in habitat-sim.

    Args:
        scene_id: one of ``dataset.scene_ids()``; None: the only one.
        space_id: ``source/name`` of the space.

    Raises:
        UserError: no such scene; files are missing (they are named) or damaged; nothing is visible.
    """
    scene = read_scene(dataset, scene_id)
    if scene.stage is None and not scene.objects:
        raise UserError(f"Scene {scene.name} of {dataset.config.name} shows nothing.")
    assets = dict.fromkeys([*([scene.stage.asset] if scene.stage else []), *(o.asset for o in scene.objects)])
    meshes = {asset: read_mesh(asset) for asset in assets}
    labels = read_stage_labels(meshes[scene.stage.asset], scene.stage.attributes) if scene.stage else None
    named = [None, *(placed.category for placed in scene.objects), *_stage_categories(labels)]
    if len(named) > MAX_ID + 1:
        raise UserError(f"Scene {scene.name} has {len(named) - 1} instances; {MAX_ID} is possible.")
    parts = _parts(scene, meshes, labels)
    starts = np.cumsum([0] + [len(part.vertices) for part in parts])[:-1]
    categories = tuple(sorted({name for name in named if name is not None}))
    number = {None: 0} | {name: i for i, name in enumerate(categories, start=1)}
    return Space(
        id=space_id,
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]).astype(np.int32),
        vertex_rgb=np.concatenate([part.vertex_rgb for part in parts]),
        face_instance=np.concatenate([part.face_instance for part in parts]),
        instance_category=np.array([number[name] for name in named], np.uint16),
        categories=categories,
        uv=np.concatenate([part.uv for part in parts]),
        face_texture=np.concatenate([part.face_texture for part in parts]),
        textures=tuple(texture for mesh in meshes.values() for texture in mesh.textures),
        provenance=_provenance(dataset, scene, meshes, labels),
    )


def _stage_categories(labels: StageLabels | None) -> list[str | None]:
    """Return the categories of the stage's instances 1, 2, …; None for those without."""
    if labels is None:
        return []
    names = (None, *labels.instances.names)
    return [names[i] for i in labels.instances.category[1:].tolist()]


def _parts(scene: Scene, meshes: dict[Path, RawMesh], labels: StageLabels | None) -> list[_Part]:
    """Place the stage and the objects; the textures of a mesh file are kept once however often it occurs."""
    counts = [len(mesh.textures) for mesh in meshes.values()]
    first_texture = dict(zip(meshes, np.cumsum([0, *counts])[:-1].tolist(), strict=True))
    boxes: dict[Path, np.ndarray] = {}
    parts = []
    if scene.stage is not None:
        matrix, asset = stage_to_world(scene.stage.attributes, scene.stage.instance), scene.stage.asset
        instance = np.zeros(len(meshes[asset].faces), np.int64) if labels is None else labels.instances.instance
        after_objects = np.where(instance > 0, instance + len(scene.objects), 0)
        parts.append(_part(meshes[asset], matrix, first_texture[asset], after_objects))
    for number, placed in enumerate(scene.objects, start=1):
        if placed.asset not in boxes:
            boxes[placed.asset] = _box(placed.asset, meshes[placed.asset])
        matrix = object_to_world(placed.attributes, placed.instance, scene.translation_origin, boxes[placed.asset])
        mesh = meshes[placed.asset]
        parts.append(_part(mesh, matrix, first_texture[placed.asset], np.full(len(mesh.faces), number)))
    return parts


def _box(asset: Path, mesh: RawMesh) -> np.ndarray:
    try:
        return file_box(asset, mesh.vertices)
    except MeshFileError as error:
        raise UserError(f"Cannot read {asset}: {error}") from error


def _part(mesh: RawMesh, matrix: np.ndarray, first_texture: int, face_instance: np.ndarray) -> _Part:
    """Return a mesh in the world, without faces that have no surface or no finite position."""
    vertices = mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3]
    a, b, c = (np.nan_to_num(vertices)[mesh.faces[:, i]] for i in range(3))
    keep = np.isfinite(vertices)[mesh.faces].all(axis=(1, 2)) & np.cross(b - a, c - a).any(axis=1)
    used = np.zeros(len(vertices), bool)
    used[mesh.faces[keep]] = True
    rgb = np.full((len(vertices), 3), _GREY, np.uint8) if mesh.vertex_rgb is None else mesh.vertex_rgb
    texture = mesh.face_texture[keep]
    return _Part(
        vertices=vertices[used].astype(np.float32),
        faces=(np.cumsum(used) - 1)[mesh.faces[keep]],
        vertex_rgb=rgb[used],
        uv=np.nan_to_num(mesh.uv[used]),
        face_texture=np.where(texture == NO_TEXTURE, NO_TEXTURE, texture + first_texture).astype(np.int32),
        face_instance=face_instance[keep].astype(np.uint16),
    )


def _provenance(
    dataset: SceneDataset, scene: Scene, meshes: dict[Path, RawMesh], labels: StageLabels | None
) -> dict[str, Any]:
    """Say where a scene came from, without paths of the machine it was imported on."""
    files = [
        ("scene dataset", dataset.config),
        *((("scene", scene.file),) if scene.file is not None else ()),
        *(("names", path) for path in scene.names.files),
        *(("labels", path) for path in (labels.files if labels else ())),
        *(("mesh", path) for path in meshes),
    ]
    classes = scene.names.classes
    ids = {o.category: o.attributes.semantic_id for o in scene.objects if o.category is not None}
    notes = [
        *scene.notes,
        *(labels.instances.notes if labels else ()),
        *(note for mesh in meshes.values() for note in mesh.notes),
    ]
    notes += [f"{asset.name} has neither colours nor textures: it is grey" for asset in _colourless(meshes)]
    unnamed = sum(placed.category is None for placed in scene.objects)
    if unnamed:
        notes.append(f"{unnamed} of {len(scene.objects)} objects have no category in this dataset")
    return {
        "source": "habitat scene dataset",
        "dataset": dataset.name,
        "scene": scene.name,
        "objects": len(scene.objects),
        "semantic_ids": {name: number for name, number in sorted(ids.items()) if classes.get(number) == name},
        "files": [{"role": role, "name": path.name, "sha256": digest_file(path)} for role, path in files],
        "notes": notes,
    }


def _colourless(meshes: dict[Path, RawMesh]) -> list[Path]:
    return [asset for asset, mesh in meshes.items() if mesh.vertex_rgb is None]
