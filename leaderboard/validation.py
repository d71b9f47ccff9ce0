"""Receive a submission: the one piece of code that a board and ``tst-bench leaderboard validate`` both run.

The file is read once, from front to back. The manifest comes first and says what else may come; every other file is
held against it while it arrives, then opened only as far as it has proved harmless, and checked by its task's form.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from benchmark.manifest import MANIFEST as PREDICTIONS
from benchmark.manifest import Manifest, PredictionFile, file_name
from benchmark.predictions import predicted_frames, read_prediction
from benchmark.suites import Suite
from benchmark.tasks import TASKS
from leaderboard.archive import Incoming, Limits, read_archive
from leaderboard.manifest import MANIFEST, MANIFEST_BYTES, Row, SpaceFile, Submission, read_manifest
from leaderboard.prediction_files import check_file, file_bytes_allowed
from leaderboard.refusal import Refusal
from leaderboard.rules import NO_RULE, check_rules
from sim_envs.errors import UserError
from sim_envs.storage import write_json

NO_FRAMES = np.empty(0, np.int64)


def validate(
    path: Path,
    suites: Mapping[str, Suite],
    limits: Limits = Limits(),
    code: Mapping[str, Collection[str]] = NO_RULE,
) -> Submission:
    """Check a submission as a board does, and keep nothing of it. What only labels can tell is left to scoring.

    Args:
        suites: name → suite that is taken.
        code: digests of the code that is accepted, see :func:`~leaderboard.rules.check_rules`.

    Raises:
        UserError: no such file.
        Refusal: it would not be taken, and why.
    """
    with tempfile.TemporaryDirectory(prefix="tst-bench-") as folder:
        return receive_file(path, Path(folder), suites, limits, code)


def receive_file(
    path: Path,
    folder: Path,
    suites: Mapping[str, Suite],
    limits: Limits = Limits(),
    code: Mapping[str, Collection[str]] = NO_RULE,
) -> Submission:
    """Check a submission in a file, and unpack it; see :func:`receive`."""
    if not path.is_file():
        raise UserError(f"No file at {path}. tst-bench submit RUN_DIR --dry-run --out FILE makes one.")
    if path.stat().st_size > limits.archive_bytes:
        raise Refusal("size", f"{path.name} is larger than {limits.archive_bytes:,} bytes.")
    try:
        with path.open("rb") as stream:
            return receive(stream, folder, suites, limits, code)
    except OSError as error:
        raise UserError(f"{path} cannot be read or unpacked: {error.strerror or error}.") from None


def receive(
    stream: BinaryIO,
    folder: Path,
    suites: Mapping[str, Suite],
    limits: Limits = Limits(),
    code: Mapping[str, Collection[str]] = NO_RULE,
) -> Submission:
    """Check a submission while it comes in, and unpack it into a folder of prediction folders, one a row.

    Args:
        folder: an empty one; of no use when a refusal is raised.
        suites, code: see :func:`validate`.

    Raises:
        Refusal: it is not taken, and why.
    """
    members = read_archive(stream, limits)
    submission = read_first(next(members, None))
    check_rules(submission, suites, code)
    expected = submission.files()
    for member in members:
        name, row, file = next(expected, (None, None, None))
        if row is None or file is None or name != member.name:
            wanted = f"{name} is what {MANIFEST} names here" if name else f"{MANIFEST} names no more files"
            raise Refusal("name", f"{member.name} is in it, and {wanted}.")
        _keep(member, folder / member.name, row, file)
    if (missing := next(expected, None)) is not None:
        raise Refusal("name", f"{missing[0]} is missing.")
    for row in submission.rows:
        _check_answers(row, folder / row.folder, submission.model)
    return submission


def read_first(first: Incoming | None) -> Submission:
    """Read the first member of an archive, which is to be the manifest.

    Raises:
        Refusal: it is something else, or no manifest that is taken.
    """
    if first is None or first.name != MANIFEST:
        raise Refusal("name", f"{MANIFEST} is not the first file in it.")
    if first.size > MANIFEST_BYTES:
        raise Refusal("size", f"{MANIFEST} is larger than {MANIFEST_BYTES:,} bytes.")
    return read_manifest(first.content())


def _keep(member: Incoming, path: Path, row: Row, file: SpaceFile) -> None:
    """Write a file down as far as it is what the manifest announces, then look at its inside."""
    task = TASKS[row.task]
    if member.size != file.size:
        raise Refusal("digest", f"{member.name} has {member.size:,} bytes, {MANIFEST} says {file.size:,}.")
    most = file_bytes_allowed(task, file.frames, file.height, file.width)
    if member.size > most:
        raise Refusal("size", f"{member.name} has {member.size:,} bytes, predictions for its frames at most {most:,}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    sha = hashlib.sha256()
    with path.open("wb") as out:
        for block in member.blocks:
            sha.update(block)
            out.write(block)
    if sha.hexdigest() != file.sha256:
        raise Refusal("digest", f"{member.name} is not the file that {MANIFEST} describes (SHA-256).")
    check_file(path, member.name, task, file.frames, file.height, file.width)


def _check_answers(row: Row, folder: Path, model: str) -> None:
    """Describe the files of a row as a run does, and let the task's form judge every answer in them."""
    spaces = tuple(
        PredictionFile(
            space=file.space,
            file=file_name(file.space),
            recording=file.recording,
            frames=file.frames,
            height=file.height,
            width=file.width,
            sha256=file.sha256,
        )
        for file in row.spaces
    )
    manifest = Manifest(task=row.task, model=model, protocol=row.protocol, seed=row.seed, spaces=spaces)
    write_json(folder / PREDICTIONS, manifest.model_dump(mode="json"))
    for file in row.spaces:
        try:
            read_prediction(folder, file.space, recording=file.recording, only=NO_FRAMES)  # all are checked, none kept
            frames = len(predicted_frames(folder, file.space, recording=file.recording))
        except UserError as error:
            what = str(error).replace(f"{folder}/", f"{row.folder}/").removesuffix(" Run the model again.")
            raise Refusal("predictions", what) from None
        if frames != file.frames:
            raise Refusal("predictions", f"{row.path(file.space)} has {frames} frames, {MANIFEST} says {file.frames}.")
