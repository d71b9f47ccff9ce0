"""Chairs, office chairs, armchairs and sofas."""

from __future__ import annotations

from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import Kit
from sim_envs.spaces.furniture.parametric.legs import four_legs
from sim_envs.spaces.furniture.solids import bar, box, cushion, cylinder, lathe, rounded_box, tube

Size = tuple[float, float, float]


def chair(kit: Kit, size: Size) -> list[Part]:
    """Build a dining chair: legs, seat and one of eight backs."""
    width, height, depth = size
    back_kind = kit.style(("slats", "panel", "ladder", "padded", "spindles", "shell", "cross", "wicker"))
    leg_kind = kit.style(("square", "round", "tapered", "sled", "splayed", "turned", "square", "hairpin"))
    frame = kit.metal() if leg_kind in ("sled", "hairpin") else kit.wood()
    seat_height = kit.between(0.43, 0.47)
    soft = kit.maybe(0.5) or back_kind == "padded"
    seat = rounded_box(width, 0.05, depth * 0.92, 0.02, 2) if soft else rounded_box(width, 0.03, depth * 0.92, 0.008)
    seat_material = kit.fabric() if soft else frame if leg_kind not in ("sled", "hairpin") else kit.wood()
    parts: list[Part] = [(seat.at(y=seat_height - 0.03, z=depth * 0.04), seat_material)]
    parts += four_legs(kit, leg_kind, width * 0.92, seat_height - 0.02, depth * 0.86, frame)
    return parts + _back(kit, back_kind, (width, height, depth), seat_height, frame, seat_material)


def _back(kit: Kit, kind: str, size: Size, seat: float, frame: Material, cover: Material) -> list[Part]:
    """Build a chair's back above its seat, leaning a little."""
    width, height, depth = size
    rise = height - seat
    tilt = kit.between(3, 8)
    parts: list[Part] = []
    if kind in ("slats", "ladder", "spindles", "cross"):
        post = rounded_box(0.035, rise, 0.03, 0.006)
        parts += [(post.at(x=side * (width / 2 - 0.02)), frame) for side in (-1, 1)]
        parts.append((rounded_box(width - 0.03, 0.07, 0.025, 0.008).at(y=rise - 0.08), frame))
    if kind == "slats":
        parts += [(box(0.045, rise - 0.1, 0.012).at(x=x * width, y=0.03), frame) for x in (-0.27, -0.09, 0.09, 0.27)]
    elif kind == "ladder":
        parts += [(box(width - 0.05, 0.045, 0.015).at(y=rise * y), frame) for y in (0.2, 0.42, 0.62)]
    elif kind == "spindles":
        for step in range(5):
            x = (step - 2) * (width - 0.1) / 5
            parts.append((bar((x, 0, 0), (x * 1.08, rise - 0.05, 0), 0.008, 5), frame))
    elif kind == "cross":
        reach = width / 2 - 0.03
        parts += [(bar((s * reach, 0.05, 0), (-s * reach, rise - 0.08, 0), 0.012, 5), frame) for s in (-1, 1)]
    elif kind == "panel":
        parts.append((rounded_box(width * 0.95, rise * 0.55, 0.02, 0.008).at(y=rise * 0.45), frame))
        parts += [(box(0.035, rise * 0.6, 0.025).at(x=s * width * 0.35), frame) for s in (-1, 1)]
    elif kind == "padded":
        parts.append((rounded_box(width * 0.96, rise * 0.92, 0.06, 0.028, 2).at(y=rise * 0.06), cover))
    elif kind == "shell":
        parts.append((cushion(width, rise, 0.07, 0.6), kit.plastic()))
    else:
        woven = Material(kit.wood().rgb, kit.fabric().texture, 0.1)
        parts.append((rounded_box(width * 0.88, rise * 0.8, 0.02, 0.005).at(y=rise * 0.16), woven))
        rail = [
            (-width * 0.46, 0.0, 0.0),
            (-width * 0.46, rise * 0.97, 0.0),
            (width * 0.46, rise * 0.97, 0.0),
        ]
        parts.append((tube([*rail, (width * 0.46, 0.0, 0.0)], 0.016, 6), frame))
    return [(solid.turned("x", -tilt).at(y=seat, z=-depth * 0.4), material) for solid, material in parts]


