"""Procedural surface textures: tileable, (size, size, 3) uint8, a function of their generator alone.

Patterns that take their colour from a material are grey and near white (the material's colour multiplies
them); patterns with several hues take their colours as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Colour = Sequence[float]
SIZE = 128


def noise(rng: np.random.Generator, size: int, exponent: float, stretch: float = 1.0) -> np.ndarray:
    """Return tileable noise (size, size) in 0…1 with a 1/f^exponent spectrum.

    Args:
        rng: source of the phases.
        size: edge in pixels.
        exponent: 0 is white; 2 is cloudy.
        stretch: above 1, features are that much longer along u.
    """
    frequency_v = np.fft.fftfreq(size)[:, None]
    frequency_u = np.fft.rfftfreq(size)[None] * stretch
    radius = np.maximum(np.hypot(frequency_u, frequency_v), 1.0 / size)
    spectrum = radius**-exponent * np.exp(2j * np.pi * rng.random((size, size // 2 + 1)))
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(size, size))
    low, high = np.quantile(field, [0.005, 0.995])
    return np.clip((field - low) / max(high - low, 1e-12), 0.0, 1.0)


def _grey(brightness: np.ndarray) -> np.ndarray:
    """Return a brightness in 0…1 as (h, w, 3) uint8."""
    value = np.round(np.clip(brightness, 0, 1) * 255).astype(np.uint8)
    return np.repeat(value[:, :, None], 3, axis=2)


def _mix(share: np.ndarray, first: Colour, second: Colour) -> np.ndarray:
    """Return (h, w, 3) uint8 between two colours, ``share`` of the second."""
    blend = share[:, :, None]
    mixed = (1 - blend) * np.asarray(first, dtype=float) + blend * np.asarray(second, dtype=float)
    return np.round(np.clip(mixed, 0, 255)).astype(np.uint8)


def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return u and v of the pixel centres, in 0…1, as (size, size) arrays."""
    v, u = np.mgrid[0:size, 0:size]
    return (u + 0.5) / size, (v + 0.5) / size


def wood(rng: np.random.Generator, rings: int = 6, contrast: float = 0.35, size: int = SIZE) -> np.ndarray:
    """Return wood grain along u; more ``rings`` is finer grain."""
    _, v = _grid(size)
    warp = noise(rng, size, 2.0, stretch=6.0)
    bands = 0.5 + 0.5 * np.sin(2 * np.pi * (rings * v + 2.5 * warp))
    fibres = noise(rng, size, 0.6, stretch=16.0)
    return _grey(1.0 - contrast * (0.6 * bands + 0.4 * fibres))


def weave(rng: np.random.Generator, threads: int = 32, contrast: float = 0.3, size: int = SIZE) -> np.ndarray:
    """Return a plain woven fabric."""
    u, v = _grid(size)
    over = np.sin(np.pi * threads * u) * np.sin(np.pi * threads * v)
    return _grey(1.0 - contrast * (0.5 + 0.35 * over - 0.5 * noise(rng, size, 0.5) * 0.6))


def herringbone(rng: np.random.Generator, columns: int = 8, contrast: float = 0.35, size: int = SIZE) -> np.ndarray:
    """Return zigzag twill."""
    u, v = _grid(size)
    zigzag = np.abs((u * columns) % 2 - 1)
    ribs = ((v * columns * 2 + zigzag) % 1) < 0.5
    return _grey(1.0 - contrast * (0.8 * ribs + 0.2 * noise(rng, size, 0.4)))


def pile(rng: np.random.Generator, contrast: float = 0.35, size: int = SIZE) -> np.ndarray:
    """Return carpet pile, velvet or towelling."""
    return _grey(1.0 - contrast * (0.7 * noise(rng, size, 0.3) + 0.3 * noise(rng, size, 1.5)))


def plaster(rng: np.random.Generator, contrast: float = 0.08, size: int = SIZE) -> np.ndarray:
    """Return faintly uneven paint or plaster."""
    return _grey(1.0 - contrast * (0.5 * noise(rng, size, 1.0) + 0.5 * noise(rng, size, 2.0)))


