"""Two submissions against each other, in every table that has both: paired on the same trajectories and resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.report.comparison import Compared, sentence
from benchmark.statistics import Estimate, holm
from benchmark.tasks import Task


@dataclass(frozen=True, eq=False)
class Pair:
    """The estimates of two submissions in one table, in its main measure: role → estimate."""

    task: Task
    protocol: str
    space: str
    first: Mapping[str, Estimate]
    second: Mapping[str, Estimate]


@dataclass(frozen=True, eq=False)
class TableComparison:
    """The first submission less the second in one table.

    Attributes:
        space: the test space, "" for the mean over all of them.
        parts: one a role that both have; p-values are corrected over all tables that are compared together.
        words: what that amounts to, no stronger than the intervals allow.
    """

    task: Task
    protocol: str
    space: str
    parts: tuple[Compared, ...]
    words: str


def compare(pairs: Sequence[Pair], first: str, second: str) -> list[TableComparison]:
    """Compare two submissions in all tables at once; p-values are Holm-corrected over everything that is returned.

    Args:
        first, second: what to call them.
    """
    differences = [
        {role: pair.first[role] - pair.second[role] for role in pair.first if role in pair.second} for pair in pairs
    ]
    raw = [difference.p_value for by_role in differences for difference in by_role.values()]
    corrected = iter(holm(raw))
    found = []
    for pair, by_role in zip(pairs, differences, strict=True):
        measure = pair.task.measures[0]
        parts = {role: Compared(measure, role, estimate, next(corrected)) for role, estimate in by_role.items()}
        words = f"{measure.label}: {sentence(first, second, parts)}."
        found.append(TableComparison(pair.task, pair.protocol, pair.space, tuple(parts.values()), words))
    return found