def office_chair(kit: Kit, size: Size) -> list[Part]:
    """Build a swivel chair: star base with castors, column, seat, back and arms."""
    width, height, depth = size
    kind = kit.style(("task", "executive", "mesh", "drafting"))
    metal, cover = kit.metal(), kit.fabric()
    dark = kit.black()
    seat = kit.between(0.45, 0.5)
    radius = min(width, depth) * 0.48
    parts: list[Part] = []
    for arm in range(5):
        foot = rounded_box(radius, 0.03, 0.045, 0.008).at(x=radius / 2, y=0.06).turned("y", 72 * arm + 90)
        wheel = cylinder(0.028, 0.03, 8).turned("x", 90).at(x=radius * 0.95, y=0.028, z=-0.015)
        parts += [(foot, metal), (wheel.turned("y", 72 * arm + 90), dark)]
    parts.append((cylinder(0.03, seat - 0.1, 8).at(y=0.07), metal))
    parts.append((rounded_box(width * 0.78, 0.08, depth * 0.75, 0.035, 2).at(y=seat - 0.06, z=0.03), cover))
    rise = height - seat
    back_width = width * {"task": 0.62, "executive": 0.8, "mesh": 0.72, "drafting": 0.58}[kind]
    back_height = rise * {"task": 0.6, "executive": 0.95, "mesh": 0.85, "drafting": 0.45}[kind]
    low = rise - back_height
    thick = 0.1 if kind == "executive" else 0.045
    back = rounded_box(back_width, back_height, thick, thick * 0.45, 2).at(y=low)
    parts.append((back.turned("x", -6).at(y=seat, z=-depth * 0.34), dark if kind == "mesh" else cover))
    parts.append((box(0.06, low + 0.15, 0.02).at(y=seat - 0.06, z=-depth * 0.38), metal))
    if kind != "drafting":
        for side in (-1, 1):
            x = side * width * 0.45
            parts.append((box(0.03, 0.2, 0.04).at(x=x, y=seat), metal))
            parts.append((rounded_box(0.06, 0.03, depth * 0.4, 0.012).at(x=x, y=seat + 0.2), dark))
    return parts


def armchair(kit: Kit, size: Size) -> list[Part]:
    """Build an armchair: a one-seat sofa, a wing chair, a tub chair or a lounge chair with wooden frame."""
    width, height, depth = size
    kind = kit.style(("club", "lounge", "tub", "wing"))
    if kind in ("club", "wing"):
        parts = _sofa_body(kit, size, seats=1, arm="wide" if kind == "club" else "slim", legs="block")
        if kind == "wing":
            cover = parts[0][1]
            for side in (-1, 1):
                wing = rounded_box(0.07, height * 0.36, depth * 0.38, 0.03)
                parts.append((wing.at(x=side * (width / 2 - 0.06), y=height * 0.63, z=-depth * 0.28), cover))
        return parts
    cover, frame = kit.fabric(), kit.wood()
    if kind == "tub":
        shell = lathe([(0.36, 0.0), (0.46, 0.12), (0.5, 0.6)], 16, caps=False)
        half = shell.scaled(width, height / 0.75, depth)
        keep = half.vertices[half.faces][:, :, 2].mean(axis=1) < depth * 0.28
        open_front = type(half)(half.vertices, half.faces[keep], half.uv)
        inner = open_front.scaled(0.84, 1.0, 0.84)
        seat = cushion(width * 0.82, 0.2, depth * 0.85, 0.7)
        parts = [(open_front.at(y=0.12), cover), (inner.at(y=0.12), cover.tinted(0.85))]
        parts += [(seat.at(y=0.27, z=depth * 0.04), cover.tinted(1.08))]
        base = cylinder(min(width, depth) * 0.36, 0.3, 12, top=min(width, depth) * 0.4)
        return [*parts, (base.at(y=0.08), cover), (cylinder(min(width, depth) * 0.3, 0.08, 12), frame)]
    seat = rounded_box(width * 0.84, 0.14, depth * 0.8, 0.05, 2).turned("x", 5)
    back = rounded_box(width * 0.84, height * 0.62, 0.13, 0.05, 2).turned("x", -20)
    parts = [(seat.at(y=0.27), cover), (back.at(y=0.36, z=-depth * 0.24), cover)]
    for side in (-1, 1):
        x = side * width * 0.47
        parts.append((rounded_box(0.05, 0.035, depth * 0.85, 0.012).at(x=x, y=0.56), frame))
        parts.append((bar((x, 0, depth * 0.4), (x, 0.57, depth * 0.34), 0.02), frame))
        parts.append((bar((x, 0, -depth * 0.44), (x, 0.57, -depth * 0.3), 0.02), frame))
    return [*parts, (box(width * 0.9, 0.04, 0.05).at(y=0.26, z=depth * 0.3), frame)]


