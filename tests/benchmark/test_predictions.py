"""Predictions come back as they were written, or not at all and with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.predictions import (
    MANIFEST,
    SpacePrediction,
    file_name,
    load_manifest,
    load_prediction,
    save_predictions,
    score_prediction,
)
from benchmark.tasks.depth import DEPTH
from benchmark.tasks.normals import NORMALS
from benchmark.tasks.semseg import SEMSEG
from sim_envs.errors import UserError
from sim_envs.storage import digest_file

SPACE, RECORDING = "builtin/flat-01", "ab" * 32
FRAMES = np.array([4, 9, 2])


def some_ids(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 41, (3, 4, 5)).astype(np.uint8)


def save(
    folder: Path,
    values: np.ndarray,
    frames: np.ndarray = FRAMES,
    task: object = SEMSEG,
    size: tuple[int, int] = (4, 5),
) -> None:
    part = SpacePrediction(SPACE, RECORDING, frames, values, size)
    save_predictions(folder, [part], task=task, model="tst", protocol="frozen", seed=3)  # type: ignore[arg-type]


def load(folder: Path, frames: np.ndarray = FRAMES, shape: tuple[int, int] = (4, 5)) -> np.ndarray:
    return load_prediction(folder, SPACE, recording=RECORDING, frames=frames, shape=shape)


def test_predictions_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    values = some_ids()
    save(tmp_path, values)
    np.testing.assert_array_equal(load(tmp_path), values)
    np.testing.assert_array_equal(load(tmp_path, frames=np.array([2, 4, 9])), values[[2, 0, 1]])


def test_vectors_come_back_as_they_were_written(tmp_path: Path) -> None:
    values = NORMALS.encode_prediction(np.random.default_rng(0).normal(size=(3, 3, 4, 5)))
    save(tmp_path, values, task=NORMALS)
    np.testing.assert_array_equal(load(tmp_path), values)
    row = load_manifest(tmp_path).spaces[0]
    assert (row.height, row.width) == (4, 5)
    with pytest.raises(UserError, match="4 × 5 pixels, the truth 5 × 4"):
        load(tmp_path, shape=(5, 4))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((3, 4, 5, 3), 128, np.uint8), "60 values are no unit vectors"),
        (np.ones((3, 4, 5), np.uint8), r"values \(N, height, width, 3\)"),
        (np.ones((3, 4, 5, 2), np.uint8), r"values \(N, height, width, 3\)"),
        (np.full((3, 4, 5, 3), np.nan, np.float32), "must be uint8"),
    ],
)
def test_what_is_no_direction_is_not_written(tmp_path: Path, values: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        save(tmp_path, values, task=NORMALS)


def test_the_manifest_names_what_was_predicted(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    manifest = load_manifest(tmp_path)
    assert (manifest.task, manifest.model, manifest.protocol, manifest.seed) == ("semseg", "tst", "frozen", 3)
    assert manifest.spaces[0].file == "builtin__flat-01.npz"
    assert manifest.spaces[0].sha256 == digest_file(tmp_path / "builtin__flat-01.npz")


def test_scoring_from_disk_gives_the_statistics_of_the_arrays(tmp_path: Path) -> None:
    values, target, trajectory = some_ids(0), some_ids(1), np.array([0, 0, 1])
    save(tmp_path, values)
    stored = score_prediction(
        tmp_path,
        SPACE,
        task=SEMSEG,
        target=target,
        frames=FRAMES,
        trajectory=trajectory,
        recording=RECORDING,
        shape=(4, 5),
    )
    np.testing.assert_array_equal(stored.sums, SEMSEG.statistics(values, target, trajectory).sums)


def test_nothing_is_left_behind_by_a_refused_prediction(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="NaN"):
        save(tmp_path, np.full((3, 4, 5), np.nan, np.float16), task=DEPTH)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "frames", "message"),
    [
        (np.zeros((3, 4, 5), np.uint8), FRAMES, "no category id"),
        (np.full((3, 4, 5), 41, np.uint8), FRAMES, "41"),
        (np.ones((3, 4, 5), np.float32), FRAMES, "must be uint8"),
        (np.ones((3, 4), np.uint8), FRAMES, "height, width"),
        (np.ones((3, 4, 5), np.uint8), np.array([4, 4, 9]), "more than once: 4"),
        (np.ones((3, 4, 5), np.uint8), np.array([4, 9]), "2 frame numbers for 3"),
        (np.ones((3, 4, 5), np.uint8), np.array([0.5, 1, 2]), "of integers"),
        (np.ones((0, 4, 5), np.uint8), np.array([], int), "has no frames"),
        (np.ones((3, 5, 4), np.uint8), FRAMES, "5 × 4 pixels, the frames 4 × 5"),
    ],
)
def test_what_could_not_be_scored_is_not_written(
    tmp_path: Path, values: np.ndarray, frames: np.ndarray, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        save(tmp_path, values, frames)


@pytest.mark.parametrize(
    ("frames", "shape", "message"),
    [
        (np.array([4, 9, 2, 7]), (4, 5), "no prediction: 7"),
        (np.array([4, 9]), (4, 5), "not scored: 2"),
        (FRAMES, (8, 5), "4 × 5 pixels, the truth 8 × 5"),
    ],
)
def test_what_does_not_fit_the_truth_is_refused(
    tmp_path: Path, frames: np.ndarray, shape: tuple[int, int], message: str
) -> None:
    save(tmp_path, some_ids())
    with pytest.raises(UserError, match=message):
        load(tmp_path, frames, shape)


def test_predictions_on_another_recording_are_refused(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    with pytest.raises(UserError, match="another recording"):
        load_prediction(tmp_path, SPACE, recording="cd" * 32, frames=FRAMES, shape=(4, 5))


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    path = tmp_path / file_name(SPACE)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="SHA-256"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"not a zip", b""])
def test_a_damaged_file_is_refused_even_when_its_digest_fits(tmp_path: Path, content: bytes) -> None:
    save(tmp_path, some_ids())
    path = tmp_path / file_name(SPACE)
    path.write_bytes(content)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["spaces"][0]["sha256"] = digest_file(path)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)


def test_a_pickle_in_a_prediction_file_is_not_opened(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    path = tmp_path / file_name(SPACE)
    np.savez(path, frames=FRAMES, values=np.array([print], dtype=object))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["spaces"][0]["sha256"] = digest_file(path)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)


def test_a_folder_without_a_manifest_counts_as_empty(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(UserError, match="Run the model again"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 99}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_by_field(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    save(tmp_path, some_ids())
    manifest = json.loads((tmp_path / MANIFEST).read_text()) | change
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=message):
        load(tmp_path)


def test_a_manifest_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    save(tmp_path, some_ids())
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["spaces"][0]["file"] = "../elsewhere.npz"
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="file"):
        load(tmp_path)
