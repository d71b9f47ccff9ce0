"""What an entry says beyond its scores: categories, and what was not scored. From its sums, without resampling."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.report.evidence import Evidence, Row, scored_on
from benchmark.report.grids import Grid
from benchmark.report.tables import categories_grid, left_out_grid
from benchmark.results import Result
from benchmark.tasks import TASKS
from leaderboard.entries import Entry


@dataclass(frozen=True, eq=False)
class Details:
    """One task and protocol of an entry in one test space.

    Attributes:
        categories: the main measure of each category there; None for a task without categories.
        left_out: what is not scored, and why; None where everything is.
    """

    task: str
    protocol: str
    space: str
    categories: Grid | None
    left_out: Grid | None


def details(entry: Entry) -> list[Details]:
    """Return what there is of each task, protocol and test space, in this order."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in entry.results:
        groups.setdefault((result.task, result.protocol, result.test_space), []).append(result)
    found = []
    for (task, protocol, space), results in sorted(groups.items()):
        first = results[0]
        row = Row(entry.title, entry.track, tuple(results), estimates={})  # these grids need none
        evidence = Evidence(first.suite, space, first.variant, protocol, TASKS[task], scored_on(first), (row,))
        found.append(Details(task, protocol, space, categories_grid(evidence), left_out_grid(evidence)))
    return found
