"""Every form of prediction: its schema fits what is written, and what cannot be scored is refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from benchmark.prediction_schema import prediction_schema
from benchmark.predictions import (
    MANIFEST,
    SpacePrediction,
    file_name,
    is_intact,
    load_prediction,
    save_predictions,
)
from benchmark.tasks import TASKS
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.command_line import run_command

SPACE, RECORDING, SIZE = "builtin/flat-01", "ab" * 32, (4, 5)
FRAMES = np.array([4, 9, 2])
RNG = np.random.default_rng(0)

ANSWERS: dict[str, np.ndarray] = {
    "semseg": RNG.integers(1, 41, (3, 4, 5)).astype(np.uint8),
    "depth": RNG.uniform(0.1, 9, (3, 4, 5)).astype(np.float16),
    "normals": TASKS["normals"].encode_prediction(RNG.normal(size=(3, 3, 4, 5))),
    "retrieval": np.array([[9, 2] + [-1] * 8, [2, 4] + [-1] * 8, [4] + [-1] * 9], np.int32),
}
ARRAY = {"semseg": "values", "depth": "values", "normals": "values", "retrieval": "ranking"}
Arrays = dict[str, np.ndarray]


def save(folder: Path, task: str) -> None:
    part = SpacePrediction(SPACE, RECORDING, FRAMES, ANSWERS[task], SIZE)
    save_predictions(folder, [part], task=TASKS[task], model="tst", protocol="frozen", seed=0)


def rewrite(folder: Path, arrays: Arrays) -> None:
    """Put other arrays into the file, as one would who writes predictions without this code; the manifest fits."""
    path = folder / file_name(SPACE)
    np.savez(path, **arrays)  # type: ignore[arg-type]
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["spaces"][0]["sha256"] = digest_file(path)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def load(folder: Path) -> Any:
    return load_prediction(folder, SPACE, recording=RECORDING, frames=FRAMES, shape=SIZE)


def folder_as_json(folder: Path) -> dict[str, Any]:
    with np.load(folder / file_name(SPACE)) as arrays:
        content = {name: arrays[name].tolist() for name in arrays.files}
    return {MANIFEST: json.loads((folder / MANIFEST).read_text()), file_name(SPACE): content}


@pytest.mark.parametrize("task", ANSWERS)
def test_predictions_come_back_and_fit_their_schema(task: str, tmp_path: Path) -> None:
    save(tmp_path, task)
    np.testing.assert_array_equal(load(tmp_path), ANSWERS[task])
    validator = Draft202012Validator(prediction_schema(TASKS[task]))
    assert [error.message for error in validator.iter_errors(folder_as_json(tmp_path))] == []


@pytest.mark.parametrize("task", list(TASKS))
def test_every_task_has_a_schema_that_names_types_and_shapes(task: str) -> None:
    schema = prediction_schema(TASKS[task])
    Draft202012Validator.check_schema(schema)
    for array in schema["patternProperties"][r"\.npz$"]["properties"].values():
        assert np.dtype(array["dtype"])
        assert array["shape"]


def change(task: str, at: tuple[int, ...], value: float) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        arrays[ARRAY[task]][at] = value

    return apply


def replace(task: str, make: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], None]:
    def apply(arrays: Arrays) -> None:
        arrays[ARRAY[task]] = make(arrays[ARRAY[task]])

    return apply


def drop_frame(arrays: Arrays) -> None:
    for name in arrays:
        arrays[name] = arrays[name][:2]
    if "ranking" in arrays:
        arrays["ranking"][:] = -1


def repeat_frame(arrays: Arrays) -> None:
    arrays["frames"] = np.array([4, 9, 9])


def add_frame(arrays: Arrays) -> None:
    for name in arrays:
        arrays[name] = np.concatenate([arrays[name], arrays[name][:1]])
    arrays["frames"][-1] = 77
    if "ranking" in arrays:
        arrays["ranking"][-1] = -1


def as_float_with_nan(values: np.ndarray) -> np.ndarray:
    floats = values.astype(np.float64)
    floats[0] = np.nan
    return floats


def twice(task: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.concatenate([values, values], axis=1)


OF_ALL: dict[str, tuple[Callable[[str], Callable[[Arrays], None]], str]] = {
    "a frame is missing": (lambda task: drop_frame, "1 of 3 frames have no prediction: 2"),
    "a frame is there twice": (lambda task: repeat_frame, "frames predicted more than once: 9"),
    "a frame is not scored": (lambda task: add_frame, "1 predictions for frames that are not scored: 77"),
    "NaN in another type": (lambda task: replace(task, as_float_with_nan), "must be"),
    "another shape": (lambda task: replace(task, twice(task)), "4 × 5|expected ranking"),
    "another number of axes": (lambda task: replace(task, lambda values: values[:, 0]), "expected"),
    "fewer answers than frames": (
        lambda task: replace(task, lambda values: values[:2]),
        r"3 frame .* \(2, ",
    ),
    "not an array of frames": (
        lambda task: replace(task, lambda values: values[0, 0]),
        r"3 frame .* shape \(",
    ),
    "another name": (lambda task: lambda arrays: arrays.update(other=arrays.pop(ARRAY[task])), "cannot be read"),
}
OF_ONE: list[tuple[str, Callable[[Arrays], None], str]] = [
    ("semseg", change("semseg", (0, 0, 0), 0), "1 values are no category id .*: 0"),
    ("semseg", change("semseg", (1, 2, 3), 41), "1 values are no category id .*: 41"),
    ("depth", change("depth", (0, 0, 0), np.nan), "1 values are NaN or infinite"),
    ("depth", change("depth", (0, 0, 0), np.inf), "1 values are NaN or infinite"),
    ("depth", change("depth", (0, 0, 0), 0), "1 values are not above 0 m"),
    ("normals", change("normals", (0, 0, 0), 0), "1 values are no unit vectors"),
    ("retrieval", change("retrieval", (0, 1), 5), "1 places are taken by frames that are not among .*: 5"),
    ("retrieval", change("retrieval", (0, 1), 9), "named twice in the ranking of frame 4"),
    ("retrieval", change("retrieval", (0, 1), 4), "frame 4 is in its own ranking"),
    ("retrieval", change("retrieval", (1, 5), 4), "after an empty one .* of frame 9"),
]


@pytest.mark.parametrize("flaw", OF_ALL)
@pytest.mark.parametrize("task", ANSWERS)
def test_a_file_that_does_not_fit_is_refused_whatever_its_form(task: str, flaw: str, tmp_path: Path) -> None:
    make, message = OF_ALL[flaw]
    save(tmp_path, task)
    arrays = {"frames": FRAMES.copy(), ARRAY[task]: ANSWERS[task].copy()}
    make(task)(arrays)
    rewrite(tmp_path, arrays)
    with pytest.raises(UserError, match=message) as refused:
        load(tmp_path)
    assert file_name(SPACE) in str(refused.value)


@pytest.mark.parametrize(("task", "spoil", "message"), OF_ONE)
def test_a_value_that_cannot_be_scored_is_refused_when_written_and_when_read(
    task: str, spoil: Callable[[Arrays], None], message: str, tmp_path: Path
) -> None:
    arrays = {"frames": FRAMES, ARRAY[task]: ANSWERS[task].copy()}
    spoil(arrays)
    part = SpacePrediction(SPACE, RECORDING, FRAMES, arrays[ARRAY[task]], SIZE)
    with pytest.raises(UserError, match=message):
        save_predictions(tmp_path, [part], task=TASKS[task], model="tst", protocol="frozen", seed=0)
    save(tmp_path, task)
    rewrite(tmp_path, arrays)
    with pytest.raises(UserError, match=message):
        load(tmp_path)


def test_the_command_line_lists_and_explains_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run_command(capsys, "tasks", "list").out
    assert all(name in listed for name in TASKS)
    told = " ".join(run_command(capsys, "tasks", "info", "retrieval").out.split())
    assert "at most 1 m" in told
    assert "int32 (frames × 10)" in told
    assert json.loads(run_command(capsys, "tasks", "schema", "depth").out) == prediction_schema(TASKS["depth"])
    wrong = run_command(capsys, "tasks", "info", "retreival")
    assert wrong.code == 2
    assert "retrieval" in wrong.err


@pytest.mark.parametrize("damage", ["cut", "missing", "no manifest"])
def test_predictions_that_were_damaged_are_not_whole(damage: str, tmp_path: Path) -> None:
    save(tmp_path, "depth")
    assert is_intact(tmp_path)
    file = tmp_path / file_name(SPACE)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    else:
        (file if damage == "missing" else tmp_path / MANIFEST).unlink()
    assert not is_intact(tmp_path)
