"""Beds and what lies on them, clothes, bags and shoes."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.legs import four_legs
from sim_envs.spaces.furniture.solids import (
    Solid,
    bar,
    box,
    cloth,
    cushion,
    cylinder,
    lathe,
    rounded_box,
    tube,
)

Size = tuple[float, float, float]


def bed(kit: Kit, size: Size) -> list[Part]:
    """Build a bed, head at −z: frame, mattress, duvet, pillows and one of eight headboards."""
    width, height, depth = size
    kind = kit.style(("panel", "slats", "padded", "bars", "tufted", "curved", "bookcase", "low"))
    frame = {"padded": kit.fabric, "tufted": kit.fabric, "bars": kit.metal}.get(kind, kit.wood)()
    legs = kit.style(("square", "tapered", "turned", "round"))
    foot = kit.between(0.12, 0.2)
    rail = 0.16
    top = foot + rail
    parts: list[Part] = [
        (rounded_box(width, rail, depth - 0.05, 0.015).at(y=foot), frame),
        (rounded_box(width - 0.06, 0.2, depth - 0.12, 0.05, 2).at(y=top - 0.03, z=0.01), kit.linen()),
    ]
    parts += four_legs(kit, legs, width * 0.95, foot + 0.02, depth * 0.94, frame if kind == "bars" else kit.wood())
    mattress = top + 0.17
    cover = kit.patterned() if kit.maybe(0.6) else kit.fabric()
    long = depth * kit.between(0.6, 0.72)
    duvet = rounded_box(width + 0.02, 0.26, long, 0.06, 2)
    parts.append((duvet.at(y=mattress - 0.2, z=depth / 2 - long / 2 - 0.005), cover))
    fold = rounded_box(width + 0.03, 0.08, 0.3, 0.035, 2)
    parts.append((fold.at(y=mattress + 0.005, z=depth / 2 - long + 0.12), kit.linen()))
    case = kit.linen() if kit.maybe(0.5) else cover.tinted(1.1)
    count = 2 if width > 1.25 else 1
    for index in range(count):
        x = (index - (count - 1) / 2) * width * 0.46
        head_pillow = cushion(min(0.68, width / count * 0.86), 0.17, 0.42, 0.5).turned("x", 14)
        parts.append((head_pillow.at(x=x, y=mattress - 0.02, z=-depth / 2 + 0.33), case))
    return parts + _headboard(kit, kind, width, height, depth, frame)


def _headboard(kit: Kit, kind: str, width: float, height: float, depth: float, frame: Material) -> list[Part]:
    """Return the headboard at the −z end, up to ``height``."""
    z = -depth / 2 + 0.03
    posts: list[Part] = [(box(0.06, height, 0.05).at(x=s * (width / 2 - 0.03), z=z), frame) for s in (-1, 1)]
    low = 0.25
    if kind in ("padded", "tufted"):
        board = rounded_box(width, height - low, 0.1, 0.04, 2)
        parts: list[Part] = [(board.at(y=low, z=z + 0.02), frame)]
        if kind == "tufted":
            for column in range(5):
                seam = box(0.012, height - low - 0.08, 0.01).at(x=(column - 2) * width / 5, y=low + 0.04, z=z + 0.068)
                parts.append((seam, frame.tinted(0.6)))
        return parts
    if kind == "slats":
        slats = [
            (box(width - 0.1, 0.1, 0.025).at(y=low + k * 0.16, z=z), frame) for k in range(int((height - low) / 0.16))
        ]
        return posts + slats
    if kind == "bars":
        rail = [(bar((-width / 2, height - 0.03, z), (width / 2, height - 0.03, z), 0.025, 6), frame)]
        rods = [(k / 8 - 0.5) * width for k in range(1, 8)]
        return posts + rail + [(bar((x, low, z), (x, height - 0.03, z), 0.01, 5), frame) for x in rods]
    if kind == "curved":
        disc = lathe([(0.5, 0.0), (0.5, 0.05)], 24).turned("x", 90).scaled(width * 0.98, 2 * (height - 0.45), 1.0)
        return [(disc.at(y=0.45, z=z - 0.025), frame)]
    if kind == "bookcase":
        shelf = box(width, height * 0.9, 0.16).at(z=z + 0.05)
        hole = box(width * 0.4, 0.2, 0.01)
        holes = [(hole.at(x=s * width * 0.23, y=height * 0.64, z=z + 0.131), frame.tinted(0.45)) for s in (-1, 1)]
        return [(shelf, frame), *holes, (box(width * 1.02, 0.03, 0.2).at(y=height * 0.9, z=z + 0.05), frame)]
    board_height = height - low if kind == "panel" else (height - low) * 0.6
    return [
        *posts[: 2 if kind == "panel" else 0],
        (rounded_box(width, board_height, 0.05, 0.015).at(y=low, z=z), frame),
    ]


def pillow(kit: Kit, size: Size) -> list[Part]:
    """Build a loose pillow: square, round, bolster or oblong."""
    width, height, depth = size
    kind = kit.style(("square", "oblong", "bolster", "round"))
    material = kit.patterned() if kit.maybe(0.7) else kit.fabric()
    if kind == "bolster":
        roll = lathe(
            [(0.0, 0.0), (height * 0.45, 0.01), (height / 2, 0.04), (height / 2, width - 0.04), (0.0, width)],
            10,
        )
        return [(roll.turned("z", 90), material)]
    if kind == "round":
        return [(cushion(width, height, width, 1.0), material)]
    return [(cushion(width, height, depth if kind == "square" else depth * 0.7, 0.4), material)]


def clothes(kit: Kit, size: Size) -> list[Part]:
    """Build clothes: a folded pile, a heap, shirts on a hanger rail or a basket of laundry."""
    width, height, depth = size
    kind = kit.style(("pile", "heap", "folded shirt", "basket"))
    if kind == "pile":
        layers = 4
        return [
            (
                rounded_box(width * kit.between(0.86, 1.0), height / layers, depth * kit.between(0.85, 1.0), 0.015, 2)
                .turned("y", kit.between(-5, 5))
                .at(y=index * height / layers),
                kit.fabric() if index % 2 else kit.patterned(),
            )
            for index in range(layers)
        ]
    if kind == "heap":
        lumps: list[Part] = []
        for index in range(5):
            lump = cushion(width * kit.between(0.45, 0.75), height * kit.between(0.4, 0.7), depth * 0.6, 0.7)
            spot = (
                kit.between(-0.2, 0.2) * width,
                0.0 if index < 3 else height * 0.25,
                kit.between(-0.2, 0.2) * depth,
            )
            lumps.append((lump.turned("y", kit.between(0, 90)).at(*spot), kit.fabric()))
        return lumps
    if kind == "folded shirt":
        shirt, collar = kit.patterned(), kit.linen()
        body = rounded_box(width, height * 0.7, depth, height * 0.25, 2)
        ring = tube([(-0.06, 0, 0.02), (-0.05, 0, -0.04), (0.05, 0, -0.04), (0.06, 0, 0.02)], 0.015, 5)
        sleeve = rounded_box(width * 0.28, height * 0.3, depth * 0.5, height * 0.1)
        sleeves = [(sleeve.at(x=s * width * 0.3, y=height * 0.6, z=depth * 0.1), shirt.tinted(0.9)) for s in (-1, 1)]
        return [(body, shirt), *sleeves, (ring.at(y=height * 0.75, z=-depth * 0.38), collar)]
    woven = Material(kit.wood().rgb, kit.fabric().texture, 0.12)
    basket = rounded_box(width, height * 0.7, depth, 0.03)
    heap = [
        (cushion(width * 0.5, height * 0.4, depth * 0.7, 0.8).at(x=x * width, y=height * 0.55), kit.fabric())
        for x in (-0.2, 0.2)
    ]
    return [(basket, woven), *heap]


def bag(kit: Kit, size: Size) -> list[Part]:
    """Build a bag: tote, backpack, suitcase or duffel."""
    width, height, depth = size
    kind = kit.style(("tote", "backpack", "suitcase", "duffel"))
    cover, trim = kit.fabric(), kit.black()
    if kind == "suitcase":
        shell = kit.plastic()
        parts: list[Part] = [(rounded_box(width, height * 0.78, depth, 0.04, 2).at(y=height * 0.05), shell)]
        for step in range(5):
            rib = box(0.012, height * 0.68, 0.012).at(x=(step - 2) * width / 6, y=height * 0.1, z=depth / 2)
            parts.append((rib, shell.tinted(0.8)))
        wheels = [(cylinder(0.02, 0.03, 8).at(x=s * width * 0.4), trim) for s in (-1, 1)]
        grip = [(-width * 0.2, height * 0.8, 0.0), (-width * 0.2, height, 0.0), (width * 0.2, height, 0.0)]
        return [*parts, *wheels, (tube([*grip, (width * 0.2, height * 0.8, 0.0)], 0.01, 5), kit.metal())]
    if kind == "backpack":
        pocket = rounded_box(width * 0.7, height * 0.38, depth * 0.3, 0.04, 2)
        lid = rounded_box(width * 0.96, height * 0.2, depth * 0.8, 0.05, 2)
        return [
            (rounded_box(width, height * 0.92, depth * 0.75, 0.08, 2), cover),
            (pocket.at(y=height * 0.08, z=depth * 0.4), cover.tinted(0.8)),
            (lid.at(y=height * 0.78, z=depth * 0.04), cover.tinted(0.7)),
            (_loop(0.08, height * 0.1, 0.012).at(y=height * 0.9), trim),
        ]
    if kind == "duffel":
        roll = lathe([(0.0, 0.0), (0.46, 0.01), (0.5, 0.06), (0.5, 0.94), (0.46, 0.99), (0.0, 1.0)], 12)
        body = roll.turned("z", 90).at(x=0.5).scaled(width, height * 0.75, depth).at(y=height * 0.375)
        bands = [
            (_loop(width * 0.3, height * 0.45, 0.015).at(y=height * 0.55, z=s * depth * 0.3), trim) for s in (-1, 1)
        ]
        return [(body, cover), *bands]
    body = rounded_box(width, height * 0.66, depth, 0.03)
    flare = Solid(body.vertices * (1 + 0.2 * body.vertices[:, 1:2] / height * [1, 0, 1]), body.faces, body.uv)
    straps = [(_loop(width * 0.4, height * 0.34, 0.012).at(y=height * 0.64, z=s * depth * 0.35), trim) for s in (-1, 1)]
    return [(flare, kit.patterned()), *straps]


def _loop(width: float, height: float, radius: float) -> Solid:
    """Return a handle: an arch in the plane z = 0, standing on y = 0."""
    x = width / 2
    return tube(
        [(-x, 0, 0), (-x * 0.9, height * 0.7, 0), (0, height, 0), (x * 0.9, height * 0.7, 0), (x, 0, 0)],
        radius,
        5,
    )


def shoes(kit: Kit, size: Size) -> list[Part]:
    """Build a pair of shoes: sneakers, boots, slippers or pumps, toes to +z."""
    width, height, depth = size
    kind = kit.style(("sneaker", "boot", "slipper", "pump"))
    upper = kit.plastic() if kind in ("sneaker", "pump") else kit.fabric()
    sole = kit.linen() if kind == "sneaker" else kit.black()
    each = width * 0.42
    parts: list[Part] = []
    for side in (-1, 1):
        low = height * 0.16
        pieces: list[Part] = [
            (cushion(each, low * 2, depth, 0.7).scaled(1, 0.6, 1), sole),
            (cushion(each * 0.94, height * 0.62, depth * 0.62, 0.75).at(y=low * 0.6, z=depth * 0.17), upper),
        ]
        if kind == "boot":
            shaft = lathe([(0.5, 0.0), (0.48, 0.5), (0.52, 1.0), (0.4, 1.0)], 10)
            pieces.append((shaft.scaled(each * 0.86, height - low, depth * 0.5).at(y=low, z=-depth * 0.22), upper))
        elif kind != "slipper":
            heel = lathe([(0.5, 0.0), (0.5, 0.5), (0.44, 1.0), (0.36, 1.0), (0.36, 0.7), (0.0, 0.6)], 10)
            rise = height * (0.72 if kind == "sneaker" else 0.5)
            pieces.append(
                (heel.scaled(each * 0.92, rise, depth * 0.62).at(y=low * 0.7, z=-depth * 0.18), upper.tinted(0.85))
            )
        if kind == "pump":
            pieces.append((box(each * 0.3, height * 0.3, depth * 0.1).at(z=-depth * 0.42), sole))
            pieces = [(solid.turned("x", 8), material) for solid, material in pieces]
        parts += [(solid.turned("y", side * 4).at(x=side * width * 0.27), material) for solid, material in pieces]
    return parts


def towel(kit: Kit, size: Size) -> list[Part]:
    """Build a towel over a rail, its back to the wall at −z."""
    width, height, depth = size
    kind = kit.style(("rail", "ring", "double", "hooks"))
    metal = kit.metal()
    material = kit.patterned() if kit.maybe(0.4) else Material(kit.fabric().rgb, kit.linen().texture, 0.08)
    y, z = height - 0.02, depth * 0.2
    if kind == "hooks":
        cloths = [(cloth(width * 0.4, height * 0.9, depth * 0.7, 2).at(x=s * width * 0.25), material) for s in (-1, 1)]
        pegs = [
            (bar((s * width * 0.25, y - 0.06, -depth / 2), (s * width * 0.25, y, depth * 0.3), 0.012), metal)
            for s in (-1, 1)
        ]
        return [*cloths, *pegs, (box(width, 0.05, 0.015).at(y=height - 0.06, z=-depth / 2 + 0.008), metal)]
    parts: list[Part] = []
    brackets = (-1, 1) if kind != "ring" else (0,)
    for side in brackets:
        parts.append((bar((side * width * 0.47, y, -depth / 2), (side * width * 0.47, y, z), 0.012), metal))
    parts.append((bar((-width / 2, y, z), (width / 2, y, z), 0.009), metal))
    hung = width * (0.62 if kind != "ring" else 0.8)
    lengths = (height * 0.95, height * 0.8)
    count = 2 if kind == "double" else 1
    for index in range(count):
        x = (index - (count - 1) / 2) * width * 0.45
        surface = material if index == 0 else kit.patterned()
        span = hung * (0.62 if count == 2 else 1.0)
        for long, offset in zip(lengths, (0.014, -0.014), strict=True):
            sheet = cloth(span, long, 0.012, 1.5).at(x=x, y=height - long, z=z + offset)
            parts.append((sheet, surface))
        parts.append((box(span, 0.012, 0.034).at(x=x, y=height - 0.012, z=z), surface))
    return parts
