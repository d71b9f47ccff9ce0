"""Scenes for tests of captions: drawn at random, and one whose captions can be foretold."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from benchmark.captions.colours import COLOURS
from benchmark.captions.lexicon import NOUNS, SURFACES
from benchmark.captions.scene import Place, Scene, Thing

WIDTH, HEIGHT = 64, 48
metres = st.integers(-400, 400).map(lambda cm: cm / 100)


@st.composite
def places(draw: st.DrawFn) -> Place:
    """Draw a place; the camera is at the origin of a world that a mirror at x = 0 maps onto itself."""
    low = draw(st.tuples(metres, metres, metres))
    size = draw(st.tuples(*[st.integers(1, 200).map(lambda cm: cm / 100)] * 3))
    high = tuple(a + b for a, b in zip(low, size, strict=True))
    return Place(draw(st.integers(30, 600)) / 100, low, high)  # type: ignore[arg-type]


@st.composite
def things(draw: st.DrawFn) -> Thing:
    """Draw a thing."""
    x0, y0 = draw(st.integers(0, WIDTH - 4)), draw(st.integers(0, HEIGHT - 4))
    x1, y1 = draw(st.integers(x0 + 3, WIDTH)), draw(st.integers(y0 + 3, HEIGHT))
    share = draw(st.integers(5, 400)) / 1000
    colour = draw(st.sampled_from(COLOURS))
    return Thing(draw(st.sampled_from(tuple(NOUNS))), share, (x0, y0, x1, y1), colour, draw(st.none() | places()))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene that shows something."""
    found = sorted(draw(st.lists(things(), max_size=7)), key=lambda thing: -thing.share)
    names = draw(st.lists(st.sampled_from(SURFACES), unique=True, min_size=0 if found else 1))
    return Scene(WIDTH, HEIGHT, tuple(found), {name: draw(st.sampled_from(COLOURS)) for name in names})


def mirrored_scene(scene: Scene) -> Scene:
    """Return what the same camera sees in a mirror."""
    return replace(scene, things=tuple(_mirrored(thing, scene.width) for thing in scene.things))


def _mirrored(thing: Thing, width: int) -> Thing:
    x0, y0, x1, y1 = thing.box
    place = thing.place
    if place is not None:
        (x_low, *low), (x_high, *high) = place.low, place.high
        place = replace(place, low=(-x_high, *low), high=(-x_low, *high))
    return replace(thing, box=(width - x1, y0, width - x0, y1), place=place)


def bedroom() -> Scene:
    """Return a bed with a pillow on it, a lamp on the right of it and a door far behind on the left."""
    bed = Thing("bed", 0.3, (10, 24, 44, 48), "blue", Place(1.5, (-1, 0, -2.5), (0.6, 0.5, -1)))
    door = Thing("door", 0.05, (2, 4, 12, 28), "white", Place(5, (-3.0, 0, -5.1), (-2.1, 2, -5)))
    pillow = Thing("pillow", 0.02, (20, 22, 28, 26), "white", Place(2, (-0.4, 0.5, -2.3), (0, 0.65, -2)))
    lamp = Thing("lamp", 0.02, (50, 10, 56, 40), "yellow", Place(2.5, (1.6, 0, -2.6), (1.9, 1.5, -2.4)))
    return Scene(WIDTH, HEIGHT, (bed, door, pillow, lamp), {"wall": "grey", "floor": "brown"})
