"""Boundary IoU equals the paper's, mask by mask, in all that is not ignored; and ignored pixels cost nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.metrics.boundary import boundaries, boundary_width
from benchmark.metrics.overlap import boundary_overlap_sums, category_iou, confusion_matrices
from benchmark.tasks.semseg import SEMSEG

K = 4


def eroded_away(mask: np.ndarray, ignored: np.ndarray, width: int) -> np.ndarray:
    """Return what erosion takes from one (H, W) mask: the paper's M_d ∩ M, from its definition in Sec. 4."""
    framed = cv2.copyMakeBorder((mask | ignored).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1]
    return mask & (inner == 0) & ~ignored


def plain(prediction: np.ndarray, target: np.ndarray, category: int, counted: np.ndarray) -> float:
    """Return one category's boundary IoU over all frames, from single masks; NaN without a true boundary."""
    both = either = true = 0
    width = max(1, round(0.02 * np.sqrt(target.shape[1] ** 2 + target.shape[2] ** 2)))
    for guessed, truth, here in zip(prediction, target, counted, strict=True):
        ignored = truth == 0
        edge_of_truth = eroded_away(truth == category, ignored, width) & here
        edge_of_guess = eroded_away(guessed == category, ignored, width) & here
        both += (edge_of_truth & edge_of_guess).sum()
        either += (edge_of_truth | edge_of_guess).sum()
        true += edge_of_truth.sum()
    return both / either if true else np.nan


def ours(prediction: np.ndarray, target: np.ndarray, scored: np.ndarray) -> np.ndarray:
    sums = confusion_matrices(prediction, target, np.zeros(len(target), int), 1, K)[0]
    return category_iou(boundary_overlap_sums(sums, scored))


def blobs(rng: np.random.Generator, frames: int, height: int, width: int, lowest: int) -> np.ndarray:
    """Return (frames, height, width) ids lowest…K in blobs a few pixels wide."""
    coarse = rng.integers(lowest, K + 1, (frames, height // 5 + 1, width // 5 + 1)).astype(np.uint8)
    return coarse.repeat(5, axis=1).repeat(5, axis=2)[:, :height, :width]


# Sides that give boundaries of 1, 1, 2 and 4 pixels, and frames that are thinner than one boundary.
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([(1, 1), (9, 12), (60, 70), (128, 150), (2, 200), (120, 5)]),
    scored=arrays(np.bool_, (K,)),
)
@settings(deadline=None, max_examples=40)
def test_every_category_equals_the_masks_of_the_paper(seed: int, size: tuple[int, int], scored: np.ndarray) -> None:
    rng = np.random.default_rng(seed)
    target = blobs(rng, 2, *size, lowest=0)
    target[rng.uniform(size=target.shape) < 0.02] = 0
    prediction = np.where(rng.uniform(size=target.shape) < 0.9, target, blobs(rng, 2, *size, lowest=1))
    prediction = np.where(prediction == 0, blobs(rng, 2, *size, lowest=1), prediction)
    counted = np.concatenate([[False], scored])[target]
    found = ours(prediction, target, scored)
    for category in range(1, K + 1):
        expected = plain(prediction, target, category, counted)
        assert found[category - 1] == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(
    maps=st.tuples(
        arrays(np.uint8, (2, 3, 4), elements=st.integers(1, K)), arrays(np.uint8, (2, 3, 4), elements=st.integers(0, K))
    )
)
@settings(deadline=None)
def test_maps_without_any_order_equal_the_masks_of_the_paper(maps: tuple[np.ndarray, np.ndarray]) -> None:
    prediction, target = maps
    found = ours(prediction, target, np.ones(K, bool))
    for category in range(1, K + 1):
        expected = plain(prediction, target, category, target > 0)
        assert found[category - 1] == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("height", "width", "pixels"), [(8, 8, 1), (64, 64, 2), (256, 256, 7), (480, 640, 16)])
def test_a_boundary_is_2_percent_of_the_diagonal_wide(height: int, width: int, pixels: int) -> None:
    assert boundary_width(height, width) == pixels


def test_the_border_of_the_frame_ends_a_mask() -> None:
    frame = np.ones((1, 5, 6), np.uint8)
    assert boundaries(frame, frame == 0, 1)[0].sum() == 5 * 6 - 3 * 4


def test_ignored_pixels_make_no_boundary() -> None:
    frame = np.ones((1, 9, 9), np.uint8)
    frame[0, 3:6, 3:6] = 0
    found = boundaries(frame, frame == 0, 1)[0]
    assert not found[1:-1, 1:-1].any()


def test_what_is_said_of_ignored_pixels_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    target = blobs(rng, 3, 60, 60, lowest=0)
    prediction = blobs(rng, 3, 60, 60, lowest=1)
    other = np.where(target == 0, 1 + prediction % K, prediction).astype(np.uint8)
    assert (other != prediction).any()
    everything = np.ones(K, bool)
    np.testing.assert_array_equal(ours(prediction, target, everything), ours(other, target, everything))


def test_a_right_prediction_has_boundary_iou_1_and_one_shifted_by_more_than_the_boundary_0() -> None:
    target = np.ones((1, 40, 40), np.uint8)
    target[0, 10:20, 10:20] = 2
    shifted = np.ones_like(target)
    shifted[0, 23:33, 23:33] = 2
    assert ours(target, target, np.ones(K, bool))[:2].tolist() == [1, 1]
    assert ours(shifted, target, np.ones(K, bool))[1] == 0


def test_frames_with_nothing_but_ignored_pixels_have_no_boundary_iou() -> None:
    target = np.zeros((2, 8, 8), np.uint8)
    assert np.isnan(ours(target + 1, target, np.ones(K, bool))).all()


def test_boundaries_of_trajectories_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    shape = (12, 30, 30)
    target = rng.integers(0, 41, shape).astype(np.uint8)
    prediction = rng.integers(1, 41, shape).astype(np.uint8)
    whole = SEMSEG.statistics(prediction, target, np.zeros(12, int))
    parts = SEMSEG.statistics(prediction, target, np.arange(12) // 3)
    np.testing.assert_array_equal(parts.total, whole.total)
    scope = SEMSEG.scope(whole.total, tuple(range(1, 41)))
    assert SEMSEG.metrics(parts.total, scope) == SEMSEG.metrics(whole.total, scope)
