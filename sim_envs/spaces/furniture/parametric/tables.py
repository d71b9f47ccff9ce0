"""Desks, dining tables and coffee tables."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Part
from sim_envs.spaces.furniture.parametric.fronts import drawers, looks
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.legs import four_legs
from sim_envs.spaces.furniture.solids import Solid, box, cylinder, lathe, rounded_box

Size = tuple[float, float, float]


def desk(kit: Kit, size: Size) -> list[Part]:
    """Build a desk: pedestal drawers, sled frame, trestles or panel sides."""
    width, height, depth = size
    kind = kit.style(("pedestal", "panels", "frame", "trestle"))
    top = kit.board()
    parts: list[Part] = [(rounded_box(width, 0.028, depth, 0.006).at(y=height - 0.028), top)]
    under = height - 0.028
    if kind == "frame":
        return parts + four_legs(kit, "sled", width * 0.94, under, depth * 0.9, kit.metal())
    if kind == "trestle":
        for side in (-1, 1):
            stand = four_legs(kit, "splayed", depth * 0.9, under, width * 0.22, kit.wood())
            parts += [(solid.turned("y", 90).at(x=side * width * 0.36), material) for solid, material in stand]
        return parts
    body = kit.board()
    parts.append((box(width * 0.94, height * 0.4, 0.018).at(y=under - height * 0.4, z=-depth * 0.4), body))
    stack = 0.36
    sides = (1,) if kind == "panels" or width < 1.25 else (-1, 1)
    for side in sides:
        x = side * (width / 2 - stack / 2 - 0.01)
        parts.append((box(stack, under - 0.04, depth * 0.88).at(x=x, y=0.04, z=-0.01), body))
        fronts = drawers(kit, stack, [(under - 0.04) / 3] * 3, 0.04, depth * 0.43 - 0.01, body.tinted(1.06), looks(kit))
        parts += [(solid.at(x=x), material) for solid, material in fronts]
    if len(sides) == 1:
        parts.append((box(0.025, under, depth * 0.9).at(x=-width / 2 + 0.02), body))
    return parts


def dining_table(kit: Kit, size: Size) -> list[Part]:
    """Build a dining table: rectangular, round or oval on one of eight stands."""
    width, height, depth = size
    shape, stand = kit.style(
        (
            ("rectangle", "square"),
            ("round", "pedestal"),
            ("rectangle", "turned"),
            ("oval", "pedestal"),
            ("rectangle", "tapered"),
            ("rectangle", "trestle"),
            ("round", "splayed"),
            ("rectangle", "hairpin"),
        )
    )
    material = kit.wood() if kit.maybe(0.75) else kit.paint()
    top = _top(shape, width, depth, 0.035)
    parts: list[Part] = [(top.at(y=height - 0.035), material)]
    if shape == "round":
        width = depth = min(width, depth)
    return parts + _stand(kit, stand, width, height - 0.035, depth, apron=shape == "rectangle")


def _top(shape: str, width: float, depth: float, thick: float) -> Solid:
    """Return a table top standing on y = 0."""
    if shape == "rectangle":
        return rounded_box(width, thick, depth, 0.01)
    disc = lathe([(0.48, 0.0), (0.5, 0.3), (0.5, 1.0)], 24)
    wide, deep = (min(width, depth),) * 2 if shape == "round" else (width, depth)
    flat = disc.scaled(wide, thick, deep)
    return Solid(flat.vertices, flat.faces, flat.vertices[:, [0, 2]])


def _stand(kit: Kit, kind: str, width: float, height: float, depth: float, apron: bool) -> list[Part]:
    """Return what carries a table top at ``height``."""
    wood = kit.metal() if kind == "hairpin" else kit.wood()
    if kind == "pedestal":
        reach = min(width, depth)
        column = lathe(
            [(reach * 0.3, 0.0), (reach * 0.26, 0.03), (0.05, 0.08), (0.04, height * 0.6), (0.1, height)], 14
        )
        shifts = (0.0,) if width < 1.6 * depth else (-width * 0.2, width * 0.2)
        return [(column.at(x=x), wood) for x in shifts]
    parts: list[Part] = []
    if kind == "trestle":
        for side in (-1, 1):
            x = side * width * 0.36
            parts.append((box(0.09, height, 0.14).at(x=x), wood))
            parts.append((rounded_box(0.1, 0.07, depth * 0.8, 0.02).at(x=x), wood))
            parts.append((rounded_box(0.1, 0.05, depth * 0.8, 0.02).at(x=x, y=height - 0.05), wood))
        return [*parts, (box(width * 0.72, 0.1, 0.03).at(y=height * 0.35), wood)]
    if apron:
        parts += [(box(width * 0.86, 0.08, 0.02).at(y=height - 0.08, z=s * depth * 0.42), wood) for s in (-1, 1)]
        parts += [(box(0.02, 0.08, depth * 0.82).at(x=s * width * 0.44, y=height - 0.08), wood) for s in (-1, 1)]
    spread = 0.94 if apron else 0.72
    return parts + four_legs(kit, kind, width * spread, height, depth * spread, wood)


def coffee_table(kit: Kit, size: Size) -> list[Part]:
    """Build a coffee table: with a shelf, round, a block, or glass on metal."""
    width, height, depth = size
    kind = kit.style(("shelf", "glass", "round", "block", "oval", "drum", "tray", "slab"))
    wood = kit.wood()
    if kind in ("round", "oval"):
        top = _top(kind, width, depth, 0.03).at(y=height - 0.03)
        wide, deep = (min(width, depth),) * 2 if kind == "round" else (width, depth)
        return [
            (top, wood),
            *four_legs(kit, "splayed", wide * 0.8, height - 0.03, deep * 0.8, wood.tinted(0.85)),
        ]
    if kind == "drum":
        radius = min(width, depth) / 2
        rim = lathe([(radius, 0.0), (radius * 0.92, height * 0.5), (radius, height - 0.03)], 20)
        return [(rim, kit.paint()), (cylinder(radius * 1.02, 0.03, 20).at(y=height - 0.03), wood)]
    if kind == "block":
        body = kit.board()
        parts: list[Part] = [(rounded_box(width, height * 0.55, depth, 0.015).at(y=height * 0.45), body)]
        parts += drawers(kit, width * 0.9, [height * 0.4], height * 0.5, depth / 2 - 0.01, body.tinted(1.1), looks(kit))
        return parts + four_legs(kit, "tapered", width * 0.9, height * 0.46, depth * 0.9, wood)
    if kind == "slab":
        stone = kit.stone()
        legs = [(box(0.06, height - 0.06, depth * 0.9).at(x=s * width * 0.38), stone) for s in (-1, 1)]
        return [(rounded_box(width, 0.06, depth, 0.01).at(y=height - 0.06), stone), *legs]
    top_material = {"glass": kit.glass(), "shelf": wood, "tray": kit.paint()}[kind]
    frame = wood if kind == "shelf" else kit.metal()
    parts = [(rounded_box(width, 0.025, depth, 0.008).at(y=height - 0.025), top_material)]
    if kind == "tray":
        parts += [(box(width, 0.05, 0.015).at(y=height - 0.03, z=s * depth / 2), frame) for s in (-1, 1)]
        parts += [(box(0.015, 0.05, depth).at(x=s * width / 2, y=height - 0.03), frame) for s in (-1, 1)]
    else:
        parts.append((box(width * 0.9, 0.02, depth * 0.9).at(y=height * 0.3), frame))
    return parts + four_legs(kit, "square", width * 0.96, height - 0.025, depth * 0.94, frame)
