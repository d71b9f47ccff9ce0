"""The rows of a table as they are printed: scores with units and intervals, and the intervals as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.results import Score
from benchmark.tasks import Measure
from leaderboard.pages.scales import Axis, axis
from leaderboard.pages.words import interval_text
from leaderboard.standings import Ranked, TablePage, TableRow
from leaderboard.store.duplicates import Twin

BAR = 100
"""Width of a bar in its own units."""


@dataclass(frozen=True)
class Cell:
    """A score as it is printed.

    Attributes:
        interval: ``[10.9, 13.3]``, "" where there is none.
        bar: path of the interval, and of the value a tick, in a picture :data:`BAR` wide and 8 high; "" without one.
        number: to sort by.
    """

    value: str
    interval: str = ""
    bar: str = ""
    number: float | None = None


@dataclass(frozen=True)
class Line:
    """A row as it is printed. ``rank_numbers`` are the middles of the ranks, to sort by."""

    row: TableRow
    test: Cell
    held_out: Cell
    gap: Cell
    test_ranks: str
    held_out_ranks: str
    rank_numbers: tuple[float | None, float | None]
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
    lines = tuple(
        Line(
            row=row,
            test=_cell(row.test.score if row.test else None, measure, scores, signed=False),
            held_out=_cell(row.held_out.score if row.held_out else None, measure, scores, signed=False),
            gap=_cell(row.gap, measure, gaps, signed=True),
            test_ranks=row.test.ranks_text if row.test else "–",
            held_out_ranks=row.held_out.ranks_text if row.held_out else "–",
            rank_numbers=(_middle(row.test), _middle(row.held_out)),
            twin=twins.get(row.id),
        )
        for row in rows
    )
    return Lines(lines, gaps(0.0))


def _extent(scores: Sequence[Score]) -> list[float | None]:
    return [number for score in scores for number in (score.value, score.low, score.high)]


def _cell(score: Score | None, measure: Measure, scale: Axis, *, signed: bool) -> Cell:
    if score is None or score.value is None:
        return Cell("–")
    value, tick = measure.text(score.value, signed), f"M{scale(score.value)} 0V8"
    interval = interval_text(score, measure, signed=signed)
    whiskers = "" if score.low is None or score.high is None else f"M{scale(score.low)} 4H{scale(score.high)}"
    return Cell(value, interval, whiskers + tick, score.value)


def _middle(ranked: Ranked | None) -> float | None:
    return None if ranked is None or ranked.ranks is None else sum(ranked.ranks) + ranked.ranks[0] * 1e-6
