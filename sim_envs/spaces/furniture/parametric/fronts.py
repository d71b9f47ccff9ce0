"""Carcasses and fronts: the doors, drawers and handles that cabinets share."""

from __future__ import annotations

from collections.abc import Sequence

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.solids import Solid, ball, bar, box, rounded_box

HANDLES = ("bar", "knob", "cup", "edge")
FRONTS = ("flat", "shaker", "framed", "grooved")


def front(kit: Kit, width: float, height: float, material: Material, kind: str) -> list[Part]:
    """Return one door or drawer front, its back in z = 0, standing on y = 0."""
    gap = 0.004
    panel = rounded_box(width - gap, height - gap, 0.02, 0.004).at(z=0.01)
    parts: list[Part] = [(panel, material)]
    if kind in ("shaker", "framed") and min(width, height) > 0.16:
        inset = 0.05 if kind == "shaker" else 0.03
        if kind == "shaker":
            inner = box(width - 2 * inset, height - 2 * inset, 0.004)
            parts.append((inner.at(y=inset, z=0.021), material.tinted(0.86)))
        else:
            parts += _frame(width - 2 * inset, height - 2 * inset, inset, material.tinted(1.12))
    if kind == "grooved" and width > 0.2:
        for step in range(1, 4):
            line = box(0.005, height - 0.03, 0.003).at(x=(step / 4 - 0.5) * width, y=0.015, z=0.0205)
            parts.append((line, material.tinted(0.6)))
    return parts


def _frame(width: float, height: float, low: float, material: Material) -> list[Part]:
    """Return four thin mouldings around a rectangle that begins at y = ``low``."""
    thin = 0.014
    return [
        (box(width, thin, 0.008).at(y=low, z=0.022), material),
        (box(width, thin, 0.008).at(y=low + height - thin, z=0.022), material),
        (box(thin, height, 0.008).at(x=-width / 2, y=low, z=0.022), material),
        (box(thin, height, 0.008).at(x=width / 2, y=low, z=0.022), material),
    ]


def handle(kind: str, x: float, y: float, upright: bool, material: Material) -> Part:
    """Return a handle at (x, y) on a front whose face is z = 0.02."""
    solid: Solid
    if kind == "bar":
        half = 0.07
        ends = ((0, -half, 0), (0, half, 0)) if upright else ((-half, 0, 0), (half, 0, 0))
        solid = bar(ends[0], ends[1], 0.007, 5).at(z=0.04)
    elif kind == "knob":
        solid = ball(0.016, 2).at(y=-0.016, z=0.03)
    elif kind == "cup":
        solid = rounded_box(0.09, 0.03, 0.03, 0.01).at(z=0.03)
    else:
        solid = box(0.015, 0.16, 0.012) if upright else box(0.16, 0.015, 0.012)
        solid = solid.at(y=-0.08 if upright else 0.0, z=0.026)
    return solid.at(x=x, y=y), material


def drawers(
    kit: Kit,
    width: float,
    heights: Sequence[float],
    low: float,
    z: float,
    material: Material,
    looks: tuple[str, str],
) -> list[Part]:
    """Return drawers stacked upwards from ``low`` on the plane ``z``; ``looks`` are front and handle kinds."""
    front_kind, handle_kind = looks
    metal = kit.metal()
    parts: list[Part] = []
    for height in heights:
        pieces = front(kit, width, height, material, front_kind)
        grips = [0.0] if width < 0.9 else [-width * 0.25, width * 0.25]
        pieces += [handle(handle_kind, x, height * 0.62, False, metal) for x in grips]
        parts += [(solid.at(y=low, z=z), surface) for solid, surface in pieces]
        low += height
    return parts


def doors(
    kit: Kit,
    width: float,
    height: float,
    count: int,
    low: float,
    z: float,
    material: Material,
    looks: tuple[str, str],
    grip: float = 0.5,
) -> list[Part]:
    """Return ``count`` doors side by side; ``grip`` is the handles' height as a share of the door."""
    front_kind, handle_kind = looks
    metal = kit.metal()
    each = width / count
    parts: list[Part] = []
    for index in range(count):
        centre = (index + 0.5) * each - width / 2
        hinge_left = index % 2 == 0 and not (count % 2 and index == count - 1)
        edge = (each / 2 - 0.04) * (1 if hinge_left else -1)
        pieces = front(kit, each, height, material, front_kind)
        pieces.append(handle(handle_kind, edge, height * grip, True, metal))
        parts += [(solid.at(x=centre, y=low, z=z), surface) for solid, surface in pieces]
    return parts


def looks(kit: Kit) -> tuple[str, str]:
    """Draw this pool's front and handle kinds."""
    return kit.style(FRONTS), kit.style(HANDLES)
