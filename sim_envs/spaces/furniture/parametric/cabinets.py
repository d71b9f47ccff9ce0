"""Kitchen base and wall cabinets, and counters."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.fronts import doors, drawers, looks
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.legs import four_legs
from sim_envs.spaces.furniture.solids import box, rounded_box

Size = tuple[float, float, float]


def kitchen_cabinet(kit: Kit, size: Size) -> list[Part]:
    """Build a base cabinet with worktop, doors or drawers."""
    kind = kit.style(("drawer+door", "drawers", "doors", "door+drawer"))
    return base_unit(kit, size, kind, kit.stone())


def base_unit(kit: Kit, size: Size, kind: str, worktop: Material, hollow: float = 0.0) -> list[Part]:
    """Build a kitchen base: plinth, carcass, fronts and a 4 cm worktop.

    Args:
        hollow: how far below the worktop the carcass is open, metres, for what is let in from above.
    """
    width, height, depth = size
    face = kit.board()
    plinth, top = 0.1, 0.04
    z = depth / 2 - 0.04
    inner = height - plinth - top
    parts: list[Part] = [
        (box(width, inner - hollow, depth - 0.06).at(y=plinth, z=-0.02), face.tinted(0.9)),
        (box(width, plinth, depth - 0.12).at(z=-0.04), face.tinted(0.45)),
        (rounded_box(width, top, depth, 0.006).at(y=height - top), worktop),
    ]
    if hollow > 0:
        y = plinth + inner - hollow
        parts += [(box(0.02, hollow, depth - 0.06).at(x=s * (width / 2 - 0.01), y=y, z=-0.02), face) for s in (-1, 1)]
        parts.append((box(width, hollow, 0.01).at(y=y, z=-depth / 2 + 0.015), face))
    pair = looks(kit)
    count = max(1, round(width / 0.5))
    if kind == "drawers":
        stack = [inner * 0.38, inner * 0.38, inner * 0.24]
        return parts + drawers(kit, width, stack, plinth, z, face, pair)
    if kind == "doors":
        return parts + doors(kit, width, inner, count, plinth, z, face, pair, 0.85)
    parts += doors(kit, width, inner * 0.78, count, plinth, z, face, pair, 0.85)
    each = width / count
    for index in range(count):
        x = (index + 0.5) * each - width / 2
        stack_parts = drawers(kit, each, [inner * 0.22], plinth + inner * 0.78, z, face, pair)
        parts += [(solid.at(x=x), material) for solid, material in stack_parts]
    return parts


def counter(kit: Kit, size: Size) -> list[Part]:
    """Build an island or bar counter: an overhanging worktop over a panelled body."""
    width, height, depth = size
    kind = kit.style(("panelled", "slab", "legs", "shelves"))
    top, body = kit.stone(), kit.board()
    parts: list[Part] = [(rounded_box(width, 0.05, depth, 0.008).at(y=height - 0.05), top)]
    if kind == "slab":
        parts += [(box(0.05, height - 0.05, depth).at(x=s * (width / 2 - 0.025)), top) for s in (-1, 1)]
    if kind == "legs":
        parts += four_legs(kit, "square", width * 0.97, height - 0.05, depth * 0.95, body)
        parts.append((box(width * 0.92, 0.03, depth * 0.85).at(y=0.2), body))
        parts.append((box(width * 0.92, 0.18, depth * 0.85).at(y=height - 0.23), body))
        return parts
    parts.append((box(width * 0.94, height - 0.15, depth * 0.8).at(y=0.1), body))
    parts.append((box(width * 0.92, 0.1, depth * 0.72), body.tinted(0.5)))
    z = depth * 0.4
    if kind == "shelves":
        for x in (-0.24, 0.24):
            parts.append(
                (
                    box(width * 0.42, height * 0.34, 0.01).at(x=x * width, y=height * 0.5, z=z),
                    body.tinted(0.4),
                )
            )
            parts.append(
                (
                    box(width * 0.42, height * 0.28, 0.01).at(x=x * width, y=height * 0.16, z=z),
                    body.tinted(0.4),
                )
            )
    else:
        parts += doors(kit, width * 0.93, height - 0.16, max(2, round(width / 0.45)), 0.1, z, body, looks(kit), 0.85)
    return parts


def wall_cabinet(kit: Kit, size: Size) -> list[Part]:
    """Build a wall-hung cabinet with closed or glazed doors."""
    width, height, depth = size
    kind = kit.style(("closed", "glazed", "lift", "open"))
    body = kit.board()
    count = max(1, round(width / 0.45))
    z = depth / 2 - 0.025
    parts: list[Part] = [(box(width, height, depth - 0.025).at(z=-0.0125), body)]
    if kind == "open":
        for row in range(2):
            hole = box(width - 0.05, height / 2 - 0.05, 0.006).at(y=row * height / 2 + 0.03, z=z + 0.003)
            parts.append((hole, body.tinted(0.5)))
            for x in (-0.3, 0.0, 0.28):
                jar = rounded_box(0.08, height * 0.25, 0.02, 0.01)
                parts.append((jar.at(x=x * width, y=row * height / 2 + 0.03, z=z + 0.01), kit.ceramic()))
        return parts
    if kind == "lift":
        return parts + drawers(kit, width, [height / 2] * 2, 0.0, z, body.tinted(1.05), looks(kit))
    parts += doors(kit, width, height, count, 0.0, z, body.tinted(1.05), looks(kit), 0.2)
    if kind == "glazed":
        each = width / count
        for index in range(count):
            pane = box(each * 0.66, height * 0.76, 0.006)
            parts.append((pane.at(x=(index + 0.5) * each - width / 2, y=height * 0.12, z=z + 0.022), kit.glass()))
    return parts
