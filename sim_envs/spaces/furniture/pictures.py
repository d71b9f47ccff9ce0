"""Procedural images that are shown whole: paintings, screens, clock faces, book covers, rugs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sim_envs.spaces.furniture.textures import Colour, noise

SIZE = 128


def _canvas(colour: Colour, size: int = SIZE) -> np.ndarray:
    """Return a float (size, size, 3) image of one colour."""
    return np.tile(np.asarray(colour, dtype=float), (size, size, 1))


def _finish(image: np.ndarray) -> np.ndarray:
    return np.round(np.clip(image, 0, 255)).astype(np.uint8)


def _pixels(size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Return x to the right and y downwards of the pixel centres, in 0…1."""
    y, x = np.mgrid[0:size, 0:size]
    return (x + 0.5) / size, (y + 0.5) / size


def landscape(rng: np.random.Generator, sky: Colour, land: Colour, glow: Colour) -> np.ndarray:
    """Paint hills in haze under a sky with a sun."""
    x, y = _pixels()
    image = (1 - y[:, :, None]) * np.asarray(sky, dtype=float) + y[:, :, None] * np.asarray(glow, dtype=float)
    sun_x, sun_y = rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.4)
    image[np.hypot(x - sun_x, y - sun_y) < rng.uniform(0.05, 0.1)] = (255, 244, 214)
    layers = int(rng.integers(3, 6))
    for layer in range(layers):
        near = (layer + 1) / layers
        ridge = 0.35 + 0.5 * near + 0.08 * sum(np.sin(2 * np.pi * (k * x + rng.random())) / k for k in (1, 2, 3, 5))
        colour = near * np.asarray(land, dtype=float) + (1 - near) * np.asarray(glow, dtype=float)
        image[y > ridge] = colour
    return _finish(image + 14 * (noise(rng, SIZE, 0.8) - 0.5)[:, :, None])


def blocks(rng: np.random.Generator, ground: Colour, colours: Sequence[Colour]) -> np.ndarray:
    """Paint a geometric abstract: rectangles between dark lines."""
    image = _canvas(ground)
    palette = np.asarray(colours, dtype=float)

    def split(top: int, left: int, bottom: int, right: int, depth: int) -> None:
        height, width = bottom - top, right - left
        if depth == 0 or min(height, width) < 24 or (depth < 3 and rng.random() < 0.25):
            if rng.random() < 0.55:
                image[top:bottom, left:right] = palette[rng.integers(len(palette))]
        elif height > width:
            middle = top + int(height * rng.uniform(0.3, 0.7))
            split(top, left, middle, right, depth - 1)
            split(middle, left, bottom, right, depth - 1)
        else:
            middle = left + int(width * rng.uniform(0.3, 0.7))
            split(top, left, bottom, middle, depth - 1)
            split(top, middle, bottom, right, depth - 1)
        image[top : top + 3, left:right] = 28
        image[top:bottom, left : left + 3] = 28

    split(0, 0, SIZE, SIZE, 5)
    return _finish(image)


def circles(rng: np.random.Generator, ground: Colour, colours: Sequence[Colour]) -> np.ndarray:
    """Paint an abstract of overlapping discs and arcs."""
    x, y = _pixels()
    image = _canvas(ground)
    for index in range(int(rng.integers(6, 11))):
        distance = np.hypot(x - rng.random(), y - rng.random())
        radius = rng.uniform(0.08, 0.32)
        inside = distance < radius if rng.random() < 0.6 else np.abs(distance - radius) < 0.03
        colour = np.asarray(colours[index % len(colours)], dtype=float)
        image[inside] = 0.75 * colour + 0.25 * image[inside]
    return _finish(image)


def washes(rng: np.random.Generator, colours: Sequence[Colour]) -> np.ndarray:
    """Paint soft bands of colour that run into each other."""
    _, y = _pixels()
    height = np.clip(y + 0.35 * (noise(rng, SIZE, 1.8) - 0.5), 0, 1) * (len(colours) - 1)
    palette = np.asarray(colours, dtype=float)
    below = np.minimum(height.astype(int), len(colours) - 2)
    share = (height - below)[:, :, None]
    return _finish((1 - share) * palette[below] + share * palette[below + 1])