def sofa(kit: Kit, size: Size) -> list[Part]:
    """Build a sofa of two or three seats with one of eight arm and leg pairs."""
    arm, legs = kit.style(
        (
            ("wide", "block"),
            ("slim", "tapered"),
            ("rolled", "round"),
            ("low", "hairpin"),
            ("slim", "skirt"),
            ("rolled", "block"),
            ("wide", "tapered"),
            ("slim", "sled"),
        )
    )
    parts = _sofa_body(kit, size, seats=3 if size[0] > 1.9 else 2, arm=arm, legs=legs)
    for side in (-1, 1):
        if kit.maybe(0.6):
            pillow = cushion(0.42, 0.42, 0.14, 0.5).turned("x", -18)
            parts.append((pillow.at(x=side * (size[0] / 2 - 0.42), y=0.42, z=-size[2] * 0.1), kit.patterned()))
    return parts


def _sofa_body(kit: Kit, size: Size, seats: int, arm: str, legs: str) -> list[Part]:
    """Build base, back, arms and cushions of upholstered seating."""
    width, height, depth = size
    cover = kit.fabric()
    arm_width = {"wide": 0.2, "slim": 0.09, "rolled": 0.16, "low": 0.14}[arm] * min(1.0, width / 0.8)
    arm_height = {"wide": 0.62, "slim": 0.66, "rolled": 0.6, "low": 0.46}[arm]
    foot = 0.03 if legs == "skirt" else kit.between(0.08, 0.15)
    seat_top = kit.between(0.41, 0.46)
    inner = width - 2 * arm_width
    parts: list[Part] = [(rounded_box(width, seat_top - foot - 0.12, depth, 0.02).at(y=foot), cover)]
    back = rounded_box(width - 0.04, height - foot, 0.18, 0.06, 2)
    parts.append((back.at(y=foot, z=-depth / 2 + 0.09), cover))
    for side in (-1, 1):
        x = side * (width / 2 - arm_width / 2)
        if arm == "rolled":
            roll = cylinder(arm_width * 0.6, depth * 0.96, 10).turned("x", 90)
            parts.append((roll.at(x=x, y=arm_height - 0.05, z=-depth * 0.48), cover))
            parts.append((box(arm_width * 0.85, arm_height - foot - 0.05, depth * 0.95).at(x=x, y=foot), cover))
        else:
            block = rounded_box(arm_width, arm_height - foot, depth * 0.98, min(0.05, arm_width * 0.3), 2)
            parts.append((block.at(x=x, y=foot), cover))
    each = inner / seats
    for index in range(seats):
        x = (index + 0.5) * each - inner / 2
        seat = rounded_box(each * 0.985, 0.16, depth - 0.2, 0.05, 2).at(x=x, y=seat_top - 0.14, z=0.1)
        rest = rounded_box(each * 0.97, height - seat_top - 0.04, 0.16, 0.06, 2).turned("x", -8)
        parts.append((seat, cover.tinted(1.06)))
        parts.append((rest.at(x=x, y=seat_top + 0.02, z=-depth / 2 + 0.24), cover.tinted(1.03)))
    if legs != "skirt":
        material = kit.metal() if legs in ("sled", "hairpin") else kit.wood()
        leg = "square" if legs == "block" else legs
        parts += four_legs(kit, leg, width * 0.94, foot, depth * 0.9, material)
    return parts
