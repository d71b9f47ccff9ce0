"""Plants, vases, rugs, screens and the small things on surfaces."""

from __future__ import annotations

from sim_envs.spaces.furniture import pictures
from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import FABRICS, Kit
from sim_envs.spaces.furniture.solids import (
    ball,
    bar,
    box,
    cushion,
    cylinder,
    image_panel,
    lathe,
    leaf,
    rounded_box,
    tube,
)

Size = tuple[float, float, float]
WHITE = (255.0, 255.0, 255.0)


def plant(kit: Kit, size: Size) -> list[Part]:
    """Build a potted plant: rosette, bush, palm, sansevieria, tree with crown, or fern."""
    width, height, _ = size
    kind = kit.style(("palm", "bush", "blades", "tree", "fern", "rosette", "cactus", "bush"))
    pot_height = min(0.32, height * 0.28)
    pot_radius = min(width * 0.26, pot_height * 0.55)
    soil = Material((74, 54, 42))
    pot = kit.style(("cone", "bowl", "cylinder", "cube"))
    shape = {
        "cone": lathe([(pot_radius * 0.65, 0), (pot_radius, pot_height)], 12),
        "bowl": lathe(
            [(pot_radius * 0.5, 0), (pot_radius * 1.1, pot_height * 0.6), (pot_radius * 0.9, pot_height)], 12
        ),
        "cylinder": cylinder(pot_radius, pot_height, 14),
        "cube": rounded_box(pot_radius * 1.8, pot_height, pot_radius * 1.8, 0.01),
    }[pot]
    surface = kit.ceramic() if kit.maybe(0.5) else Material(kit.wood().rgb)
    parts: list[Part] = [(shape, surface), (cylinder(pot_radius * 0.85, 0.012, 10).at(y=pot_height), soil)]
    top, green = height - pot_height, kit.leaf()
    leaves = [(solid.at(y=pot_height), material) for solid, material in _foliage(kit, kind, width, top, green)]
    return parts + leaves


def _foliage(kit: Kit, kind: str, width: float, top: float, green: Material) -> list[Part]:
    """Return stems and leaves that grow from y = 0 to about ``top`` within ``width``."""
    radius = width / 2
    parts: list[Part] = []
    bark = Material((112, 84, 60))
    if kind == "cactus":
        parts.append((cushion(width * 0.5, top, width * 0.5, 1.0), green))
        parts.append((cushion(width * 0.28, top * 0.4, width * 0.28, 1.0).at(x=radius * 0.5, y=top * 0.35), green))
        for step in range(10):
            rib = bar((0, top * 0.05, width * 0.24), (0, top * 0.9, width * 0.12), 0.006, 4)
            parts.append((rib.turned("y", 36 * step), green.tinted(1.35)))
        return parts
    count = {"palm": 16, "bush": 60, "blades": 14, "tree": 70, "fern": 26, "rosette": 18}[kind]
    if kind in ("tree", "palm"):
        stem = top * (0.5 if kind == "tree" else 0.35)
        parts.append((tube([(0, 0, 0), (0.02, stem * 0.5, 0), (0, stem + top * 0.1, 0.01)], 0.02), bark))
    for index in range(count):
        turn = 137.5 * index + kit.between(-15, 15)
        shade = green.tinted(kit.between(0.75, 1.2))
        if kind == "blades":
            blade = leaf(top * kit.between(0.7, 1.0), width * 0.16, kit.between(76, 88), 0.0)
            parts.append((blade.turned("y", turn), shade))
        elif kind == "palm":
            frond = leaf(radius * 1.15, width * 0.17, kit.between(35, 70), kit.between(0.3, 0.7), 5)
            parts.append((frond.turned("y", turn).at(y=top * 0.4), shade))
        elif kind in ("fern", "rosette"):
            long = top if kind == "fern" else max(radius, top * 0.8)
            frond = leaf(
                long, width * (0.14 if kind == "fern" else 0.26), kit.between(30, 75), kit.between(0.1, 0.45), 4
            )
            parts.append((frond.turned("y", turn), shade))
        else:
            middle = top * (0.7 if kind == "tree" else 0.52)
            reach = min(radius, top - middle) if kind == "tree" else radius
            outward = kit.between(0.25, 0.8)
            height = middle + kit.between(-0.8, 0.75) * (top - middle)
            blade = leaf(reach * 0.42, reach * 0.26, kit.between(-10, 60), 0.3, 2)
            parts.append((blade.at(z=reach * outward * 0.75).turned("y", turn).at(y=height), shade))
            if kind == "bush" and index % 6 == 0:
                rod = bar((0, 0, 0), (0, height, reach * outward * 0.7), 0.006, 4)
                parts.append((rod.turned("y", turn), bark))
    return parts


