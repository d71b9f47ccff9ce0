"""The columns of a table: what they are called and how each is sorted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from leaderboard.pages.tracks import order
from leaderboard.pages.urls import Urls
from leaderboard.standings import Ranked, TablePage, TableRow
from leaderboard.standings.rows import folded
from leaderboard.store.orders import ORDERS


@dataclass(frozen=True)
class Column:
    """A column that can be sorted by.

    Attributes:
        sort: a name in :data:`leaderboard.store.orders.ORDERS`.
        kind: class of its cells in the style sheet.
        explained: what its values are.
        value: what a row is sorted by where there is no database.
    """

    sort: str
    title: str
    kind: str
    explained: str
    value: Callable[[TableRow], float | str | None]


@dataclass(frozen=True)
class Heading:
    """A column as the table stands.

    Attributes:
        href: the table sorted by it, the other way round where it is already.
        direction: ``ascending``, ``descending``, or "" where the table is sorted by another column.
        first: direction when it is asked for first: the best on top.
    """

    column: Column
    href: str
    direction: str
    first: str


def _ranks(ranked: Ranked | None) -> float | None:
    """Return the middle of ranks; of two with the same middle the one with the better best rank is less."""
    return None if ranked is None or ranked.ranks is None else sum(ranked.ranks) + ranked.ranks[0] * 1e-6


def _value(ranked: Ranked | None) -> float | None:
    return None if ranked is None else ranked.score.value


COLUMNS = (
    Column("rank", "Rank", "rank", "Ranks in the test space, from paired 95 % intervals", lambda row: _ranks(row.test)),
    Column("name", "Submission", "name", "Name and team", lambda row: folded(row.name)),
    Column(
        "track", "Track", "word", "What reached the weights: which data, which networks", lambda row: order(row.track)
    ),
    Column("test", "In the test space", "score", "Specialization, 95 % interval", lambda row: _value(row.test)),
    Column("held_out_rank", "Rank", "rank", "Ranks in held-out spaces, likewise", lambda row: _ranks(row.held_out)),
    Column(
        "held_out", "In held-out spaces", "score", "Generalization, 95 % interval", lambda row: _value(row.held_out)
    ),
    Column("gap", "Gap", "score", "Test space less held-out spaces", lambda row: row.gap.value if row.gap else None),
    Column("parameters", "Weights", "number", "Parameters of encoder and head", lambda row: row.parameters),
    Column("frames", "Frames", "number", "Frames in the pool of pre-training", lambda row: row.frames),
    Column("steps", "Steps", "number", "Steps of pre-training", lambda row: row.steps),
    Column("gpu_seconds", "GPU time", "number", "On GPUs, over all seeds and spaces", lambda row: row.gpu_seconds),
    Column(
        "cpu_seconds", "CPU time", "number", "Without a GPU, over all seeds and spaces", lambda row: row.cpu_seconds
    ),
    Column("seeds", "Seeds", "number", "Training seeds", lambda row: row.seeds),
    Column(
        "submitted", "Submitted", "word", "When its upload was complete, UTC", lambda row: row.submitted.isoformat()
    ),
)


def headings(table: TablePage, urls: Urls) -> list[Heading]:
    """Return the columns of a table with links that sort it."""
    return [_heading(column, table, urls) for column in COLUMNS]


def _heading(column: Column, table: TablePage, urls: Urls) -> Heading:
    first = ORDERS[column.sort].descending(None, table.measures[0])
    query = replace(table.query, sort=column.sort, descending=None, page=1)
    direction = ""
    if column.sort == table.query.sort:
        direction = _word(table.descending)
        if table.descending == first:
            query = replace(query, descending=not first)
    return Heading(column, urls.table(query), direction, _word(first))


def _word(descending: bool) -> str:
    return "descending" if descending else "ascending"
