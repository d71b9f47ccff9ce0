"""What hangs on walls and windows: pictures, mirrors, clocks, curtains, radiators. Backs lie at −z."""

from __future__ import annotations

from sim_envs.spaces.furniture import pictures
from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.kit import FABRICS, LEAVES, Kit
from sim_envs.spaces.furniture.solids import Solid, ball, bar, box, cloth, cylinder, image_panel, lathe, rounded_box

Size = tuple[float, float, float]
WHITE = (255.0, 255.0, 255.0)


def painting(kit: Kit) -> Material:
    """Return an image in one of this pool's two manners of painting."""
    accents = kit.accents()
    pale = (240.0, 234.0, 222.0)
    manner = kit.style(("landscape", "botanical", "blocks", "washes", "circles", "still life", "landscape", "blocks"))
    if manner == "landscape":
        image = pictures.landscape(kit.rng, kit.colour(FABRICS), kit.colour(LEAVES), accents[1])
    elif manner == "botanical":
        image = pictures.botanical(kit.rng, pale, kit.colour(LEAVES))
    elif manner == "still life":
        image = pictures.still_life(kit.rng, kit.colour(FABRICS), (120, 84, 56), accents)
    elif manner == "blocks":
        image = pictures.blocks(kit.rng, pale, accents)
    elif manner == "circles":
        image = pictures.circles(kit.rng, pale, accents)
    else:
        image = pictures.washes(kit.rng, [*accents, pale])
    return Material(WHITE, image)


def _frame(width: float, height: float, depth: float, bar_width: float, material: Material) -> list[Part]:
    """Return four bars around a rectangle standing on y = 0."""
    inner = height - 2 * bar_width
    return [
        (box(width, bar_width, depth), material),
        (box(width, bar_width, depth).at(y=height - bar_width), material),
        (box(bar_width, inner, depth).at(x=-(width - bar_width) / 2, y=bar_width), material),
        (box(bar_width, inner, depth).at(x=(width - bar_width) / 2, y=bar_width), material),
    ]


def picture(kit: Kit, size: Size) -> list[Part]:
    """Build a picture: framed, with a mount, a bare canvas, or a group of three."""
    width, height, depth = size
    kind = kit.style(("framed", "mounted", "canvas", "trio"))
    frame = kit.wood() if kit.maybe(0.5) else kit.metal()
    if kind == "canvas":
        sides = (box(width, height, depth * 0.96).at(z=-depth * 0.02), kit.linen())
        return [sides, (image_panel(width, height).at(z=depth / 2), painting(kit))]
    if kind == "trio":
        each = width / 3.25
        parts: list[Part] = []
        for index in (-1, 0, 1):
            x = index * width / 3
            pieces = [
                *_frame(each, height, depth, 0.02, frame),
                (image_panel(each, height).at(z=depth * 0.2), painting(kit)),
            ]
            parts += [(solid.at(x=x), material) for solid, material in pieces]
        return parts
    edge = min(0.05, width * 0.08)
    parts = _frame(width, height, depth, edge, frame)
    parts.append((box(width * 0.98, height * 0.98, depth * 0.5).at(y=height * 0.01, z=-depth * 0.25), kit.linen()))
    mount = min(width, height) * 0.16 if kind == "mounted" else edge
    shown = image_panel(width - 2 * mount, height - 2 * mount).at(y=mount, z=depth * 0.05)
    return [*parts, (shown, painting(kit))]