def vase(kit: Kit, size: Size) -> list[Part]:
    """Build a vase, some with flowers."""
    width, height, _ = size
    outline = kit.style(
        (
            ((0.5, 0.0), (0.95, 0.35), (0.4, 0.8), (0.6, 1.0)),
            ((0.7, 0.0), (0.75, 0.9), (0.9, 1.0)),
            ((0.4, 0.0), (1.0, 0.55), (0.85, 0.8), (0.35, 0.88), (0.4, 1.0)),
            ((0.9, 0.0), (0.55, 0.3), (0.35, 0.7), (0.7, 1.0)),
        )
    )
    flowers = kit.maybe(0.5)
    body = height * (0.55 if flowers else 1.0)
    surface = kit.ceramic() if kit.maybe(0.35) else kit.plastic()
    radius = width / 2 * (0.7 if flowers else 1.0)
    parts: list[Part] = [(lathe([(r * radius, y * body) for r, y in outline], 14), surface)]
    if flowers:
        bloom = kit.plastic()
        green = kit.leaf()
        for index in range(7):
            lean = (kit.between(-0.3, 0.3) * width, height * kit.between(0.8, 0.96), kit.between(-0.3, 0.3) * width)
            parts.append((bar((0, body * 0.9, 0), lean, 0.004, 4), green))
            parts.append(
                (ball(width * 0.09, 2).at(lean[0], lean[1] - width * 0.05, lean[2]), bloom.tinted(0.8 + 0.06 * index))
            )
    return parts


def bottle(kit: Kit, size: Size) -> list[Part]:
    """Build a bottle with a label: wine, jug-shouldered, soap dispenser or flask."""
    width, height, _ = size
    outline = kit.style(
        (
            ((1.0, 0.0), (1.0, 0.6), (0.35, 0.76), (0.33, 0.98)),
            ((0.9, 0.0), (1.0, 0.4), (0.9, 0.66), (0.4, 0.82), (0.4, 0.98)),
            ((1.0, 0.0), (1.0, 0.78), (0.3, 0.8), (0.3, 0.98)),
            ((0.8, 0.0), (1.0, 0.3), (0.3, 0.7), (0.28, 0.98)),
        )
    )
    radius = width / 2
    glass = kit.plastic().tinted(kit.between(0.5, 1.0))
    label = Material(kit.accents()[1])
    wrap = lathe([(radius * 1.02, height * 0.18), (radius * 1.02, height * 0.44)], 12, caps=False)
    parts: list[Part] = [(lathe([(r * radius, y * height) for r, y in outline], 12), glass), (wrap, label)]
    parts.append((cylinder(radius * 0.42, height * 0.06, 8).at(y=height * 0.94), kit.black()))
    return parts


def bowl(kit: Kit, size: Size) -> list[Part]:
    """Build a bowl, some with fruit."""
    width, height, _ = size
    outline = kit.style(
        (
            ((0.4, 0.0), (0.8, 0.35), (1.0, 1.0), (0.94, 1.0), (0.7, 0.35), (0.0, 0.12)),
            ((0.5, 0.0), (0.5, 0.15), (1.0, 0.9), (1.0, 1.0), (0.9, 1.0), (0.0, 0.25)),
            ((0.7, 0.0), (1.0, 0.5), (0.95, 1.0), (0.88, 1.0), (0.9, 0.5), (0.0, 0.1)),
            ((0.3, 0.0), (0.2, 0.3), (0.6, 0.45), (1.0, 1.0), (0.92, 1.0), (0.0, 0.5)),
        )
    )
    radius = width / 2
    surface = kit.ceramic() if kit.maybe(0.4) else (kit.wood() if kit.maybe(0.4) else kit.plastic())
    parts: list[Part] = [(lathe([(r * radius, y * height) for r, y in outline], 16, caps=False), surface)]
    if kit.maybe(0.5):
        fruit = kit.plastic()
        for index in range(5):
            apple = ball(radius * 0.28, 2).at(x=radius * 0.42, y=height * 0.45).turned("y", 72 * index)
            parts.append((apple, fruit.tinted(0.8 + 0.08 * index)))
    return parts


