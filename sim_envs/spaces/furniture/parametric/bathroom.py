"""Washbasins, toilets, bathtubs and showers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.fronts import doors, drawers, looks
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.kitchen import faucet
from sim_envs.spaces.furniture.solids import Solid, bar, box, cloth, cylinder, lathe, rounded_box, tube

Size = tuple[float, float, float]


def basin(width: float, depth: float, profile: Sequence[tuple[float, float]], squareness: float) -> Solid:
    """Return a hollow vessel: a (share of radius, y) outline swept around a rounded rectangle.

    Args:
        width, depth: outer size, metres.
        profile: outside from the bottom up, then inside down to the drain.
        squareness: exponent of the superellipse; 1 is an ellipse, towards 0 a rectangle.
    """
    round_one = lathe(profile, 20, caps=False)
    x, z = round_one.vertices[:, 0], round_one.vertices[:, 2]
    radius = np.hypot(x, z)
    angle = np.arctan2(z, x)

    def bent(value: np.ndarray) -> np.ndarray:
        return np.sign(value) * np.abs(np.where(np.abs(value) < 1e-9, 0.0, value)) ** squareness

    vertices = np.stack(
        [radius * bent(np.cos(angle)) * width / 2, round_one.vertices[:, 1], radius * bent(np.sin(angle)) * depth / 2],
        axis=1,
    )
    return Solid(vertices, round_one.faces, round_one.uv)


def _washbowl(width: float, height: float, depth: float, squareness: float) -> Solid:
    """Return a washbowl with its rim at ``height``."""
    outline = ((0.55, 0.0), (0.9, 0.55), (1.0, 1.0), (0.9, 1.0), (0.75, 0.6), (0.4, 0.28), (0.0, 0.25))
    return basin(width, depth, [(r, y * height) for r, y in outline], squareness)


def washbasin(kit: Kit, size: Size) -> list[Part]:
    """Build a washbasin: pedestal, vanity cabinet, wall-hung or vessel on a board."""
    width, height, depth = size
    rim = height - 0.2
    kind = kit.style(("pedestal", "vessel", "vanity", "hung"))
    white = kit.ceramic()
    square = {"pedestal": 0.8, "vessel": 1.0, "vanity": 0.35, "hung": 0.5}[kind]
    parts: list[Part] = []
    if kind == "vanity":
        parts.append((_washbowl(width, 0.14, depth, square).at(y=rim - 0.14), white))
        body = kit.board()
        parts.append((box(width * 0.9, rim - 0.22, depth * 0.82).at(y=0.1, z=-0.01), body))
        parts.append((box(width * 0.84, 0.1, depth * 0.7), body.tinted(0.5)))
        count = 2 if width > 0.55 else 1
        parts += doors(kit, width * 0.9, rim - 0.24, count, 0.11, depth * 0.4, body.tinted(1.08), looks(kit), 0.85)
    elif kind == "vessel":
        board = kit.wood()
        parts.append((_washbowl(min(width * 0.8, 0.45), 0.15, depth * 0.82, square).at(y=rim - 0.15), white))
        parts.append((rounded_box(width, 0.04, depth, 0.008).at(y=rim - 0.17), board))
        parts.append((box(width * 0.96, 0.2, depth * 0.9).at(y=rim - 0.37, z=-0.01), board.tinted(0.85)))
        parts += drawers(kit, width * 0.94, [0.18], rim - 0.36, depth * 0.44, board, looks(kit))
        parts += [
            (box(0.04, rim - 0.36, 0.04).at(x=s * width * 0.44, z=z * depth * 0.38), board)
            for s in (-1, 1)
            for z in (-1, 1)
        ]
    else:
        parts.append((_washbowl(width, 0.2, depth, square).at(y=rim - 0.2), white))
        parts.append((rounded_box(width * 0.8, 0.14, depth * 0.25, 0.02).at(y=rim - 0.15, z=-depth * 0.38), white))
        if kind == "pedestal":
            foot = lathe([(0.12, 0.0), (0.08, 0.08), (0.075, rim * 0.6), (0.13, rim - 0.15)], 12)
            parts.append((foot.at(z=-depth * 0.12), white))
        else:
            metal = kit.metal()
            parts.append((tube([(0, rim - 0.2, 0), (0, rim - 0.4, 0), (0, rim - 0.42, -depth * 0.45)], 0.022), metal))
            parts += [
                (bar((s * width * 0.4, 0, depth * 0.3), (s * width * 0.4, rim - 0.1, depth * 0.3), 0.012), metal)
                for s in (-1, 1)
            ]
    return parts + [(solid.at(y=rim, z=-depth * 0.4), material) for solid, material in faucet(kit, 0.13)]


def toilet(kit: Kit, size: Size) -> list[Part]:
    """Build a toilet: bowl with seat and lid, cistern against the wall at −z."""
    width, height, depth = size
    kind = kit.style(("classic", "square", "slim", "hidden"))
    white = kit.ceramic()
    seat_material = white.tinted(0.93) if kit.maybe(0.6) else kit.wood()
    rim = 0.4
    long = depth * 0.68
    square = {"classic": 1.0, "square": 0.55, "slim": 0.85, "hidden": 0.7}[kind]
    outline = ((0.55, 0.0), (0.5, 0.12), (0.7, 0.24), (1.0, 0.37), (1.0, rim), (0.78, rim), (0.5, 0.26), (0.0, 0.22))
    bowl = basin(width * 0.95, long, outline, square)
    z = depth / 2 - long / 2
    ring = [(1.03, 0.0), (1.03, 0.025), (0.74, 0.025), (0.72, 0.0)]
    parts: list[Part] = [
        (bowl.at(z=z), white),
        (basin(width * 0.95, long * 0.97, ring, square).at(y=rim, z=z), seat_material),
        (rounded_box(width * 0.5, 0.36, depth * 0.35, 0.03).at(z=-depth * 0.3), white),
        (basin(width * 0.2, width * 0.2, [(0.0, 0.0), (1.0, 0.001)], 1.0).at(y=0.24, z=z), kit.glass()),
    ]
    lid = basin(width * 0.93, long * 0.95, [(0.0, 0.0), (1.0, 0.0), (1.0, 0.018), (0.0, 0.022)], square)
    if kind in ("classic", "slim"):
        lifted = lid.at(z=long / 2).turned("x", -98).at(y=rim + 0.03, z=z - long / 2 + 0.02)
        parts.append((lifted, seat_material))
    else:
        parts.append((lid.at(y=rim + 0.026, z=z), seat_material))
    tank_depth = depth - long * 0.94
    tank_width = width * {"classic": 1.0, "square": 1.0, "slim": 0.8, "hidden": 1.0}[kind]
    low = 0.36 if kind != "hidden" else 0.0
    tank = rounded_box(tank_width, height - low - 0.03, tank_depth, 0.03 if kind != "hidden" else 0.006, 2)
    back = -depth / 2 + tank_depth / 2
    parts.append((tank.at(y=low, z=back), white))
    parts.append(
        (
            rounded_box(tank_width * 1.02, 0.035, tank_depth * 1.04, 0.01).at(y=height - 0.035, z=back),
            white.tinted(0.95),
        )
    )
    return [*parts, (cylinder(0.022, 0.012, 8).at(y=height - 0.004, z=back), kit.metal())]


def bathtub(kit: Kit, size: Size) -> list[Part]:
    """Build a bathtub, long side along x, its back at −z: panelled, free-standing, or on feet."""
    width, height, depth = size
    kind = kit.style(("panelled", "clawfoot", "oval", "boxed"))
    white, metal = kit.ceramic(), kit.metal()
    floor = height * 0.28
    parts: list[Part] = []
    if kind in ("panelled", "boxed"):
        shell = white if kind == "panelled" else kit.board()
        inner_outline = [(1.0, height), (0.86, height), (0.72, floor), (0.0, floor * 0.95)]
        hollow = basin(width * 0.98, depth * 0.98, inner_outline, 0.35)
        parts += [(hollow, white), (_bath_rim(width, height, depth), white)]
        parts += [(box(width, height - 0.04, 0.02).at(z=s * (depth / 2 - 0.01)), shell) for s in (-1, 1)]
        parts += [(box(0.02, height - 0.04, depth).at(x=s * (width / 2 - 0.01)), shell) for s in (-1, 1)]
    else:
        low = 0.1 if kind == "clawfoot" else 0.0
        outline = [(0.6, low), (0.84, height * 0.4), (1.0, height), (0.94, height), (0.78, height * 0.42), (0.0, floor)]
        parts.append((basin(width, depth, outline, 0.75), white if kind == "oval" else kit.paint()))
        parts.append(
            (basin(width * 0.93, depth * 0.93, [(1.0, height + 0.001), (0.8, floor), (0.0, floor)], 0.75), white)
        )
        if low:
            feet = lathe([(0.04, 0.0), (0.02, 0.06), (0.05, 0.18)], 8)
            parts += [(feet.at(x=a * width * 0.28, z=b * depth * 0.26), metal) for a in (-1, 1) for b in (-1, 1)]
    taps = [(solid.turned("y", 90), material) for solid, material in faucet(kit, 0.12)]
    parts += [(solid.scaled(1, 0.6, 1).at(x=-width / 2 + 0.05, y=height), material) for solid, material in taps]
    return [*parts, (cylinder(0.03, 0.006, 8).at(x=-width * 0.25, y=floor + 0.004), metal)]


def _bath_rim(width: float, height: float, depth: float) -> Solid:
    """Return the flat rim between the outer rectangle and the rounded hollow."""
    ring = basin(width * 0.98, depth * 0.98, [(1.0, height - 0.001), (0.88, height - 0.001)], 0.35)
    count = len(ring.vertices) // 2
    outer = np.sign(np.round(ring.vertices[:count], 6)) * np.array([width / 2, 0, depth / 2])
    flat = np.abs(ring.vertices[:count]) / np.array([width * 0.49, 1.0, depth * 0.49])
    x = np.where(flat[:, 0] > 0.9 * flat[:, 2], outer[:, 0], ring.vertices[:count, 0])
    z = np.where(flat[:, 2] > 0.9 * flat[:, 0], outer[:, 2], ring.vertices[:count, 2])
    vertices = ring.vertices.copy()
    vertices[:count] = np.stack([x, np.full(count, height - 0.001), z], axis=1)
    return Solid(vertices, ring.faces, ring.uv)


def shower(kit: Kit, size: Size) -> list[Part]:
    """Build a shower: tray, two glass sides with metal frame (no glass in the way in), head and mixer."""
    width, height, depth = size
    kind = kit.style(("corner", "curtain", "half", "framed"))
    tray_material, metal = kit.ceramic(), kit.metal()
    tray = 0.08 if kind != "half" else 0.03
    x, z = width / 2, depth / 2
    parts: list[Part] = [
        (rounded_box(width, tray, depth, 0.01), tray_material),
        (box(width - 0.1, 0.004, depth - 0.1).at(y=tray), tray_material.tinted(0.9)),
        (cylinder(0.04, 0.006, 8).at(y=tray + 0.003), metal),
        (tube([(0, 1.0, -z + 0.02), (0, height - 0.1, -z + 0.02), (0, height - 0.06, -z + 0.25)], 0.012), metal),
        (cylinder(0.09, 0.02, 12).at(y=height - 0.08, z=-z + 0.27), metal),
        (box(0.2, 0.05, 0.05).at(y=1.02, z=-z + 0.04), metal.tinted(1.1)),
        (box(0.012, height - tray, depth).at(x=-x + 0.006, y=tray), kit.glass()),
    ]
    posts = [(-x + 0.015, z - 0.015), (x - 0.015, z - 0.015)]
    if kind == "framed":
        parts += [(box(0.03, height - tray, 0.03).at(x=px, y=tray, z=pz), metal) for px, pz in posts]
        parts.append((box(width, 0.03, 0.03).at(y=height - 0.03, z=z - 0.015), metal))
        parts.append(
            (box(width * 0.5, height - tray - 0.05, 0.01).at(x=-width * 0.24, y=tray, z=z - 0.02), kit.glass())
        )
        middle = box(width, 0.03, 0.02).at(y=height * 0.5, z=z - 0.015)
        return [*parts, (middle.scaled(0.5, 1, 1).at(x=-width * 0.24), metal)]
    if kind == "curtain":
        from_wall = [(bar((-x, height - 0.02, z - 0.03), (x, height - 0.02, z - 0.03), 0.012), metal)]
        return parts + from_wall + _shower_curtain(kit, width, height, z)
    parts.append((box(0.03, 0.03, depth).at(x=-x + 0.015, y=height - 0.03), metal))
    if kind == "corner":
        parts.append((box(width, 0.03, 0.03).at(y=height - 0.03, z=z - 0.015), metal))
        parts.append((box(width * 0.45, height - tray, 0.01).at(x=-width * 0.27, y=tray, z=z - 0.01), kit.glass()))
    return parts


def _shower_curtain(kit: Kit, width: float, height: float, z: float) -> list[Part]:
    """Return a curtain drawn over two thirds of the front."""
    fabric: Material = kit.patterned()
    return [(cloth(width * 0.6, height - 0.2, 0.05, 6).at(x=-width * 0.18, y=0.17, z=z - 0.03), fabric)]
