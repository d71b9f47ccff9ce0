"""Detection: which boxes are to be found in a frame, what counts, and that the score is COCO's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import masks_to_boxes  # an independent way from masks to boxes

from benchmark.boxes import Boxes, TrueBoxes
from benchmark.instance_boxes import LEAST_FILL, LEAST_SHARE, LEAST_SIDE_PX, instance_boxes
from benchmark.metrics.detection import average_precision
from benchmark.statistics import Sample, bootstrap
from benchmark.tasks import TASKS, Task, detection
from benchmark.tasks.detection import DETECTION, LEAST_BOXES, NO_THINGS

CATEGORIES = ("wall", "chair", "table", "otherprop", "gizmo")
CHAIR, TABLE = (DETECTION.categories.index(name) + 1 for name in ("chair", "table"))


def recording(semantic: np.ndarray, instance: np.ndarray) -> SimpleNamespace:
    arrays = {"semantic": semantic.astype(np.uint16), "instance": instance.astype(np.uint16)}
    return SimpleNamespace(array=arrays.__getitem__, meta=SimpleNamespace(categories=CATEGORIES))


def targets(semantic: np.ndarray, instance: np.ndarray) -> TrueBoxes:
    return DETECTION.targets(recording(semantic, instance), np.arange(len(semantic)))


def frame(*things: tuple[int, int, tuple[slice, slice]]) -> tuple[np.ndarray, np.ndarray]:
    """Return (1, 40, 50) semantic and instance maps: a wall, and things as (category id, instance id, place)."""
    semantic, instance = np.ones((1, 40, 50), int), np.full((1, 40, 50), 99)
    for category, number, place in things:
        semantic[0][place], instance[0][place] = category, number
    return semantic, instance


def said(boxes: list[tuple[float, ...]], categories: list[int], scores: list[float]) -> Boxes:
    return Boxes(
        np.array([len(boxes)]),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(categories, np.uint8),
        np.array(scores, np.float32),
    )


def test_the_task_fulfils_the_contract() -> None:
    assert isinstance(TASKS["detection"], Task)
    assert len({m.key for m in DETECTION.measures}) == len(DETECTION.measures)


def test_a_box_goes_around_the_visible_pixels_of_an_instance() -> None:
    truth = targets(*frame((2, 5, np.s_[10:20, 30:45])))
    assert truth.box.tolist() == [[30, 10, 45, 20]]
    assert truth.category.tolist() == [CHAIR]
    assert not truth.ignored.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_boxes_are_those_that_torchvision_draws_around_the_masks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = np.kron(rng.integers(0, 5, (1, 6, 7)), np.ones((1, 5, 6), int))
    truth = instance_boxes(instance, np.full(instance.shape, 3, np.uint8), np.ones(1, bool))
    ids = [number for number in np.unique(instance) if number]
    masks = torch.from_numpy(np.stack([instance[0] == number for number in ids]))
    expected = masks_to_boxes(masks).numpy()
    expected[:, 2:] += 1  # torchvision names the last pixel, we its far edge
    np.testing.assert_array_equal(truth.box, expected)


def test_two_instances_of_a_category_have_two_boxes_and_fragments_of_one_have_one() -> None:
    semantic, instance = frame(
        (2, 5, np.s_[0:10, 0:10]), (2, 6, np.s_[0:10, 20:30]), (3, 7, np.s_[20:30, 0:10]), (3, 7, np.s_[20:30, 15:25])
    )
    truth = targets(semantic, instance)
    assert truth.box.tolist() == [[0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 25, 30]]
    assert truth.category.tolist() == [CHAIR, CHAIR, TABLE]


@pytest.mark.parametrize("name", ["wall", "otherprop", "gizmo"])
def test_what_is_not_countable_or_has_no_category_has_no_box(name: str) -> None:
    truth = targets(*frame((CATEGORIES.index(name) + 1, 5, np.s_[10:20, 30:45])))
    assert truth.count.tolist() == [0]


def test_unlabelled_pixels_of_an_instance_do_not_widen_its_box() -> None:
    semantic, instance = frame((2, 5, np.s_[10:20, 10:20]), (0, 5, np.s_[10:20, 20:30]))
    assert targets(semantic, instance).box.tolist() == [[10, 10, 20, 20]]


@pytest.mark.parametrize(
    ("place", "ignored"),
    [
        (np.s_[0:LEAST_SIDE_PX, 0:20], False),
        (np.s_[0 : LEAST_SIDE_PX - 1, 0:20], True),
        (np.s_[0:20, 0 : LEAST_SIDE_PX - 1], True),
    ],
)
def test_a_narrow_box_is_ignored(place: tuple[slice, slice], ignored: bool) -> None:
    assert targets(*frame((2, 5, place))).ignored.tolist() == [ignored]


def test_a_box_of_too_few_pixels_is_ignored() -> None:
    instance = np.zeros((1, 200, 200), int)
    instance[0, :4, :4] = 1
    assert LEAST_SHARE * 200 * 200 > 16
    assert instance_boxes(instance, np.ones(instance.shape, np.uint8), np.ones(1, bool)).ignored.all()


def test_a_box_that_is_mostly_something_else_is_ignored() -> None:
    corners = (np.s_[0:5, 0:5], np.s_[15:20, 15:20])
    truth = targets(*frame(*((2, 5, place) for place in corners)))
    assert LEAST_FILL * 400 > 50
    assert truth.ignored.tolist() == [True]


def test_a_frame_without_labels_says_nothing_and_one_without_things_says_that_it_is_empty() -> None:
    semantic, instance = np.zeros((2, 40, 50), int), np.zeros((2, 40, 50), int)
    semantic[1] = 1
    truth = targets(semantic, instance)
    assert DETECTION.has_truth(truth).tolist() == [False, True]
    wrong = Boxes.concatenate([said([(0, 0, 9, 9)], [CHAIR], [0.5])] * 2)
    assert DETECTION.statistics(wrong, truth, np.array([0, 1])).frames.tolist() == [0, 1]


def test_boxes_of_many_frames_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    instance = np.kron(rng.integers(0, 4, (7, 4, 5)), np.ones((1, 10, 10), int))
    together = targets(np.full(instance.shape, 2), instance)
    monkeypatch.setattr(detection, "FRAMES_AT_ONCE", 2)
    in_parts = targets(np.full(instance.shape, 2), instance)
    assert together.count.sum() > 7
    for name in ("count", "box", "category", "ignored", "labelled"):
        np.testing.assert_array_equal(getattr(in_parts, name), getattr(together, name))


def test_categories_are_those_of_the_taxonomy_that_can_be_counted() -> None:
    assert not set(NO_THINGS) & set(DETECTION.categories)
    assert set(NO_THINGS) | set(DETECTION.categories) == set(DETECTION.taxonomy.categories)
    assert "wall" not in DETECTION.lacking(("chair",))
    assert "table" in DETECTION.lacking(("chair",))


def many(frames: int) -> tuple[Boxes, TrueBoxes, np.ndarray]:
    """Return predictions and truth of chairs, tables and, in one frame, a bed."""
    rng = np.random.default_rng(0)
    low = rng.integers(0, 25, (2 * frames, 2))
    box = np.concatenate([low, low + rng.integers(6, 24, low.shape)], axis=1).astype(np.float32)
    category = np.tile([CHAIR, TABLE], frames).astype(np.uint8)
    category[0] = DETECTION.categories.index("bed") + 1
    count = np.full(frames, 2)
    truth = TrueBoxes(40, 50, np.ones(frames, bool), count, box, category, np.zeros(len(box), bool))
    near = box + rng.integers(0, 4, box.shape).astype(np.float32)
    return Boxes(count, near, category, rng.random(len(box)).astype(np.float32)), truth, np.arange(frames) // 5


def test_the_measures_are_means_over_the_scored_categories() -> None:
    prediction, truth, trajectory = many(40)
    statistics = DETECTION.statistics(prediction, truth, trajectory)
    scope = DETECTION.scope(statistics.total, DETECTION.seen([truth]))
    assert scope.scored == tuple(sorted((CHAIR, TABLE)))
    precision = average_precision(statistics.total)[np.array(scope.scored) - 1]
    metrics = DETECTION.metrics(statistics.total, scope)
    assert metrics["map"] == pytest.approx(precision[:, :10].mean())
    assert metrics["ap50"] == pytest.approx(precision[:, 0].mean())
    assert metrics["ap75"] == pytest.approx(precision[:, 5].mean())
    assert metrics["ap50_large"] == pytest.approx(np.nanmean(precision[:, 12]))
    per_category = DETECTION.per_category(statistics.total, scope)
    assert np.nanmean(per_category) == pytest.approx(metrics["map"])
    assert np.isnan(per_category).sum() == len(DETECTION.categories) - 2
    assert 0.2 < metrics["map"] < metrics["ap50"] < 1


def test_reduced_sums_give_what_all_sums_give_also_over_leading_axes() -> None:
    prediction, truth, trajectory = many(40)
    statistics = DETECTION.statistics(prediction, truth, trajectory)
    scope = DETECTION.scope(statistics.total, DETECTION.seen([truth]))
    reduced = DETECTION.reduced(statistics.sums, scope)
    assert reduced.size < statistics.sums.size / 30
    whole = DETECTION.metrics(statistics.total, scope)
    for key, values in DETECTION.reduced_metrics(np.stack([reduced.sum(axis=0)] * 3)).items():
        np.testing.assert_allclose(values, whole[key])


def test_without_a_scored_category_there_is_no_score() -> None:
    prediction, truth, trajectory = many(40)
    statistics = DETECTION.statistics(prediction, truth, trajectory)
    scope = DETECTION.scope(statistics.total, ())
    assert all(np.isnan(value) for value in DETECTION.metrics(statistics.total, scope).values())
    assert np.isnan(DETECTION.per_category(statistics.total, scope)).all()
    sample = Sample("a/b", (0,), DETECTION.reduced(statistics.sums[None], scope), DETECTION.reduced_metrics)
    assert np.isnan(bootstrap([sample], resamples=5)["map"].value)


def test_a_category_counts_where_it_has_enough_boxes_and_was_taught() -> None:
    prediction, truth, trajectory = many(40)
    total = DETECTION.statistics(prediction, truth, trajectory).total
    left_out = DETECTION.scope(total, (CHAIR, DETECTION.categories.index("bed") + 1)).left_out
    assert left_out["table"] == "not in the transfer training labels"
    assert left_out["bed"] == f"fewer than {LEAST_BOXES} boxes"
    assert left_out["sofa"] == "not in the scored frames"


def test_ignored_boxes_teach_and_count_nothing() -> None:
    truth = targets(*frame((2, 5, np.s_[0:2, 0:20]), (3, 6, np.s_[10:20, 0:20])))
    assert DETECTION.seen([truth]) == (TABLE,)
    assert DETECTION.count_categories(truth)[CHAIR - 1] == 0
    found = said([(0, 0, 20, 2)], [CHAIR], [0.9])
    assert not DETECTION.statistics(found, truth, np.zeros(1, int)).total[CHAIR - 1].any()


def test_head_output_without_score_or_area_is_no_box() -> None:
    box = np.array([[[0, 0, 4, 4], [1, 1, 1, 5], [2, 2, 6, 6]]], np.float32)
    encoded = DETECTION.encode_prediction((box, np.array([[1, 2, 3]]), np.array([[0.5, 0.5, 0.0]], np.float32)))
    assert (encoded.count.tolist(), encoded.category.tolist()) == ([1], [1])


def test_a_frame_is_judged_by_its_best_boxes_as_many_as_there_are() -> None:
    truth = targets(*frame((2, 5, np.s_[0:10, 0:10]), (3, 6, np.s_[20:30, 0:10])))
    boxes = [(0.0, 0.0, 10.0, 10.0), (0.0, 20.0, 10.0, 30.0), (30.0, 0.0, 40.0, 10.0)]
    right = said(boxes, [CHAIR, TABLE, TABLE], [0.9, 0.8, 0.7])
    wrong_first = said(boxes, [CHAIR, TABLE, TABLE], [0.9, 0.1, 0.7])
    assert DETECTION.in_words(right, truth) == "2 of 2 found"
    assert DETECTION.in_words(wrong_first, truth) == "1 of 2 found"
    assert DETECTION.in_words(right, targets(*frame())) == "nothing to be found"


def test_pictures_show_truth_and_the_best_boxes_in_the_colours_of_their_categories() -> None:
    truth = targets(*frame((2, 5, np.s_[4:24, 4:24]), (3, 6, np.s_[30:32, 0:20])))
    rgb = np.full((40, 50, 3), 128, np.uint8)
    colours = np.zeros((len(DETECTION.categories) + 1, 3), np.uint8)
    colours[CHAIR], colours[TABLE] = (250, 0, 0), (0, 250, 0)
    picture = DETECTION.display(truth, truth, rgb, colours)
    factor = picture.shape[0] // 40
    assert picture.shape == (40 * factor, 50 * factor, 3)
    assert picture[24 * factor - 1, 10 * factor].tolist() == [250, 0, 0]
    assert picture[30 * factor, 10 * factor].tolist() == [0, 250, 0]
    wrong = said([(4, 4, 24, 24), (30, 4, 44, 24)], [TABLE, CHAIR], [0.1, 0.9])
    shown = DETECTION.display(wrong, truth, rgb, colours)
    assert not (shown == [0, 250, 0]).all(axis=2).any()
    assert (shown == [250, 0, 0]).all(axis=2).any()
