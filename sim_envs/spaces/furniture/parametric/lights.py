"""Floor, table and ceiling lamps."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.solids import Solid, ball, bar, box, cylinder, lathe, tube

Size = tuple[float, float, float]


def _shade(kind: str, radius: float, height: float) -> Solid:
    """Return a lampshade standing on y = 0."""
    if kind == "drum":
        return lathe([(radius, 0.0), (radius * 0.96, height)], 16, caps=False)
    if kind == "cone":
        return lathe([(radius, 0.0), (radius * 0.45, height)], 16, caps=False)
    if kind == "globe":
        return ball(min(radius, height / 2), 3)
    if kind == "bell":
        return lathe([(radius, 0.0), (radius * 0.7, height * 0.4), (radius * 0.5, height)], 16, caps=False)
    return lathe([(radius, 0.0), (radius * 0.8, height * 0.5), (radius * 0.15, height)], 16, caps=False)


def _lit(kit: Kit) -> Material:
    """Return a shade's fabric or glass, bright as if lit, tinted by the pool."""
    tint = ((255, 246, 224), (250, 226, 180), (255, 236, 222), (238, 240, 248))[kit.pool]
    return Material(tint, kit.linen().texture, 0.15)


def floor_lamp(kit: Kit, size: Size) -> list[Part]:
    """Build a floor lamp: straight pole, arc, tripod or reading lamp."""
    width, height, _ = size
    kind = kit.style(("pole", "tripod", "arc", "column"))
    shade_kind = kit.style(("drum", "cone", "globe", "bell"))
    metal, lit = kit.metal(), _lit(kit)
    radius, tall = width / 2, min(0.36, height * 0.2)
    if kind == "column":
        base = box(width * 0.8, 0.03, width * 0.8)
        rails = [
            (box(0.02, height, 0.02).at(x=a * width * 0.36, z=b * width * 0.36), metal)
            for a in (-1, 1)
            for b in (-1, 1)
        ]
        return [(base, metal), *rails, (box(width * 0.68, height * 0.72, width * 0.68).at(y=height * 0.26), lit)]
    shade = _shade(shade_kind, radius, tall)
    if kind == "tripod":
        wood = kit.wood()
        feet = ((0.0, 1.0), (0.87, -0.5), (-0.87, -0.5))
        legs = [(bar((x * radius * 0.9, 0, z * radius * 0.9), (0, height - tall, 0), 0.016), wood) for x, z in feet]
        return [*legs, (shade.at(y=height - tall), lit), (cylinder(0.05, 0.04, 8).at(y=height - tall), metal)]
    stem = [(0.0, 0.02, 0.0), (0.0, height * 0.8, 0.0)]
    if kind == "arc":
        reach = width * 0.5
        stem = [
            (-reach, 0.02, 0.0),
            (-reach, height * 0.7, 0.0),
            (-reach * 0.6, height * 0.94, 0.0),
            (0.0, height, 0.0),
        ]
        small = _shade(shade_kind, radius * 0.6, tall * 0.7)
        disc = cylinder(radius * 0.5, 0.03, 16).at(x=-reach)
        return [
            (tube([*stem, (reach * 0.35, height - 0.08, 0.0)], 0.013), metal),
            (disc, metal),
            (small.at(x=reach * 0.35, y=height - tall * 0.8), lit),
        ]
    disc = lathe([(radius * 0.7, 0.0), (radius * 0.7, 0.02), (0.02, 0.05)], 16)
    return [(tube([*stem, (0.0, height - 0.02, 0.0)], 0.014), metal), (disc, metal), (shade.at(y=height - tall), lit)]