def still_life(rng: np.random.Generator, wall: Colour, table: Colour, fruit: Sequence[Colour]) -> np.ndarray:
    """Paint fruit and a vase on a table."""
    x, y = _pixels()
    image = _canvas(wall)
    image[y > 0.66] = table
    vase_x, vase = rng.uniform(0.25, 0.75), np.asarray(fruit[0], dtype=float)
    outline = 0.07 + 0.05 * np.sin((y - 0.25) * 9)
    image[(np.abs(x - vase_x) < outline) & (y > 0.22) & (y < 0.76)] = 0.5 * vase + 60
    for _ in range(int(rng.integers(4, 8))):
        fruit_x, fruit_y, radius = rng.uniform(0.12, 0.88), rng.uniform(0.68, 0.82), rng.uniform(0.05, 0.1)
        distance = np.hypot(x - fruit_x, y - fruit_y)
        colour = np.asarray(fruit[int(rng.integers(len(fruit)))], dtype=float)
        shade = 1.15 - 0.5 * np.hypot(x - fruit_x + 0.3 * radius, y - fruit_y + 0.4 * radius) / radius
        image = np.where((distance < radius)[:, :, None], colour * shade[:, :, None], image)
    return _finish(image + 10 * (noise(rng, SIZE, 0.6) - 0.5)[:, :, None])


def botanical(rng: np.random.Generator, paper: Colour, ink: Colour) -> np.ndarray:
    """Draw a plant with paired leaves on paper."""
    x, y = _pixels()
    image = _canvas(paper)
    lean = rng.uniform(-0.1, 0.1)
    stem = 0.5 + lean * (0.9 - y)
    image[(np.abs(x - stem) < 0.008) & (y > 0.12) & (y < 0.92)] = ink
    pairs = int(rng.integers(4, 7))
    for k in range(pairs):
        level = 0.2 + 0.6 * k / pairs
        length = 0.3 * (1 - abs(level - 0.5))
        for side in (-1, 1):
            along = side * (x - (0.5 + lean * (0.9 - level)))
            across = y - level + 0.5 * along
            inside = (along > 0) & (along < length)
            inside &= np.abs(across) < 0.05 * np.sin(np.pi * np.clip(along / length, 0, 1))
            image[inside] = np.asarray(ink, dtype=float) * (1.0 if side > 0 else 0.8)
    return _finish(image)


def screen(rng: np.random.Generator, accent: Colour, kind: str) -> np.ndarray:
    """Draw what a screen shows: 'dark', 'windows', 'film' or 'text'."""
    if kind == "film":
        return landscape(rng, (60, 90, 150), (20, 40, 30), accent)
    image = _canvas((18, 20, 24) if kind == "dark" else (36, 60, 92))
    x, y = _pixels()
    if kind == "dark":
        return _finish(image + (30 * np.clip(1 - np.abs(x + y - 0.8) * 4, 0, 1))[:, :, None])
    panes = 1 if kind == "text" else 3
    for _ in range(panes):
        left, top = (8, 8) if kind == "text" else (int(v) for v in rng.integers(4, 50, size=2))
        right, bottom = (120, 120) if kind == "text" else (left + 66, top + 60)
        image[top:bottom, left:right] = 236
        image[top : top + 6, left:right] = accent
        for line in range(top + 12, bottom - 4, 6):
            image[line : line + 2, left + 5 : left + 5 + int(rng.integers(15, right - left - 8))] = 90
    return _finish(image)


