"""Derived sensors: Canny edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sim_envs.modalities import MODALITIES
from sim_envs.sensors import DERIVED
from sim_envs.sensors.edges import edges_from_rgb


def step(size: int, low: int = 40, high: int = 200) -> np.ndarray:
    picture = np.full((size, size, 3), low, np.uint8)
    picture[:, size // 2 :] = high
    return picture


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_a_step_gives_one_thin_line(size: int) -> None:
    edges = edges_from_rgb(step(size)) > 0
    assert (edges[2:-2].sum(axis=1) == 1).all()
    assert set(np.nonzero(edges)[1]) <= {size // 2 - 1, size // 2}


def test_a_plain_picture_and_a_slow_gradient_have_no_edges() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 128, dtype=np.uint8)[None, :, None], (128, 128, 3))
    assert not edges_from_rgb(np.full((64, 64, 3), 77, np.uint8)).any()
    assert not edges_from_rgb(ramp).any()


def test_a_faint_step_is_no_edge() -> None:
    assert not edges_from_rgb(step(64, low=100, high=110)).any()


def test_edges_agree_with_plain_canny_on_smoothed_grey() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    picture = cv2.resize(noise, (128, 128), interpolation=cv2.INTER_CUBIC)
    grey = np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    plain = cv2.Canny(cv2.GaussianBlur(grey, (7, 7), 1.0), 40, 100, L2gradient=True)
    assert plain.any()
    assert (edges_from_rgb(picture) == plain).mean() > 0.99


def test_edges_fit_the_modality_table_and_take_flipped_views() -> None:
    picture = step(64)
    edges = edges_from_rgb(picture)
    assert edges.dtype == MODALITIES["edges"].dtype
    assert edges.shape == MODALITIES["edges"].frame_shape(64, 64)
    assert set(np.unique(edges)) == {0, 255}
    assert edges_from_rgb(picture[:, ::-1]).any()


def test_every_derived_modality_of_the_table_can_be_made() -> None:
    assert set(DERIVED) == {name for name, row in MODALITIES.items() if row.derived_from is not None}
    frame = {"rgb": step(64)}
    assert np.array_equal(DERIVED["edges"](frame), edges_from_rgb(frame["rgb"]))