def toy(kit: Kit, size: Size) -> list[Part]:
    """Build a toy: building blocks, car, bear or stacking rings."""
    width, height, depth = size
    kind = kit.style(("blocks", "car", "bear", "rings"))
    colours = [Material(colour) for colour in kit.accents()]
    if kind == "blocks":
        edge = min(width, depth) * 0.46
        spots = ((-0.5, 0, -0.3, 10), (0.5, 0, 0.1, -14), (-0.2, 0, 0.55, 30), (0.0, 1, 0.0, 20))
        rise = height / 2
        return [
            (
                rounded_box(edge, rise, edge, 0.006).turned("y", turn).at(x * edge * 1.05, y * rise, z * edge * 1.05),
                colours[i],
            )
            for i, (x, y, z, turn) in enumerate(spots)
        ]
    if kind == "car":
        parts: list[Part] = [
            (rounded_box(width * 0.8, height * 0.4, depth, 0.02).at(y=height * 0.18), colours[0]),
            (
                rounded_box(width * 0.7, height * 0.42, depth * 0.5, 0.03).at(y=height * 0.58, z=-depth * 0.05),
                colours[1],
            ),
        ]
        wheel = cylinder(height * 0.2, width * 0.16, 10).turned("z", 90)
        for z in (-0.3, 0.3):
            for x in (-0.3, 0.48):
                parts.append((wheel.at(x=x * width + width * 0.06, y=height * 0.2, z=z * depth), kit.black()))
        return parts
    if kind == "bear":
        fur = Material((172, 122, 78), kit.fabric().texture, 0.1)
        radius = height * 0.2
        parts = [
            (ball(height * 0.26).scaled(1, 0.95, 0.9), fur),
            (ball(radius).at(y=height * 0.48), fur),
            (ball(radius * 0.45, 2).at(y=height * 0.53, z=radius * 0.8), fur.tinted(1.35)),
            (ball(radius * 0.16, 2).at(y=height * 0.62, z=radius * 1.2), kit.black()),
        ]
        for side in (-1, 1):
            parts.append((ball(radius * 0.4, 2).at(x=side * radius * 0.75, y=height * 0.78), fur))
            parts.append((ball(radius * 0.45, 2).at(x=side * height * 0.26, y=height * 0.25, z=0.02), fur))
            parts.append((ball(radius * 0.5, 2).at(x=side * height * 0.18, z=height * 0.22), fur.tinted(1.1)))
            parts.append(
                (ball(radius * 0.1, 1).at(x=side * radius * 0.4, y=height * 0.68, z=radius * 0.85), kit.black())
            )
        return parts
    rings: list[Part] = [(cylinder(width * 0.08, height, 8), kit.wood())]
    for level in range(5):
        radius = width / 2 * (1 - 0.14 * level)
        rings.append(
            (cushion(radius * 2, height * 0.18, radius * 2, 1.0).at(y=level * height * 0.17), colours[level % 4])
        )
    return rings


def rug(kit: Kit, size: Size) -> list[Part]:
    """Build a thin rug with one of eight patterns."""
    width, height, depth = size
    kind = kit.style(("stripes", "trellis", "medallion", "shag", "border", "zigzag", "patches", "rings"))
    colours = [kit.colour(FABRICS), *kit.accents()[:1], (232, 224, 208), kit.colour(FABRICS)]
    image = Material(WHITE, pictures.rug(kit.rng, colours, kind))
    thick = max(height, 0.008)
    top = image_panel(width, depth).turned("x", -90).at(y=thick, z=depth / 2)
    return [(box(width, thick * 0.98, depth), Material(colours[0])), (top, image)]


