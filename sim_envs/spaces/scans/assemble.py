"""From what a scan's files hold to a space: up axis, unit, faces without surface, provenance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.spaces.scans.mesh_files import RawMesh
from sim_envs.spaces.scans.orientation import check_extent, metres_per, to_y_up, up_of_floor, up_of_shape
from sim_envs.storage import digest_file
from sim_envs.taxonomy import NYU40
from sim_envs.triangles import blocks, face_crosses

_GREY = 160
_SHOWN_NAMES = 20


@dataclass(frozen=True, eq=False)
class RawScan:
    """What the files of one scan hold, in their own axes and unit.

    Attributes:
        mesh: geometry and appearance.
        instance: (F,) instance id of each triangle, 0 = none.
        instance_category: (I + 1,) uint16, category id of each instance id; entry 0 is 0.
        categories: names of the category ids 1…C.
        files: (role, path) of every file that was read, but for the mesh's own companions; the mesh comes first.
        up: the up axis that the format prescribes, or None to find it out.
        notes: what was changed or left out on the way here.
        source: where scans like this come from.
    """

    mesh: RawMesh
    instance: np.ndarray
    instance_category: np.ndarray
    categories: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    up: str | None = None
    notes: tuple[str, ...] = ()
    source: str = "imported scan"


def assemble(scan: RawScan, space_id: str, up: str | None = None, unit: str | None = None) -> Space:
    """Bring a scan into the world frame.

    Args:
        scan: what was read.
        space_id: ``source/name``.
        up: the up axis; default: what the format prescribes, else as a labelled floor or the shape says.
        unit: default ``m``.

    Raises:
        UserError: the mesh has no surface, or is far too large for its unit.
    """
    mesh, face_instance, clean_notes = _cleaned(scan.mesh, scan.instance, scan.files[0][1])
    notes = [*mesh.notes, *scan.notes, *clean_notes]
    scale = metres_per(unit or "m")
    metres = mesh.vertices if scale == 1 else mesh.vertices * scale
    by_floor = _up_of_labelled_floor(metres, mesh.faces, scan.instance_category[face_instance], scan.categories)
    told, told_by = (by_floor, "labelled floor") if by_floor else (up_of_shape(metres, mesh.faces), "shape")
    found_up, up_from = told, told_by
    if up is not None or scan.up is not None:
        found_up, up_from = (up, "given") if up is not None else (scan.up or "y", "format")
        # A shape says y also where it says nothing.
        doubtful = told_by == "labelled floor" or (told != "y" and up_from == "given")
        if doubtful and to_y_up(told).tolist() != to_y_up(found_up).tolist():
            notes.append(
                f"{found_up} was taken as up, but the {told_by} says {told}; if that is right, import again with "
                f"--up {told}"
            )
    elif found_up != "y":
        notes.append(f"{found_up} is up, as the {up_from} says; if that is wrong, import again with --up y")
    to_world = to_y_up(found_up)
    vertices = np.empty(metres.shape, np.float32)
    for part in blocks(len(vertices)):
        vertices[part] = metres[part] @ to_world.T
    notes += check_extent(np.abs(to_world) @ [np.ptp(axis) for axis in metres.T], unit or "m")
    if mesh.vertex_rgb is None:
        notes.append("the file has neither colours nor textures: everything is grey")
    notes += _unmapped(scan, face_instance)
    rgb = np.full((len(vertices), 3), _GREY, np.uint8) if mesh.vertex_rgb is None else mesh.vertex_rgb
    return Space(
        id=space_id,
        vertices=vertices,
        faces=mesh.faces.astype(np.int32),
        vertex_rgb=rgb,
        face_instance=face_instance.astype(np.uint16),
        instance_category=scan.instance_category,
        categories=scan.categories,
        uv=mesh.uv,
        face_texture=mesh.face_texture,
        textures=mesh.textures,
        provenance=_provenance(scan, mesh, found_up, up_from, unit or "m", notes, face_instance),
    )


def _unmapped(scan: RawScan, face_instance: np.ndarray) -> list[str]:
    """Return one note that lists the categories faces bear and scoring ignores, if there are any."""
    borne = np.unique(scan.instance_category[np.unique(face_instance)])
    names = NYU40.unmapped([scan.categories[i - 1] for i in borne.tolist() if i])
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    return [f"{len(names)} categories have no {NYU40.name} category and are ignored in scoring: {shown}"]


def _up_of_labelled_floor(
    vertices: np.ndarray, faces: np.ndarray, face_category: np.ndarray, categories: tuple[str, ...]
) -> str | None:
    """Return the up axis that the labelled floor gives, or None where there is none or it is not clear."""
    floors = NYU40.lookup(categories) == NYU40.evaluation_id("floor")
    is_floor = floors[face_category]
    return up_of_floor(vertices, faces, is_floor) if is_floor.any() else None


def _cleaned(mesh: RawMesh, instance: np.ndarray, path: Path) -> tuple[RawMesh, np.ndarray, list[str]]:
    """Drop faces that have no surface and vertices that no face uses."""
    finite = np.isfinite(mesh.vertices).all(axis=1)
    whole, flat = np.empty(len(mesh.faces), bool), np.empty(len(mesh.faces), bool)
    for part in blocks(len(mesh.faces)):
        corners = mesh.faces[part]
        whole[part] = finite[corners].all(axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            cross, _ = face_crosses(mesh.vertices, corners)
        flat[part] = whole[part] & ~cross.any(axis=1)
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
    scan: RawScan,
    mesh: RawMesh,
    up: str,
    up_from: str,
    unit: str,
    notes: list[str],
    face_instance: np.ndarray,
) -> dict[str, Any]:
    """Say where a scan came from, without paths of the machine it was imported on."""
    roles = [scan.files[0], *(("companion", path) for path in mesh.companions), *scan.files[1:]]
    return {
        "source": scan.source,
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