def mirror(kit: Kit, size: Size) -> list[Part]:
    """Build a mirror: framed rectangle, round, bare with bevel, or arched."""
    width, height, depth = size
    kind = kit.style(("framed", "round", "bare", "arched"))
    surface = kit.mirror()
    frame = kit.wood() if kit.maybe(0.5) else kit.metal()
    if kind == "framed":
        panel = box(width * 0.96, height * 0.96, depth * 0.5).at(y=height * 0.02, z=-depth * 0.2)
        return [*_frame(width, height, depth, min(0.06, width * 0.1), frame), (panel, surface)]
    if kind == "bare":
        back = rounded_box(width, height, depth * 0.6, 0.006).at(z=-depth * 0.2)
        return [
            (back, surface.tinted(0.85)),
            (box(width * 0.95, height * 0.96, 0.004).at(y=height * 0.02, z=depth * 0.12), surface),
        ]
    if kind == "round":
        size_round = min(width, height)
        rim = lathe([(0.5, 0.0), (0.5, 1.0), (0.46, 1.0), (0.46, 0.4)], 28, caps=False)
        glass = lathe([(0.48, 0.0), (0.48, 0.5)], 28)
        discs = [(rim, frame), (glass, surface)]
        return [
            (solid.scaled(size_round, depth, size_round).turned("x", 90).at(y=size_round / 2, z=-depth / 2), material)
            for solid, material in discs
        ]
    flat = height - width / 2
    head = lathe([(0.5, 0.0), (0.5, 1.0)], 28).scaled(width, depth, width).turned("x", 90).at(y=flat, z=-depth / 2)
    inner = (
        lathe([(0.46, 0.0), (0.46, 1.0)], 28).scaled(width, depth * 1.1, width).turned("x", 90).at(y=flat, z=-depth / 2)
    )
    return [
        (head, frame),
        (box(width, flat, depth), frame),
        (inner, surface),
        (box(width * 0.92, flat - 0.03, depth * 1.1).at(y=0.03, z=depth * 0.05), surface),
    ]


def clock(kit: Kit, size: Size) -> list[Part]:
    """Build a wall clock: round, square, with pendulum case or sunburst."""
    width, height, depth = size
    kind = kit.style(("round", "square", "pendulum", "sunburst"))
    rim = kit.wood() if kind in ("pendulum", "square") else kit.metal()
    pale, dark = (246, 243, 234), (30, 30, 34)
    if kit.pool == 3:
        pale, dark = dark, pale
    face = pictures.clock_face(pale, dark, kit.between(0, 12), (12, 4, 12, 4)[kit.pool])
    dial = min(width, height if kind != "pendulum" else width)
    disc = _dial(dial * (0.94 if kind != "sunburst" else 0.5))
    middle = height - dial / 2
    parts: list[Part] = [(disc.at(y=middle, z=depth / 2), Material(WHITE, face))]
    if kind == "square":
        return [*parts, (rounded_box(dial, dial, depth * 0.96, 0.01).at(y=height - dial, z=-depth * 0.02), rim)]
    if kind == "pendulum":
        body = rounded_box(width, height, depth * 0.9, 0.01).at(z=-depth * 0.05)
        window = box(width * 0.6, height - dial - 0.06, 0.004).at(y=0.04, z=depth * 0.4)
        bob = ball(width * 0.12, 2).scaled(1, 1, 0.2).at(y=0.07, z=depth * 0.42)
        return [*parts, (body, rim), (window, rim.tinted(0.4)), (bob, kit.metal())]
    radius = dial / 2 if kind == "round" else dial * 0.27
    ring = lathe([(radius, 0.0), (radius, depth * 0.96)], 28).turned("x", 90)
    parts.append((ring.at(y=middle, z=-depth / 2), rim))
    if kind == "sunburst":
        for step in range(16):
            ray = bar((0, radius, 0), (0, dial * (0.5 if step % 2 else 0.42), 0), 0.008, 4)
            parts.append((ray.turned("z", 22.5 * step).at(y=middle), rim))
    return parts


def _dial(size: float) -> Solid:
    """Return a disc facing +z, centred at the origin, that shows one image."""
    disc = lathe([(size / 2, 0.0), (0.0, 0.0)], 28, caps=False).turned("x", 90)
    return Solid(disc.vertices, disc.faces, disc.vertices[:, :2] / size + 0.5)


