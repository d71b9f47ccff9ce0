"""Scores anew from what a run left on disk: predictions and recordings. No model is needed, and none is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from benchmark.environment import environment
from benchmark.estimates import scores
from benchmark.predictions import load_manifest, predicted_frames
from benchmark.results import Rescored, Result, SpaceResult, read_result, save_result
from benchmark.scoring import score_space
from benchmark.tasks import TASKS, Task
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording

OpenRecording = Callable[[str, str], Recording | None]
"""(space, digest) → the recording, or None where it is not on this machine."""


@dataclass(frozen=True)
class Change:
    """A score that is not what it was: ``where`` is a role, values are None where a score is undefined."""

    measure: str
    where: str
    before: float | None
    after: float | None


def rescore_file(path: Path, open_recording: OpenRecording) -> tuple[Result, list[Change]]:
    """Score one result again and write it anew; byte for byte as it was when nothing changed.

    Raises:
        UserError: the result, its predictions or a recording is missing or damaged, or the predictions are not those
            that it was scored from; the file stays as it was.
    """
    before = read_result(path)
    after = rescored(before, open_recording)
    save_result(path.parent, after)
    return after, changes(before, after)


def rescored(result: Result, open_recording: OpenRecording) -> Result:
    """Return a result with sums and scores of today's code from its stored predictions.

    Raises:
        UserError: as :func:`rescore_file`.
    """
    task = TASKS[result.task]
    predictions = result.file(result.prediction_folder)
    if predictions is None:
        raise UserError("its predictions are not there any more. Run the model again.")
    seen = seen_in_transfer(predictions) if task.categories else ()
    parts = tuple(_part(part, predictions, task, seen, open_recording) for part in result.spaces)
    found = scores(parts, task, result.seed)
    if (parts, found, task.version) == (result.spaces, result.scores, result.task_version):
        return result
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    note = Rescored(
        created=now,
        environment=environment(),
        from_task_version=result.task_version,
    )
    return result.model_copy(
        update={"task_version": task.version, "spaces": parts, "scores": found, "rescored": note},
    )


def changes(before: Result, after: Result) -> list[Change]:
    """Return every score that one result has and the other has not, or has otherwise, intervals included."""
    found = []
    for measure in dict.fromkeys([*before.scores, *after.scores]):
        old, new = before.scores.get(measure, {}), after.scores.get(measure, {})
        for where in dict.fromkeys([*old, *new]):
            one, two = old.get(where), new.get(where)
            if one != two:
                found.append(Change(measure, where, one.value if one else None, two.value if two else None))
    return found


def _part(
    part: SpaceResult, predictions: Path, task: Task, seen: tuple[int, ...], open_recording: OpenRecording
) -> SpaceResult:
    recording = open_recording(part.space, part.recording)
    if recording is None:
        raise UserError(f"the recording of {part.space} that it was scored on ({part.recording[:12]}…) is not here.")
    row = next((row for row in load_manifest(predictions).spaces if row.space == part.space), None)
    if row is not None and row.sha256 != part.predictions:
        raise UserError(
            f"{predictions / row.file} is not what this result was scored from (SHA-256 {row.sha256[:12]}…, not "
            f"{part.predictions[:12]}…). Run the model again."
        )
    # The SHA-256 ties the file to the result, so its frames are those that were scored.
    frames = np.sort(predicted_frames(predictions, part.space, recording=part.recording))
    if strangers := np.setdiff1d(frames, recording.indices("test")).tolist():
        raise UserError(f"{part.space}: frame {strangers[0]} is predicted, and is no test frame of the recording.")
    return score_space(predictions, recording, frames, task=task, role=part.role, seen=seen)


def seen_in_transfer(predictions: Path) -> tuple[int, ...]:
    """Return the categories that transfer training had, as the transfer stage behind the predictions noted them.

    Raises:
        UserError: the stage is not there any more.
    """
    try:
        transfer = json.loads((predictions / "inputs.json").read_text(encoding="utf-8"))["transfer"]
        done = predictions.parents[1] / "transfer" / transfer / "done.json"
        return tuple(json.loads(done.read_text(encoding="utf-8"))["seen"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"what its transfer training had seen cannot be read beside {predictions} ({error}). Run the model again."
        ) from None
