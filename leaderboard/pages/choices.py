"""What else a table page could show: other tasks, protocols, spaces, tracks and pages, each with its link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from leaderboard.pages.tracks import Look, looks, order
from leaderboard.pages.urls import Urls
from leaderboard.pages.words import protocol_title, task_order, task_title
from leaderboard.standings import TableKey, TablePage, TableQuery


@dataclass(frozen=True)
class Choice:
    """A link among several; ``taken`` is where the reader is."""

    title: str
    href: str
    taken: bool


@dataclass(frozen=True)
class TrackChoice:
    """A track to filter by, and how many rows it has."""

    track: str
    look: Look
    count: int
    taken: bool


def task_choices(keys: Iterable[TableKey], query: TableQuery, urls: Urls) -> list[Choice]:
    """Return the tasks of a suite, under the same protocol where they have it."""
    found: dict[str, str] = {}
    for key in keys:
        if key.protocol == query.protocol or key.task not in found:
            found[key.task] = key.protocol
    return [
        Choice(task_title(task), urls.table(_fresh(query, task, protocol, "")), task == query.task)
        for task, protocol in sorted(found.items(), key=lambda item: task_order(item[0]))
    ]


def protocol_choices(table: TablePage, urls: Urls) -> list[Choice]:
    """Return the protocols of a task."""
    query = table.query
    return [
        Choice(
            protocol_title(protocol),
            urls.table(_fresh(query, query.task, protocol, query.space)),
            protocol == query.protocol,
        )
        for protocol in table.protocols
    ]


def space_choices(table: TablePage, urls: Urls) -> list[Choice]:
    """Return the test spaces and their mean; nothing where there is one space."""
    query = table.query
    if len(table.spaces) < 2:
        return []
    return [
        Choice(space or "mean of all", urls.table(replace(query, space=space, page=1)), space == query.space)
        for space in ("", *table.spaces)
    ]


def track_choices(table: TablePage) -> list[TrackChoice]:
    """Return the tracks that occur, in the order of tables."""
    taken = table.query.tracks
    return [
        TrackChoice(track, looks(track), table.tracks[track], track in taken)
        for track in sorted(table.tracks, key=order)
    ]


def page_choices(table: TablePage, urls: Urls) -> list[Choice | None]:
    """Return the first, the last and near pages, None for those between; nothing where there is one page."""
    query, last = table.query, table.pages
    if last == 1:
        return []
    near = sorted({1, last, *(page for page in range(query.page - 2, query.page + 3) if 1 <= page <= last)})
    found: list[Choice | None] = []
    for previous, page in zip((0, *near), near, strict=False):
        if page > previous + 1:
            found.append(None)
        found.append(Choice(str(page), urls.table(replace(query, page=page)), page == query.page))
    return found


def _fresh(query: TableQuery, task: str, protocol: str, space: str) -> TableQuery:
    return TableQuery(query.suite, query.version, task, protocol, space, size=query.size)
