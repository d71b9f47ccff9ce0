"""A tiny scene dataset in habitat-sim's file formats: one stage, two kinds of objects, one scene, one lexicon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

CONFIG = "tiny.scene_dataset_config.json"
CRATE = np.array([[0.0, 0.0, 0.0], [0.4, 0.6, 0.8]])
"""Lowest and highest corner of the crate in its file, metres: its origin is a corner."""


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))
    return path


def box(low: Any, high: Any, rgb: tuple[int, int, int]) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(bounds=[low, high])
    mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=np.tile([*rgb, 255], (len(mesh.vertices), 1)))
    return mesh


def write_glb(path: Path, parts: dict[str, trimesh.Trimesh], transforms: dict[str, np.ndarray] | None = None) -> Path:
    """Write meshes as nodes of a GLB, with trimesh's own exporter."""
    scene = trimesh.Scene()
    for name, mesh in parts.items():
        scene.add_geometry(mesh, geom_name=name, node_name=name, transform=(transforms or {}).get(name, np.eye(4)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(scene.export(file_type="glb"))
    return path


def write_meshes(root: Path) -> None:
    """Write the stage (a room of 6 × 2.5 × 5 m around the origin), a crate and a lamp with a tilted arm."""
    shell = {
        "floor": box((-3, -0.1, -2.5), (3, 0, 2.5), (120, 100, 80)),
        "ceiling": box((-3, 2.5, -2.5), (3, 2.6, 2.5), (230, 230, 230)),
        "west": box((-3.1, 0, -2.5), (-3, 2.5, 2.5), (200, 90, 90)),
        "east": box((3, 0, -2.5), (3.1, 2.5, 2.5), (90, 200, 90)),
        "north": box((-3, 0, -2.6), (3, 2.5, -2.5), (90, 90, 200)),
        "south": box((-3, 0, 2.5), (3, 2.5, 2.6), (200, 200, 90)),
    }
    write_glb(root / "stages" / "room.glb", shell)
    write_glb(root / "objects" / "crate.glb", {"crate": box(*CRATE, (170, 120, 60))})
    arm = trimesh.transformations.rotation_matrix(np.radians(35), [0, 0, 1], [0, 0.5, 0])
    lamp = {
        "foot": box((-0.15, 0, -0.15), (0.15, 0.05, 0.15), (40, 40, 40)),
        "arm": box((-0.03, 0.05, -0.03), (0.03, 0.9, 0.03), (220, 220, 40)),
    }
    write_glb(root / "objects" / "lamp.glb", lamp, {"arm": arm})


def write_dataset(root: Path, **changes: Any) -> Path:
    """Write the dataset and return its config; ``changes`` replace top-level cells of the config."""
    write_meshes(root)
    write_json(
        root / "configs" / "stages" / "room.stage_config.json",
        {"render_asset": "../../stages/room.glb", "up": [0, 1, 0], "front": [0, 0, -1], "units_to_meters": 1.0},
    )
    write_json(root / "configs" / "objects" / "crate.object_config.json", crate_config())
    write_json(
        root / "configs" / "objects" / "lamp.object_config.json",
        {"render_asset": "../../objects/lamp.glb", "semantic_id": 9, "COM": [0, 0.2, 0], "scale": [1, 1.5, 1]},
    )
    write_json(root / "configs" / "ssd" / "lexicon.json", lexicon())
    write_json(root / "configs" / "scenes" / "flat.scene_instance.json", scene())
    cells = {
        "stages": {"paths": {".json": ["configs/stages"]}},
        "objects": {"default_attributes": {"mass": 10.0}, "paths": {".json": ["configs/objects/*.object_config.json"]}},
        "scene_instances": {
            "default_attributes": {"semantic_scene_instance": "tiny_ssd"},
            "paths": {".json": ["configs/scenes"]},
        },
        "semantic_scene_descriptor_instances": {"tiny_ssd": "configs/ssd/lexicon.json"},
    }
    return write_json(root / CONFIG, cells | changes)


def crate_config(**changes: Any) -> dict[str, Any]:
    """Return the object config of the crate, without a centre of mass: its box says where it is."""
    return {"render_asset": "../../objects/crate.glb", "semantic_id": 4, "mass": 3, **changes}


def lexicon() -> dict[str, Any]:
    """Return names of semantic ids, as ReplicaCAD's ``replicaCAD_semantic_lexicon.json`` has them."""
    return {"classes": [{"id": 0, "name": "unknown"}, {"id": 4, "name": "box"}, {"id": 9, "name": "lamp"}]}


def scene(**changes: Any) -> dict[str, Any]:
    """Return a scene: two crates, one of them turned and stretched, and a lamp."""
    quarter = float(np.sqrt(0.5))
    return {
        "translation_origin": "asset_local",
        "stage_instance": {"template_name": "stages/room", "translation_origin": "asset_local"},
        "object_instances": [
            {"template_name": "objects/crate", "translation": [1.0, 0.0, -1.5], "motion_type": "STATIC"},
            {
                "template_name": "objects/crate",
                "translation": [-1.5, 0.6, 0.5],
                "translation_origin": "COM",
                "rotation": [quarter, 0.0, quarter, 0.0],
                "uniform_scale": 1.5,
                "non_uniform_scale": [1.0, 0.8, 1.2],
            },
            {
                "template_name": "objects/lamp",
                "translation": [1.5, 0.3, 1.0],
                "rotation": [0.9, 0.1, -0.3, 0.2],
                "translation_origin": "COM",
            },
        ],
        "articulated_object_instances": [{"template_name": "fridge", "translation": [2, 1, 2], "fixed_base": True}],
        "default_lighting": "",
        **changes,
    }
