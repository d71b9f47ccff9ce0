"""Noise of cameras and depth sensors: arrays in, arrays out, randomness from the generator given.

Light is linear: 1 is what sRGB white shows. Exposure, motion blur and shot noise act on light, because they happen
on the sensor; Gaussian noise acts on the stored bytes, as what amplifiers, compression and quantisation leave.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from sim_envs.errors import UserError

_LIGHT_STEPS = 65535  # finer than a twentieth of a grey level everywhere

# Choi, Zhou, Koltun, "Robust Reconstruction of Indoor Scenes" (CVPR 2015) and their program simdepth.py: the
# sensor is a PrimSense (focal length 585.5 pixels, baseline 0.06 m) that tells disparities in eighths of a pixel.
FOCAL_BASELINE_PX_M = 35.130
DISPARITY_STEPS = 8
DISPARITY_SIGMA_PX = 0.027778
LOOKUP_SIGMA_PX = 0.25
LOOKUP_GRID_PX = 2
MAX_MEASURED_MM = 10_000
TABLE_SHAPE = (80, 80, 5)  # rows and columns of the picture, distances of 1, 3, 5, 7 and 9 m


def _srgb_to_light() -> np.ndarray:
    """IEC 61966-2-1: the light of each byte."""
    byte = np.arange(256) / 255
    return np.where(byte <= 0.04045, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _light_to_srgb() -> np.ndarray:
    """The byte nearest to each of 65,536 amounts of light: a table, so that every machine rounds alike."""
    light = np.arange(_LIGHT_STEPS + 1) / _LIGHT_STEPS
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(srgb * 255).astype(np.uint8)


_LIGHT = _srgb_to_light()
_BYTE = _light_to_srgb()


def to_light(rgb: np.ndarray) -> np.ndarray:
    """Return float32 light in 0…1 of uint8 sRGB, of any shape."""
    return _LIGHT[rgb]


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Return uint8 sRGB of light; what is brighter than white is white. It undoes :func:`to_light` exactly."""
    return _BYTE[np.rint(np.clip(light, 0, 1) * np.float32(_LIGHT_STEPS)).astype(np.uint16)]


def exposed(light: np.ndarray, ev: float) -> np.ndarray:
    """Return 2^ev times the light: ``ev`` stops more."""
    return light * np.float32(2.0**ev)


def shot(light: np.ndarray, photons_at_white: float, rng: np.random.Generator) -> np.ndarray:
    """Count photons: a Poisson number of mean light · ``photons_at_white``, given back as light (float32).

    Its mean is the light, its variance light / ``photons_at_white``.
    """
    return (rng.poisson(light * np.float64(photons_at_white)) / photons_at_white).astype(np.float32)


def gaussian(rgb: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of ``sigma`` grey levels to uint8 values, each by itself; stay in 0…255."""
    noise = rng.standard_normal(rgb.shape, dtype=np.float32)
    return np.clip(np.rint(rgb + np.float32(sigma) * noise), 0, 255).astype(np.uint8)


def redwood_depth(
    depth_mm: np.ndarray, strength: float, rng: np.random.Generator, table: np.ndarray | None = None
) -> np.ndarray:
    """Return what a PrimSense structured-light sensor would measure, after Choi, Zhou and Koltun (CVPR 2015).

    Each pixel looks up the depth of a place beside it (normal, 0.25 pixels), on a grid of every second pixel;
    noise of 1/36 pixel is added to its disparity, 35.13 m / depth, which is rounded to eighths of a pixel. So the
    error grows with the square of the distance: at z metres the steps are 3.6 z² mm, the noise 0.8 z² mm. Nothing
    is measured from 10 m on. ``strength`` multiplies the two normal draws, the steps stay.

    These are the parts that are published in closed form; the rest is a table of the low-frequency errors of one
    device, which is not part of this program (see :func:`redwood_table`). Sizes in pixels are those of the frame,
    distances those of the device, whatever the rig (as in habitat-sim).

    Args:
        depth_mm: (H, W) uint16, 0 = none; stays 0 there.
        strength: above 0; 1 is as measured.
        table: what depths are divided by first; none, ones.

    Returns:
        (H, W) uint16.
    """
    height, width = depth_mm.shape
    draws = rng.standard_normal((3, height, width), dtype=np.float32) * np.float32(strength)
    row = _beside(np.arange(height, dtype=np.float32)[:, None], draws[0], height)
    column = _beside(np.arange(width, dtype=np.float32)[None, :], draws[1], width)
    looked_up = depth_mm[row - row % LOOKUP_GRID_PX, column - column % LOOKUP_GRID_PX]
    measured = (looked_up > 0) & (looked_up < MAX_MEASURED_MM) & (depth_mm > 0)
    disparity = FOCAL_BASELINE_PX_M * 1000 / np.where(measured, looked_up, 1).astype(np.float32)
    if table is not None:
        divisor = _table_at(table, row / max(height - 1, 1), column / max(width - 1, 1), looked_up)
        measured &= divisor > 0
        disparity *= divisor
    steps = np.rint((disparity + draws[2] * np.float32(DISPARITY_SIGMA_PX)) * DISPARITY_STEPS)
    measured &= steps > 0
    found = np.rint(FOCAL_BASELINE_PX_M * 1000 * DISPARITY_STEPS / np.where(measured, steps, 1))
    return np.where(measured, found, 0).astype(np.uint16)


def _beside(place: np.ndarray, draws: np.ndarray, size: int) -> np.ndarray:
    """Return (H, W) intp: the places looked up along one axis."""
    return np.rint(np.clip(place + np.float32(LOOKUP_SIGMA_PX) * draws, 0, size - 1)).astype(np.intp)


def _table_at(table: np.ndarray, row: np.ndarray, column: np.ndarray, depth_mm: np.ndarray) -> np.ndarray:
    """Return (H, W) float32 of the table: of the nearest row and column (shares 0…1), linear between its distances."""
    rows, columns, distances = TABLE_SHAPE
    # Its cells are 6 × 8 pixels of a picture of 480 × 640.
    i = np.rint(row * (rows * 6 - 1)).astype(np.intp) // 6
    j = np.rint(column * (columns * 8 - 1)).astype(np.intp) // 8
    place = np.clip((depth_mm.astype(np.float32) / 1000 - 1) / 2, 0, distances - 1)
    below = np.minimum(place.astype(np.intp), distances - 2)
    share = place - below
    return (1 - share) * table[i, j, below] + share * table[i, j, below + 1]


@cache
def redwood_table(path: Path) -> np.ndarray:
    """Read the low-frequency errors of the authors' device: true over measured depth.

    Args:
        path: ``redwood-depth-dist-model.npy``, as habitat-sim comes with.

    Returns:
        (80, 80, 5) float32.

    Raises:
        UserError: no such file, or not that many numbers.
    """
    advice = "habitat-sim has it: habitat_sim/sensors/noise_models/data/redwood-depth-dist-model.npy."
    try:
        table = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UserError(f"Cannot read the table of depth errors {path} ({error.strerror or error}). {advice}") from None
    except (ValueError, EOFError):  # numpy's own words advise to unpickle what is no array
        raise UserError(f"{path} is no table of depth errors: not a .npy file of numbers. {advice}") from None
    if not isinstance(table, np.ndarray) or table.size != np.prod(TABLE_SHAPE) or table.dtype.kind != "f":
        raise UserError(f"{path} is no table of depth errors: not {' × '.join(map(str, TABLE_SHAPE))} floats. {advice}")
    return np.nan_to_num(table.reshape(TABLE_SHAPE).astype(np.float32), nan=0, posinf=0, neginf=0)
