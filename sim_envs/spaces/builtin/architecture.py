"""Build the shell of a flat: floors, walls, ceilings, skirting, doors and windows with the view outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim_envs.spaces.builtin.doors import CASING, LEAF_THICKNESS, Leaf
from sim_envs.spaces.builtin.floorplan import FRAME, FloorPlan, Opening, Room, Side
from sim_envs.spaces.builtin.meshing import Mesh, Part, join, panel, slab, steps
from sim_envs.spaces.builtin.placement import Box, span_on
from sim_envs.spaces.furniture.model import Catalog, Finish

GRID = 0.2
"""Edge of the rectangles that floors, walls and ceilings are divided into, metres: light is kept per vertex."""

SKIRTING = (0.07, 0.012)
REVEAL = 0.16
PANE_DEPTH = 0.11
UP = (0.0, 1.0, 0.0)


@dataclass(frozen=True, eq=False)
class Finishes:
    """The surfaces of one room, and what all rooms share."""

    floor: Finish
    wall: Finish
    ceiling: Finish
    tile: Finish | None
    trim: Finish
    door: Finish


def choose_finishes(plan: FloorPlan, catalog: Catalog, rng: np.random.Generator) -> list[Finishes]:
    """Return the finishes of each room: one wooden floor through the flat, tiles where it gets wet."""
    trim, door, ceiling = (catalog.finish(kind, rng) for kind in ("trim", "door", "ceiling"))
    floor, common_wall = catalog.finish("floor", rng), catalog.finish("wall", rng)
    found = []
    for room in plan.rooms:
        wet = room.use == "bathroom" or (room.use == "kitchen" and rng.random() < 0.6)
        room_floor = catalog.finish("tile", rng) if wet else floor
        wall = common_wall if room.use == "hall" or rng.random() < 0.25 else catalog.finish("wall", rng)
        tile = catalog.finish("tile", rng) if room.use == "bathroom" else None
        found.append(Finishes(room_floor, wall, ceiling, tile, trim, door))
    return found


def build_shell(
    plan: FloorPlan, finishes: Sequence[Finishes], leaves: Sequence[Leaf], views: Sequence[np.ndarray]
) -> list[Part]:
    """Return floors, ceilings, walls, doors and windows; all faces look to where people are.

    Args:
        views: four (h, w, 3) uint8, what the windows in walls 0…3 show.
    """
    parts = []
    for i, room in enumerate(plan.rooms):
        finish = finishes[i]
        parts.append(Part("floor", join([_level(room, 0.0, finish.floor), *_thresholds(plan, i, finish.floor)])))
        parts.append(Part("ceiling", _level(room, plan.height, finish.ceiling)))
        for side in room.sides:
            holes = [opening for index, opening in plan.holes(i) if index == side.index]
            parts.append(Part("wall", _wall(plan, i, side, holes, finish)))
    for index, opening in enumerate(plan.openings):
        finish = finishes[opening.rooms[0]]
        if opening.kind == "window":
            parts += _window(plan, opening, finish, views[opening.side])
        elif opening.kind != "passage":
            own = [leaf for leaf in leaves if leaf.opening == index]
            parts.append(Part("door", _door(plan, opening, finish, own)))
    return parts


def _level(room: Room, height: float, finish: Finish) -> Mesh:
    """Return a floor (looks up) or, above 0, a ceiling (looks down)."""
    r = room.inner
    x, z = steps(0.0, r.width, GRID), steps(0.0, r.depth, GRID)
    if height > 0:
        return panel((r.x0, height, r.z0), (1, 0, 0), (0, 0, 1), x, z, finish)
    return panel((r.x0, 0.0, r.z0), (0, 0, 1), (1, 0, 0), z, x, finish)


def _axes(side: Side) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Return the wall's along and inward directions in 3D, and whether along × up looks inward."""
    along, inward = (side.along[0], 0.0, side.along[1]), (side.inward[0], 0.0, side.inward[1])
    return along, inward, bool(np.dot(np.cross(along, UP), inward) > 0)


def _upright(side: Side, s: np.ndarray, y: np.ndarray, depth: float, finish: Finish, keep: np.ndarray | None) -> Mesh:
    """Return a panel parallel to a wall, ``depth`` metres inside the room, that looks inward."""
    along, _, looks_inward = _axes(side)
    if looks_inward:
        x, z = side.at(0.0, depth)
        return panel((x, 0.0, z), along, UP, s, y, finish, keep)
    x, z = side.at(side.length, depth)
    back = (-along[0], 0.0, -along[2])
    return panel((x, 0.0, z), back, UP, (side.length - s)[::-1], y, finish, None if keep is None else keep[::-1])


