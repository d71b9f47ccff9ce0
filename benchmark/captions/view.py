"""What can be said of a scene, found once for all of its captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.captions.phrases import Group, groups, pick
from benchmark.captions.relations import Relation, relations
from benchmark.captions.scene import Scene, Thing

CLOSE_SHARE = 0.25
"""Share of the picture from which a thing is seen from close by."""
NEAR_M, FAR_M = 1.2, 4.0
"""Distances up to which and from which a thing is near and far away."""
FARTHER_M = 1.5
"""How much farther away the background is than the foreground."""
ASIDE = 0.15
"""How far from the middle of the picture, in widths of it, the middle of a thing is that is on one side."""
SIDES = ("left", "right")
MENTIONED = 4
"""Captions are about so many kinds of things, those with the largest things in view: people who describe a picture
agree in what it is about."""
ROOM = "room"

_PLAIN = 0.4
"""How often the side of another that a thing is on is mentioned, relative to relations in the room."""


@dataclass(frozen=True, eq=False)
class View:
    """A scene, sorted by what sentences are made of.

    Attributes:
        groups: the things of each kind, as far as they are mentioned.
        close: the groups that are seen from close by.
        aside: the groups on one side of the picture → which.
        near, far: the groups that are near and far away.
        depth: pairs of groups of which the second is much farther away.
        sides: pairs of groups on different sides.
        related: relations other than ``on``.
        on: what is on what.
        room: what the things in view make of the room.
    """

    scene: Scene
    groups: tuple[Group, ...]
    close: tuple[Group, ...]
    aside: dict[str, str]
    near: tuple[Group, ...]
    far: tuple[Group, ...]
    depth: tuple[tuple[Group, Group], ...]
    sides: tuple[tuple[Group, Group], ...]
    related: tuple[Relation, ...]
    on: tuple[Relation, ...]
    room: str

    @classmethod
    def of(cls, scene: Scene) -> View:
        """Look at a scene."""
        found = groups(scene)[:MENTIONED]
        pairs = [(one, two) for one in found for two in found if one is not two]
        aside = {group.concept: side for group in found if (side := _side(group, scene.width))}
        known = relations(scene)
        return cls(
            scene=scene,
            groups=tuple(found),
            close=tuple(g for g in found if len(g.things) == 1 and g.share >= CLOSE_SHARE),
            aside=aside,
            near=tuple(g for g in found if max(t.distance_m for t in g.things) <= NEAR_M),
            far=tuple(g for g in found if min(t.distance_m for t in g.things) >= FAR_M),
            depth=tuple((one, two) for one, two in pairs if _farther_m(two, one) >= FARTHER_M),
            sides=tuple(
                (one, two)
                for i, one in enumerate(found)
                for two in found[i + 1 :]
                if {aside.get(one.concept), aside.get(two.concept)} == set(SIDES)
            ),
            related=tuple(r for r in known if r.kind != "on"),
            on=tuple(r for r in known if r.kind == "on"),
            room=_room(found),
        )

    def alone(self, index: int) -> Group:
        """Return one thing as a group of its own."""
        thing = self.scene.things[index]
        return Group(thing.concept, (thing,))

    def some(self, count: int, rng: np.random.Generator) -> list[Group]:
        """Return ``count`` different groups, prominent ones more often, the most prominent first."""
        chosen: list[int] = []
        for _ in range(count):
            left = [i for i in range(len(self.groups)) if i not in chosen]
            chosen.append(pick(left, rng, [prominence(self.groups[i]) for i in left]))
        return [self.groups[i] for i in sorted(chosen)]


def prominence(*groups: Group) -> float:
    """Return how likely groups are to be mentioned, relative to others."""
    return float(np.prod([group.share for group in groups]))


def one_of(options: Sequence[Group], rng: np.random.Generator) -> Group:
    """Pick a group, prominent ones more often."""
    return pick(options, rng, [prominence(group) for group in options])


def pair_of(options: Sequence[tuple[Group, Group]], rng: np.random.Generator) -> tuple[Group, Group]:
    """Pick a pair of groups, prominent ones more often."""
    return pick(options, rng, [prominence(*pair) for pair in options])


def relation_of(view: View, options: Sequence[Relation], rng: np.random.Generator) -> Relation:
    """Pick a relation, those of prominent things more often."""
    weights = [prominence(view.alone(r.subject), view.alone(r.object)) for r in options]
    plain = [_PLAIN if r.kind in ("left of", "right of") else 1.0 for r in options]
    return pick(options, rng, [weight * factor for weight, factor in zip(weights, plain, strict=True)])


def _side(group: Group, width: int) -> str:
    """Return the side of the picture that all things of a group are on, or "" where they are on none."""
    sides = {_side_of(thing, width) for thing in group.things}
    return sides.pop() if len(sides) == 1 else ""


def _side_of(thing: Thing, width: int) -> str:
    doubled = thing.box[0] + thing.box[2] - width  # twice the distance from the middle, in whole pixels
    return "" if abs(doubled) < 2 * ASIDE * width else SIDES[doubled > 0]


def _farther_m(one: Group, two: Group) -> float:
    """Return how much farther away the nearest of one group is than the farthest of another; NaN where unknown."""
    return min(thing.distance_m for thing in one.things) - max(thing.distance_m for thing in two.things)


def _room(found: Sequence[Group]) -> str:
    """Return the room that the largest share of the picture speaks for."""
    votes: dict[str, float] = {}
    for group in found:
        if group.noun.room:
            votes[group.noun.room] = votes.get(group.noun.room, 0) + group.share
    return max(votes, key=lambda room: votes[room]) if votes else ROOM
