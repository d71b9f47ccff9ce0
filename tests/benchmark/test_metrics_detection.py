"""Average precision of boxes, against pycocotools."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from benchmark.boxes import Boxes, TrueBoxes
from benchmark.metrics.detection import (
    LARGE_FROM,
    MEDIUM_FROM,
    STRETCHES,
    average_precision,
    average_precisions,
    detection_sums,
    intersection_over_union,
)

HEIGHT, WIDTH = 48, 64
AREAS = [[0, 1e10]] + [
    [low * HEIGHT * WIDTH, high * HEIGHT * WIDTH if high < 1 else 1e10]
    for low, high in ((0, MEDIUM_FROM), (MEDIUM_FROM, LARGE_FROM), (LARGE_FROM, 1))
]


def by_pycocotools(prediction: Boxes, truth: TrueBoxes, categories: int) -> np.ndarray:
    """Return (categories, 13) average precisions: ten thresholds, then small, medium and large at IoU 0.5."""
    # The only way to tell it that a truth is to be ignored, other than as a crowd, is an area outside every range.
    annotations = [
        {
            "id": i + 1,
            "image_id": int(frame),
            "category_id": int(category),
            "bbox": _xywh(box),
            "area": 1e12 if ignored else float(np.prod(_xywh(box)[2:])),
            "iscrowd": 0,
        }
        for i, (frame, category, box, ignored) in enumerate(
            zip(truth.frame, truth.category, truth.box, truth.ignored, strict=True)
        )
    ]
    detections = [
        {"image_id": int(frame), "category_id": int(category), "bbox": _xywh(box), "score": float(score)}
        for frame, category, box, score in zip(
            prediction.frame, prediction.category, prediction.box, prediction.score, strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i} for i in range(len(truth))],
            "annotations": annotations,
            "categories": [{"id": c} for c in range(1, categories + 1)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(detections) if detections else _nothing(coco), "bbox")
        evaluation.params.areaRng = AREAS
        evaluation.evaluate()
        evaluation.accumulate()
    found = evaluation.eval["precision"][..., -1].mean(axis=1)  # thresholds, categories, areas
    found = np.where(found < 0, np.nan, found)
    return np.concatenate([found[:, :, 0].T, found[0, :, 1:]], axis=1)


def _nothing(coco: COCO) -> COCO:
    empty = COCO()
    empty.dataset = coco.dataset | {"annotations": []}
    empty.createIndex()
    return empty


def _xywh(box: np.ndarray) -> list[float]:
    x0, y0, x1, y1 = box.astype(float).tolist()
    return [x0, y0, x1 - x0, y1 - y0]


def drawn(
    rng: np.random.Generator,
    frames: int,
    categories: int,
    *,
    most_true: int = 6,
    most_said: int = 12,
    scores: int = 1 << 24,
    grid: int = 1,
) -> tuple[Boxes, TrueBoxes]:
    """Draw truth, and predictions some of which lie near it; few ``scores`` or a coarse ``grid`` make ties."""
    true_count = rng.integers(0, most_true + 1, frames)
    count = rng.integers(0, most_said + 1, frames)
    box, category = _some_boxes(rng, int(true_count.sum()), grid), rng.integers(1, categories + 1, true_count.sum())
    truth = TrueBoxes(
        HEIGHT,
        WIDTH,
        np.ones(frames, bool),
        true_count,
        box,
        category.astype(np.uint8),
        rng.random(len(box)) < 0.2,
    )
    said, said_category = _some_boxes(rng, int(count.sum()), grid), rng.integers(1, categories + 1, count.sum())
    true_in, said_in = truth.frame, np.repeat(np.arange(frames), count)
    for i, frame in enumerate(said_in):
        near = np.flatnonzero(true_in == frame)
        if len(near) and rng.random() < 0.6:
            chosen = rng.choice(near)
            said[i] = box[chosen] + rng.integers(-3, 4, 4) * (rng.random(4) < 0.5)
            said_category[i] = category[chosen]
    low, high = np.minimum(said[:, :2], said[:, 2:]), np.maximum(said[:, :2], said[:, 2:])
    said = np.concatenate([low, np.maximum(high, low + 1)], axis=1).astype(np.float32)
    score = (rng.integers(1, scores + 1, len(said)) / scores).astype(np.float32)
    return Boxes(count, said, said_category.astype(np.uint8), score), truth


def _some_boxes(rng: np.random.Generator, count: int, grid: int) -> np.ndarray:
    low = rng.integers(0, [WIDTH // grid - 1, HEIGHT // grid - 1], (count, 2)) * grid
    side = (np.exp(rng.uniform(0, 3.3, (count, 2))) / grid).astype(int).clip(1) * grid
    return np.concatenate([low, low + side], axis=1).astype(np.float32)


def summed(prediction: Boxes, truth: TrueBoxes, categories: int) -> np.ndarray:
    return detection_sums(prediction, truth, np.arange(len(truth)) // 3, len(truth) // 3 + 1, categories)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 1 << 30),
    st.integers(1, 12),
    st.integers(1, 5),
    st.sampled_from([1 << 24, 10, 1]),
    st.sampled_from([1, 8]),
)
def test_average_precision_is_that_of_pycocotools_also_with_ties_of_scores_and_of_overlaps(
    seed: int, frames: int, categories: int, scores: int, grid: int
) -> None:
    prediction, truth = drawn(np.random.default_rng(seed), frames, categories, scores=scores, grid=grid)
    ours = average_precision(summed(prediction, truth, categories).sum(axis=0))
    np.testing.assert_allclose(ours, by_pycocotools(prediction, truth, categories), atol=1e-9)


@pytest.mark.parametrize("scores", [1 << 24, 100])
def test_it_is_also_where_a_ranking_has_more_hits_than_stretches(scores: int) -> None:
    prediction, truth = drawn(np.random.default_rng(5), 400, 2, most_true=8, most_said=20, scores=scores)
    sums = summed(prediction, truth, 2)
    assert sums.sum(axis=0)[:, 0, :-1, 0].sum(axis=-1).min() > 2 * STRETCHES
    np.testing.assert_allclose(average_precision(sums.sum(axis=0)), by_pycocotools(prediction, truth, 2), atol=1e-9)


def test_a_hundred_boxes_in_a_frame_all_count() -> None:
    prediction, truth = drawn(np.random.default_rng(1), 6, 1, most_said=100)
    prediction = Boxes.concatenate([prediction, prediction])[np.arange(6)]
    ours = average_precision(summed(prediction, truth, 1).sum(axis=0))
    np.testing.assert_allclose(ours, by_pycocotools(prediction, truth, 1), atol=1e-9)


def test_without_predictions_what_is_there_is_missed() -> None:
    rng = np.random.default_rng(2)
    prediction, truth = drawn(rng, 5, 2, most_said=0)
    assert not len(prediction.box)
    ours = average_precision(summed(prediction, truth, 2).sum(axis=0))
    np.testing.assert_array_equal(np.nan_to_num(ours, nan=0), 0)
    np.testing.assert_allclose(ours, by_pycocotools(prediction, truth, 2))


def test_a_category_that_is_nowhere_has_no_precision() -> None:
    prediction, truth = drawn(np.random.default_rng(3), 4, 2)
    assert np.isnan(average_precision(summed(prediction, truth, 3).sum(axis=0))[2]).all()


def test_two_halves_of_the_trajectories_have_together_what_the_whole_has() -> None:
    prediction, truth = drawn(np.random.default_rng(4), 30, 2)
    group = np.arange(30) % 7
    sums = detection_sums(prediction, truth, group, 7, 2)
    whole = detection_sums(prediction, truth, np.zeros(30, int), 1, 2)
    np.testing.assert_array_equal(sums[:3].sum(axis=0) + sums[3:].sum(axis=0), whole[0])


def test_a_resample_of_trajectories_has_the_precision_of_its_frames() -> None:
    """As long as fewer than 100 boxes are to be found every hit has a stretch of its own."""
    rng = np.random.default_rng(6)
    prediction, truth = drawn(rng, 40, 2)
    group = np.arange(40) // 4
    sums = detection_sums(prediction, truth, group, 10, 2)
    assert 40 < sums.sum(axis=0)[:, 0, -1, 0].max() < 100
    for _ in range(20):
        chosen = rng.integers(0, 10, 10)
        frames = np.concatenate([np.flatnonzero(group == g) for g in chosen])
        resampled = average_precision(sums[chosen].sum(axis=0))
        exact = by_pycocotools(prediction[frames], truth[frames], 2)
        np.testing.assert_allclose(resampled, exact, atol=1e-9)


def test_a_resample_of_a_long_ranking_is_never_above_its_frames_and_hardly_below() -> None:
    rng = np.random.default_rng(7)
    prediction, truth = drawn(rng, 300, 1, most_true=8, most_said=16)
    group = np.arange(300) // 10
    sums = detection_sums(prediction, truth, group, 30, 1)
    chosen = rng.integers(0, 30, 30)
    frames = np.concatenate([np.flatnonzero(group == g) for g in chosen])
    resampled = average_precision(sums[chosen].sum(axis=0))
    exact = by_pycocotools(prediction[frames], truth[frames], 1)
    assert (resampled <= exact + 1e-9).all()
    np.testing.assert_allclose(resampled, exact, atol=0.005)


def test_rankings_of_all_lengths_at_once_are_what_each_is_alone() -> None:
    rng = np.random.default_rng(8)
    length = rng.integers(0, 91, (4, 13, 1))
    sums = rng.integers(0, 3, (6, 4, 13, 91, 2)) * (np.arange(91) < length)[..., None]
    sums[..., -1, :] = 0
    sums[..., -1, 0] = sums[..., :-1, 0].sum(axis=-1).max(axis=0) + rng.integers(0, 5, (4, 13))
    np.testing.assert_allclose(average_precisions(sums), average_precision(sums), atol=1e-12)


def test_overlap_is_intersection_over_union() -> None:
    overlap = intersection_over_union(np.array([[0.0, 0, 4, 4]]), np.array([[2.0, 0, 6, 4], [4, 0, 8, 4]]))
    np.testing.assert_allclose(overlap, [[8 / 24, 0]])


@pytest.mark.parametrize("truths", [1, 7, 99, 100, 101, 250])
def test_recalls_that_fall_on_thresholds_are_counted_as_pycocotools_counts_them(truths: int) -> None:
    """7 of 10 is below the threshold that stands for 0.7: both are rounded, one up."""
    rng = np.random.default_rng(truths)
    box = np.tile(np.array([[10, 10, 30, 30]], np.float32), (truths, 1))
    one = np.ones(truths, np.int64)
    truth = TrueBoxes(HEIGHT, WIDTH, one > 0, one, box, one.astype(np.uint8), one == 0)
    said = np.where((rng.random(truths) < 0.2)[:, None], box + 25, box).astype(np.float32)
    prediction = Boxes(one, said, one.astype(np.uint8), rng.permutation(truths).astype(np.float32) / truths)
    ours = average_precision(summed(prediction, truth, 1).sum(axis=0))
    np.testing.assert_allclose(ours, by_pycocotools(prediction, truth, 1), atol=1e-9)
