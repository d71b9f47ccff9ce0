"""The first page: what the board is about, who leads its tables, what came in last, and how to take part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from benchmark.suites import Suite
from benchmark.tasks import TASKS, Measure
from leaderboard.pages.render import page
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import interval_text, sentence, task_order
from leaderboard.standings import TableKey, TableQuery
from leaderboard.store import listing
from leaderboard.store.database import Store
from leaderboard.store.leaders import Lead, TableName, leads
from leaderboard.store.tables import BoardSuite

NEWEST = 8
NAMED = 3


@dataclass(frozen=True)
class TableLine:
    """A table in the list of its suite, with its leaders in the test space and in held-out spaces."""

    key: TableKey
    href: str
    measure: Measure
    leads: tuple[Lead | None, Lead | None]


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
        leading = (leads(session, "test", NAMED), leads(session, "held_out", NAMED))
        newest = listing.latest(session, NEWEST)
    return page(
        "home.html",
        urls,
        settings=store.board.settings,
        parts_of_suites=[_part(suite, keys, leading, urls) for suite in sorted(suites, key=_newest_first)],
        newest=newest,
        interval_text=interval_text,
        example=next((suite.name for suite in suites if suite.closed is None), "demo"),
        address=urls.absolute(urls.home()).removesuffix("/") if urls.live else store.board.settings.url or "URL",
    )


def _newest_first(suite: BoardSuite) -> tuple[bool, str, int]:
    return suite.closed is not None, suite.name, -suite.version


def _part(
    suite: BoardSuite, keys: Iterable[TableKey], leading: Sequence[Mapping[TableName, Lead]], urls: Urls
) -> SuitePart:
    rules = Suite.model_validate(suite.rules)
    mine = [key for key in keys if (key.suite, key.version) == (suite.name, suite.version)]
    return SuitePart(
        suite=suite,
        summary=sentence(rules.summary),
        test_spaces=len(rules.test_spaces),
        held_out=len(rules.held_out),
        tables=tuple(_line(key, leading, urls) for key in sorted(mine, key=lambda key: task_order(key.task))),
    )


def _line(key: TableKey, leading: Sequence[Mapping[TableName, Lead]], urls: Urls) -> TableLine:
    name = (key.suite, key.version, key.task, key.protocol)
    test, held_out = (leads.get(name) for leads in leading)
    return TableLine(key, urls.table(TableQuery(*name)), TASKS[key.task].measures[0], (test, held_out))