def curtain(kit: Kit, size: Size) -> list[Part]:
    """Build curtains on a rod: a pair drawn aside, tied back, a single one, or a pair with a valance."""
    width, height, depth = size
    kind = kit.style(("pair", "single", "valance", "tied"))
    fabric = kit.patterned() if kit.maybe(0.45) else kit.fabric()
    if kit.maybe(0.3):
        fabric = kit.linen()
    metal = kit.metal() if kit.maybe(0.6) else kit.wood()
    rod_height = height - 0.03
    parts: list[Part] = [(bar((-width / 2 + 0.03, rod_height, 0), (width / 2 - 0.03, rod_height, 0), 0.014), metal)]
    parts += [(ball(0.03, 2).at(x=s * (width / 2 - 0.03), y=height - 0.06), metal) for s in (-1, 1)]
    parts += [
        (bar((s * width * 0.4, rod_height, -depth / 2), (s * width * 0.4, rod_height, 0), 0.01), metal) for s in (-1, 1)
    ]
    folds = depth * 0.7
    if kind == "single":
        share = 0.62
        sheet = cloth(width * share, height - 0.05, folds, width * share * 9, 0.25)
        return [*parts, (sheet.at(x=-width * (0.48 - share / 2)), fabric)]
    share = 0.27 if kind != "valance" else 0.22
    for side in (-1, 1):
        sheet = cloth(width * share, height - 0.05, folds, max(2.0, width * share * 11), 0.25, rows=6)
        if kind == "tied":
            down = sheet.vertices[:, 1] / height
            pinch = 1 - 0.6 * (1 - abs(2 * down - 0.75).clip(0, 1)) ** 2
            moved = sheet.vertices.copy()
            moved[:, 0] = side * width * share * 0.35 + (moved[:, 0] - side * width * share * 0.35) * pinch
            sheet = Solid(moved, sheet.faces, sheet.uv)
        parts.append((sheet.at(x=side * width * (0.49 - share / 2)), fabric))
    if kind == "valance":
        top = cloth(width * 0.96, height * 0.14, folds, width * 6)
        parts.append((top.at(y=height * 0.86, z=depth * 0.12), fabric.tinted(0.85)))
    return parts


def radiator(kit: Kit, size: Size) -> list[Part]:
    """Build a radiator: column, flat panel, ribbed panel or tubes."""
    width, height, depth = size
    kind = kit.style(("panel", "column", "tubes", "ribbed"))
    skin = kit.ceramic() if kit.maybe(0.8) else kit.paint()
    z = depth * 0.1
    feet = [
        (box(0.03, height * 0.3, depth * 0.5).at(x=s * width * 0.35, y=height * 0.4, z=-depth * 0.25), skin.tinted(0.8))
        for s in (-1, 1)
    ]
    valve = (cylinder(0.025, 0.07, 8).turned("z", 90).at(x=width / 2, y=0.05, z=z), kit.metal())
    if kind == "panel":
        return [
            *feet,
            valve,
            (rounded_box(width * 0.97, height, depth * 0.5, 0.012).at(z=z), skin),
            (box(width * 0.95, 0.012, depth * 0.7).at(y=height - 0.011, z=z), skin.tinted(0.75)),
        ]
    parts: list[Part] = [*feet, valve]
    count = max(4, round(width / (0.06 if kind == "column" else 0.08)))
    pitch = width * 0.95 / count
    for index in range(count):
        x = (index - (count - 1) / 2) * pitch
        if kind == "tubes":
            parts.append((cylinder(pitch * 0.3, height, 6).at(x=x, z=z), skin))
        elif kind == "column":
            parts.append((rounded_box(pitch * 0.78, height, depth * 0.75, pitch * 0.3).at(x=x, z=z), skin))
        else:
            parts.append((box(pitch * 0.55, height * 0.94, depth * 0.3).at(x=x, y=height * 0.03, z=z + 0.02), skin))
    if kind in ("ribbed", "tubes"):
        for level in (0.04, 0.9):
            parts.append(
                (box(width * 0.96, height * 0.06, depth * 0.4).at(y=level * height, z=z - 0.01), skin.tinted(0.92))
            )
    return parts
