"""The process that reads a stranger's file: ``python -m leaderboard.worker.child REQUEST``.

It knows paths and nothing else of the board. What it finds it says in lines on its standard output and in files in its
scratch folder (:mod:`leaderboard.worker.messages`); it is started under limits (:mod:`leaderboard.worker.limits`).
"""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal

from leaderboard.archive import Limits
from leaderboard.entries import results_of
from leaderboard.manifest import Submission
from leaderboard.refusal import Refusal
from leaderboard.samples import samples, write_png
from leaderboard.scoring import ScoredRow, score_row
from leaderboard.truth import Truth, open_unpacked
from leaderboard.validation import receive_file
from leaderboard.worker.messages import MANIFEST, OUTCOME, PICTURES, Line, Outcome, Refused, Request, Sample

RECEIVED = "received"


def main() -> None:
    """Score what the request names, and write down what came of it; a bug or a broken board is a traceback."""
    request = Request.model_validate_json(Path(sys.argv[1]).read_bytes())
    try:
        outcome = _outcome(request)
    except Exception as error:
        if (exceeded := _exceeded(error)) is not None:
            outcome = Outcome(exceeded=exceeded)
        elif isinstance(error, Refusal):
            outcome = Outcome(refused=Refused(reason=error.reason, message=str(error)))
        else:
            raise
    shutil.rmtree(request.scratch / RECEIVED, ignore_errors=True)
    (request.scratch / OUTCOME).write_text(outcome.model_dump_json(), encoding="utf-8")


def _outcome(request: Request) -> Outcome:
    received = request.scratch / RECEIVED
    received.mkdir()
    suites = {taken.rules.name: taken for taken in request.suites}
    submission = receive_file(
        request.archive,
        received,
        {name: taken.rules for name, taken in suites.items()},
        Limits(archive_bytes=request.archive_bytes),
        {name: taken.code for name, taken in suites.items()},
    )
    (request.scratch / MANIFEST).write_bytes(submission.as_bytes())
    _say(Line(stage="valid"))
    suite = suites[submission.suite.name]
    truth = open_unpacked(suite.truth)
    return Outcome(
        results=results_of(submission, suite.rules, _told(submission, truth, received), request.scored.isoformat()),
        samples=_drawn(submission, truth, received, request.scratch / PICTURES) if suite.is_public else (),
    )


def _told(submission: Submission, truth: Truth, folder: Path) -> Iterator[ScoredRow]:
    """Score row by row, and say when another task or protocol begins."""
    for (task, protocol), rows in groupby(submission.rows, key=lambda row: (row.task, row.protocol)):
        _say(Line(stage="scoring", text=f"{task} {protocol}"))
        for row in rows:
            yield score_row(row, truth, folder)


def _drawn(submission: Submission, truth: Truth, received: Path, folder: Path) -> tuple[Sample, ...]:
    """Write the pictures of all samples."""
    folder.mkdir()
    found = []
    for number, sample in enumerate(samples(submission, truth, received)):
        names = {"rgb": f"{2 * number}.png", "prediction": f"{2 * number + 1}.png"}
        write_png(folder / names["rgb"], sample.rgb)
        write_png(folder / names["prediction"], sample.prediction)
        found.append(
            Sample(
                space=sample.space,
                role=sample.role,
                frame=sample.frame,
                task=sample.row.task,
                protocol=sample.row.protocol,
                test_space=sample.row.test_space,
                **names,
            )
        )
    return tuple(found)


def _exceeded(error: BaseException | None) -> Literal["memory", "disk"] | None:
    """Return which limit is behind an error, however often it was said in other words on the way up."""
    while error is not None:
        if isinstance(error, MemoryError):
            return "memory"
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return "disk"
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return "memory"
        error = error.__cause__ or error.__context__
    return None


def _say(line: Line) -> None:
    print(line.model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
