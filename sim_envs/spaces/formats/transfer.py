"""Carry labels from one mesh of a scene to another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from sim_envs.spaces.scans.mesh_files import RawMesh

SAME_PLACE_M = 1e-4
"""Faces of two files whose centres are no further apart than this are one face, written twice."""
NEAR_M = 0.05
"""Further than this from every labelled face, a face gets no label."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Labels on the triangles of a target mesh.

    Attributes:
        label: (F,) int64.
        notes: how many faces have no exact counterpart, if any.
    """

    label: np.ndarray
    notes: tuple[str, ...] = ()


def carry_face_labels(source: RawMesh, label: np.ndarray, target: RawMesh, none: int) -> Carried:
    """Give each triangle of ``target`` the label of the same face in ``source``.

    Files with the same faces in the same order are matched by number. Otherwise faces (polygons, as the files have
    them) are matched by their centres: the same face where the centres coincide, else the nearest one.

    Args:
        source: the mesh that bears labels; same axes and unit (metres) as ``target``.
        label: (file faces of ``source``,) one label for each face of the file.
        target: the mesh that is to bear them.
        none: the label of faces that are further than ``NEAR_M`` from any of ``source``.
    """
    if source.file_counts[1] == target.file_counts[1] and _same_corners(source, target):
        return Carried(label[target.face_origin].astype(np.int64))
    ours, theirs = _centres(target), _centres(source)
    known = np.isfinite(theirs).all(axis=1)
    ours = np.where(np.isfinite(ours), ours, 1e9)
    distance, nearest = cKDTree(theirs[known]).query(ours, distance_upper_bound=NEAR_M)
    found = np.isfinite(distance)
    of_face = np.full(len(ours), none, np.int64)
    of_face[found] = label[np.flatnonzero(known)[nearest[found]]]
    notes = []
    moved = found & (distance > SAME_PLACE_M)
    if moved.any():
        notes.append(
            f"{moved.sum()} of {len(ours)} faces took the label of the nearest labelled face, "
            f"{1000 * np.median(distance[moved]):.0f} mm away (median): the two meshes differ"
        )
    if not found.all():
        notes.append(f"{(~found).sum()} faces are more than {1000 * NEAR_M:.0f} mm from any labelled face: unlabelled")
    return Carried(of_face[target.face_origin], tuple(notes))


def carry_vertex_labels(source: np.ndarray, label: np.ndarray, target: np.ndarray, none: int) -> Carried:
    """Give each point of ``target`` the label of the nearest of ``source``; arguments as in carry_face_labels.

    Args:
        source: (S, 3) labelled points, metres.
        label: (S,).
        target: (T, 3).
        none: the label of points further than ``NEAR_M`` from any.
    """
    if source.shape == target.shape and np.allclose(source, target, rtol=0, atol=SAME_PLACE_M):
        return Carried(label.astype(np.int64))
    known = np.isfinite(source).all(axis=1)
    ours = np.where(np.isfinite(target), target, 1e9)
    distance, nearest = cKDTree(source[known]).query(ours, distance_upper_bound=NEAR_M)
    found = np.isfinite(distance)
    carried = np.full(len(target), none, np.int64)
    carried[found] = label[np.flatnonzero(known)[nearest[found]]]
    moved = int((found & (distance > SAME_PLACE_M)).sum())
    note = f"{moved} of {len(target)} vertices took the label of the nearest labelled vertex: the two meshes differ"
    return Carried(carried, (note,) if moved else ())


def _same_corners(source: RawMesh, target: RawMesh) -> bool:
    if source.faces.shape != target.faces.shape:
        return False
    for corner in range(3):
        ours, theirs = target.vertices[target.faces[:, corner]], source.vertices[source.faces[:, corner]]
        if not np.allclose(ours, theirs, rtol=0, atol=SAME_PLACE_M, equal_nan=True):
            return False
    return True


def _centres(mesh: RawMesh) -> np.ndarray:
    """Return (file faces, 3) the mean corner of every polygon; NaN for polygons without triangles."""
    first = np.ones(len(mesh.faces), bool)
    first[1:] = mesh.face_origin[1:] != mesh.face_origin[:-1]
    count = mesh.file_counts[1]
    corners = np.bincount(mesh.face_origin, minlength=count) + 2.0
    total = np.empty((count, 3))
    for axis in range(3):
        at = mesh.vertices[:, axis]
        of_fan = at[mesh.faces[:, 2]] + np.where(first, at[mesh.faces[:, 0]] + at[mesh.faces[:, 1]], 0)
        total[:, axis] = np.bincount(mesh.face_origin, of_fan, minlength=count)
    corners[corners == 2] = np.nan
    return total / corners[:, None]
