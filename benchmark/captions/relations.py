"""How two visible things stand to each other: eight relations, from boxes in the picture and extents in the room.

``left of``, ``right of``, ``in front of`` and ``behind`` are as the viewer sees it; ``on``, ``under``, ``above`` and
``next to`` are in the room. Every rule is the same from the other side of a mirror, but for left and right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmark.captions.lexicon import NOUNS
from benchmark.captions.scene import Place, Scene, Thing

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
_CARRIES = "carries"


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
            kind = _relation(one, two) if one.concept != two.concept else ""
            if kind == "on":
                found.append(Relation(i, kind, j))
            elif kind == _CARRIES:
                found.append(Relation(j, "on", i))
            elif kind:
                found += [Relation(i, kind, j), Relation(j, INVERSE[kind], i)]
    return tuple(found)


def _relation(one: Thing, two: Thing) -> str:
    """Return the most telling relation of one to two, or "" when there is none worth a word."""
    in_room = _relation_in_room(one.place, two.place) if one.place and two.place else ""
    if in_room == "above" and _stands(one) and two.concept == "rug":
        return "on"
    if in_room == "under" and _stands(two) and one.concept == "rug":
        return _CARRIES
    if in_room:
        return in_room
    if one.place and two.place and _overlap(one.box[0], one.box[2], two.box[0], two.box[2]) >= 0.5:
        if two.place.distance_m - one.place.distance_m >= BEHIND_M:
            return "in front of"
        if one.place.distance_m - two.place.distance_m >= BEHIND_M:
            return "behind"
    if one.box[2] <= two.box[0]:
        return "left of"
    if two.box[2] <= one.box[0]:
        return "right of"
    return ""


def _stands(thing: Thing) -> bool:
    """Tell whether a thing stands on something: over a rug it is on it, though its feet may be hidden."""
    return NOUNS[thing.concept].verb == "stands"


def _relation_in_room(one: Place, two: Place) -> str:
    if _on(one, two):
        return "on"
    if _on(two, one):
        return _CARRIES
    if _above(one, two):
        return "above"
    if _above(two, one):
        return "under"
    beside = min(one.high[1], two.high[1]) > max(one.low[1], two.low[1])
    return "next to" if beside and _apart_m(one, two) <= NEXT_M else ""


def _on(top: Place, bottom: Place) -> bool:
    """Tell whether the foot of one thing is where the other one's top is, over the middle of it."""
    touches = abs(top.low[1] - bottom.high[1]) <= TOUCHING_M
    return touches and top.high[1] > bottom.high[1] and _middle_over(top, bottom)


def _above(top: Place, bottom: Place) -> bool:
    """Tell whether one thing is wholly higher than the other, and over it or at the wall behind it."""
    return top.low[1] >= bottom.high[1] + TOUCHING_M and (
        _middle_over(top, bottom) or _middle_over(bottom, top) or _apart_m(top, bottom) <= TOUCHING_M
    )


def _middle_over(top: Place, bottom: Place) -> bool:
    """Tell whether the middle of one thing is over the other, give or take 5 cm."""
    return all(bottom.low[a] - 0.05 <= (top.low[a] + top.high[a]) / 2 <= bottom.high[a] + 0.05 for a in (0, 2))


def _apart_m(one: Place, two: Place) -> float:
    """Return the distance over the floor between the extents of two things, metres."""
    x, z = (max(0.0, one.low[a] - two.high[a], two.low[a] - one.high[a]) for a in (0, 2))
    return math.hypot(x, z)


def _overlap(start: int, end: int, other_start: int, other_end: int) -> float:
    """Return the overlap of two ranges as a share of the shorter one."""
    return max(0, min(end, other_end) - max(start, other_start)) / min(end - start, other_end - other_start)