def table_lamp(kit: Kit, size: Size) -> list[Part]:
    """Build a table lamp: vase base, column, globe or desk lamp with an arm."""
    width, height, _ = size
    kind = kit.style(("vase", "arm", "column", "globe"))
    shade_kind = kit.style(("drum", "dome", "bell", "cone"))
    lit = _lit(kit)
    radius, tall = width / 2, height * 0.42
    if kind == "arm":
        metal = kit.plastic()
        parts: list[Part] = [(cylinder(radius * 0.6, 0.02, 14).at(x=-radius * 0.3), metal)]
        parts.append(
            (
                tube(
                    [(-radius * 0.3, 0, 0), (-radius * 0.7, height * 0.6, 0), (radius * 0.2, height * 0.95, 0)], 0.009
                ),
                metal,
            )
        )
        return [
            *parts,
            (_shade("cone", radius * 0.55, tall * 0.45).turned("z", 20).at(x=radius * 0.4, y=height * 0.78), metal),
        ]
    if kind == "globe":
        return [
            (cylinder(radius * 0.5, height * 0.3, 14), kit.wood()),
            (ball(min(radius, height * 0.35), 3).at(y=height * 0.28), lit),
        ]
    if kind == "vase":
        base = lathe(
            [(radius * 0.3, 0), (radius * 0.55, height * 0.15), (radius * 0.45, height * 0.4), (0.012, height * 0.6)],
            14,
        )
        surface = kit.ceramic() if kit.maybe(0.4) else kit.plastic()
    else:
        base = lathe([(radius * 0.55, 0), (radius * 0.55, 0.02), (0.02, 0.04), (0.02, height * 0.62)], 14)
        surface = kit.metal()
    return [(base, surface), (_shade(shade_kind, radius, tall).at(y=height - tall), lit)]


def ceiling_lamp(kit: Kit, size: Size) -> list[Part]:
    """Build a hanging lamp: its canopy on top touches the ceiling, the shade hangs below."""
    width, height, _ = size
    kind = kit.style(("pendant", "cluster", "chandelier", "bar"))
    shade_kind = kit.style(("dome", "globe", "drum", "cone"))
    metal, lit = kit.metal(), _lit(kit)
    radius = width / 2
    canopy = (cylinder(0.055, 0.03, 12).at(y=height - 0.03), metal)
    tall = min(height * 0.55, width * 0.7)
    if kind == "pendant":
        cord = bar((0, tall * 0.8, 0), (0, height, 0), 0.006, 5)
        outer = kit.plastic() if kit.maybe(0.5) else lit
        return [
            canopy,
            (cord, metal),
            (_shade(shade_kind, radius, tall), outer),
            (ball(radius * 0.3, 2).at(y=tall * 0.12), lit),
        ]
    if kind == "bar":
        rod = bar((-radius, height * 0.35, 0), (radius, height * 0.35, 0), 0.014)
        cords = [(bar((s * radius * 0.5, height * 0.35, 0), (s * 0.03, height, 0), 0.004, 4), metal) for s in (-1, 1)]
        small = _shade("cone", radius * 0.22, height * 0.3)
        shades = [(small.at(x=x * radius, y=height * 0.05), lit) for x in (-0.7, 0.0, 0.7)]
        return [canopy, (rod, metal), *cords, *shades]
    parts: list[Part] = [canopy]
    arms = 3 if kind == "cluster" else 5
    for index in range(arms):
        if kind == "cluster":
            drop = height * (0.1 + 0.2 * index)
            globe = ball(radius * 0.4, 2).turned("y", 40).at(x=radius * 0.6, y=drop * 0.6)
            cord = bar((radius * 0.6, drop * 0.6 + radius * 0.7, 0), (0.02, height, 0), 0.005, 4)
            pieces: list[Part] = [(globe, lit), (cord, metal)]
        else:
            arm = tube(
                [(0, height * 0.35, 0), (radius * 0.6, height * 0.15, 0), (radius * 0.85, height * 0.3, 0)], 0.012
            )
            pieces = [
                (arm, metal),
                (
                    _shade("bell", radius * 0.24, height * 0.24).turned("x", 180).at(x=radius * 0.78, y=height * 0.55),
                    lit,
                ),
            ]
        parts += [(solid.turned("y", 360 / arms * index), material) for solid, material in pieces]
    if kind == "chandelier":
        parts.append((bar((0, height * 0.2, 0), (0, height, 0), 0.016), metal))
    return parts
