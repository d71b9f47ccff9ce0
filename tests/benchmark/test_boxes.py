"""Boxes as a container of frames, and the file that predictions of them are kept in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from benchmark.boxes import Boxes, TrueBoxes
from benchmark.forms import Frames, concatenate
from benchmark.prediction_schema import prediction_schema
from benchmark.predictions import MANIFEST, SpacePrediction, load_prediction, save_predictions
from benchmark.tasks.detection import DETECTION
from sim_envs.errors import UserError

FRAMES = Frames(np.array([4, 7, 9]), 48, 64)


def some_boxes(counts: list[int]) -> Boxes:
    """Return boxes whose score tells their place, so that nothing can be mistaken for something else."""
    total = sum(counts)
    low = np.arange(2 * total).reshape(total, 2) % 40
    return Boxes(
        np.array(counts, np.int64),
        np.concatenate([low, low + 5], axis=1).astype(np.float32),
        (np.arange(total) % 30 + 1).astype(np.uint8),
        (np.arange(total) / max(total, 1)).astype(np.float32),
    )


def frame_by_frame(boxes: Boxes) -> list[list[float]]:
    return [boxes.score[boxes.frame == i].tolist() for i in range(len(boxes))]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_frames_are_picked_as_from_a_list(counts: list[int], data: st.DataObject) -> None:
    boxes = some_boxes(counts)
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=10))
    assert frame_by_frame(boxes[np.array(rows, int)]) == [frame_by_frame(boxes)[i] for i in rows]


def test_frames_are_picked_by_a_mask_too() -> None:
    boxes = some_boxes([2, 0, 3])
    assert frame_by_frame(boxes[np.array([True, False, True])]) == [frame_by_frame(boxes)[i] for i in (0, 2)]


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=4))
def test_parts_are_put_together_in_their_order(parts: list[list[int]]) -> None:
    boxes = [some_boxes(counts) for counts in parts]
    assert frame_by_frame(concatenate(boxes)) == [frame for part in boxes for frame in frame_by_frame(part)]


def test_truth_is_picked_and_put_together_with_all_that_it_says() -> None:
    said = some_boxes([1, 2])
    truth = TrueBoxes(48, 64, np.array([True, False]), said.count, said.box, said.category, np.arange(3) == 1)
    again = concatenate([truth[np.array([0])], truth[np.array([1])]])
    for name in ("labelled", "count", "box", "category", "ignored"):
        np.testing.assert_array_equal(getattr(again, name), getattr(truth, name))


def test_truth_of_frames_of_two_sizes_is_not_put_together() -> None:
    said = some_boxes([1])
    truth = TrueBoxes(48, 64, np.ones(1, bool), said.count, said.box, said.category, np.zeros(1, bool))
    with pytest.raises(ValueError, match="different sizes"):
        concatenate([truth, replace(truth, height=64)])


def test_predictions_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    boxes = some_boxes([2, 0, 3])
    part = SpacePrediction("builtin/flat-01", "d" * 64, FRAMES.rows, boxes, (48, 64))
    save_predictions(tmp_path, [part], task=DETECTION, model="m", protocol="frozen", seed=0)
    back = load_prediction(tmp_path, "builtin/flat-01", recording="d" * 64, frames=np.array([9, 4, 7]), shape=(48, 64))
    assert frame_by_frame(back) == [frame_by_frame(boxes)[i] for i in (2, 0, 1)]


BROKEN = {
    "is NaN": {"box": (0, [np.nan, 0, 5, 5])},
    "infinite": {"box": (2, [0, 0, np.inf, 5])},
    "no area": {"box": (1, [9, 0, 5, 5])},
    "not inside the frame of 64 × 48": {"box": (1, [60, 0, 65, 5])},
    "not inside the frame": {"box": (1, [-1, 0, 5, 5])},
    "unknown category": {"category": (0, len(DETECTION.categories) + 1)},
    "ids run from 1": {"category": (0, 0)},
    "not in 0…1": {"score": (0, 1.5)},
    "a score": {"score": (0, np.nan)},
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_box_that_cannot_be_is_refused_by_name(message: str) -> None:
    boxes = some_boxes([1, 0, 2])
    ((name, (row, value)),) = BROKEN[message].items()
    values = getattr(boxes, name).copy()
    values[row] = value
    assert DETECTION.form.check(boxes, FRAMES) == ""
    said = DETECTION.form.check(replace(boxes, **{name: values}), FRAMES)
    assert message in said
    assert f"frame {FRAMES.rows[boxes.frame[row]]}" in said


def test_more_than_a_hundred_boxes_in_a_frame_are_refused() -> None:
    boxes = some_boxes([3, 101, 0])
    assert "101 boxes in frame 7, at most 100" in DETECTION.form.check(boxes, FRAMES)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("count", np.array([1, 0], np.int64), "3 frame numbers for 2 counts"),
        ("count", np.array([1, 1, 2], np.int64), "add up to 4, there are 3"),
        ("count", np.array([4, -2, 1], np.int64), "add up to"),
        ("box", np.zeros((3, 5), np.float32), r"box must be \(M, 4\) float32"),
        ("box", np.zeros((3, 4), np.float64), "float64"),
        ("category", np.array(["bed", "bed", "bed"]), "category must be"),
        ("score", np.zeros(2, np.float32), "3 boxes with 3 categories and 2 scores"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(name: str, array: np.ndarray, message: str) -> None:
    arrays = DETECTION.form.pack(some_boxes([1, 0, 2])) | {name: array}
    with pytest.raises(ValueError, match=message):
        DETECTION.form.unpack(arrays, 3)


def test_arrays_without_scores_are_refused_by_name() -> None:
    arrays = DETECTION.form.pack(some_boxes([1, 0, 2]))
    del arrays["score"]
    with pytest.raises(KeyError, match="score"):
        DETECTION.form.unpack(arrays, 3)


def test_what_is_written_fits_the_schema(tmp_path: Path) -> None:
    part = SpacePrediction("a/b", "d" * 64, FRAMES.rows, some_boxes([1, 0, 2]), (48, 64))
    save_predictions(tmp_path, [part], task=DETECTION, model="m", protocol="frozen", seed=0)
    with np.load(tmp_path / "a__b.npz") as arrays:
        content = {name: arrays[name].tolist() for name in arrays.files}
        dtypes = {name: arrays[name].dtype.name for name in arrays.files}
    folder = {MANIFEST: json.loads((tmp_path / MANIFEST).read_text()), "a__b.npz": content}
    schema = prediction_schema(DETECTION)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(folder)] == []
    described = schema["patternProperties"][r"\.npz$"]["properties"]
    assert dtypes == {name: array["dtype"] for name, array in described.items()}
    content["score"][0] = 1.5
    assert list(Draft202012Validator(schema).iter_errors(folder))


def test_frames_of_a_wrong_size_are_refused(tmp_path: Path) -> None:
    part = SpacePrediction("a/b", "d" * 64, FRAMES.rows, some_boxes([1, 0, 2]), (48, 64))
    save_predictions(tmp_path, [part], task=DETECTION, model="m", protocol="frozen", seed=0)
    with pytest.raises(UserError, match="48 × 64"):
        load_prediction(tmp_path, "a/b", recording="d" * 64, frames=FRAMES.rows, shape=(96, 128))
