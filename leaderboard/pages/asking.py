"""From the address of a table page to what it asks for."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from leaderboard.standings import TableQuery
from sim_envs.errors import UserError, unknown

LONGEST_SEARCH = 200
ORDER = {"ascending": False, "descending": True}


def asked(suite: str, version: int, task: str, protocol: str, parameters: QueryParams) -> TableQuery:
    """Return the query that an address stands for; parameters that mean nothing here are passed over.

    Raises:
        UserError: a page that is no number, an order that is none, or a search that is too long.
    """
    order, search, page = parameters.get("order", ""), parameters.get("q", "").strip(), parameters.get("page", "1")
    if order and order not in ORDER:
        raise unknown("order", order, ORDER)
    if len(search) > LONGEST_SEARCH:
        raise UserError(f"A search of {len(search)} characters is too long; {LONGEST_SEARCH} are taken.")
    if not (page.isascii() and page.isdecimal() and 1 <= len(page) <= 6):
        raise UserError(f"{page[:20]!r} is no page of a table; pages are numbered from 1.")
    return TableQuery(
        suite=suite,
        version=version,
        task=task,
        protocol=protocol,
        space=parameters.get("space", ""),
        sort=parameters.get("sort", "") or "test",
        descending=ORDER.get(order),
        tracks=tuple(dict.fromkeys(parameters.getlist("track"))),
        search=search,
        team=parameters.get("team", ""),
        page=int(page),
    )
