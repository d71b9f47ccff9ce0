"""Packs: the test frames of a suite for everybody, and their truth for whoever scores.

A *public* pack holds, for every space that is scored, an ``.npz`` of its test frames: ``frames`` (their numbers in the
recording, which predictions name), ``trajectory`` and ``step`` of each, and ``rgb``. No label, depth or pose is in it.

A *private* pack holds what the tasks' truth is read from: description, poses and all modalities of these frames, and
which categories transfer training could teach. Unpacked it is a folder of recordings as any other, in which only the
test frames are valid. It must not leave the machine that scores.

The test frames are those of a run, which everybody can render (custody ``open``), or of trajectories that were planned
from a secret (``hidden``, :mod:`benchmark.hidden`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from benchmark.rescoring import OpenRecording, seen_in_transfer
from benchmark.results import Result, collect
from benchmark.suites import Suite
from benchmark.tasks import TASKS
from leaderboard.archive import write_archive
from leaderboard.custody import Custody
from leaderboard.manifest import Part, SuiteId
from leaderboard.suites import digest, identity
from sim_envs.errors import UserError, unknown
from sim_envs.recordings.format import FRAMES_FILE, META_FILE, Audit
from sim_envs.recordings.reader import Recording
from sim_envs.storage import digest_file, disk_error, write_json

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
        custody: ``hidden`` for trajectories planned from a secret, see :data:`leaderboard.custody.Custody`; what comes
            from a run is ``open``, unless nobody else has its spaces.
        suite: which one; in a private pack ``rules`` is the whole of it.
        tasks: only in a private pack.
        audits: only in a private pack of hidden trajectories: space → how far their views are from the suite's own.
    """

    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    kind: Kind
    custody: Custody = "open"
    suite: SuiteId
    spaces: tuple[PackedSpace, ...] = Field(min_length=1)
    rules: Suite | None = None
    tasks: dict[str, TaughtTask] = Field(default_factory=dict)
    audits: dict[str, Audit] = Field(default_factory=dict)


def write_public_pack(run: Path, out: Path, suites: Mapping[str, Suite], open_recording: OpenRecording) -> Pack:
    """Write the test frames of a run's spaces without labels.

    Args:
        run: folder of a run, or of all runs of a suite.

    Raises:
        UserError: no results there, a suite that is not taken, or a recording that is not on this machine.
    """
    suite, _, recordings = _read_run(run, suites, open_recording)
    return _write(out, _packed(suite, "public"), recordings, _public_files)


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
    return _write(out, _packed(suite, "private", rules=suite, tasks=tasks), recordings, _private_files)


def write_hidden_packs(
    public: Path,
    private: Path,
    suite: Suite,
    recordings: Mapping[str, Recording],
    seen: Mapping[str, tuple[int, ...]],
    audits: Mapping[str, Audit],
) -> tuple[Pack, Pack]:
    """Write both packs of hidden trajectories, the public one last, and return them in that order.

    Args:
        recordings: space → hidden recording, in the order of a run.
        seen: task → evaluation ids that transfer training could teach.
        audits: space → how far the hidden views are from the suite's own.
    """
    tasks = {name: TaughtTask(version=TASKS[name].version, seen=ids) for name, ids in seen.items()}
    truth = _packed(suite, "private", custody="hidden", rules=suite, tasks=tasks, audits=dict(audits))
    written = _write(private, truth, recordings.values(), _private_files)
    return _write(public, _packed(suite, "public", custody="hidden"), recordings.values(), _public_files), written


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


def _packed(suite: Suite, kind: Kind, **fields: Any) -> Callable[[tuple[PackedSpace, ...]], Pack]:
    """Return what makes a description of packed spaces."""
    return lambda spaces: Pack(kind=kind, suite=identity(suite), spaces=spaces, **fields)


def _write(
    out: Path,
    describe: Callable[[tuple[PackedSpace, ...]], Pack],
    recordings: Iterable[Recording],
    files_of: Callable[[Recording, np.ndarray, Path], Sequence[Path]],
) -> Pack:
    """Write a pack whole or not at all; a private one can be read by its owner alone."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(out, error) from error
    with tempfile.TemporaryDirectory(prefix=".tst-bench-", dir=out.parent) as scratch:
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
        pack = describe(tuple(spaces))
        description, archive = Path(scratch) / PACK, Path(scratch) / "archive.zip"
        write_json(description, pack.model_dump(mode="json"))
        write_archive(archive, [(PACK, description), *members])
        if pack.kind == "private":
            archive.chmod(0o600)
        archive.replace(out)
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
