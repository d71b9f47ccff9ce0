"""Stoves, refrigerators, kitchen sinks and washing machines."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.cabinets import base_unit
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.solids import Solid, bar, box, cylinder, lathe, rounded_box, tube

Size = tuple[float, float, float]


def _appliance(kit: Kit) -> Material:
    """Return an appliance's skin: enamel or steel."""
    return kit.ceramic() if kit.maybe(0.55) else kit.steel()


def stove(kit: Kit, size: Size) -> list[Part]:
    """Build a cooker: hob with plates, gas rings or glass, knobs, and an oven door with a window."""
    width, height, depth = size
    kind = kit.style(("plates", "gas", "glass", "range"))
    skin, dark, metal = _appliance(kit), kit.black(), kit.metal()
    z = depth / 2
    parts: list[Part] = [
        (rounded_box(width, height - 0.03, depth - 0.03, 0.008).at(z=-0.015), skin),
        (box(width * 0.99, 0.025, depth * 0.98).at(y=height - 0.03), dark if kind != "plates" else skin.tinted(0.9)),
        (box(width * 0.72, height * 0.3, 0.012).at(y=height * 0.36, z=z - 0.015), dark),
        (bar((-width * 0.4, height * 0.74, z), (width * 0.4, height * 0.74, z), 0.01), metal),
        (box(width * 0.94, 0.008, 0.012).at(y=height * 0.18, z=z - 0.028), skin.tinted(0.6)),
    ]
    knobs = 5 if kind != "range" else 6
    for index in range(knobs):
        knob = cylinder(0.02, 0.03, 8).turned("x", 90)
        parts.append((knob.at(x=(index - (knobs - 1) / 2) * width / 7, y=height * 0.88, z=z - 0.025), dark))
    top = height - 0.005
    for x in (-0.24, 0.24):
        for deep in (-0.22, 0.22):
            radius = width * (0.15 if (x > 0) == (deep > 0) else 0.12)
            spot = {"x": x * width, "y": top, "z": deep * depth}
            if kind in ("gas", "range"):
                parts.append((cylinder(radius * 0.45, 0.02, 10).at(**spot), metal))
                for turn in (0, 90):
                    parts.append(
                        (box(radius * 2, 0.012, 0.012).turned("y", turn).at(**spot).at(y=0.022), dark.tinted(1.6))
                    )
            else:
                ring = lathe([(radius, 0.0), (radius, 0.006 if kind == "plates" else 0.001)], 14)
                parts.append((ring.at(**spot), dark if kind == "plates" else dark.tinted(2.4)))
    if kind == "range":
        parts.append((box(width, 0.12, 0.03).at(y=height - 0.03, z=-z + 0.015), skin))
    return parts


def refrigerator(kit: Kit, size: Size) -> list[Part]:
    """Build a refrigerator: freezer below, freezer on top, side by side, or round-edged."""
    width, height, depth = size
    kind = kit.style(("below", "retro", "above", "side"))
    skin, metal, dark = _appliance(kit), kit.metal(), kit.black()
    if kind == "retro":
        skin = kit.plastic()
    edge = 0.06 if kind == "retro" else 0.012
    parts: list[Part] = [
        (rounded_box(width, height - 0.03, depth - 0.06, edge, 2).at(y=0.03, z=-0.03), skin.tinted(0.92)),
        (box(width * 0.96, 0.05, depth * 0.8), dark),
    ]
    z = depth / 2 - 0.025
    if kind == "side":
        for side in (-1, 1):
            door = rounded_box(width / 2 - 0.006, height - 0.06, 0.05, 0.01)
            parts.append((door.at(x=side * width / 4, y=0.05, z=z), skin))
            x = side * 0.04
            parts.append((bar((x, height * 0.3, z + 0.05), (x, height * 0.75, z + 0.05), 0.012), metal))
        panel = box(width * 0.22, height * 0.18, 0.01).at(x=-width * 0.26, y=height * 0.5, z=z + 0.024)
        return [*parts, (panel, dark)]
    split = {"below": 0.38, "above": 0.68, "retro": 0.04}[kind] * height
    leaves = [(0.05, split - 0.005), (split + 0.005, height - 0.005)] if kind != "retro" else [(0.05, height - 0.01)]
    for low, high in leaves:
        parts.append((rounded_box(width, high - low, 0.05, edge * 0.7, 2).at(y=low, z=z), skin))
        middle = (low + high) / 2
        grip = min(0.25, (high - low) * 0.25)
        x = width / 2 - 0.06
        parts.append((bar((x, middle - grip, z + 0.045), (x, middle + grip, z + 0.045), 0.012), metal))
    return parts


def faucet(kit: Kit, reach: float) -> list[Part]:
    """Return a tap at the origin whose spout comes ``reach`` metres forward."""
    metal = kit.metal().tinted(1.15)
    kind = kit.style(("arch", "straight", "pillar", "square"))
    if kind == "arch":
        path = [(0, 0, 0), (0, 0.22, 0), (0, 0.3, reach * 0.4), (0, 0.27, reach * 0.85), (0, 0.19, reach)]
    elif kind == "pillar":
        path = [(0, 0, 0), (0, 0.16, 0), (0, 0.18, reach * 0.5), (0, 0.13, reach)]
    else:
        path = [(0, 0, 0), (0, 0.2, 0), (0, 0.2, reach)]
    spout = tube([(float(x), float(y), float(z)) for x, y, z in path], 0.014 if kind != "square" else 0.02, 6)
    lever = bar((0.03, 0.04, 0), (0.09, 0.08, 0.02), 0.009, 5)
    return [(spout, metal), (cylinder(0.028, 0.03, 8), metal), (lever, metal)]


