"""What there is to know of a space: sizes, floor, categories, where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim_envs.space import Space
from sim_envs.taxonomy import NYU40, Taxonomy

_BIN = 0.05
_SLAB = 8  # bins: 0.4 m


def space_info(space: Space, taxonomy: Taxonomy = NYU40) -> dict[str, Any]:
    """Return a JSON-like description of a space.

    ``categories`` holds, per category that faces bear, its instances, faces, surface in m² and evaluation
    category; ``not_evaluated`` are those without one, ``lacking`` the evaluation categories that do not occur.
    """
    present = present_categories(space)
    names = list(present)
    area = face_areas(space.vertices, space.faces)
    labelled = space.instance_category[space.face_instance] > 0
    return {
        "id": space.id,
        "digest": space.digest,
        "faces": len(space.faces),
        "vertices": len(space.vertices),
        "textures": len(space.textures),
        "textured_faces": round(float((space.face_texture >= 0).mean()), 4),
        "size_m": [round(float(side), 3) for side in np.ptp(space.bounds, axis=0)],
        "surface_m2": round(float(area.sum()), 2),
        "floor_height_m": round(floor_height(space), 3),
        "floor_area_m2": round(floor_area(space), 2),
        "labels": space.has_labels,
        "labelled_surface": round(float(area[labelled].sum() / max(area.sum(), 1e-12)), 4),
        "instances": sum(row["instances"] for row in present.values()),
        "categories": present,
        "taxonomy": taxonomy.name,
        "not_evaluated": taxonomy.unmapped(names),
        "lacking": taxonomy.lacking(names),
        "provenance": dict(space.provenance),
    }


def present_categories(space: Space, taxonomy: Taxonomy = NYU40) -> dict[str, dict[str, Any]]:
    """Return the categories that faces bear, the largest surface first."""
    category = space.instance_category[space.face_instance]
    area = np.bincount(category, face_areas(space.vertices, space.faces), minlength=len(space.categories) + 1)
    faces = np.bincount(category, minlength=len(space.categories) + 1)
    seen = np.unique(space.face_instance)
    instances = np.bincount(space.instance_category[seen], minlength=len(space.categories) + 1)
    rows = {}
    for i in np.argsort(-area, kind="stable"):
        if i and faces[i]:
            name = space.categories[i - 1]
            evaluated = taxonomy.evaluation_id(name)
            rows[name] = {
                "instances": int(instances[i]),
                "faces": int(faces[i]),
                "surface_m2": round(float(area[i]), 3),
                "evaluated_as": taxonomy.categories[evaluated - 1] if evaluated else None,
            }
    return rows


def face_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return (F,) float64 areas of triangles, m²."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def floor_height(space: Space) -> float:
    """Return the height of the floor, metres: of the lowest level that much horizontal surface lies at.

    Where the floor is a slab, that is its upper side.
    """
    height, area, _ = _horizontal(space)
    if not len(height):
        return float(space.bounds[0, 1])
    level = np.floor((height - height.min()) / _BIN).astype(np.int64)
    per_level = np.bincount(level, area)
    per_level = per_level + np.append(per_level[1:], 0)  # a level may straddle two bins
    lowest = int(np.flatnonzero(per_level >= 0.25 * per_level.max())[0])
    slab = np.arange(lowest, min(lowest + _SLAB, len(per_level)))
    floor = int(slab[per_level[slab] >= 0.6 * per_level[lowest]][-1])
    near = (level == floor) | (level == floor + 1)
    return float(np.average(height[near], weights=area[near]))


def floor_area(space: Space) -> float:
    """Return the area of the floor, m²: as labelled, seen from above; without labels, what is level there."""
    height, area, faces = _horizontal(space)
    floors = NYU40.lookup(space.categories) == NYU40.evaluation_id("floor")
    is_floor = floors[space.instance_category[space.face_instance[faces]]]
    if not is_floor.any():
        is_floor = np.abs(height - floor_height(space)) <= 2 * _BIN
    return float(area[is_floor].sum())


def _horizontal(space: Space) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return height, area and number of the faces within 15° of level."""
    a, b, c = (space.vertices[space.faces[:, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    double_area = np.linalg.norm(normal, axis=1)
    level = np.flatnonzero(np.abs(normal[:, 1]) > np.cos(np.radians(15)) * np.maximum(double_area, 1e-12))
    return space.vertices[space.faces[level], 1].mean(axis=1), double_area[level] / 2, level