def clock_face(face: Colour, ink: Colour, hour: float, marks: int) -> np.ndarray:
    """Draw a dial with ``marks`` marks that shows ``hour``."""
    x, y = _pixels()
    x, y = x - 0.5, 0.5 - y
    radius = np.hypot(x, y)
    turn = (np.arctan2(x, y) / (2 * np.pi)) % 1
    image = _canvas(face)
    near_mark = np.abs((turn * marks + 0.5) % 1 - 0.5) < 0.012 * marks
    image[(radius > 0.4) & (radius < 0.46) & near_mark] = ink
    for angle, length, width in ((hour / 12 % 1, 0.24, 0.025), (hour % 1, 0.36, 0.018)):
        direction = np.array([np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)])
        along = x * direction[0] + y * direction[1]
        across = np.abs(x * direction[1] - y * direction[0])
        image[(along > -0.04) & (along < length) & (across < width)] = ink
    return _finish(image)


def cover(rng: np.random.Generator, ground: Colour, ink: Colour, kind: int) -> np.ndarray:
    """Draw a book cover or packet front: a title block and one of four ornaments."""
    x, y = _pixels()
    image = _canvas(ground)
    ornament = (
        np.hypot(x - 0.5, y - 0.62) < 0.22,
        np.abs(x - 0.5) + np.abs(y - 0.62) < 0.26,
        (y > 0.45) & (y < 0.9) & ((x * 8).astype(int) % 2 == 0) & (np.abs(x - 0.5) < 0.38),
        np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.07,
    )[kind % 4]
    image[ornament] = ink
    for row in range(2):
        half = rng.uniform(0.15, 0.36)
        image[(np.abs(y - 0.18 - 0.11 * row) < 0.03) & (np.abs(x - 0.5) < half)] = ink
    return _finish(image)


def rug(rng: np.random.Generator, colours: Sequence[Colour], kind: str) -> np.ndarray:
    """Weave a rug: 'medallion', 'stripes', 'trellis', 'border', 'zigzag', 'shag', 'patches' or 'rings'."""
    x, y = _pixels()
    palette = np.asarray(colours, dtype=float)
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    diamond = np.abs(x - 0.5) + np.abs(y - 0.5)
    index = {
        "medallion": (diamond * 9).astype(int) + (np.sin(40 * x) * np.sin(40 * y) > 0.6),
        "stripes": (y * 14).astype(int),
        "trellis": (np.minimum((x * 6 + y * 6) % 1, (x * 6 - y * 6) % 1) < 0.16).astype(int),
        "border": (edge < 0.12).astype(int) + (edge < 0.06),
        "zigzag": (y * 12 + np.abs((x * 10) % 2 - 1)).astype(int),
        "shag": (noise(rng, SIZE, 1.2) * 2).astype(int),
        "patches": (x * 5).astype(int) + 2 * (y * 7).astype(int),
        "rings": (np.hypot(x - 0.5, y - 0.5) * 14).astype(int),
    }[kind]
    image = palette[index % len(palette)]
    if kind in ("medallion", "trellis"):
        image[edge < 0.08] = palette[-1]
        image[np.abs(edge - 0.09) < 0.012] = palette[1]
    return _finish(image * (0.86 + 0.14 * noise(rng, SIZE, 0.3))[:, :, None])


def spines(rng: np.random.Generator, colours: Sequence[Colour], books: int = 24) -> np.ndarray:
    """Draw a row of book spines seen from the front, with titles."""
    image = _canvas((40, 34, 30))
    edges = np.sort(rng.choice(np.arange(2, SIZE - 1), size=books - 1, replace=False))
    edges = np.concatenate([[0], edges, [SIZE]])
    for left, right in pairwise(edges):
        colour = np.asarray(colours[int(rng.integers(len(colours)))], dtype=float) * rng.uniform(0.7, 1.15)
        top = int(rng.integers(0, 24))
        image[top:, left:right] = colour
        image[top:, right - 1] = colour * 0.6
        band = top + int(rng.integers(12, 30))
        image[band : band + int(rng.integers(3, 26)), left + 1 : max(left + 2, right - 2)] = 235 - 0.6 * colour
    return _finish(image)
