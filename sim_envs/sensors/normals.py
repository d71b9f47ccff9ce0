"""Surface normals from a depth picture, for engines and devices that measure depth alone."""

from __future__ import annotations

import numpy as np

from sim_envs.rig import Rig

# The middle row is less moved by noise than the two that end at the pixel: it may be so much less straight.
MIDDLE_BEND = 0.25


def normals_from_depth(depth_m: np.ndarray, rig: Rig) -> np.ndarray:
    """Estimate the surface normal at every pixel that has a depth.

    On a plane 1/z is linear in the ray (x, y, −1), and its slopes give the normal,
    n ~ (−∂x, −∂y, 1/z − x ∂x − y ∂y), which faces the camera whatever the slopes. Along each axis the slope is
    taken from three pixels in a row that hold the pixel in their middle or at an end: from the straightest such
    row, so that creases and depth edges are not smeared. Planes come out exact wherever they are three pixels
    wide both ways. Narrower things get the flatter of their one-pixel differences, lone pixels the normal of a
    surface seen face on.

    Against the geometric normals of the ray caster, same float depth, hfov 90, 24 views each:

    ================================  ======  ======  ==========================
    space, pixels                     mean    median  share within 11.25 degrees
    ================================  ======  ======  ==========================
    builtin/flat-01, 128 × 128        4.1°    0.2°    92 %
    builtin/flat-01, 256 × 256        1.7°    0.2°    97 %
    real scan (RedKitchen), 128²      10.4°   4.7°    74 %
    real scan (RedKitchen), 256²      7.0°    3.0°    83 %
    ================================  ======  ======  ==========================

    The scan's faces (14 mm) are smaller than its pixels, so there the two differ in what they average over.

    Args:
        depth_m: (H, W) float32, planar metres, 0 = none.
        rig: the camera it was measured with.

    Returns:
        (H, W, 3) float32 unit vectors in the camera frame (OpenGL), facing the camera; 0 where depth is 0.
    """
    measured = depth_m > 0
    inverse = np.zeros(depth_m.shape, np.float32)
    np.divide(np.float32(1), depth_m, out=inverse, where=measured)
    rays = rig.directions()
    focal = np.float32(rig.focal)
    along_x = focal * _slope(inverse, measured)
    along_y = -focal * _slope(inverse.T, measured.T).T  # rows count downwards, y upwards
    normals = np.stack([-along_x, -along_y, inverse - rays[..., 0] * along_x - rays[..., 1] * along_y], axis=-1)
    length = np.sqrt(np.einsum("ijk,ijk->ij", normals, normals))
    normals /= np.where(measured, length, 1)[..., None]
    return normals


def _slope(values: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return (H, W) float32: how values grow from one column to the next; 0 where none is measured.

    Args:
        values: (H, W) float32.
        measured: (H, W) bool.
    """
    height, width = values.shape
    step = np.full((height, width + 1), np.nan, np.float32)  # step[:, i] leads from column i − 1 to i
    inner = step[:, 1:-1]
    np.subtract(values[:, 1:], values[:, :-1], out=inner)
    inner[~(measured[:, 1:] & measured[:, :-1])] = np.nan
    bend = np.full((height, width + 2), np.inf, np.float32)  # bend[:, i + 1] is that of the row around column i
    np.abs(step[:, 1:] - step[:, :-1], out=bend[:, 1:-1])
    np.nan_to_num(bend, copy=False, nan=np.inf, posinf=np.inf)

    before, after = step[:, :-1], step[:, 1:]
    ending, middle, starting = bend[:, :-2], MIDDLE_BEND * bend[:, 1:-1], bend[:, 2:]
    slope = np.where(ending < starting, before, after)
    of_ends = np.minimum(ending, starting)
    slope = np.where(middle <= of_ends, (before + after) / 2, slope)
    lone = ~np.isfinite(np.minimum(middle, of_ends))
    slope[lone] = np.where(np.fmin(np.abs(before), np.abs(after)) == np.abs(before), before, after)[lone]
    return np.nan_to_num(slope, copy=False, nan=0)
