"""Small scans as files: a furnished room, and a PLY writer of our own that writes every flavour of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import trimesh

Polygons = Sequence[Sequence[int]]


def room() -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (metres, Y up) and faces of an open room of 5 × 2.4 × 4 m with a table and a cupboard."""
    floor = trimesh.creation.box(bounds=[[0, -0.1, 0], [5, 0, 4]])
    walls = [trimesh.creation.box(bounds=b) for b in ([[0, 0, 0], [5, 2.4, 0.1]], [[0, 0, 0], [0.1, 2.4, 4]])]
    table = trimesh.creation.box(bounds=[[2, 0, 1.5], [3.5, 0.75, 2.4]])
    cupboard = trimesh.creation.box(bounds=[[4, 0, 0.1], [4.9, 1.9, 0.6]])
    mesh = trimesh.util.concatenate([floor, *walls, table, cupboard])
    return np.array(mesh.vertices), np.array(mesh.faces)


def write_ply(
    path: Path,
    vertices: np.ndarray,
    polygons: Polygons,
    form: str = "binary_little_endian",
    rgb: np.ndarray | None = None,
    face_ids: np.ndarray | None = None,
    coordinate: str = "float",
    comments: Sequence[str] = (),
    corner_uv: Mapping[int, Sequence[float]] | None = None,
) -> Path:
    """Write a PLY row by row, slowly and obviously.

    Args:
        form: ``ascii``, ``binary_little_endian`` or ``binary_big_endian``.
        rgb: (V, 3) uint8.
        face_ids: (P,) ``object_id`` per polygon, written as ushort or int.
        coordinate: type of x, y, z: ``float`` or ``double``.
        corner_uv: polygon → flat u v per corner, written as the list ``texcoord``.
    """
    id_type = "int" if face_ids is not None and (np.min(face_ids) < 0 or np.max(face_ids) > 65535) else "ushort"
    header = ["ply", f"format {form} 1.0", *(f"comment {c}" for c in comments), f"element vertex {len(vertices)}"]
    header += [f"property {coordinate} {axis}" for axis in "xyz"]
    header += [f"property uchar {name}" for name in ("red", "green", "blue")] if rgb is not None else []
    header += [f"element face {len(polygons)}", "property list uchar int vertex_indices"]
    header += [f"property {id_type} object_id"] if face_ids is not None else []
    header += ["property list uchar float texcoord"] if corner_uv is not None else []
    order = ">" if form == "binary_big_endian" else "<"
    code = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "int": "i4"}
    rows: list[list[tuple[str, float]]] = []
    for i, vertex in enumerate(vertices):
        rows.append([(coordinate, c) for c in vertex])
        rows[-1] += [("uchar", c) for c in rgb[i]] if rgb is not None else []
    for i, polygon in enumerate(polygons):
        rows.append([("uchar", len(polygon)), *(("int", c) for c in polygon)])
        rows[-1] += [(id_type, face_ids[i])] if face_ids is not None else []
        if corner_uv is not None:
            rows[-1] += [("uchar", len(corner_uv[i])), *(("float", c) for c in corner_uv[i])]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode())
        for row in rows:
            if form == "ascii":
                file.write((" ".join(f"{value:.9g}" for _, value in row) + "\n").encode())
            else:
                file.write(b"".join(np.array(value).astype(order + code[kind]).tobytes() for kind, value in row))
    return path
