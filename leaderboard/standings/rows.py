"""What is asked of a table and what it answers: plain values, whichever database they come from."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from benchmark.results import Score
from benchmark.tasks import TASKS, Measure, Task
from leaderboard.standings.placing import SpaceScore


@dataclass(frozen=True)
class TableKey:
    """One table that exists.

    Attributes:
        protocols: of the same task, in alphabetical order.
        spaces: test spaces that have tables of their own, in alphabetical order; one with the name "" is always there.
        rows: number of submissions in it.
    """

    suite: str
    version: int
    task: str
    protocol: str
    protocols: tuple[str, ...]
    spaces: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class TableQuery:
    """Which rows of which table, in which order.

    Attributes:
        space: the test space, "" for the mean over all of them.
        sort: a name in :data:`leaderboard.store.orders.ORDERS`.
        descending: None for the best first, as the column means it.
        tracks: which are shown; all where empty.
        search: words that must all occur in a row's name, model or team.
        team: the one whose rows are shown, by its name; "" for all.
        page: from 1.
        size: rows of a page.
    """

    suite: str
    version: int
    task: str
    protocol: str
    space: str = ""
    sort: str = "test"
    descending: bool | None = None
    tracks: tuple[str, ...] = ()
    search: str = ""
    team: str = ""
    page: int = 1
    size: int = 100


@dataclass(frozen=True)
class Ranked:
    """A score with the ranks that it leaves open; None for a row that is not ranked, or not yet."""

    score: Score
    ranks: tuple[int, int] | None

    @property
    def ranks_text(self) -> str:
        """Return ``2`` or ``1–3``, ``–`` without ranks."""
        if self.ranks is None:
            return "–"
        best, worst = self.ranks
        return str(best) if best == worst else f"{best}–{worst}"


@dataclass(frozen=True)
class TableRow:
    """One submission in one table.

    Attributes:
        name: what it is called, its model where it has no name.
        seeds: number of them.
        as_claimed: whether the run found the very same scores; None where it claims none.
        test, held_out: in the main measure; None where there are no such spaces.
        gap: the first less the second.
        measures: measure → role → score, of all measures.
        spaces: each space that was scored, in the main measure; none in the mean's table.
        outdated: scored on other recordings or categories than the rows that are ranked; it waits to be scored again.
        parameters, frames, steps, gpu_seconds, cpu_seconds: see :class:`leaderboard.manifest.Cost`.
    """

    id: str
    name: str
    model: str
    team: str
    track: str
    submitted: datetime
    seeds: int
    as_claimed: bool | None
    test: Ranked | None
    held_out: Ranked | None
    gap: Score | None
    measures: Mapping[str, Mapping[str, Score]]
    spaces: tuple[SpaceScore, ...]
    outdated: bool
    parameters: int
    frames: int
    steps: int
    gpu_seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class TablePage:
    """A page of a table.

    Attributes:
        total: number of rows that match.
        tracks: track → number of rows that match everything but the choice of tracks.
        protocols, spaces: for which the same task has tables.
        custody: of the labels, see :data:`leaderboard.entries.Custody`.
        descending: how it is sorted.
    """

    query: TableQuery
    rows: tuple[TableRow, ...]
    total: int
    tracks: Mapping[str, int]
    protocols: tuple[str, ...]
    spaces: tuple[str, ...]
    custody: str
    descending: bool

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.query.size))

    @property
    def task(self) -> Task:
        """What is scored."""
        return TASKS[self.query.task]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is reported; the first is the main measure."""
        return self.task.measures


@dataclass(frozen=True)
class Dot:
    """One submission in a picture of specialization against generalization; see :class:`TableRow`."""

    id: str
    name: str
    team: str
    track: str
    test: Score
    held_out: Score


@dataclass(frozen=True)
class Latest:
    """A submission among the newest; see :class:`TableRow`. ``scored`` is when its scores were made."""

    id: str
    name: str
    model: str
    team: str
    track: str
    suite: str
    version: int
    description: str
    submitted: datetime
    scored: datetime


def folded(text: str) -> str:
    """Return text as it is compared: without regard to case, width and the ways of writing an accent."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
