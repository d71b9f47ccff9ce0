"""The scene graph of one frame: which things are visible, what they look like, and where they are.

Visible is what a viewer could name: an instance with at least ``LEAST_SHARE`` of the frame's pixels, ``LEAST_SIDE_PX``
wide and high, and a category with a name. Walls, floor and ceiling are context, and count by area alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmark.captions.colours import colour_name
from benchmark.captions.lexicon import SURFACES

LEAST_SHARE = 0.005
LEAST_SIDE_PX = 3
LEAST_SURFACE_SHARE = 0.08
LEAST_MEASURED = 0.25
"""Share of a thing's pixels that need a depth before anything is said about where in the room it is."""

_OUTLIERS = 3
"""Per cent of a thing's points on either side that its extent leaves out: pixels on an edge see what is behind."""


@dataclass(frozen=True)
class Place:
    """Where in the room the visible part of a thing is.

    Attributes:
        distance_m: median planar depth.
        low, high: ends of its extent along the world's axes, metres (Y is up).
    """

    distance_m: float
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True)
class Thing:
    """One visible instance.

    Attributes:
        concept: a row of :data:`~benchmark.captions.lexicon.NOUNS`.
        share: of the frame's pixels, 0…1.
        box: x0, y0, x1, y1 around its visible pixels; x1 and y1 are the first column and row outside.
        colour: the name of its mean colour.
        place: None where too little of its depth was measured.
    """

    concept: str
    share: float
    box: tuple[int, int, int, int]
    colour: str
    place: Place | None = None

    @property
    def distance_m(self) -> float:
        """Distance from the camera, NaN where it is not known."""
        return self.place.distance_m if self.place else float("nan")


@dataclass(frozen=True)
class Scene:
    """What one frame shows.

    Attributes:
        width, height: pixels.
        things: most pixels first; equal ones in the order of their instance ids.
        surfaces: ``wall``, ``floor`` and ``ceiling``, as far as they are visible, largest first → colour.
    """

    width: int
    height: int
    things: tuple[Thing, ...] = ()
    surfaces: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.things or self.surfaces)


def scene_of(
    rgb: np.ndarray,
    depth_mm: np.ndarray,
    semantic: np.ndarray,
    instance: np.ndarray,
    directions: np.ndarray,
    camera_to_world: np.ndarray,
    names: Sequence[str],
) -> Scene:
    """Return the scene graph of one frame.

    Args:
        rgb: (H, W, 3) uint8.
        depth_mm: (H, W) uint16 planar depth, 0 = no measurement.
        semantic: (H, W) category ids, 0 = unlabelled.
        instance: (H, W) instance ids, 0 = none.
        directions: (H, W, 3) rays of the pixels in the camera's frame with z = −1, from :meth:`Rig.directions`.
        camera_to_world: (4, 4).
        names: what each category id is called, "" for what is not mentioned, see
            :func:`~benchmark.captions.lexicon.concepts`.
    """
    height, width = instance.shape
    things = []
    for rows, columns in _pixels_of_instances(instance):
        name = names[int(semantic[rows[0], columns[0]])]  # an instance has one category
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        large = len(rows) >= LEAST_SHARE * instance.size and min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE_PX
        if not name or name in SURFACES or not large:
            continue
        colour = colour_name(rgb[rows, columns].mean(axis=0))
        depth_m = depth_mm[rows, columns] / 1000
        points = directions[rows, columns] * depth_m[:, None]
        things.append(Thing(name, len(rows) / instance.size, box, colour, _place(points, camera_to_world)))
    things.sort(key=lambda thing: -thing.share)
    return Scene(width, height, tuple(things), _surfaces(rgb, semantic, names))


def _place(points: np.ndarray, camera_to_world: np.ndarray) -> Place | None:
    """Return the place of the (N, 3) points of a thing in the camera's frame; those without a depth are all 0."""
    measured = points[points[:, 2] != 0]
    if len(measured) < LEAST_MEASURED * len(points):
        return None
    world = measured @ camera_to_world[:3, :3].T + camera_to_world[:3, 3]
    low, high = np.percentile(world, (_OUTLIERS, 100 - _OUTLIERS), axis=0).tolist()
    return Place(float(np.median(-measured[:, 2])), tuple(low), tuple(high))


def _pixels_of_instances(instance: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows and columns of the pixels of each instance, by ascending id."""
    order = np.argsort(instance, axis=None, kind="stable")
    ids, first = np.unique(instance.ravel()[order], return_index=True)
    rows, columns = np.unravel_index(order, instance.shape)
    ends = [*first[1:], len(order)]
    return [(rows[a:b], columns[a:b]) for i, a, b in zip(ids, first, ends, strict=True) if i]


def _surfaces(rgb: np.ndarray, semantic: np.ndarray, names: Sequence[str]) -> dict[str, str]:
    """Return the colours of what bounds the room; all walls count as one."""
    code = np.array([SURFACES.index(name) + 1 if name in SURFACES else 0 for name in names])
    of_pixel = code[semantic]
    found = {}
    for number, surface in enumerate(SURFACES, start=1):
        mask = of_pixel == number
        if mask.mean() >= LEAST_SURFACE_SHARE:
            found[surface] = (float(mask.mean()), colour_name(rgb[mask].mean(axis=0)))
    return {name: colour for name, (_, colour) in sorted(found.items(), key=lambda item: -item[1][0])}
