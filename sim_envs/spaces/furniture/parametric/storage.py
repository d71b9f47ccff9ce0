"""Wardrobes, nightstands, dressers, TV stands, boxes and waste bins."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.fronts import doors, drawers, looks
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.legs import four_legs
from sim_envs.spaces.furniture.solids import ball, box, cushion, lathe, rounded_box

Size = tuple[float, float, float]


def wardrobe(kit: Kit, size: Size) -> list[Part]:
    """Build a wardrobe: hinged doors, sliding doors with a mirror, doors over drawers, or with a cornice."""
    width, height, depth = size
    kind = kit.style(("hinged", "cornice", "drawers", "sliding"))
    body, face = kit.board(), kit.board()
    plinth = 0.06
    z = depth / 2 - 0.03
    parts: list[Part] = [
        (box(width, height - plinth, depth - 0.03).at(y=plinth, z=-0.015), body),
        (box(width - 0.04, plinth, depth - 0.06), body.tinted(0.7)),
    ]
    count = max(2, round(width / 0.5))
    pair = looks(kit)
    if kind == "sliding":
        leaf = width / 2
        for side in (-1, 1):
            surface = kit.mirror() if side == 1 else face
            door = rounded_box(leaf + 0.02, height - plinth - 0.06, 0.02, 0.004)
            parts.append((door.at(x=side * leaf / 2, y=plinth + 0.02, z=z + (0.012 if side > 0 else 0.0)), surface))
            parts.append((box(0.03, height - plinth - 0.06, 0.03).at(x=side * 0.02, y=plinth + 0.02, z=z), kit.metal()))
        return parts
    if kind == "drawers":
        parts += drawers(kit, width, [0.22, 0.22], plinth, z, face, pair)
        parts += doors(kit, width, height - plinth - 0.46, count, plinth + 0.44, z, face, pair)
        return parts
    if kind == "cornice":
        parts.append((rounded_box(width + 0.05, 0.07, depth + 0.04, 0.02).at(y=height - 0.07), body.tinted(0.85)))
        height -= 0.07
    return parts + doors(kit, width, height - plinth - 0.02, count, plinth, z, face, pair)


def _chest(kit: Kit, size: Size, rows: int, columns: int, kind: str) -> list[Part]:
    """Build a chest of drawers on legs, plinth or floor."""
    width, height, depth = size
    body = kit.board()
    face = body if kit.maybe(0.5) else kit.board()
    foot = {"legs": min(0.16, height * 0.3), "plinth": 0.05, "floor": 0.0, "slim": 0.1}[kind]
    top = 0.025
    z = depth / 2 - 0.025
    inner = height - foot - top
    parts: list[Part] = [
        (box(width - 0.01, inner, depth - 0.025).at(y=foot, z=-0.0125), body),
        (rounded_box(width, top, depth, 0.006).at(y=height - top), body.tinted(1.05)),
    ]
    each = width / columns
    pair = looks(kit)
    for column in range(columns):
        x = (column + 0.5) * each - width / 2
        stack = drawers(kit, each - 0.02, [inner / rows] * rows, foot, z, face, pair)
        parts += [(solid.at(x=x), material) for solid, material in stack]
    if kind in ("legs", "slim"):
        leg = kit.style(("tapered", "splayed", "turned", "hairpin"))
        parts += four_legs(kit, leg, width * 0.94, foot, depth * 0.9, kit.metal() if leg == "hairpin" else body)
    elif kind == "plinth":
        parts.append((box(width - 0.06, foot, depth - 0.06), body.tinted(0.6)))
    return parts


def nightstand(kit: Kit, size: Size) -> list[Part]:
    """Build a bedside table: closed, open below, or a shelf on legs."""
    width, height, depth = size
    kind = kit.style(("legs", "floor", "open", "plinth"))
    if kind != "open":
        return _chest(kit, size, rows=2, columns=1, kind=kind)
    wood = kit.board()
    z = depth / 2 - 0.02
    parts: list[Part] = [
        (rounded_box(width, 0.025, depth, 0.008).at(y=height - 0.025), wood),
        (box(width - 0.04, 0.13, depth - 0.02).at(y=height - 0.155, z=-0.01), wood),
        (box(width - 0.04, 0.018, depth - 0.03).at(y=0.12), wood),
    ]
    parts += drawers(kit, width - 0.05, [0.12], height - 0.15, z, wood.tinted(1.06), looks(kit))
    return parts + four_legs(kit, "square", width, height - 0.02, depth, wood)


def dresser(kit: Kit, size: Size) -> list[Part]:
    """Build a chest of drawers, two columns when it is wide."""
    kind = kit.style(("plinth", "legs", "slim", "floor"))
    rows = 3 if size[1] < 0.9 else 4
    return _chest(kit, size, rows, 2 if size[0] > 1.0 else 1, kind)


def tv_stand(kit: Kit, size: Size) -> list[Part]:
    """Build a low cabinet with an open bay for devices."""
    width, height, depth = size
    kind = kit.style(("legs", "plinth", "bench", "slim"))
    body = kit.board()
    foot = {"legs": 0.14, "plinth": 0.04, "bench": 0.02, "slim": 0.09}[kind] * min(1.0, height / 0.45)
    inner = height - foot
    side = width * 0.32
    z = depth / 2 - 0.025
    board = 0.025
    parts: list[Part] = [
        (rounded_box(width, board, depth, 0.006).at(y=height - board), body),
        (box(width, board, depth - 0.02).at(y=foot), body),
        (box(width - 0.02, inner - board, 0.012).at(y=foot, z=-depth / 2 + 0.01), body.tinted(0.6)),
        (box(width * 0.3, 0.05, depth * 0.6).at(y=foot + board, z=0.02), kit.black()),
    ]
    pair = looks(kit)
    for sign in (-1, 1):
        x = sign * (width - side) / 2
        parts.append((box(side, inner - 2 * board, depth - 0.03).at(x=x, y=foot + board, z=-0.01), body.tinted(0.9)))
        if kind in ("plinth", "bench"):
            stack = drawers(kit, side - 0.01, [(inner - 2 * board) / 2] * 2, foot + board, z, body, pair)
        else:
            stack = doors(kit, side - 0.01, inner - 2 * board, 1, foot + board, z, body, pair, 0.6)
        parts += [(solid.at(x=x), material) for solid, material in stack]
    if kind == "plinth":
        return [*parts, (box(width - 0.08, foot, depth - 0.06), body.tinted(0.55))]
    leg = {"legs": "tapered", "slim": "sled", "bench": "square"}[kind]
    return parts + four_legs(kit, leg, width * 0.94, foot, depth * 0.9, kit.metal() if leg == "sled" else body)


def cardboard_box(kit: Kit, size: Size) -> list[Part]:
    """Build a box: cardboard with tape, a crate, a lidded storage box or a gift."""
    width, height, depth = size
    kind = kit.style(("carton", "crate", "gift", "lidded"))
    if kind == "carton":
        card = Material((186, 146, 98), kit.linen().texture, 0.3)
        tape = box(width * 1.002, 0.004, 0.05).at(y=height - 0.003)
        strap = box(width * 1.004, height * 0.3, 0.05).at(y=height * 0.7)
        return [(box(width, height, depth), card), (tape, card.tinted(1.2)), (strap, card.tinted(1.2))]
    if kind == "crate":
        wood = kit.wood()
        parts: list[Part] = [(box(width * 0.94, height * 0.94, depth * 0.94), wood.tinted(0.5))]
        for row in range(4):
            slat = box(width, height * 0.19, depth).at(y=row * height * 0.265)
            parts.append((slat, wood))
        return parts
    if kind == "lidded":
        body = kit.plastic()
        lid = rounded_box(width, height * 0.18, depth, 0.02).at(y=height * 0.82)
        return [
            (rounded_box(width * 0.94, height * 0.84, depth * 0.94, 0.02), body),
            (lid, body.tinted(0.75)),
        ]
    ribbon = kit.plastic()
    return [
        (box(width, height * 0.96, depth), kit.patterned()),
        (box(width * 1.01, height * 0.97, depth * 0.12), ribbon),
        (box(width * 0.12, height * 0.97, depth * 1.01), ribbon),
        (cushion(width * 0.3, 0.05, depth * 0.15, 0.8).at(y=height * 0.95), ribbon),
    ]


def trash_bin(kit: Kit, size: Size) -> list[Part]:
    """Build a waste bin: open and conical, pedal, basket or swing lid."""
    width, height, _ = size
    kind = kit.style(("pedal", "basket", "open", "swing"))
    radius = width / 2
    inside = kit.black()
    if kind == "pedal":
        metal = kit.steel()
        parts: list[Part] = [(lathe([(radius, 0), (radius, height * 0.85)], 14), metal)]
        parts.append((ball(radius, 2).scaled(1, 0.3 * height / (2 * radius), 1).at(y=height * 0.7), inside))
        return [*parts, (rounded_box(0.08, 0.02, 0.06, 0.005).at(z=radius), inside)]
    if kind == "swing":
        body = kit.plastic()
        lower = rounded_box(width * 0.95, height * 0.7, width * 0.8, 0.03)
        upper = rounded_box(width, height * 0.3, width * 0.85, 0.05, 2).at(y=height * 0.7)
        return [(lower, body), (upper, body.tinted(0.7))]
    if kind == "basket":
        body = Material(kit.wood().rgb, kit.fabric().texture, 0.1)
        return [
            (
                lathe([(radius * 0.8, 0), (radius, height * 0.5), (radius * 0.9, height)], 14, caps=False),
                body,
            ),
            (lathe([(radius * 0.78, 0.02), (radius * 0.85, height * 0.8)], 14), inside),
        ]
    body = kit.plastic()
    outer = lathe([(radius * 0.72, 0), (radius, height), (radius * 0.95, height), (radius * 0.7, 0.03)], 14)
    return [(outer, body)]
