"""Overlap of categories agrees with independent references to 1e-6, on random and on adversarial input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.metrics.overlap import (
    category_iou,
    confusion_matrices,
    mean_iou,
    overlap_sums,
    pixel_accuracy,
)

K = 5
ids = st.integers(1, K)
maps = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        arrays(np.uint8, (n, 3, 4), elements=ids),
        arrays(np.uint8, (n, 3, 4), elements=st.integers(0, K)),
    )
)
masks = arrays(np.bool_, (K,))


def one_group(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    return confusion_matrices(prediction, target, np.zeros(len(target), int), 1, K)[0].sum(axis=(0, 1))


@pytest.mark.slow
@given(maps=maps, scored=masks)
@settings(max_examples=15, deadline=None)
def test_iou_agrees_with_torchmetrics(maps: tuple[np.ndarray, np.ndarray], scored: np.ndarray) -> None:
    import torch
    from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

    prediction, target = maps
    target = np.where(np.concatenate([[False], scored])[target], target, 0)
    ours = category_iou(overlap_sums(one_group(prediction, target), scored))
    pair = torch.from_numpy(prediction.astype(int)), torch.from_numpy(target.astype(int))
    theirs = MulticlassJaccardIndex(K + 1, average="none", ignore_index=0)(*pair).numpy()[1:]
    present = np.isin(np.arange(1, K + 1), target)
    np.testing.assert_allclose(ours[present], theirs[present], atol=1e-6)
    assert np.isnan(ours[~present]).all()
    if present.any():
        assert mean_iou(overlap_sums(one_group(prediction, target), scored)) == pytest.approx(
            theirs[present].mean(), abs=1e-6
        )
        accuracy = MulticlassAccuracy(K + 1, average="micro", ignore_index=0)(*pair).item()
        assert pixel_accuracy(overlap_sums(one_group(prediction, target), scored)) == pytest.approx(accuracy, abs=1e-6)


@given(maps=maps, scored=masks)
@settings(deadline=None)
def test_iou_is_what_sets_of_pixels_say(maps: tuple[np.ndarray, np.ndarray], scored: np.ndarray) -> None:
    prediction, target = maps
    ours = category_iou(overlap_sums(one_group(prediction, target), scored))
    counted = (target > 0) & np.concatenate([[False], scored])[target]
    for category in range(1, K + 1):
        truth, guess = counted & (target == category), counted & (prediction == category)
        if truth.any():
            assert ours[category - 1] == pytest.approx((truth & guess).sum() / (truth | guess).sum(), abs=1e-12)
        else:
            assert np.isnan(ours[category - 1])


def test_perfect_prediction_scores_one_and_disjoint_prediction_zero() -> None:
    target = np.array([[[1, 2, 3]]], np.uint8)
    scored = np.ones(K, bool)
    assert mean_iou(overlap_sums(one_group(target, target), scored)) == 1
    assert mean_iou(overlap_sums(one_group(np.array([[[2, 3, 1]]], np.uint8), target), scored)) == 0


def test_an_unlabelled_frame_has_no_score() -> None:
    empty = np.zeros((1, 2, 2), np.uint8)
    matrix = one_group(empty + 1, empty)
    assert matrix.sum() == 0
    assert np.isnan(mean_iou(overlap_sums(matrix, np.ones(K, bool))))


def test_confusions_of_groups_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(0)
    target, prediction = rng.integers(0, K + 1, (9, 4, 4)), rng.integers(1, K + 1, (9, 4, 4))
    group = rng.integers(0, 3, 9)
    parts = confusion_matrices(prediction.astype(np.uint8), target.astype(np.uint8), group, 3, K)
    np.testing.assert_array_equal(parts.sum(axis=(0, 1, 2)), one_group(prediction, target))


def test_metrics_run_over_leading_axes() -> None:
    matrices = np.random.default_rng(1).integers(0, 50, (7, 2, K, K))
    scored = np.array([True, True, False, True, True])
    together = mean_iou(overlap_sums(matrices, scored))
    assert together.shape == (7, 2)
    assert together[3, 1] == mean_iou(overlap_sums(matrices[3, 1], scored))
