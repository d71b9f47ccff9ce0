"""Where the board's scores differ from those that a submission claims: both, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from benchmark.report.evidence import ROLE_TITLES
from benchmark.report.grids import Cell, Grid
from benchmark.results import Result, Score
from benchmark.tasks import TASKS, Measure
from leaderboard.archive import Limits, read_archive
from leaderboard.manifest import Row, read_manifest
from leaderboard.store.files import Files

RowKey = tuple[str, str, str, int]
"""Task, protocol, test space and seed."""

Scores = Mapping[str, Mapping[str, Score]]
"""Measure → role or ``gap`` → score."""

MOST = 60
"""Lines that are shown; a wrong claim is usually wrong everywhere."""


@lru_cache(maxsize=64)
def claimed_rows(files: Files, archive_sha256: str) -> tuple[Row, ...]:
    """Return the rows of a submission as its own manifest has them; empty where the board has no such file.

    A site that is built from entries alone has none.
    """
    if archive_sha256 not in files:
        return ()
    with files.path(archive_sha256).open("rb") as stream:
        first = next(read_archive(stream, Limits()))
        return read_manifest(first.content()).rows


def found_scores(results: Sequence[Result]) -> dict[RowKey, Scores]:
    """Return what the board found, by row."""
    return {(result.task, result.protocol, result.test_space, result.seed): result.scores for result in results}


def claims_grid(rows: Sequence[Row], found: Mapping[RowKey, Scores]) -> Grid | None:
    """Return every score that was claimed and found to be another, main measures first; None where there is none."""
    lines = []
    for row in rows:
        scored = found.get((row.task, row.protocol, row.test_space, row.seed), {})
        for place, measure in enumerate(TASKS[row.task].measures):
            claimed, ours = row.scores.get(measure.key, {}), scored.get(measure.key, {})
            lines += [(place, row, measure, role, claimed.get(role), ours.get(role)) for role in {**claimed, **ours}]
    differing = sorted((line for line in lines if line[4] != line[5]), key=lambda line: line[0])
    if not differing:
        return None
    more = f" {len(differing) - MOST} more differ." if len(differing) > MOST else ""
    return Grid(
        title="Claimed and found",
        columns=("row", "measure", "where", "claimed", "found here"),
        rows=tuple(
            (
                Cell(row.said),
                Cell(f"{measure.label}{measure.in_brackets}"),
                Cell(ROLE_TITLES.get(role, role)),
                Cell(_text(measure, claimed)),
                Cell(_text(measure, ours)),
            )
            for _, row, measure, role, claimed, ours in differing[:MOST]
        ),
        groups=("",) * min(MOST, len(differing)),
        note=f"What was found here counts.{more}",
        numeric=3,
    )


def _text(measure: Measure, score: Score | None) -> str:
    if score is None or score.value is None:
        return "–"
    value = measure.text(score.value)
    if score.low is None or score.high is None:
        return value
    return f"{value} [{measure.text(score.low)}, {measure.text(score.high)}]"
