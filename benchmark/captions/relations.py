"""How two visible things stand to each other: eight relations, from boxes in the picture and extents in the room.

``left of``, ``right of``, ``in front of`` and ``behind`` are as the viewer sees it; ``on``, ``under``, ``above`` and
``next to`` are in the room. Every rule is the same from the other side of a mirror, but for left and right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.captions.scene import Scene, Thing

TOUCHING_M = 0.12
"""How far the foot of a thing may be from the top of what it stands on."""
NEXT_M = 0.4
"""How far things next to each other may be apart over the floor."""
BEHIND_M = 0.4
"""How much farther away a thing must be to be behind another."""

MOST_THINGS = 6
"""Relations are sought among so many of the largest things."""

INVERSE = {
    "left of": "right of",
    "right of": "left of",
    "in front of": "behind",
    "behind": "in front of",
    "above": "under",
    "under": "above",
    "next to": "next to",
}
"""Relation of one to two → relation of two to one; ``on`` has none: nobody says that a bed is under its pillow."""


@dataclass(frozen=True)
class Relation:
    """``scene.things[subject]`` is ``kind`` ``scene.things[object]``."""

    subject: int
    kind: str
    object: int


def relations(scene: Scene) -> tuple[Relation, ...]:
    """Return the most telling relation of each pair of the largest things, both ways of saying it.

    Things of the same kind are not related to each other, since a sentence could not tell them apart.
    """
    found = []
    things = scene.things[:MOST_THINGS]
    for i, one in enumerate(things):
        for j, two in enumerate(things[i + 1 :], start=i + 1):
            if one.concept == two.concept:
                continue
            if _on(one, two) or _on(two, one):
                found.append(Relation(i, "on", j) if _on(one, two) else Relation(j, "on", i))
            elif kind := _relation(one, two):
                found += [Relation(i, kind, j), Relation(j, INVERSE[kind], i)]
    return tuple(found)


def _relation(one: Thing, two: Thing) -> str:
    """Return the most telling relation of one to two, or "" when there is none worth a word."""
    if one.placed and two.placed:
        if _above(one, two):
            return "above"
        if _above(two, one):
            return "under"
        if _apart_m(one, two) <= NEXT_M and _share_height(one, two):
            return "next to"
        if _overlap(one.box[0], one.box[2], two.box[0], two.box[2]) >= 0.5:
            if two.distance_m - one.distance_m >= BEHIND_M:
                return "in front of"
            if one.distance_m - two.distance_m >= BEHIND_M:
                return "behind"
    if one.box[2] <= two.box[0]:
        return "left of"
    if two.box[2] <= one.box[0]:
        return "right of"
    return ""


def _on(top: Thing, bottom: Thing) -> bool:
    """Tell whether the foot of one thing is where the other one's top is, over the middle of it."""
    touches = top.placed and bottom.placed and abs(top.low[1] - bottom.high[1]) <= TOUCHING_M
    return touches and top.high[1] > bottom.high[1] and _middle_over(top, bottom)


def _above(top: Thing, bottom: Thing) -> bool:
    """Tell whether one thing is wholly higher than the other, and over it or at the wall behind it."""
    return top.low[1] >= bottom.high[1] + TOUCHING_M and (
        _middle_over(top, bottom) or _middle_over(bottom, top) or _apart_m(top, bottom) <= TOUCHING_M
    )


def _middle_over(top: Thing, bottom: Thing) -> bool:
    margin = 0.05
    return all(bottom.low[a] - margin <= (top.low[a] + top.high[a]) / 2 <= bottom.high[a] + margin for a in (0, 2))


def _apart_m(one: Thing, two: Thing) -> float:
    """Return the distance over the floor between the extents of two things, metres."""
    gaps = [max(0.0, one.low[a] - two.high[a], two.low[a] - one.high[a]) for a in (0, 2)]
    return float(np.hypot(*gaps))


def _share_height(one: Thing, two: Thing) -> bool:
    """Tell whether two things are at one height, at least in part."""
    return min(one.high[1], two.high[1]) > max(one.low[1], two.low[1])


def _overlap(start: int, end: int, other_start: int, other_end: int) -> float:
    """Return the overlap of two ranges as a share of the shorter one."""
    return max(0, min(end, other_end) - max(start, other_start)) / min(end - start, other_end - other_start)
