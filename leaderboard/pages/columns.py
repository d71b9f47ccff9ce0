"""The columns of a table: what they are called and how each is sorted by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from leaderboard.pages.urls import Urls
from leaderboard.standings import TablePage
from leaderboard.store.orders import ORDERS


@dataclass(frozen=True)
class Column:
    """A column that can be sorted by.

    Attributes:
        sort: a name in :data:`leaderboard.store.orders.ORDERS`.
        kind: class of its cells in the style sheet.
        explained: what its values are.
    """

    sort: str
    title: str
    kind: str
    explained: str


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


COLUMNS = (
    Column("rank", "Rank", "rank", "Ranks in the test space that paired 95 % intervals leave open"),
    Column("name", "Submission", "name", "Name and team"),
    Column("track", "Track", "word", "What data and which other networks reached the weights"),
    Column("test", "In the test space", "score", "Specialization, with its 95 % interval"),
    Column("held_out_rank", "Rank", "rank", "Ranks in held-out spaces that paired 95 % intervals leave open"),
    Column("held_out", "In held-out spaces", "score", "Generalization, with its 95 % interval"),
    Column("gap", "Gap", "score", "Test space less held-out spaces, with its 95 % interval"),
    Column("parameters", "Weights", "number", "Parameters of the encoder"),
    Column("frames", "Frames", "number", "Frames in the pool of pre-training"),
    Column("steps", "Steps", "number", "Steps of pre-training"),
    Column("gpu_seconds", "GPU time", "number", "Pre-training and transfer on GPUs, over all seeds and spaces"),
    Column("cpu_seconds", "CPU time", "number", "Pre-training and transfer without a GPU, over all seeds and spaces"),
    Column("seeds", "Seeds", "number", "Training seeds"),
    Column("submitted", "Submitted", "word", "When the upload was complete, UTC"),
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
