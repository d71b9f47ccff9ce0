"""What an entry says beyond its scores: spaces, categories, what was not scored. From its sums, without resampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, Evidence, Row, scored_on
from benchmark.report.grids import Cell, Grid
from benchmark.report.tables import categories_grid, left_out_grid
from benchmark.results import Result, SpaceResult
from benchmark.tasks import TASKS
from leaderboard.entries import Entry


@dataclass(frozen=True, eq=False)
class Details:
    """One task and protocol of an entry in one test space.

    Attributes:
        spaces: every measure in every space, without intervals; one space a row, in the order of a run.
        categories: the main measure of each category there; None for a task without categories.
        left_out: what is not scored, and why; None where everything is.
        rests_on: what intervals of these scores rest on, in words.
    """

    task: str
    protocol: str
    space: str
    spaces: Grid
    categories: Grid | None
    left_out: Grid | None
    rests_on: str


def details(entry: Entry) -> list[Details]:
    """Return what there is of each task, protocol and test space, in this order."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in entry.results:
        groups.setdefault((result.task, result.protocol, result.test_space), []).append(result)
    return [_details(groups[key], entry) for key in sorted(groups)]


def _details(results: Sequence[Result], entry: Entry) -> Details:
    first = results[0]
    row = Row(entry.title, entry.track, tuple(results), estimates={})  # nothing here needs them
    task = TASKS[first.task]
    evidence = Evidence(first.suite, first.test_space, first.variant, first.protocol, task, scored_on(first), (row,))
    return Details(
        first.task,
        first.protocol,
        first.test_space,
        _spaces_grid(evidence),
        categories_grid(evidence),
        left_out_grid(evidence),
        evidence.rests_on,
    )


def _spaces_grid(evidence: Evidence) -> Grid:
    measures = evidence.task.measures
    rows = []
    for place, part in enumerate(evidence.spaces):
        found = _means(evidence, [result.spaces[place] for result in evidence.rows[0].results])
        trajectories = part.statistics.trajectories
        frames = sum(trajectory.frames for trajectory in trajectories)
        rows.append(
            (
                Cell(part.space, part.space),
                Cell(ROLE_TITLES[part.role], part.role),
                Cell(f"{frames:,} in {len(trajectories)}", frames),
                *(Cell(m.text(found[m.key]), found[m.key] if np.isfinite(found[m.key]) else "") for m in measures),
            )
        )
    return Grid(
        title="Each space by itself",
        columns=("space", "role", "frames in trajectories", *(f"{m.label}{m.in_brackets}" for m in measures)),
        rows=tuple(rows),
        groups=tuple(row[1].text for row in rows),
        note="Means over seeds.",
        numeric=2,
    )


def _means(evidence: Evidence, parts: Sequence[SpaceResult]) -> dict[str, float]:
    """Return measure → mean over the seeds' parts of one space."""
    found = [evidence.task.metrics(part.statistics.unpack().total, part.scope) for part in parts]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}