def brushed(rng: np.random.Generator, contrast: float = 0.15, size: int = SIZE) -> np.ndarray:
    """Return brushed metal."""
    return _grey(1.0 - contrast * noise(rng, size, 0.5, stretch=30.0))


def leather(rng: np.random.Generator, contrast: float = 0.3, size: int = SIZE) -> np.ndarray:
    """Return creased leather."""
    folds = np.abs(noise(rng, size, 1.6) - 0.5) * 2
    return _grey(1.0 - contrast * (1 - np.sqrt(folds)))


def stripes(colours: Sequence[Colour], widths: Sequence[int], vertical: bool, size: int = SIZE) -> np.ndarray:
    """Return stripes of the given colours and relative widths, repeated to fill the image."""
    edges = np.cumsum(widths) / sum(widths)
    u, v = _grid(size)
    index = np.searchsorted(edges, u if vertical else v).clip(0, len(colours) - 1)
    return np.round(np.asarray(colours, dtype=float)).astype(np.uint8)[index]


def checks(first: Colour, second: Colour, count: int = 4, soft: bool = True, size: int = SIZE) -> np.ndarray:
    """Return gingham (``soft``: crossings mix) or a chequerboard."""
    u, v = _grid(size)
    across, down = (u * count * 2) % 2 < 1, (v * count * 2) % 2 < 1
    share = (across * 0.5 + down * 0.5) if soft else (across ^ down).astype(float)
    return _mix(share, first, second)


def dots(first: Colour, second: Colour, count: int = 4, radius: float = 0.3, size: int = SIZE) -> np.ndarray:
    """Return dots of ``second`` in staggered rows on ``first``."""
    u, v = _grid(size)
    row = np.floor(v * 2 * count)
    x = (u * count + 0.5 * (row % 2)) % 1 - 0.5
    y = ((v * 2 * count) % 1 - 0.5) / 2
    return _mix((np.hypot(x, y) < radius * 0.8).astype(float), first, second)


def damask(first: Colour, second: Colour, count: int = 3, size: int = SIZE) -> np.ndarray:
    """Return a curled ornament in two colours."""
    u, v = _grid(size)
    a, b = 2 * np.pi * count * u, 2 * np.pi * count * v
    field = np.sin(a) * np.sin(b) + 0.6 * np.cos(2 * a) * np.cos(b) + 0.4 * np.sin(3 * b) * np.cos(a)
    return _mix((field > 0.25).astype(float), first, second)


def leaves(rng: np.random.Generator, ground: Colour, ink: Colour, count: int = 14, size: int = SIZE) -> np.ndarray:
    """Return scattered leaf shapes, as on wallpaper or prints."""
    u, v = _grid(size)
    share = np.zeros((size, size))
    for _ in range(count):
        centre_u, centre_v, angle = rng.random(), rng.random(), rng.uniform(0, np.pi)
        du = (u - centre_u + 0.5) % 1 - 0.5
        dv = (v - centre_v + 0.5) % 1 - 0.5
        along = np.cos(angle) * du + np.sin(angle) * dv
        across = -np.sin(angle) * du + np.cos(angle) * dv
        inside = (np.abs(along) < 0.13) & (np.abs(across) < 0.045 * np.cos(along / 0.13 * np.pi / 2))
        share = np.maximum(share, inside * np.where(np.abs(across) < 0.006, 0.5, 1.0))
    return _mix(share, ground, ink)


def tiles(
    rng: np.random.Generator, count: int, grout: float = 0.72, variation: float = 0.08, size: int = SIZE
) -> np.ndarray:
    """Return ``count`` × ``count`` square tiles with joints of brightness ``grout``."""
    u, v = _grid(size)
    shade = 1.0 - variation * rng.random((count, count))
    cell_u, cell_v = (u * count).astype(int), (v * count).astype(int)
    joint = np.minimum((u * count) % 1, (v * count) % 1) < count * 2.0 / size
    return _grey(np.where(joint, grout, shade[cell_v, cell_u] - 0.03 * noise(rng, size, 1.5)))


