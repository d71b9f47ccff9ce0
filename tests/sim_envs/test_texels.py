"""Texture sampling: bilinear, repeated, filtered by mip-maps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_envs.engines.texels import Texels


def picture(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sample(
    textures: list[np.ndarray], u: np.ndarray, v: np.ndarray, texture: int = 0, footprint: float = 1.0
) -> np.ndarray:
    """Return (N, 3) colours."""
    u, v = np.atleast_1d(u).astype(np.float32), np.atleast_1d(v).astype(np.float32)
    index = np.full(len(u), texture, np.intp)
    return Texels(textures).sample(index, u, v, np.full(len(u), footprint, np.float32)).T


def centres(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return u and v of every texel's centre, row by row from the top."""
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, 1 - (np.arange(height) + 0.5) / height)
    return u.ravel(), v.ravel()


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7), (1, 1), (1, 6), (16, 3)])
def test_a_texel_centre_gives_the_texel(height: int, width: int) -> None:
    texture = picture(0, height, width)
    assert np.allclose(sample([texture], *centres(height, width)), texture.reshape(-1, 3), atol=1e-2)


def test_between_texels_it_agrees_with_opencv() -> None:
    texture = picture(1, 24, 40)
    rng = np.random.default_rng(2)
    u, v = rng.random(500), rng.random(500)
    x, y = (u * 40 - 0.5).astype(np.float32), ((1 - v) * 24 - 0.5).astype(np.float32)
    expected = cv2.remap(texture.astype(np.float32), x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)[0]
    assert np.abs(sample([texture], u, v) - expected).max() < 8  # OpenCV rounds positions to 1/32 texel
    assert np.abs(sample([texture], u, v) - expected).mean() < 1.5


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 99))
def test_textures_repeat(shift_u: int, shift_v: int, seed: int) -> None:
    texture = picture(3, 9, 5)
    u, v = np.random.default_rng(seed).random((2, 30))
    assert np.allclose(sample([texture], u, v), sample([texture], u + shift_u, v + shift_v), atol=0.2)


def test_every_texture_keeps_to_itself() -> None:
    textures = [np.full((h, w, 3), value, np.uint8) for value, (h, w) in enumerate([(4, 4), (1, 1), (7, 2)], 1)]
    rng = np.random.default_rng(4)
    for index in range(3):
        for footprint in (0.1, 2.0, 1e6):
            colours = sample(textures, *rng.random((2, 50)) * 6 - 3, texture=index, footprint=footprint)
            assert np.allclose(colours, index + 1, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 20)])
def test_a_huge_footprint_gives_the_mean_colour(height: int, width: int) -> None:
    texture = picture(5, height, width)
    u, v = np.random.default_rng(6).random((2, 20))
    assert np.abs(sample([texture], u, v, footprint=1e5) - texture.mean(axis=(0, 1))).max() < 3


def test_the_level_follows_the_footprint() -> None:
    """Stripes one texel wide are there at footprint 1 and grey at footprint 2."""
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = 200
    u, v = centres(16, 16)
    assert np.ptp(sample([stripes], u, v, footprint=1.3)) == pytest.approx(200, abs=0.1)
    assert np.allclose(sample([stripes], u, v, footprint=1.5), 100, atol=1)


@pytest.mark.parametrize("footprint", [0.0, np.inf, np.nan])
def test_a_footprint_without_sense_does_not_read_elsewhere(footprint: float) -> None:
    texture = np.full((4, 4, 3), 9, np.uint8)
    assert np.allclose(sample([picture(7, 8, 8), texture, picture(8, 8, 8)], 0.3, 0.4, 1, footprint), 9)
