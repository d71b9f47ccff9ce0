"""Small scenes with known geometry, and shapes small enough to train in a test."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.encoder import EncoderConfig
from sim_envs.recordings.sensed import SensedFrames
from sim_envs.rig import Rig


def plane_frames(count: int, size: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return frames of one infinite striped plane each, as stored; depth and normals from one closed form.

    A plane n · x = −d with unit n facing the camera, seen along rays (x, y, −1), has planar depth
    d / −(n · ray). Where it is farther than 30 m there is no measurement.
    """
    rng = np.random.default_rng(seed)
    rays = Rig(size, size).directions().astype(np.float64)
    normal = np.concatenate([rng.uniform(-0.6, 0.6, (count, 2)), np.ones((count, 1))], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    distance = rng.uniform(0.7, 3.0, count)
    depth = distance[:, None, None] / -np.einsum("hwc,nc->nhw", rays, normal)
    stripes = np.sin(4 * rays[..., 0] * depth) + np.sin(4 * rays[..., 1] * depth)
    rgb = rng.uniform(60, 190, (count, 1, 1, 3)) + stripes[..., None] * [30.0, 20.0, 10.0]
    return {
        "rgb": rgb.clip(0, 255).round().astype(np.uint8),
        "depth": np.where((depth > 0) & (depth < 30), depth * 1000, 0).round().astype(np.uint16),
        "normals": np.repeat(((normal + 1) * 127.5).round().astype(np.uint8), size**2, axis=0).reshape(rgb.shape),
        "edges": (np.abs(stripes) < 0.2).astype(np.uint8) * 255,
    }


@pytest.fixture(scope="session")
def planes() -> SensedFrames:
    """Forty frames of 32×32 pixels, all sensed modalities."""
    return SensedFrames(plane_frames(40, 32), np.arange(40))


@pytest.fixture(scope="session")
def small_shape() -> EncoderConfig:
    """A ViT of 16 tokens that fits the planes."""
    return EncoderConfig(image_size=32, patch_size=8, width=32, depth=2, heads=2)