def _wall(plan: FloorPlan, room: int, side: Side, holes: Sequence[Opening], finish: Finishes) -> Mesh:
    """Return a wall with its holes, the sides of window and passage holes, and the skirting."""
    spans = [(*span_on(side, opening), opening) for opening in holes]
    lines = [edge for low, high, _ in spans for edge in (low, high)]
    s = steps(0.0, side.length, GRID, *lines)
    tiled = min(2.0, plan.height)
    bands = [(0.0, tiled, finish.tile), (tiled, plan.height, finish.wall)] if finish.tile else []
    meshes = []
    for bottom, top, surface in bands or [(0.0, plan.height, finish.wall)]:
        y = steps(bottom, top, GRID, *(edge for o in holes for edge in (o.sill, o.top)))
        middle_s, middle_y = (s[:-1] + s[1:]) / 2, (y[:-1] + y[1:]) / 2
        keep = np.ones((len(middle_s), len(middle_y)), bool)
        for low, high, opening in spans:
            in_s, in_y = (middle_s > low) & (middle_s < high), (middle_y > opening.sill) & (middle_y < opening.top)
            keep &= ~(in_s[:, None] & in_y[None])
        if surface is not None:
            meshes.append(_upright(side, s, y, 0.0, surface, keep))
    for low, high, opening in spans:
        if opening.kind == "window":
            meshes.append(_reveal(side, low, high, opening, REVEAL, finish.wall))
        elif opening.kind == "passage" and opening.rooms[0] == room:
            meshes.append(_reveal(side, low, high, opening, plan.wall, finish.wall))
    return join([*meshes, *_skirting(side, spans, finish.trim)])


def _reveal(side: Side, low: float, high: float, opening: Opening, depth: float, finish: Finish) -> Mesh:
    """Return the four (or, on the floor, three) faces inside a hole, from the wall's face outwards."""
    along, inward, _ = _axes(side)
    out = (-inward[0], 0.0, -inward[2])
    height = opening.top - opening.sill
    (x0, z0), (x1, z1) = side.at(low), side.at(high)
    y, d, w = steps(0.0, height, GRID), steps(0.0, depth, GRID), steps(0.0, high - low, GRID)
    faces = [
        _looking(along, (x0, opening.sill, z0), out, UP, d, y, finish),
        _looking((-along[0], 0.0, -along[2]), (x1, opening.sill, z1), out, UP, d, y, finish),
        _looking((0.0, -1.0, 0.0), (x0, opening.top, z0), along, out, w, d, finish),
    ]
    if opening.sill > 0:
        faces.append(_looking(UP, (x0, opening.sill, z0), along, out, w, d, finish))
    return join(faces)


def _looking(
    normal: Sequence[float],
    origin: Sequence[float],
    a: Sequence[float],
    b: Sequence[float],
    u: np.ndarray,
    v: np.ndarray,
    finish: Finish,
) -> Mesh:
    """Return a panel over axes ``a`` and ``b``, wound to face ``normal``."""
    if np.dot(np.cross(a, b), normal) > 0:
        return panel(origin, a, b, u, v, finish)
    return panel(origin, b, a, v, u, finish)


def _skirting(side: Side, spans: Sequence[tuple[float, float, Opening]], trim: Finish) -> list[Mesh]:
    """Return the skirting board between the doors of a wall."""
    along, inward, _ = _axes(side)
    height, depth = SKIRTING
    doors = sorted((low, high, o.kind) for low, high, o in spans if o.kind != "window")
    start, pieces = 0.0, []
    for low, high, kind in [*doors, (side.length, side.length, "end")]:
        margin = CASING[0] if kind in ("door", "entrance") else 0.0
        end = low - margin
        if end - start > 0.02:
            front = _upright(side, steps(start, end, 0.5), np.array([0.0, height]), depth, trim, None)
            x, z = side.at(start)
            top = _looking(UP, (x, height, z), along, inward, steps(0, end - start, 0.5), np.array([0, depth]), trim)
            pieces += [front, top]
        start = high + margin
    return pieces


def _thresholds(plan: FloorPlan, room: int, finish: Finish) -> list[Mesh]:
    """Return the floor within the doorways that belong to this room."""
    pieces = []
    for opening in plan.openings:
        if opening.rooms[0] == room and opening.kind != "window":
            side = plan.rooms[room].sides[opening.side]
            along, inward, _ = _axes(side)
            low, high = span_on(side, opening)
            x, z = side.at(low)
            out = (-inward[0], 0.0, -inward[2])
            width, depth = steps(0.0, high - low, GRID), np.array([0.0, plan.wall])
            pieces.append(_looking(UP, (x, 0.0, z), along, out, width, depth, finish))
    return pieces


def _bars(
    side: Side, low: float, high: float, bottom: float, top: float, bar: float, d0: float, d1: float, finish: Finish
) -> list[Mesh]:
    """Return a frame of boxes just inside a rectangle of a wall; without a lower bar when it stands at 0."""
    height = top - bottom
    foot = bar if bottom > 0 else 0.0
    parts = [
        _board(side, low, low + bar, bottom, top, d0, d1, finish),
        _board(side, high - bar, high, bottom, top, d0, d1, finish),
        _board(side, low + bar, high - bar, top - bar, top, d0, d1, finish),
    ]
    if foot and height > 2 * bar:
        parts.append(_board(side, low + bar, high - bar, bottom, bottom + bar, d0, d1, finish))
    return parts


