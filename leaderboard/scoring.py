"""Score a submission against the truth: with the tasks, sums and intervals that a run uses, hence to the same digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.estimates import scores
from benchmark.results import Score, SpaceResult
from benchmark.scoring import score_space
from benchmark.tasks import TASKS
from leaderboard.archive import Limits
from leaderboard.manifest import Row, Submission
from leaderboard.refusal import Refusal
from leaderboard.truth import Truth
from leaderboard.validation import receive_file
from sim_envs.errors import UserError
from sim_envs.recordings.reader import Recording


@dataclass(frozen=True)
class ScoredRow:
    """One row of a submission with the scores that count.

    Attributes:
        spaces: per-trajectory sums of every space; what tables and comparisons are made from.
        scores: measure → role or ``gap`` → score.
    """

    row: Row
    spaces: tuple[SpaceResult, ...]
    scores: Mapping[str, Mapping[str, Score]]

    @property
    def as_claimed(self) -> bool | None:
        """Whether the run that was submitted found the very same scores; None where it claims none."""
        return self.scores == self.row.scores if self.row.scores else None


def score_submission(
    path: Path, truth: Truth, folder: Path, limits: Limits = Limits()
) -> tuple[Submission, list[ScoredRow]]:
    """Check a submission and score all of it.

    Args:
        folder: an empty one; predictions are unpacked there.

    Raises:
        Refusal: it is not taken (:func:`~leaderboard.validation.receive`), or its predictions are not of exactly the
            frames that are scored.
    """
    submission = receive_file(path, folder, {truth.suite.name: truth.suite}, limits)
    return submission, [score_row(row, truth, folder) for row in submission.rows]


def score_row(row: Row, truth: Truth, folder: Path) -> ScoredRow:
    """Score one row of a submission that was received into a folder.

    Raises:
        Refusal: its predictions are not of exactly the frames that are scored.
    """
    task = TASKS[row.task]
    taught = truth.pack.tasks.get(row.task)
    if taught is None or taught.version != task.version:
        raise Refusal("task", f"the truth at hand does not serve {row.task} version {task.version}.")
    parts = []
    scored = truth.scored(row.test_space, task)
    strangers = {file.space for file in row.spaces} - {recording.meta.space.id for recording, _ in scored}
    if strangers:
        raise Refusal("rows", f"{row.said}: {', '.join(sorted(strangers))} cannot be scored.")
    for recording, role in scored:
        _check_recording(row, recording)
        try:
            part = score_space(
                folder / row.folder, recording, recording.indices("test"), task=task, role=role, seen=taught.seen
            )
        except UserError as error:
            what = str(error).replace(f"{folder}/", "").removesuffix(" Run the model again.")
            raise Refusal("predictions", what) from None
        parts.append(part)
    return ScoredRow(row, tuple(parts), scores(parts, task, row.seed))


def _check_recording(row: Row, recording: Recording) -> None:
    space, digest = recording.meta.space.id, recording.meta.digest
    made = next((file.recording for file in row.spaces if file.space == space), digest)
    if made != digest:
        raise Refusal(
            "frames",
            f"{row.said} was made on another recording of {space} ({made[:12]}…) than is scored here ({digest[:12]}…).",
        )
