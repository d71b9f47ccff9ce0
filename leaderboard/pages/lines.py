"""The rows of a table as they are printed: scores with units and intervals, and the intervals as bars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.results import Score
from benchmark.tasks import Measure
from leaderboard.pages.columns import COLUMNS
from leaderboard.pages.scales import Axis, axis
from leaderboard.pages.words import interval_text
from leaderboard.standings import TablePage, TableRow
from leaderboard.standings.rows import folded
from leaderboard.store.duplicates import Twin

BAR = 100
"""Width of a bar in its own units."""


@dataclass(frozen=True)
class Cell:
    """A score as it is printed.

    Attributes:
        interval: ``[10.9, 13.3]``, "" where there is none.
        bar: path of the interval, and of the value a tick, in a picture :data:`BAR` wide and 8 high; "" without one.
    """

    value: str
    interval: str = ""
    bar: str = ""


@dataclass(frozen=True)
class Line:
    """A row as it is printed.

    Attributes:
        words: what is searched where there is no server: name, model and team.
        values: what is sorted by there, as JSON: a value for each of :data:`leaderboard.pages.columns.COLUMNS`.
        twin: the first submission with the same predictions, None where that is this one.
    """

    row: TableRow
    test: Cell
    held_out: Cell
    gap: Cell
    test_ranks: str
    held_out_ranks: str
    words: str
    values: str
    twin: Twin | None


@dataclass(frozen=True)
class Lines:
    """All rows of a page.

    Attributes:
        zero: where no gap is, in the bars of gaps.
    """

    lines: tuple[Line, ...]
    zero: float


def printed(table: TablePage, twins: Mapping[str, Twin]) -> Lines:
    """Return the rows of a page; the bars of both scores have one scale, those of gaps another.

    Args:
        twins: id → the first submission with the same predictions.
    """
    rows, measure = table.rows, table.measures[0]
    scores = axis(_extent([ranked.score for row in rows for ranked in (row.test, row.held_out) if ranked]), 1, BAR - 1)
    gaps = axis([0.0, *_extent([row.gap for row in rows if row.gap])], 1, BAR - 1)
    lines = tuple(_line(row, measure, scores, gaps, twins.get(row.id)) for row in rows)
    return Lines(lines, gaps(0.0))


def _line(row: TableRow, measure: Measure, scores: Axis, gaps: Axis, twin: Twin | None) -> Line:
    return Line(
        row=row,
        test=_cell(row.test.score if row.test else None, measure, scores, signed=False),
        held_out=_cell(row.held_out.score if row.held_out else None, measure, scores, signed=False),
        gap=_cell(row.gap, measure, gaps, signed=True),
        test_ranks=row.test.ranks_text if row.test else "–",
        held_out_ranks=row.held_out.ranks_text if row.held_out else "–",
        words=folded(f"{row.name} {row.model} {row.team}"),
        values=json.dumps([column.value(row) for column in COLUMNS], ensure_ascii=False),
        twin=twin,
    )


def _extent(scores: Sequence[Score]) -> list[float | None]:
    return [number for score in scores for number in (score.value, score.low, score.high)]


def _cell(score: Score | None, measure: Measure, scale: Axis, *, signed: bool) -> Cell:
    if score is None or score.value is None:
        return Cell("–")
    value, tick = measure.text(score.value, signed), f"M{scale(score.value)} 0V8"
    interval = interval_text(score, measure, signed=signed)
    whiskers = "" if score.low is None or score.high is None else f"M{scale(score.low)} 4H{scale(score.high)}"
    return Cell(value, interval, whiskers + tick)
