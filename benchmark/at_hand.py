"""What a run would find on disk: its recordings and stage folders, without making or changing anything."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark.jobs import Job
from benchmark.plan import RunPlan
from benchmark.runner import jobs_of, usable_tasks
from benchmark.stages.evaluate import EvaluateStage
from benchmark.stages.pretrain import PretrainStage
from sim_envs.engines import ENGINES
from sim_envs.errors import UserError
from sim_envs.modalities import MODALITIES
from sim_envs.recordings.format import Recipe, modalities_of
from sim_envs.recordings.reader import PARTIAL, Recording, recording_folder, recordings_home
from sim_envs.spaces import list_spaces, load_place, unknown_space

DONE, HALF, FAILED, MISSING = "done", "half done", "failed", "missing"


@dataclass(frozen=True)
class PlannedRecording:
    """A recording that a run needs.

    Attributes:
        group: whose it is, see :attr:`~benchmark.plan.RunPlan.recordings`.
        state: ``done``, ``half done`` or ``missing``.
        folder: where it lies or will lie; None where nothing of the space was ever recorded.
        frames, bytes: of the whole.
        problem: why it cannot be made, or "".
    """

    group: str
    recipe: Recipe
    state: str
    folder: Path | None
    frames: int
    bytes: int
    problem: str = ""


def planned_recordings(plan: RunPlan, home: Path) -> list[PlannedRecording]:
    """Return every recording of a run with its state; one for each that two groups share."""
    return list({p.recipe.model_dump_json(): p for p in _of_groups(plan, home)}.values())


def _of_groups(plan: RunPlan, home: Path) -> list[PlannedRecording]:
    return [_planned(group, recipe, home) for group, recipe in plan.recordings]


def _planned(group: str, recipe: Recipe, home: Path) -> PlannedRecording:
    frames, every = sum(count * each for count, each in recipe.splits.values()), tuple(MODALITIES)
    unmade = PlannedRecording(group, recipe, MISSING, None, frames, frames * _bytes(recipe, every))
    if not (recordings_home(home) / recipe.space).is_dir():  # loading a space can take seconds, so ask for names first
        known = recipe.space in list_spaces(home)
        return unmade if known else replace(unmade, problem=str(unknown_space(recipe.space, home)))
    try:
        place = load_place(recipe.space, home)
        folder = recording_folder(home, recipe, place, ENGINES[recipe.engine].version)
    except UserError as error:
        return replace(unmade, problem=str(error))
    partial = folder.with_name(folder.name + PARTIAL)
    state = DONE if folder.is_dir() else HALF if partial.is_dir() else MISSING
    return replace(unmade, state=state, folder=folder, bytes=frames * _bytes(recipe, modalities_of(place)))


def _bytes(recipe: Recipe, modalities: Sequence[str]) -> int:
    """Return the bytes of one frame."""
    rows = [MODALITIES[name] for name in modalities]
    return sum(np.dtype(row.dtype).itemsize * math.prod(row.frame_shape(recipe.height, recipe.width)) for row in rows)


def recordings_at_hand(plan: RunPlan, home: Path) -> dict[str, list[Recording]] | None:
    """Return the recordings of a run by group, or None when one is still to be made.

    Raises:
        UserError: one is damaged.
    """
    found: dict[str, list[Recording]] = {}
    for recording in _of_groups(plan, home):
        if recording.state != DONE or recording.folder is None:
            return None
        found.setdefault(recording.group, []).append(Recording.open(recording.folder))
    return found


def planned_jobs(
    plan: RunPlan, recordings: dict[str, list[Recording]], tasks: Sequence[str], home: Path, device: str
) -> list[Job]:
    """Return every job of a run as :func:`~benchmark.runner.jobs_of` does, done ones too, and leave nothing behind.

    Planning for a run notes the inputs of each stage in its folder. Here that happens in a folder of its own which
    is thrown away; names of folders follow from inputs alone, so they are looked up in the real home.
    """
    with tempfile.TemporaryDirectory() as scratch:
        jobs = jobs_of(plan, recordings, tasks, Path(scratch), device)
        return [_moved(job, Path(scratch), home) for job in jobs]


def _moved(job: Job, scratch: Path, home: Path) -> Job:
    stage = job.arguments["stage"]

    def there(path: Path) -> Path:
        return home / path.relative_to(scratch)

    if isinstance(stage, PretrainStage):
        return replace(
            job, log=there(job.log), arguments={"stage": replace(stage, home=home, folder=there(stage.folder))}
        )
    assert isinstance(stage, EvaluateStage)
    stage = replace(
        stage,
        pretrained=there(stage.pretrained) if stage.pretrained else None,
        transfer_folder=there(stage.transfer_folder),
        prediction_folder=there(stage.prediction_folder),
        result_folder=there(stage.result_folder),
    )
    return replace(job, log=there(job.log), arguments={"stage": stage})


def tasks_at_hand(plan: RunPlan, home: Path) -> tuple[list[str], list[str]]:
    """Return what :func:`~benchmark.runner.usable_tasks` does, without making a built-in space that nobody made yet.

    Raises:
        UserError: no such space, or no task that it can serve.
    """
    if _made_by_number(plan.test_space, home):
        return list(plan.suite.tasks), []
    return usable_tasks(plan, home)


def modalities_at_hand(space: str, home: Path) -> tuple[str, ...]:
    """Return what a recording of a space would hold, without making a built-in space that nobody made yet.

    Raises:
        UserError: no such space.
    """
    return tuple(MODALITIES) if _made_by_number(space, home) else modalities_of(load_place(space, home))


def _made_by_number(space: str, home: Path) -> bool:
    """Tell whether a space exists only as a number yet, from which it will be made, with labels."""
    return not (home / "spaces" / space).is_dir() and space in list_spaces(home)
