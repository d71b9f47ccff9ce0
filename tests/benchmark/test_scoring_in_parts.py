"""Predictions are read and scored in parts: to the same sums, in memory that does not grow with the frames."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import predictions
from benchmark.array_files import open_arrays
from benchmark.predictions import SpacePrediction, read_prediction, save_predictions, score_prediction
from benchmark.tasks import TASKS
from sim_envs.errors import UserError

SPACE, RECORDING = "builtin/flat-01", "ab" * 32


def truth_of(task: str, count: int, side: int, rng: np.random.Generator) -> np.ndarray:
    if task == "depth":
        return (rng.uniform(0.5, 5, (count, side, side)) * (rng.uniform(size=(count, side, side)) < 0.9)).astype(
            np.float32
        )
    return rng.integers(0, 41, (count, side, side)).astype(np.uint8)


def answers_to(task: str, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if task == "depth":
        return (np.maximum(truth, 0.5) * np.exp(rng.normal(0, 0.2, truth.shape))).astype(np.float16)
    return np.where(rng.uniform(size=truth.shape) < 0.6, np.maximum(truth, 1), 7).astype(np.uint8)


def save(folder: Path, task: str, frames: np.ndarray, values: np.ndarray) -> None:
    part = SpacePrediction(SPACE, RECORDING, frames, values, (values.shape[1], values.shape[2]))
    save_predictions(folder, [part], task=TASKS[task], model="tst", protocol="frozen", seed=0)


def score(folder: Path, task: str, truth: Any, trajectory: np.ndarray) -> Any:
    return score_prediction(
        folder,
        SPACE,
        task=TASKS[task],
        target=truth,
        frames=np.arange(len(trajectory)),
        trajectory=trajectory,
        recording=RECORDING,
        shape=(8, 8),
    )


@pytest.mark.parametrize("task", ["semseg", "depth"])
@pytest.mark.parametrize("pixels", [1, 8 * 8 * 5, 1 << 22])
def test_sums_are_those_of_all_frames_at_once(
    task: str, pixels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "PIXELS_AT_ONCE", pixels)
    rng = np.random.default_rng(0)
    truth, trajectory = truth_of(task, 24, 8, rng), np.repeat([3, 5, 9, 11, 20, 21], 4)
    values = answers_to(task, truth, rng)
    save(tmp_path, task, np.arange(24), values)
    found, whole = score(tmp_path, task, truth, trajectory), TASKS[task].statistics(values, truth, trajectory)
    np.testing.assert_array_equal(found.trajectory, whole.trajectory)
    np.testing.assert_array_equal(found.frames, whole.frames)
    if pixels == 1:  # trajectories are split, and floats added in another order
        np.testing.assert_allclose(found.sums, whole.sums, rtol=1e-12)
    else:
        np.testing.assert_array_equal(found.sums, whole.sums)


def test_frames_may_lie_in_the_file_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "PIXELS_AT_ONCE", 8 * 8 * 3)
    rng = np.random.default_rng(0)
    truth, trajectory, order = truth_of("semseg", 12, 8, rng), np.repeat([0, 1, 2], 4), rng.permutation(12)
    values = answers_to("semseg", truth, rng)
    save(tmp_path, "semseg", order, values[order])
    found = score(tmp_path, "semseg", truth, trajectory)
    np.testing.assert_array_equal(found.sums, TASKS["semseg"].statistics(values, truth, trajectory).sums)


def test_a_flaw_of_a_late_part_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = truth_of("depth", 12, 8, rng)
    values = answers_to("depth", truth, rng)
    values[11, 0, 0] = np.nan
    with pytest.raises(UserError, match="1 values are NaN"):
        save(tmp_path, "depth", np.arange(12), values)
    monkeypatch.setattr(predictions, "_check_answers", lambda *_: None)
    save(tmp_path, "depth", np.arange(12), values)
    monkeypatch.undo()
    monkeypatch.setattr(predictions, "PIXELS_AT_ONCE", 8 * 8 * 3)
    for read in (
        lambda: score(tmp_path, "depth", truth, np.repeat([0, 1, 2], 4)),
        lambda: read_prediction(tmp_path, SPACE, recording=RECORDING, only=np.array([0])),
    ):
        with pytest.raises(UserError, match="1 values are NaN"):
            read()


def test_single_frames_are_picked_out_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "PIXELS_AT_ONCE", 8 * 8 * 3)
    values = np.random.default_rng(0).integers(1, 41, (10, 8, 8)).astype(np.uint8)
    save(tmp_path, "semseg", 5 * np.arange(10), values)
    part = read_prediction(tmp_path, SPACE, recording=RECORDING, only=np.array([40, 5]))
    assert part.frames.tolist() == [5, 40]
    np.testing.assert_array_equal(part.values, values[[1, 8]])


def test_an_array_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.npz"
    np.savez(path, values=np.arange(10))
    with open_arrays(path) as arrays, pytest.raises(ValueError, match=r"12 frame numbers for values of shape \(10,\)"):
        next(arrays.parts("values", [5, 7]))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 12))
def test_a_part_ends_between_trajectories_that_are_not_longer_than_a_part(sizes: list[int], most: int) -> None:
    trajectory = np.repeat(np.arange(len(sizes)), sizes)
    lengths = predictions._lengths(trajectory, predictions.PIXELS_AT_ONCE // most)
    assert sum(lengths) == len(trajectory)
    assert all(0 < length <= most for length in lengths)
    ends = np.cumsum(lengths)[:-1]
    split = trajectory[ends - 1] == trajectory[ends] if len(ends) else np.zeros(0, bool)
    assert all(sizes[trajectory[end]] > most for end in ends[split])


def test_memory_does_not_grow_with_the_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "PIXELS_AT_ONCE", 20 * 64 * 64)
    peaks = {}
    for count in (40, 400):
        rng = np.random.default_rng(0)
        truth = rng.integers(0, 41, (count, 8, 8)).astype(np.uint8).repeat(8, 1).repeat(8, 2)
        folder = tmp_path / str(count)
        save(folder, "semseg", np.arange(count), np.maximum(truth, 1))
        tracemalloc.start()
        score_prediction(
            folder,
            SPACE,
            task=TASKS["semseg"],
            target=truth,
            frames=np.arange(count),
            trajectory=np.arange(count) // 100,
            recording=RECORDING,
            shape=(64, 64),
        )
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[400] < 1.2 * peaks[40]
