"""Packs: the test frames of a suite for everybody, and their truth for whoever scores.

A *public* pack holds, for every space that is scored, an ``.npz`` of its test frames: ``frames`` (their numbers in the
recording, which predictions name), ``trajectory`` and ``step`` of each, and ``rgb``. No label, depth or pose is in it.

A *private* pack holds what the tasks' truth is read from: description, poses and all modalities of these frames, and
which categories transfer training could teach. Unpacked it is a folder of recordings as any other, in which only the
test frames are valid. It must not leave the machine that scores.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from benchmark.rescoring import OpenRecording, seen_in_transfer
from benchmark.results import Result, collect
from benchmark.suites import Suite
from benchmark.tasks import TASKS
from leaderboard.archive import write_archive
from leaderboard.manifest import Part, SuiteId
from leaderboard.suites import digest, identity
from sim_envs.errors import UserError, unknown
from sim_envs.recordings.format import FRAMES_FILE, META_FILE
from sim_envs.recordings.reader import Recording
from sim_envs.storage import digest_file, write_json

SCHEMA = 1
PACK = "pack.json"

Kind = Literal["public", "private"]


class PackedSpace(Part):
    """One space: its recording, how many test frames, and file in the archive → SHA-256."""

    space: str
    recording: str
    frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    files: dict[str, str]


class TaughtTask(Part):
    """What scoring a task needs beside truth: the evaluation ids that transfer training could teach."""

    version: int = Field(ge=1)
    seen: tuple[int, ...]


class Pack(Part):
    """``pack.json``.

    Attributes:
        suite: which one; in a private pack ``rules`` is the whole of it.
        tasks: only in a private pack.
    """

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    kind: Kind
    suite: SuiteId
    spaces: tuple[PackedSpace, ...] = Field(min_length=1)
    rules: Suite | None = None
    tasks: dict[str, TaughtTask] = Field(default_factory=dict)


def write_public_pack(run: Path, out: Path, suites: Mapping[str, Suite], open_recording: OpenRecording) -> Pack:
    """Write the test frames of a run's spaces without labels.

    Args:
        run: folder of a run, or of all runs of a suite.

    Raises:
        UserError: no results there, a suite that is not taken, or a recording that is not on this machine.
    """
    suite, _, recordings = _read_run(run, suites, open_recording)
    return _write(out, "public", suite, recordings, _public_files, None, {})


def write_private_pack(run: Path, out: Path, suites: Mapping[str, Suite], open_recording: OpenRecording) -> Pack:
    """Write the truth about the test frames of a run's spaces; see :func:`write_public_pack`.

    Raises:
        UserError: also where two rows of the run were taught different categories.
    """
    suite, results, recordings = _read_run(run, suites, open_recording)
    tasks: dict[str, TaughtTask] = {}
    for result in results:
        taught = TaughtTask(version=TASKS[result.task].version, seen=_seen(result))
        if tasks.setdefault(result.task, taught) != taught:
            raise UserError(f"Results under {run} were taught different categories of {result.task}. Run them again.")
    return _write(out, "private", suite, recordings, _private_files, suite, tasks)


def _read_run(
    run: Path, suites: Mapping[str, Suite], open_recording: OpenRecording
) -> tuple[Suite, list[Result], list[Recording]]:
    results = collect(run)
    fields = results[0].configuration["suite"]
    if fields["name"] not in suites:
        raise unknown("suite", fields["name"], suites, "A suite of your own is named with --suite FILE.")
    suite = suites[fields["name"]]
    if any(digest(result.configuration["suite"]) != identity(suite).digest for result in results):
        raise UserError(
            f"Results under {run} are not all of {suite.name} v{suite.version} as it is now. Run it again, without"
            " --limit."
        )
    digests = {part.space: part.recording for result in results for part in result.spaces}
    recordings = []
    for space in (*suite.test_spaces, *suite.held_out):
        recording = open_recording(space, digests[space]) if space in digests else None
        if recording is None:
            raise UserError(f"No recording of {space} that was scored is here. Run {suite.name} in all its spaces.")
        recordings.append(recording)
    return suite, results, recordings


def _seen(result: Result) -> tuple[int, ...]:
    folder = result.file(result.prediction_folder)
    if folder is None:
        raise UserError(f"The predictions of {result.file_stem} are not there any more. Run the model again.")
    return seen_in_transfer(folder)


def _write(
    out: Path,
    kind: Kind,
    suite: Suite,
    recordings: Iterable[Recording],
    files_of: Callable[[Recording, np.ndarray, Path], Sequence[Path]],
    rules: Suite | None,
    tasks: dict[str, TaughtTask],
) -> Pack:
    with tempfile.TemporaryDirectory(prefix="tst-bench-", dir=out.parent if out.parent.is_dir() else None) as scratch:
        spaces, members = [], []
        for recording in recordings:
            rows = recording.indices("test")
            folder = Path(scratch) / recording.meta.space.id.replace("/", "__")
            folder.mkdir()
            paths = files_of(recording, rows, folder)
            names = {f"spaces/{folder.name}/{path.name}": path for path in paths}
            members += list(names.items())
            spaces.append(
                PackedSpace(
                    space=recording.meta.space.id,
                    recording=recording.meta.digest,
                    frames=len(rows),
                    height=recording.rig.height,
                    width=recording.rig.width,
                    files={name: digest_file(path) for name, path in names.items()},
                )
            )
        pack = Pack(kind=kind, suite=identity(suite), spaces=tuple(spaces), rules=rules, tasks=tasks)
        description = Path(scratch) / PACK
        write_json(description, pack.model_dump(mode="json"))
        write_archive(out, [(PACK, description), *members])
    return pack


def _public_files(recording: Recording, rows: np.ndarray, folder: Path) -> list[Path]:
    path = folder / "frames.npz"
    table = recording.frames.iloc[rows]
    np.savez_compressed(
        path,
        frames=rows,
        trajectory=table["trajectory"].to_numpy(np.int64),
        step=table["step"].to_numpy(np.int64),
        rgb=np.asarray(recording.array("rgb")[rows]),
    )
    return [path]


def _private_files(recording: Recording, rows: np.ndarray, folder: Path) -> list[Path]:
    frames = recording.frames.copy()
    frames["valid"] = np.isin(np.arange(len(frames)), rows)  # the others are not in the pack
    frames.to_parquet(folder / FRAMES_FILE, index=False)
    (folder / META_FILE).write_bytes((recording.folder / META_FILE).read_bytes())
    paths = [folder / META_FILE, folder / FRAMES_FILE]
    for name in recording.modalities:
        paths.append(folder / f"{name}.npz")
        np.savez_compressed(paths[-1], rows=rows, values=np.asarray(recording.array(name)[rows]))
    return paths
