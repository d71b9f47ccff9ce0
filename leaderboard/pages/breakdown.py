"""What one entry says beyond its scores: each space and category by itself, what is not scored, what it all rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, Evidence, Row
from benchmark.report.grids import Cell, Grid, narrowed
from benchmark.report.tables import categories_grid, left_out_grid
from benchmark.results import Result, SpaceResult
from benchmark.tasks import TASKS
from leaderboard.entries import Entry


@dataclass(frozen=True)
class Breakdown:
    """One (task, protocol, test space) of an entry, without intervals: these are in the standings.

    Attributes:
        spaces: every measure in every space.
        categories: the main measure of each category in the test space; None without categories.
        left_out: what is not scored, and why; None where everything is.
        rests_on: in words.
    """

    task: str
    protocol: str
    test_space: str
    spaces: Grid
    categories: Grid | None
    left_out: Grid | None
    rests_on: str


def breakdowns(entry: Entry) -> tuple[Breakdown, ...]:
    """Return one breakdown for each (task, protocol, test space), in that order."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in entry.results:
        groups.setdefault((result.task, result.protocol, result.test_space), []).append(result)
    return tuple(_breakdown(groups[key], entry) for key in sorted(groups))


def _breakdown(results: Sequence[Result], entry: Entry) -> Breakdown:
    ordered = tuple(sorted(results, key=lambda result: result.seed))
    first = ordered[0]
    row = Row(entry.title, entry.track, ordered, estimates={})  # nothing here needs resamples, which take seconds
    evidence = Evidence(
        first.suite, first.test_space, first.variant, first.protocol, TASKS[first.task], "", rows=(row,)
    )
    return Breakdown(
        first.task,
        first.protocol,
        first.test_space,
        spaces_grid(evidence),
        _categories(evidence, entry),
        left_out_grid(evidence),
        evidence.rests_on,
    )


def spaces_grid(evidence: Evidence) -> Grid:
    """Return space × measure: means over the seeds of the only row."""
    measures = evidence.task.measures
    rows = []
    for place, part in enumerate(evidence.spaces):
        found = _means(evidence, [result.spaces[place] for result in evidence.rows[0].results])
        frames = sum(trajectory.frames for trajectory in part.statistics.trajectories)
        trajectories = len(part.statistics.trajectories)
        rows.append(
            (
                Cell(part.space, part.space),
                Cell(ROLE_TITLES[part.role], part.role),
                Cell(f"{frames:,} in {trajectories}", frames),
                *(Cell(m.text(found[m.key]), found[m.key] if np.isfinite(found[m.key]) else "") for m in measures),
            )
        )
    return Grid(
        title="Each space by itself",
        columns=("space", "role", "frames in trajectories", *(f"{m.label}{m.in_brackets}" for m in measures)),
        rows=tuple(rows),
        groups=tuple(row[1].text for row in rows),
        note="Means over seeds, without intervals: for orientation, not for claims about a single space.",
        numeric=2,
    )


def _means(evidence: Evidence, parts: Sequence[SpaceResult]) -> dict[str, float]:
    """Return measure → mean over the seeds' parts of one space."""
    found = [evidence.task.metrics(part.statistics.unpack().total, part.scope) for part in parts]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def _categories(evidence: Evidence, entry: Entry) -> Grid | None:
    """Return the grid of categories; how much there is of each is for everybody only where the labels are."""
    grid = categories_grid(evidence)
    if grid is None or not grid.rows:
        return None
    if entry.custody == "open":
        return grid
    by_name = replace(grid, rows=tuple(sorted(grid.rows, key=lambda row: row[0].text)))
    return narrowed(by_name, ("category", evidence.rows[0].model))