def sink(kit: Kit, size: Size) -> list[Part]:
    """Build a kitchen sink set into a base cabinet: bowl below the worktop, tap, drainer."""
    width, height, depth = size
    rim = height - 0.24
    kind = kit.style(("bowl+drainer", "double", "round", "apron"))
    worktop, basin = kit.stone(), kit.steel() if kit.pool in (0, 3) else kit.ceramic()
    carcass = base_unit(kit, (width, rim, depth), "doors", worktop, hollow=0.2)
    # A hole needs rails around it: the worktop is replaced by four strips.
    parts = [part for part in carcass if part[1] is not worktop]
    bowl_width = {"bowl+drainer": 0.42, "double": 0.74, "round": 0.42, "apron": 0.72}[kind] * width
    bowl_depth = depth * (0.84 if kind == "apron" else 0.66)
    x = -width * 0.2 if kind in ("bowl+drainer", "round") else 0.0
    z = depth * (0.06 if kind == "apron" else 0.0) + 0.02
    parts += _worktop_with_hole((width, rim, depth), (x, z, bowl_width, bowl_depth), worktop)
    count = 2 if kind == "double" else 1
    each = bowl_width / count
    for index in range(count):
        middle = x + (index - (count - 1) / 2) * each
        parts += [(solid.at(x=middle, y=rim - 0.17, z=z), basin) for solid in _bowl(each, 0.175, bowl_depth)]
        parts.append((cylinder(0.035, 0.008, 8).at(x=middle, y=rim - 0.16, z=z), kit.black()))
    if kind == "apron":
        parts.append((rounded_box(bowl_width, 0.22, 0.04, 0.01).at(x=x, y=rim - 0.215, z=depth / 2), basin))
    if kind in ("bowl+drainer", "round"):
        parts.append((box(width * 0.38, 0.006, bowl_depth).at(x=width * 0.24, y=rim, z=z), basin))
        for step in range(5):
            rib = box(width * 0.34, 0.008, 0.012).at(x=width * 0.24, y=rim, z=z + (step - 2) * bowl_depth / 6)
            parts.append((rib, basin.tinted(0.8)))
    back = -depth / 2 + 0.06
    return parts + [(solid.at(x=x, y=rim, z=back), material) for solid, material in faucet(kit, 0.2)]


def _worktop_with_hole(size: Size, hole: tuple[float, float, float, float], material: Material) -> list[Part]:
    """Return four strips around a rectangular hole (x, z, width, depth) with the top at ``size``'s height."""
    width, height, depth = size
    x, z, hole_width, hole_depth = hole
    left, right = x - hole_width / 2 + width / 2, width / 2 - x - hole_width / 2
    front, back = depth / 2 - z - hole_depth / 2, z - hole_depth / 2 + depth / 2
    strips = [
        (left, depth, -width / 2 + left / 2, 0.0),
        (right, depth, width / 2 - right / 2, 0.0),
        (hole_width, front, x, depth / 2 - front / 2),
        (hole_width, back, x, -depth / 2 + back / 2),
    ]
    return [(box(w, 0.04, d).at(x=sx, y=height - 0.04, z=sz), material) for w, d, sx, sz in strips if min(w, d) > 1e-3]


def _bowl(width: float, height: float, depth: float) -> list[Solid]:
    """Return an open box: four walls and a floor."""
    thin = 0.012
    walls = [box(thin, height, depth).at(x=s * (width - thin) / 2) for s in (-1, 1)]
    walls += [box(width, height, thin).at(z=s * (depth - thin) / 2) for s in (-1, 1)]
    return [*walls, box(width, thin, depth)]


def washing_machine(kit: Kit, size: Size) -> list[Part]:
    """Build a front-loading machine: drum window, drawer, panel."""
    width, height, depth = size
    kind = kit.style(("round", "dark", "wide", "steel"))
    skin = kit.steel() if kind == "steel" else kit.ceramic()
    dark, metal = kit.black(), kit.metal()
    z = depth / 2 - 0.02
    radius = width * {"round": 0.25, "dark": 0.29, "wide": 0.3, "steel": 0.27}[kind]
    middle = height * 0.44
    ring = lathe([(radius, 0.0), (radius * 1.03, 0.02), (radius * 0.85, 0.04)], 20, caps=False).turned("x", 90)
    window = lathe([(radius * 0.86, 0.0), (radius * 0.6, 0.015), (0.0, 0.025)], 20).turned("x", 90)
    parts: list[Part] = [
        (rounded_box(width, height, depth - 0.02, 0.015).at(z=-0.01), skin),
        (ring.at(y=middle, z=z), dark if kind == "dark" else metal),
        (window.at(y=middle, z=z), dark.tinted(1.8)),
        (box(width * 0.96, 0.004, 0.004).at(y=height * 0.8, z=z), skin.tinted(0.6)),
        (box(width * 0.26, height * 0.12, 0.01).at(x=-width * 0.33, y=height * 0.84, z=z), skin.tinted(0.88)),
        (cylinder(0.035, 0.025, 12).turned("x", 90).at(x=width * 0.05, y=height * 0.9, z=z), metal),
        (box(width * 0.24, 0.05, 0.006).at(x=width * 0.3, y=height * 0.87, z=z), dark),
        (box(width * 0.94, 0.05, 0.006).at(y=0.03, z=z), skin.tinted(0.8)),
    ]
    return parts