def bricks(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    grout: float = 0.72,
    variation: float = 0.08,
    size: int = SIZE,
) -> np.ndarray:
    """Return tiles in running bond; ``rows`` must be even to tile."""
    u, v = _grid(size)
    row = (v * rows).astype(int)
    shifted = (u * columns + 0.5 * (row % 2)) % columns
    shade = 1.0 - variation * rng.random((rows, columns))
    joint = ((v * rows) % 1 < rows * 2.0 / size) | (shifted % 1 < columns * 2.0 / size)
    return _grey(np.where(joint, grout, shade[row, shifted.astype(int)]))


def hexagons(first: Colour, second: Colour, grout: Colour, size: int = SIZE) -> np.ndarray:
    """Return hexagonal tiles in two colours."""
    u, v = _grid(size)
    best: np.ndarray = np.full((size, size), np.inf)
    runner_up: np.ndarray = np.full((size, size), np.inf)
    owner: np.ndarray = np.zeros((size, size), dtype=int)
    for row in range(-1, 5):
        for column in range(-1, 5):
            du = u * 4 - (column + 0.5 * (row % 2) + 0.25)
            dv = (v * 4 - (row + 0.5)) * 0.9
            distance = np.hypot(du, dv)
            closer = distance < best
            runner_up = np.where(closer, best, np.minimum(runner_up, distance))
            owner = np.where(closer, (row % 4 + (column % 4) * 2) % 3 == 0, owner)
            best = np.minimum(best, distance)
    image = _mix(owner.astype(float), first, second)
    image[runner_up - best < 0.08] = np.round(grout).astype(np.uint8)
    return image


def planks(rng: np.random.Generator, rows: int, size: int = 256, contrast: float = 0.25) -> np.ndarray:
    """Return floor boards along u with staggered ends and their own shades."""
    u, v = _grid(size)
    row = (v * rows).astype(int)
    ends = rng.random((rows, 2))
    ends[:, 1] = (ends[:, 0] + 0.35 + 0.3 * ends[:, 1]) % 1
    low, high = ends.min(axis=1)[row], ends.max(axis=1)[row]
    second = (u >= low) & (u < high)
    shade = rng.uniform(0.78, 1.0, size=(rows, 2))
    brightness = np.where(second, shade[row, 1], shade[row, 0])
    joint = ((v * rows) % 1 < rows * 1.3 / size) | (np.abs(u - low) < 0.6 / size) | (np.abs(u - high) < 0.6 / size)
    grain = wood(rng, rings=rows * 2, contrast=contrast, size=size)[:, :, 0] / 255.0
    return _grey(np.where(joint, 0.55, brightness * grain))


def parquet(rng: np.random.Generator, blocks: int = 4, strips: int = 4, size: int = 256) -> np.ndarray:
    """Return basket-weave parquet: squares of parallel strips, turned in alternation."""
    u, v = _grid(size)
    block_u, block_v = (u * blocks).astype(int), (v * blocks).astype(int)
    turned = (block_u + block_v) % 2 == 1
    position = np.where(turned, u, v) * blocks * strips
    strip = position.astype(int) % strips
    shade = rng.uniform(0.72, 1.0, size=(blocks, blocks, strips))
    joint = position % 1 < blocks * strips * 1.2 / size
    grain = wood(rng, rings=12, contrast=0.2, size=size)[:, :, 0] / 255.0
    return _grey(np.where(joint, 0.6, shade[block_v, block_u, strip] * np.where(turned, grain.T, grain)))


def marble(rng: np.random.Generator, ground: Colour, vein: Colour, size: int = SIZE) -> np.ndarray:
    """Return veined stone."""
    ridge = 1 - np.abs(noise(rng, size, 1.9) - 0.5) * 2
    share = np.clip(ridge**8 * 0.9 + 0.25 * noise(rng, size, 2.0), 0, 1)
    return _mix(share, ground, vein)


def terrazzo(rng: np.random.Generator, ground: Colour, chips: Sequence[Colour], size: int = SIZE) -> np.ndarray:
    """Return chips of stone in a plain ground."""
    image = np.tile(np.round(np.asarray(ground, dtype=float)).astype(np.uint8), (size, size, 1))
    for level, chip in enumerate(chips):
        cells = noise(rng, size, 1.1)
        image[cells > 0.8 + 0.03 * level] = np.round(np.asarray(chip, dtype=float)).astype(np.uint8)
    return image
