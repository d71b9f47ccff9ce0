"""Generate a recording: plan, render, check, publish; continue where an interrupted run left off."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from math import ceil
from pathlib import Path

import numpy as np

from sim_envs.captures.capture import Capture, no_capture
from sim_envs.captures.resample import View
from sim_envs.captures.segments import recorded_trajectories
from sim_envs.engines import CAPTURE_ENGINE, ENGINES, libraries_of
from sim_envs.errors import UserError
from sim_envs.recordings.format import (
    CONVENTIONS,
    FORMAT_VERSION,
    FRAMES_FILE,
    LOG_FILE,
    MAX_FRAMES,
    Audit,
    EngineInfo,
    Meta,
    Recipe,
    RigInfo,
    SpaceInfo,
    TrajectoryInfo,
    modalities_of,
    modality_file,
)
from sim_envs.recordings.frames import write_frames
from sim_envs.recordings.lens_and_noise import changed_conventions
from sim_envs.recordings.lock import alone
from sim_envs.recordings.plan import Job, jobs_of, load_plan, save_plan
from sim_envs.recordings.reader import PARTIAL, Recording, recording_folder
from sim_envs.recordings.workers import render
from sim_envs.recordings.writer import (
    Draft,
    Marker,
    digest_files,
    finish_publishing,
    publish,
    start_over,
)
from sim_envs.rig import Rig
from sim_envs.space import Place, Space
from sim_envs.spaces import load_place
from sim_envs.storage import write_json
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.audit import audit_splits
from sim_envs.trajectories.kinds import libraries_of_trajectories
from sim_envs.trajectories.plan import plan_trajectories

MAX_WORKERS = 256
VAL_SHARE, TEST_SHARE = 0.05, 0.15
FEW_VALID = 0.5
Progress = Callable[[int, int], None]
LIBRARIES = ("numpy", "embreex", "trimesh", "opencv-python-headless")


def split_counts(frames: int, frames_each: int = 20) -> dict[str, tuple[int, int]]:
    """Say how many trajectories of how many frames ``--frames N`` means.

    Trajectories of about ``frames_each`` frames are dealt out 80 % train, 5 % val and 15 % test, at least one
    each. All have the same length, so there are at least ``frames`` frames, and fewer more than there are
    trajectories. Where three trajectories of that length are too many, three shorter ones are made.

    Raises:
        UserError: fewer than 3 frames or more than a million.
    """
    if not 3 <= frames <= MAX_FRAMES:
        raise UserError(f"{frames} frames are out of range: 3 to {MAX_FRAMES:,}.")
    count = max(3, ceil(frames / frames_each))
    each = ceil(frames / count)
    val, test = max(1, round(VAL_SHARE * count)), max(1, round(TEST_SHARE * count))
    return {"train": (count - val - test, each), "val": (val, each), "test": (test, each)}


def generate(recipe: Recipe, *, home: Path, workers: int = 1, progress: Progress | None = None) -> Recording:
    """Return the recording of a recipe, rendering what of it is missing.

    Args:
        recipe: what to render.
        home: the data home.
        workers: render processes.
        progress: called with (frames done, frames in all) as they are written.

    Raises:
        UserError: wrong input, a full disk, or splits that are near-duplicates of each other.
        RenderError: an engine failed; the message names the trajectory.
        KeyboardInterrupt: after saying what is kept. Every interruption is continued by the same call.
    """
    return record(load_place(recipe.space, home), recipe, home=home, workers=workers, progress=progress)


def record(
    space: Place, recipe: Recipe, *, home: Path, workers: int = 1, progress: Progress | None = None
) -> Recording:
    """Like :func:`generate`, for a space or a capture at hand."""
    _check_fit(space, recipe)
    if not 1 <= workers <= MAX_WORKERS:
        raise UserError(f"{workers} workers are out of range: 1 to {MAX_WORKERS}.")
    folder = recording_folder(home, recipe, space, ENGINES[recipe.engine].version)
    if not folder.is_dir():
        with alone(folder):
            # Another process may have finished it while this one waited.
            if not folder.is_dir() and not finish_publishing(_partial(folder), folder):
                _make(space, recipe, folder, workers, progress)
    return Recording.open(folder)


def _partial(folder: Path) -> Path:
    return folder.with_name(folder.name + PARTIAL)


def _make(space: Place, recipe: Recipe, folder: Path, workers: int, progress: Progress | None) -> None:
    started = time.monotonic()
    libraries = {name: version(name) for name in LIBRARIES} | libraries_of(ENGINES[recipe.engine])
    libraries |= libraries_of_trajectories(recipe.trajectories)
    partial, rig, modalities = _partial(folder), recipe.rig(), modalities_of(space)
    asked = sum(count * frames_each for count, frames_each in recipe.splits.values())
    Draft.of(partial, rig, modalities, asked).check_room()
    trajectories = load_plan(partial, libraries)
    if trajectories is None:
        trajectories = _planned(space, rig, recipe)
        audit = _audit(recipe, trajectories)
        start_over(partial)
        save_plan(partial, trajectories, libraries)
    else:
        audit = _audit(recipe, trajectories)
    jobs = jobs_of(trajectories, recipe.seed)
    draft = Draft.of(partial, rig, modalities, sum(len(job.camera_to_world) for job in jobs))
    draft.allocate()
    seconds, rendered = _render_missing(space, recipe, draft, jobs, workers, progress)
    markers = [_marker(draft, job) for job in jobs]
    valid = np.concatenate([np.array(marker.valid, bool) for marker in markers])
    write_frames(partial, trajectories, valid)
    write_json(
        partial / LOG_FILE,
        {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": platform.platform(),
            "workers": workers,
            "frames": len(valid),
            "frames_rendered_by_last_run": rendered,
            "render_seconds": round(seconds, 3),
            "frames_per_second": round(rendered / seconds, 2) if rendered else None,
            "total_seconds": round(time.monotonic() - started, 3),
        },
    )
    publish(draft, _meta(space, recipe, folder, draft, trajectories, markers, audit, libraries), folder)


def _check_fit(place: Place, recipe: Recipe) -> None:
    """Refuse what cannot be asked of a capture, and captures where there is none."""
    engine, rig = recipe.engine, recipe.rig()
    if isinstance(place, Capture) and engine != CAPTURE_ENGINE:
        raise UserError(
            f"{place.id} is a capture: its frames were taken by a device, and no engine renders others. Leave --engine "
            f"out, or name {CAPTURE_ENGINE}."
        )
    if isinstance(place, Capture) and (rig.distortion or rig.noise):
        raise UserError(
            f"{place.id} is a capture: it has the noise of its device, and its lens is undone. Ask for none."
        )
    if engine == CAPTURE_ENGINE and not isinstance(place, Capture):
        raise no_capture(place.id)


def _planned(place: Place, rig: Rig, recipe: Recipe) -> list[Trajectory]:
    """Return where the frames are taken from: planned, or, for a capture, where they were taken.

    Raises:
        UserError: as planning and cutting do.
    """
    if isinstance(place, Space):
        return plan_trajectories(place, rig, recipe.trajectories, recipe.splits, recipe.seed)
    assert isinstance(place, Capture)
    if recipe.trajectories != "auto":
        raise UserError(f"{place.id} has only the views that were recorded: leave --trajectories out.")
    View.of(place.camera, rig, place.id)  # refuses a rig that sees more than the device did
    return recorded_trajectories(place, recipe.splits)


def _audit(recipe: Recipe, trajectories: Sequence[Trajectory]) -> Audit:
    """Measure how far the splits are apart; planned ones must be, a file is as its owner made it.

    Raises:
        UserError: planned trajectories have near-duplicates across splits.
    """
    audit = Audit.model_validate(audit_splits(trajectories))
    if not audit.passed and recipe.trajectory_file is None:
        raise UserError(
            f"The planned trajectories did not pass the audit: {audit.complaint()}. The space may be too "
            "small for so many; ask for fewer trajectories or another seed."
        )
    if not audit.passed:
        _warn(f"{audit.complaint()}. Such a recording serves transductive runs; inductive ones refuse it.")
    return audit


def _render_missing(
    space: Place, recipe: Recipe, draft: Draft, jobs: Sequence[Job], workers: int, progress: Progress | None
) -> tuple[float, int]:
    """Render what is not done yet; return the seconds it took and the number of frames."""
    missing = [job for job in jobs if draft.done(job) is None]
    total = sum(len(job.camera_to_world) for job in jobs)
    left = sum(len(job.camera_to_world) for job in missing)
    done = total - left
    started = time.monotonic()

    def advance(frames: int) -> None:
        nonlocal done
        done += frames
        if progress:
            progress(done, total)

    try:
        advance(0)
        render(space, recipe.engine, draft, missing, workers, advance)
    except BaseException as error:
        kept = sum(draft.done(job) is not None for job in jobs)
        print(
            f"{'Interrupted' if isinstance(error, KeyboardInterrupt) else 'Failed'}: {kept} of {len(jobs)} "
            f"trajectories are done and kept in {draft.folder}. The same command continues.",
            file=sys.stderr,
        )
        raise
    return time.monotonic() - started, left


def _marker(draft: Draft, job: Job) -> Marker:
    marker = draft.done(job)
    if marker is None:
        raise UserError(f"{draft.folder} was changed meanwhile ({job.trajectory=}). Run the same command again.")
    return marker


def _meta(
    space: Place,
    recipe: Recipe,
    folder: Path,
    draft: Draft,
    trajectories: Sequence[Trajectory],
    markers: Sequence[Marker],
    audit: Audit,
    libraries: dict[str, str],
) -> Meta:
    valid_fraction = {}
    for split in recipe.splits:
        of_split = [m.valid for t, m in zip(trajectories, markers, strict=True) if t.split == split]
        valid = [flag for flags in of_split for flag in flags]
        valid_fraction[split] = round(sum(valid) / max(len(valid), 1), 6)
        if sum(valid) < FEW_VALID * len(valid):
            _warn(f"Only {sum(valid)} of {len(valid)} {split} frames show enough of {space.id} to be of use.")
    rig = recipe.rig()
    names = [FRAMES_FILE, *map(modality_file, draft.arrays)]
    return Meta(
        format_version=FORMAT_VERSION,
        recipe=recipe.described(),
        recipe_hash=folder.name,
        space=SpaceInfo.of(space),
        engine=EngineInfo(name=recipe.engine, version=ENGINES[recipe.engine].version),
        rig=RigInfo.of(rig),
        conventions=CONVENTIONS | changed_conventions(rig),
        categories=space.categories,
        seeds={"trajectories": recipe.seed} | ({"noise": recipe.seed} if rig.noise else {}),
        libraries=libraries,
        frames=sum(len(t.camera_to_world) for t in trajectories),
        modalities=draft.arrays,
        valid_fraction=valid_fraction,
        audit=audit,
        files=digest_files(draft.folder, names),
        trajectories={
            str(t.id): TrajectoryInfo(split=t.split, frames=len(t.camera_to_world), digests=marker.digests)
            for t, marker in zip(trajectories, markers, strict=True)
        },
    ).sealed()


def _warn(message: str) -> None:
    print(f"Warning: {message}", file=sys.stderr)
