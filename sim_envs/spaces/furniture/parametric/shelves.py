"""Bookshelves with their books, open shelves, and single books."""

from __future__ import annotations

from sim_envs.spaces.furniture import pictures
from sim_envs.spaces.furniture.assembly import Material, Part
from sim_envs.spaces.furniture.parametric.fronts import doors, looks
from sim_envs.spaces.furniture.parametric.kit import FABRICS, Kit
from sim_envs.spaces.furniture.solids import box, image_panel, lathe, rounded_box

Size = tuple[float, float, float]


def bookshelf(kit: Kit, size: Size) -> list[Part]:
    """Build a bookcase with books: rows of spines with real depth, some boxes and vases between them."""
    width, height, depth = size
    kind = kit.style(("closed", "ladder", "cubes", "base"))
    wood = kit.board()
    board = 0.022
    frame = kit.metal() if kind == "ladder" else wood
    parts: list[Part] = []
    for side in (-1, 1):
        if kind == "ladder":
            for z in (-1, 1):
                post = box(0.03, height, 0.03).at(x=side * (width / 2 - 0.015), z=z * (depth / 2 - 0.015))
                parts.append((post, frame))
        else:
            parts.append((box(board, height, depth).at(x=side * (width / 2 - board / 2)), frame))
    if kind != "ladder":
        parts.append((box(width, height, 0.01).at(z=-depth / 2 + 0.005), wood.tinted(0.75)))
    low = 0.0
    if kind == "base":
        low = min(0.7, height * 0.36)
        parts.append((box(width - 0.02, low, depth - 0.03).at(z=-0.015), wood))
        parts += doors(kit, width - 0.03, low - 0.05, 2, 0.04, depth / 2 - 0.022, wood, looks(kit), 0.7)
    rows = max(2, round((height - low) / 0.36))
    columns = max(1, round(width / 0.38)) if kind == "cubes" else (2 if width > 1.1 else 1)
    rise, bay = (height - low) / rows, (width - 2 * board) / columns
    for column in range(1, columns):
        x = column * bay - width / 2 + board
        parts.append((box(board, height - low, depth - 0.02).at(x=x, y=low), wood))
    for row in range(rows + 1):
        y = min(low + row * rise, height - board)
        parts.append((box(width - 0.02, board, depth - 0.01).at(y=y), wood))
    for row in range(rows):
        for column in range(columns):
            x = (column + 0.5) * bay - width / 2 + board
            stock = _shelf_stock(kit, bay - 0.04, rise - 0.05, depth - 0.04)
            parts += [(solid.at(x=x, y=low + row * rise + board), material) for solid, material in stock]
    return parts


def _shelf_stock(kit: Kit, width: float, height: float, depth: float) -> list[Part]:
    """Return what stands in one bay: runs of books, a box, a vase, or nothing."""
    draw = kit.between(0, 1)
    if draw < 0.08:
        return []
    if draw < 0.2:
        basket = rounded_box(width * 0.7, height * 0.7, depth * 0.85, 0.015)
        return [(basket, kit.plastic())]
    if draw < 0.32:
        radius = min(0.07, width * 0.2)
        vase = lathe([(radius * 0.6, 0), (radius, height * 0.3), (radius * 0.4, height * 0.7)], 8)
        return [
            (vase.at(x=kit.between(-0.3, 0.3) * width), kit.ceramic()),
            *_books(kit, width * 0.4, height, depth, 0.3),
        ]
    return _books(kit, width, height, depth, kit.between(0.55, 1.0))


def _books(kit: Kit, width: float, height: float, depth: float, share: float) -> list[Part]:
    """Return books standing side by side from the left, filling ``share`` of the width."""
    colours = [
        *kit.accents(),
        kit.colour(FABRICS),
        (228.0, 222.0, 208.0),
        (48.0, 44.0, 46.0),
    ]
    parts: list[Part] = []
    x, end = -width / 2, -width / 2 + share * width
    while True:
        thick = kit.between(0.018, 0.05)
        if x + thick > end or len(parts) >= 16:
            return parts
        tall = min(height, 0.3) * kit.between(0.68, 0.98)
        deep = min(depth, 0.24) * kit.between(0.75, 0.98)
        red, green, blue = colours[int(kit.rng.integers(len(colours)))]
        shade = kit.between(0.75, 1.1)
        material = Material((min(red * shade, 250), min(green * shade, 250), min(blue * shade, 250)))
        parts.append((box(thick * 0.96, tall, deep).at(x=x + thick / 2, z=(depth - deep) / 2 - 0.02), material))
        x += thick


def shelf(kit: Kit, size: Size) -> list[Part]:
    """Build an open shelf unit with boxes and bowls: boards between sides, wires, planks or cubes."""
    width, height, depth = size
    kind = kit.style(("boards", "wire", "plank", "crates"))
    wood = kit.metal() if kind == "wire" else kit.board()
    rows = max(2, round(height / 0.4))
    parts: list[Part] = []
    for row in range(rows + 1):
        y = row * (height - 0.03) / rows
        parts.append((rounded_box(width, 0.03 if kind != "wire" else 0.012, depth, 0.004).at(y=y), wood))
    for a in (-1, 1):
        for b in (-1, 1) if kind in ("wire", "plank") else (0,):
            thick = 0.02 if kind == "wire" else 0.045
            long = depth if b == 0 else thick
            post = box(thick, height, long)
            parts.append((post.at(x=a * (width - thick) / 2, z=b * (depth - thick) / 2), wood.tinted(0.9)))
    if kind == "crates":
        parts.append((box(0.03, height, depth * 0.96), wood.tinted(0.9)))
    for row in range(rows):
        y = row * (height - 0.03) / rows + 0.03
        for x in (-0.26, 0.26):
            free = height / rows - 0.05
            draw = kit.between(0, 1)
            if draw < 0.45:
                bin_size = (width * 0.36, free * kit.between(0.4, 0.85), depth * 0.8)
                parts.append((rounded_box(*bin_size, 0.012).at(x=x * width, y=y), kit.plastic()))
            elif draw < 0.7:
                bowl = lathe([(0.04, 0), (min(0.11, width * 0.16), min(0.1, free))], 10)
                parts.append((bowl.at(x=x * width, y=y), kit.ceramic()))
    return parts


def book(kit: Kit, size: Size) -> list[Part]:
    """Build a lying book, or a small pile: pages between covers with a printed front."""
    width, height, depth = size
    kind = kit.style((0, 1, 2, 3))
    count = max(1, min(4, int(height / 0.028)))
    each = height / count
    parts: list[Part] = []
    for index in range(count):
        accents = kit.accents()
        scale = 1.0 - 0.09 * index * kit.between(0.5, 1.0)
        w, d = width * scale, depth * scale
        turn = kit.between(-6, 6) if index else 0.0
        cover_material = Material(accents[0])
        image = Material((255, 255, 255), pictures.cover(kit.rng, accents[0], accents[1], kind))
        pages = box(w * 0.97, each * 0.8, d * 0.97).at(x=w * 0.01, y=each * 0.1)
        shown = image_panel(w * 0.98, d * 0.98).turned("x", -90).at(y=each * 1.001, z=d * 0.49)
        pieces: list[Part] = [
            (box(w, each * 0.1, d), cover_material),
            (pages, Material((238, 232, 216))),
            (box(w, each * 0.1, d).at(y=each * 0.9), cover_material),
            (box(w * 0.02, each, d).at(x=-w * 0.49), cover_material),
            (shown, image),
        ]
        parts += [(solid.turned("y", turn).at(y=index * each), material) for solid, material in pieces]
    return parts
