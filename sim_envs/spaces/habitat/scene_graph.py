"""The bounding box that habitat-sim finds for a mesh file: box by box up its nodes, looser than the vertices' own.

It matters because an object without a given centre of mass is placed by the middle of this box.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.spaces.habitat.placement import transformed_box
from sim_envs.spaces.scans.gltf_file import gltf_json, local_matrix, scene_roots
from sim_envs.spaces.scans.mesh_files import MeshFileError

_INTEGER_RANGE = {5120: 127, 5121: 255, 5122: 32767, 5123: 65535}


def file_box(path: Path, vertices: np.ndarray) -> np.ndarray:
    """Return the (2, 3) box of a mesh file, in its own axes.

    Args:
        vertices: (V, 3) of the file, for formats without nodes.

    Raises:
        MeshFileError: a glTF file that is damaged.
    """
    if path.suffix.lower() not in (".glb", ".gltf"):
        return np.stack([vertices.min(axis=0), vertices.max(axis=0)])
    document = gltf_json(path)
    try:
        box = _box_of(document, scene_roots(document), 0)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise MeshFileError(f"it is not valid glTF 2.0 ({type(error).__name__}: {str(error)[:100]}).") from error
    if box is None:
        raise MeshFileError("it is a mesh without faces.")
    return box


def _box_of(document: dict[str, Any], numbers: list[int], depth: int) -> np.ndarray | None:
    """Return the (2, 3) box around some nodes, in the frame of what is above them."""
    nodes = document.get("nodes", [])
    if depth > len(nodes):
        raise MeshFileError("its nodes run in a circle.")
    boxes = []
    for node in (nodes[number] for number in numbers):
        inner = _primitive_boxes(document, node)
        below = _box_of(document, node.get("children", []), depth + 1)
        if below is not None:
            inner.append(below)
        if inner:
            matrix = local_matrix(node)
            boxes.append(transformed_box(_around(inner), matrix[:3, :3]) + matrix[:3, 3])
    return _around(boxes) if boxes else None


def _primitive_boxes(document: dict[str, Any], node: dict[str, Any]) -> list[np.ndarray]:
    primitives = document["meshes"][node["mesh"]]["primitives"] if "mesh" in node else []
    boxes = []
    for primitive in primitives:
        accessor = document["accessors"][primitive["attributes"]["POSITION"]]
        box = np.array([accessor["min"], accessor["max"]], np.float64)  # glTF demands both of positions
        boxes.append(box / _INTEGER_RANGE.get(accessor["componentType"], 1) if accessor.get("normalized") else box)
    return boxes


def _around(boxes: list[np.ndarray]) -> np.ndarray:
    return np.stack([np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)])