def tv(kit: Kit, size: Size) -> list[Part]:
    """Build a television on a foot, its screen showing a film or nothing."""
    width, height, depth = size
    kind = kit.style(("central", "feet", "plate", "bar"))
    dark = kit.black()
    low = 0.08
    screen_height = height - low
    show = pictures.screen(kit.rng, kit.accents()[0], "film" if kit.maybe(0.4) else "dark")
    edge = 0.012
    thin = min(0.05, depth * 0.25)
    shown = image_panel(width - 2 * edge, screen_height - 2 * edge).at(y=low + edge, z=thin / 2 + 0.001)
    parts: list[Part] = [
        (rounded_box(width, screen_height, thin, 0.008).at(y=low), dark),
        (shown, Material(WHITE, show)),
        (box(width * 0.5, screen_height * 0.5, thin).at(y=low + screen_height * 0.2, z=-thin * 0.7), dark),
    ]
    if kind == "feet":
        for side in (-1, 1):
            ends = [(side * width * 0.36, 0.01, z * depth * 0.5) for z in (-0.95, 0.95)]
            parts += [(bar(end, (side * width * 0.34, low + 0.02, 0), 0.009), dark) for end in ends]
        return parts
    foot_width = width * {"central": 0.3, "plate": 0.45, "bar": 0.62}[kind]
    foot = rounded_box(foot_width, 0.014, depth, 0.005)
    neck = box(foot_width * (0.25 if kind != "bar" else 0.9), low, 0.03)
    metal = kit.metal()
    return [*parts, (foot, metal), (neck, metal)]


def computer(kit: Kit, size: Size) -> list[Part]:
    """Build a laptop, or a monitor with keyboard and mouse."""
    width, height, depth = size
    kind = kit.style(("laptop", "monitor", "all-in-one", "wide"))
    shell = kit.metal() if kit.maybe(0.6) else kit.black()
    dark = kit.black()
    show = Material(
        WHITE, pictures.screen(kit.rng, kit.accents()[0], kit.style(("windows", "text", "film", "windows")))
    )
    if kind == "laptop":
        wide = min(width, 0.36)
        lid_height = min(height, 0.23)
        lid: list[Part] = [
            (rounded_box(wide, lid_height, 0.008, 0.003), shell),
            (image_panel(wide * 0.94, lid_height * 0.9).at(y=lid_height * 0.05, z=0.005), show),
        ]
        parts: list[Part] = [(solid.turned("x", -15).at(y=0.016, z=-0.11), material) for solid, material in lid]
        parts.append((rounded_box(wide, 0.016, 0.24, 0.004), shell))
        parts.append((box(wide * 0.86, 0.003, 0.1).at(y=0.015, z=-0.04), dark))
        return [*parts, (box(wide * 0.3, 0.002, 0.06).at(y=0.0155, z=0.075), shell.tinted(0.8))]
    foot = height * 0.24
    tall = height - foot
    wide = width * (1.0 if kind == "wide" else 0.92)
    back = -depth / 2 + 0.08
    parts = [
        (rounded_box(wide, tall, 0.03, 0.008).at(y=foot, z=back), dark if kind != "all-in-one" else shell),
        (
            image_panel(wide * 0.96, tall * (0.93 if kind != "all-in-one" else 0.8)).at(
                y=foot + tall * (0.035 if kind != "all-in-one" else 0.17), z=back + 0.016
            ),
            show,
        ),
        (box(0.06, foot + 0.05, 0.02).at(z=back - 0.015), shell),
        (rounded_box(wide * 0.4, 0.012, 0.16, 0.004).at(z=back), shell),
    ]
    keys = rounded_box(min(0.44, wide * 0.75), 0.018, 0.13, 0.005)
    parts.append((keys.at(x=-0.04, z=depth / 2 - 0.08), dark.tinted(2.0) if kit.maybe(0.5) else kit.ceramic()))
    mouse = cushion(0.06, 0.03, 0.1, 0.8).at(x=min(0.44, wide * 0.75) / 2 + 0.03, z=depth / 2 - 0.08)
    return [*parts, (mouse, dark)]
