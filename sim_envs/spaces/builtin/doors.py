"""Decide which door leaves stand open, and where they rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim_envs.spaces.builtin.floorplan import DOOR_HEIGHT, FRAME, FloorPlan, Side
from sim_envs.spaces.builtin.placement import Box, span_on, zone

CASING = (0.07, 0.015)
"""Width and thickness of the boards around a door, metres."""

LEAF_THICKNESS = 0.04


@dataclass(frozen=True)
class Leaf:
    """An open door leaf.

    Attributes:
        opening: index of its opening in the plan.
        room: index of the room it stands in.
        box: where it stands; its +x points from the hinge to the handle.
    """

    opening: int
    room: int
    box: Box


def hang_leaves(plan: FloorPlan, rng: np.random.Generator) -> list[Leaf]:
    """Return the leaves of the doors that have one: folded back beside the opening, clear of everything.

    A leaf stands square to its wall where the door is beside a corner, else nearly flat against its wall.
    Doors where neither is possible, and some others, have been taken off their hinges.
    """
    leaves: list[Leaf] = []
    for index, opening in enumerate(plan.openings):
        if opening.kind != "door" or rng.random() < 0.15:
            continue
        rooms = opening.rooms[::-1] if rng.random() < 0.85 else opening.rooms
        for room in rooms:
            side_index = opening.side if room == opening.rooms[0] else (opening.side + 2) % 4
            side = plan.rooms[room].sides[side_index]
            leaf = _rest(plan, index, room, side, leaves, rng)
            if leaf is not None:
                leaves.append(leaf)
                break
    return leaves


def _rest(
    plan: FloorPlan, index: int, room: int, side: Side, leaves: list[Leaf], rng: np.random.Generator
) -> Leaf | None:
    opening = plan.openings[index]
    low, high = span_on(side, opening)
    width = opening.width - 2 * FRAME - 0.006
    square = float(np.radians(rng.uniform(89, 93)))
    flat = float(np.radians(rng.uniform(166, 172)))
    to_low, to_high = low, side.length - high
    for towards_high, space in sorted([(False, to_low), (True, to_high)], key=lambda option: option[1]):
        for angle in (square, flat):
            if angle == square and space > 0.5:
                continue
            hinge = high - FRAME if towards_high else low + FRAME
            sign = -1.0 if towards_high else 1.0
            run, rise = sign * np.cos(angle), np.sin(angle)
            # The hinge edge turns about the wall's face; the leaf's thickness lies away from the opening.
            away = -sign * LEAF_THICKNESS / 2 * rise
            s, d = hinge + run * width / 2 + away, CASING[1] + 0.03 + rise * width / 2
            x, z = side.at(float(s), float(d))
            dx = run * side.along[0] + rise * side.inward[0]
            dz = run * side.along[1] + rise * side.inward[1]
            box = Box(x, z, float(np.arctan2(-dz, dx)), width, LEAF_THICKNESS, 0.01, DOOR_HEIGHT - 0.01)
            if _free(plan, index, room, box, leaves):
                return Leaf(index, room, box)
    return None


def _free(plan: FloorPlan, index: int, room: int, box: Box, leaves: list[Leaf]) -> bool:
    inner = plan.rooms[room].inner
    low, high = box.corners.min(axis=0), box.corners.max(axis=0)
    if low[0] < inner.x0 or low[1] < inner.z0 or high[0] > inner.x1 or high[1] > inner.z1:
        return False
    if any(box.overlaps(leaf.box, 0.05) for leaf in leaves if leaf.room == room):
        return False
    for side_index, other in plan.holes(room):
        side = plan.rooms[room].sides[side_index]
        if other == plan.openings[index]:
            continue
        depth = 0.3 if other.kind == "window" else 0.75
        if box.overlaps(zone(side, other, depth, 0.0)):
            return False
    return True
