"""Floors, walls, ceilings, tiles, doors and trim: procedural finishes, in a manner of each pool's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim_envs.errors import unknown
from sim_envs.spaces.furniture import textures
from sim_envs.spaces.furniture.model import FINISH_KINDS, Finish

Rgb = tuple[float, float, float]

FLOOR_WOODS: tuple[tuple[Rgb, ...], ...] = (
    ((206, 168, 118), (186, 144, 96)),
    ((128, 88, 60), (98, 66, 46)),
    ((214, 200, 180), (172, 160, 144)),
    ((150, 78, 50), (84, 62, 54)),
)
CARPETS: tuple[tuple[Rgb, ...], ...] = (
    ((116, 128, 146), (150, 158, 170)),
    ((150, 146, 108), (112, 122, 92)),
    ((196, 170, 144), (160, 112, 96)),
    ((96, 92, 104), (74, 96, 100)),
)
WALLS: tuple[tuple[Rgb, ...], ...] = (
    ((232, 236, 240), (188, 206, 224), (216, 224, 230), (150, 174, 200)),
    ((240, 234, 214), (206, 214, 184), (230, 214, 162), (170, 182, 148)),
    ((246, 236, 228), (232, 200, 182), (222, 180, 160), (240, 222, 206)),
    ((222, 222, 226), (192, 186, 206), (176, 200, 200), (128, 128, 138)),
)
TILES: tuple[tuple[Rgb, ...], ...] = (
    ((226, 234, 240), (160, 190, 212)),
    ((236, 230, 210), (164, 184, 150)),
    ((240, 222, 208), (206, 140, 116)),
    ((206, 208, 212), (92, 98, 106)),
)
TRIMS: tuple[Rgb, ...] = ((240, 242, 244), (150, 108, 72), (246, 242, 236), (72, 60, 58))
WHITE: Rgb = (255, 255, 255)


def draw_finish(kind: str, pool: int, rng: np.random.Generator) -> Finish:
    """Return a finish of ``kind`` (one of ``FINISH_KINDS``) in the manner of ``pool`` 0…3.

    Raises:
        UserError: the kind is unknown.
    """
    makers: dict[str, Callable[[int, np.random.Generator], Finish]] = {
        "floor": _floor,
        "wall": _wall,
        "ceiling": _ceiling,
        "tile": _tile,
        "door": _door,
        "trim": _trim,
    }
    if kind not in makers:
        raise unknown("finish", kind, FINISH_KINDS)
    return makers[kind](pool, rng)


def _tone(palette: tuple[Rgb, ...], rng: np.random.Generator) -> np.ndarray:
    """Return one colour of a palette, a little varied, (3,) uint8."""
    base = np.asarray(palette[int(rng.integers(len(palette)))], dtype=float)
    return np.clip(base * rng.uniform(0.94, 1.05) + rng.uniform(-4, 4, size=3), 0, 255).astype(np.uint8)


def _plain(colour: Rgb) -> np.ndarray:
    return np.asarray(colour, dtype=np.uint8)


def _floor(pool: int, rng: np.random.Generator) -> Finish:
    if rng.random() < 0.3:
        return Finish(textures.pile(rng, 0.3), 0.6, _tone(CARPETS[pool], rng))
    colour = _tone(FLOOR_WOODS[pool], rng)
    if pool == 0:
        return Finish(textures.planks(rng, 8), 1.1, colour)
    if pool == 1:
        return Finish(textures.parquet(rng, 4, 4), 1.2, colour)
    if pool == 2:
        return Finish(textures.planks(rng, 4), 1.0, colour)
    return Finish(textures.parquet(rng, 2, 6), 0.9, colour)


def _wall(pool: int, rng: np.random.Generator) -> Finish:
    colour = _tone(WALLS[pool], rng)
    if rng.random() < 0.6:
        return Finish(textures.plaster(rng, 0.07), 1.4, colour)
    ground = tuple(float(channel) for channel in colour)
    ink = tuple(channel * 0.86 for channel in ground)
    if pool == 0:
        return Finish(textures.stripes([ground, ink], [3, 1], vertical=True), 0.3, _plain(WHITE))
    if pool == 1:
        return Finish(textures.leaves(rng, ground, ink), 0.7, _plain(WHITE))
    if pool == 2:
        return Finish(textures.dots(ground, ink, 4, 0.22), 0.5, _plain(WHITE))
    return Finish(textures.damask(ground, ink), 0.9, _plain(WHITE))


def _ceiling(pool: int, rng: np.random.Generator) -> Finish:
    level = rng.uniform(0.95, 1.0)
    base = np.asarray(((246, 248, 250), (248, 245, 236), (250, 246, 242), (238, 238, 240))[pool]) * level
    return Finish(textures.plaster(rng, 0.05), 1.6, base.astype(np.uint8))


def _tile(pool: int, rng: np.random.Generator) -> Finish:
    colour = _tone(TILES[pool], rng)
    if pool == 0:
        return Finish(textures.tiles(rng, 4), 0.8, colour)
    if pool == 1:
        return Finish(textures.bricks(rng, 8, 4), 0.8, colour)
    if pool == 2:
        other = tuple(float(channel) for channel in _tone(TILES[pool], rng))
        return Finish(textures.hexagons(tuple(float(c) for c in colour), other, (150, 140, 132)), 0.6, _plain(WHITE))
    if rng.random() < 0.5:
        light, dark = (226, 226, 228), tuple(float(channel) for channel in colour * 0.7)
        return Finish(textures.checks(light, dark, 2, soft=False), 0.8, _plain(WHITE))
    return Finish(textures.tiles(rng, 2, 0.6, 0.15), 1.0, colour)


def _door(pool: int, rng: np.random.Generator) -> Finish:
    if pool in (0, 2) and rng.random() < 0.6:
        return Finish(None, 1.0, _tone((TRIMS[pool],), rng))
    return Finish(textures.wood(rng, 5, 0.3), 0.8, _tone(FLOOR_WOODS[pool], rng))


def _trim(pool: int, rng: np.random.Generator) -> Finish:
    return Finish(None, 1.0, _tone((TRIMS[pool],), rng))