def _board(side: Side, s0: float, s1: float, y0: float, y1: float, d0: float, d1: float, finish: Finish) -> Mesh:
    """Return a box over a stretch of a wall, from depth ``d0`` to ``d1`` (negative: into the wall)."""
    along, inward, looks_inward = _axes(side)
    x, z = side.at(s0, d0)
    size = (s1 - s0, y1 - y0, d1 - d0)
    if looks_inward:
        return slab((x, y0, z), (along, UP, inward), size, finish)
    return slab((x, y0, z), (inward, UP, along), size[::-1], finish)


def _plain(rgb: Sequence[float]) -> Finish:
    return Finish(None, 1.0, np.array(rgb))


def _window(plan: FloorPlan, opening: Opening, finish: Finishes, view: np.ndarray) -> list[Part]:
    """Return the frame with sill as one instance, and the bright pane as part of another of the same category."""
    side = plan.rooms[opening.rooms[0]].sides[opening.side]
    low, high = span_on(side, opening)
    bar = 0.05
    meshes = _bars(side, low, high, opening.sill, opening.top, bar, -PANE_DEPTH, -PANE_DEPTH + 0.05, finish.trim)
    sashes = max(1, round(opening.width / 0.8))
    for middle in np.linspace(low, high, sashes + 1)[1:-1]:
        a, b = middle - bar / 2, middle + bar / 2
        meshes.append(
            _board(side, a, b, opening.sill + bar, opening.top - bar, -PANE_DEPTH, -PANE_DEPTH + 0.05, finish.trim)
        )
    meshes.append(_board(side, low - 0.04, high + 0.04, opening.sill - 0.025, opening.sill, 0.0, 0.06, finish.trim))
    pane = Finish(view, 1.0, np.array([255, 255, 255]))
    s, y = steps(low, high, 0.5), steps(opening.sill, opening.top, 0.5)
    glass = _upright(side, s, y, -PANE_DEPTH + 0.01, pane, None)
    corner = glass.vertices[:, [0, 2]] @ np.array(side.along)
    u = (corner - corner.min()) / (high - low)
    v = (glass.vertices[:, 1] - opening.sill) / (opening.top - opening.sill)
    shown = Mesh(glass.vertices, glass.faces, np.stack([u, 0.02 + 0.96 * v], 1), glass.rgb, glass.face_texture, (view,))
    return [Part("window", join(meshes)), Part("window", shown, glow=True)]


def _door(plan: FloorPlan, opening: Opening, finish: Finishes, leaves: Sequence[Leaf]) -> Mesh:
    """Return lining, casings and leaf of a door; an entrance is closed."""
    side = plan.rooms[opening.rooms[0]].sides[opening.side]
    low, high = span_on(side, opening)
    meshes = _bars(side, low, high, 0.0, opening.top, FRAME, -plan.wall, 0.0, finish.trim)
    width, thick = CASING
    meshes += _bars(side, low - width, high + width, 0.0, opening.top + width, width, 0.0, thick, finish.trim)
    if opening.kind == "entrance":
        meshes += _leaf_parts(finish.door, opening.width - 2 * FRAME, opening.top - FRAME, side, low + FRAME)
    else:
        back = (-plan.wall - thick, -plan.wall)
        meshes += _bars(side, low - width, high + width, 0.0, opening.top + width, width, *back, finish.trim)
    for leaf in leaves:
        meshes += _standing(leaf.box, finish.door)
    return join(meshes)


def _leaf_parts(finish: Finish, width: float, height: float, side: Side, start: float) -> list[Mesh]:
    """Return a closed leaf within its opening, with a handle on the side of the room."""
    handle = _plain((150, 148, 142))
    face = -0.05
    return [
        _board(side, start, start + width, 0.0, height, face - LEAF_THICKNESS, face, finish),
        _board(side, start + 0.06, start + 0.10, 0.98, 1.14, face, face + 0.012, handle),
        _board(side, start + 0.07, start + 0.19, 1.05, 1.07, face + 0.012, face + 0.05, handle),
    ]


def _standing(box: Box, finish: Finish) -> list[Mesh]:
    """Return an open leaf with a handle on both faces, at the end away from the hinge (+x of the box)."""
    cos, sin = float(np.cos(box.yaw)), float(np.sin(box.yaw))
    axes = ((cos, 0.0, -sin), UP, (sin, 0.0, cos))
    thick = LEAF_THICKNESS

    def corner(x: float, y: float, z: float) -> tuple[float, float, float]:
        return box.x + x * axes[0][0] + z * axes[2][0], y, box.z + x * axes[0][2] + z * axes[2][2]

    half = box.width / 2
    meshes = [slab(corner(-half, box.low, -thick / 2), axes, (box.width, box.high - box.low, thick), finish)]
    handle = _plain((150, 148, 142))
    for front in (1, -1):
        z = thick / 2 if front > 0 else -thick / 2 - 0.012
        meshes.append(slab(corner(half - 0.1, 0.98, z), axes, (0.04, 0.16, 0.012), handle))
        z = thick / 2 + 0.012 if front > 0 else -thick / 2 - 0.05
        meshes.append(slab(corner(half - 0.19, 1.05, z), axes, (0.12, 0.02, 0.038), handle))
    return meshes
