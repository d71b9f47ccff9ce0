"""The first page: what the board is about, who leads its tables, what came in last, and how to take part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from benchmark.suites import Suite
from benchmark.tasks import TASKS, Measure
from leaderboard.pages.render import page
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import interval_text
from leaderboard.standings import TableKey, TableQuery
from leaderboard.store import listing
from leaderboard.store.database import Store
from leaderboard.store.leaders import Lead, leads
from leaderboard.store.tables import BoardSuite

NEWEST = 8
NAMED = 3


@dataclass(frozen=True)
class TableLine:
    """A table in the list of its suite; ``interval`` is that of the highest score."""

    key: TableKey
    href: str
    measure: Measure
    lead: Lead | None
    interval: str


@dataclass(frozen=True)
class SuitePart:
    """A suite with its tables.

    Attributes:
        test_spaces, held_out: numbers of spaces.
        tables: one a task and protocol; none where nothing was scored yet.
    """

    suite: BoardSuite
    summary: str
    test_spaces: int
    held_out: int
    tables: tuple[TableLine, ...]


def home_page(store: Store, urls: Urls) -> str:
    """Return the first page."""
    with store.reading() as session:
        suites = session.scalars(select(BoardSuite)).all()
        keys = listing.tables(session)
        leading = leads(session, NAMED)
        newest = listing.latest(session, NEWEST)
    return page(
        "home.html",
        urls,
        settings=store.board.settings,
        parts_of_suites=[_part(suite, keys, leading, urls) for suite in sorted(suites, key=_newest_first)],
        newest=newest,
        example=next((suite.name for suite in suites if suite.closed is None), "demo"),
        address=urls.absolute(urls.home()).removesuffix("/") if urls.live else store.board.settings.url or "URL",
    )


def _newest_first(suite: BoardSuite) -> tuple[bool, str, int]:
    return suite.closed is not None, suite.name, -suite.version


def _part(
    suite: BoardSuite, keys: Iterable[TableKey], leading: dict[tuple[str, int, str, str], Lead], urls: Urls
) -> SuitePart:
    rules = Suite.model_validate(suite.rules)
    mine: Sequence[TableKey] = [key for key in keys if (key.suite, key.version) == (suite.name, suite.version)]
    return SuitePart(
        suite=suite,
        summary=rules.summary,
        test_spaces=len(rules.test_spaces),
        held_out=len(rules.held_out),
        tables=tuple(_line(key, leading.get((key.suite, key.version, key.task, key.protocol)), urls) for key in mine),
    )


def _line(key: TableKey, lead: Lead | None, urls: Urls) -> TableLine:
    measure = TASKS[key.task].measures[0]
    href = urls.table(TableQuery(key.suite, key.version, key.task, key.protocol))
    return TableLine(key, href, measure, lead, interval_text(lead.first[0].score, measure) if lead else "")
