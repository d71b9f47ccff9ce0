"""Tables as files, for programs and spreadsheets: the rows that are shown, with all measures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leaderboard.standings import TablePage, TableQuery
from leaderboard.standings.records import csv_text, json_rows, parquet_bytes
from leaderboard.store.database import Store
from leaderboard.store.listing import whole_table


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    media_type: str
    write: Callable[[TablePage], bytes]


DOWNLOADS: Mapping[str, Kind] = MappingProxyType(
    {
        "csv": Kind("text/csv; charset=utf-8", lambda table: csv_text(table).encode()),
        "json": Kind(
            "application/json", lambda table: (json.dumps(json_rows(table), ensure_ascii=False) + "\n").encode()
        ),
        "parquet": Kind("application/vnd.apache.parquet", parquet_bytes),
    }
)
"""Ending of the name → kind."""


def table_file(store: Store, query: TableQuery, kind: str) -> bytes:
    """Return all rows of a table that match, as a file.

    Raises:
        NoSuchTable: nothing was scored there.
        UserError: a query that makes no sense.
    """
    with store.reading() as session:
        table = whole_table(session, query)
    return DOWNLOADS[kind].write(table)
