"""The page of one table: rows with ranks and intervals, their picture, and everything to sort and filter them by."""

from __future__ import annotations

from dataclasses import replace

from benchmark.suites import Suite
from leaderboard.pages.choices import page_choices, protocol_choices, space_choices, task_choices, track_choices
from leaderboard.pages.columns import headings
from leaderboard.pages.lines import printed
from leaderboard.pages.render import page
from leaderboard.pages.rests_on import evidence_of
from leaderboard.pages.scatter import MOST, scatter
from leaderboard.pages.urls import Urls
from leaderboard.standings import TableQuery
from leaderboard.store import listing
from leaderboard.store.database import Store
from leaderboard.store.duplicates import first_twins
from leaderboard.store.leaders import leads
from leaderboard.store.suites import board_suite

STATIC_ROWS = 2000
"""Rows of a table in a static site, where all stand on one page and are sorted there."""


def table_page(store: Store, query: TableQuery, urls: Urls) -> str:
    """Return the page of a table.

    Raises:
        NoSuchTable: nothing was scored there.
        UserError: a query that makes no sense.
    """
    query = query if urls.live else replace(query, size=STATIC_ROWS)
    with store.reading() as session:
        table = listing.table(session, query)
        dots = listing.scatter(session, replace(query, sort="test", descending=None), MOST)
        suite = board_suite(session, query.suite, query.version)
        twins = first_twins(session, [row.id for row in table.rows])
        key = (query.suite, query.version, query.task, query.protocol)
        lead = leads(session, "test", only=key).get(key)
        keys = [key for key in listing.tables(session) if (key.suite, key.version) == (query.suite, query.version)]
    return page(
        "table.html",
        urls,
        settings=store.board.settings,
        table=table,
        query=query,
        measure=table.measures[0],
        closed=suite.closed if suite else None,
        evidence=evidence_of(Suite.model_validate(suite.rules), query.space) if suite else "",
        lead=None if query.space else lead,
        headings=headings(table, urls),
        printed=printed(table, twins),
        plot=scatter(dots, table.total, table.measures[0], urls),
        tasks=task_choices(keys, query, urls),
        protocols=protocol_choices(table, urls),
        spaces=space_choices(table, urls),
        tracks=track_choices(table),
        pages=page_choices(table, urls),
        downloads=[(kind, urls.download(query, kind)) for kind in ("csv", "json", "parquet")],
        unfiltered=urls.table(replace(query, search="", tracks=(), team="", page=1)),
        of_team=lambda team: urls.table(replace(query, team=team, page=1)),
    )
