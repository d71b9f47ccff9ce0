"""A whole board in one file: its settings, a snapshot of every row, and every file that a row names.

The file is a tar archive: ``backup.json`` (what is in it), ``board.yaml`` where there is one, ``tables/NAME.jsonl``
with one row a line, then ``files/SHA256``. It says the same whatever database it comes from, and rows and files have
one order. Uploads that are not complete are not in it.

Rows are read in one transaction, so that they belong together. Files are copied afterwards: none that a row names is
ever changed.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Table, select

from leaderboard.board import SETTINGS
from leaderboard.store.database import Store
from leaderboard.store.migrations import newest_revision
from leaderboard.store.tables import Base, Upload
from sim_envs.errors import UserError
from sim_envs.storage import canonical_json, disk_error, write_whole

FORMAT = 1
DESCRIPTION = "backup.json"

_BATCH = 500

TABLES: tuple[Table, ...] = tuple(table for table in Base.metadata.sorted_tables if table is not Upload.__table__)
"""Those in a backup, each after those that it refers to."""

NAMING: dict[str, tuple[str, ...]] = {
    "suites": ("private_pack", "public_pack"),
    "submissions": ("sha256", "entry", "pictures"),
    "standings": ("estimates",),
}
"""Table → columns that name files by their SHA-256."""


class TablePart(BaseModel):
    """What a backup says of one of its tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(ge=0)
    sha256: str


class Description(BaseModel):
    """``backup.json``: what the rest must be.

    Attributes:
        revision: of the tables, see :mod:`leaderboard.store.migrations`.
        files: how many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)
    revision: str
    tables: dict[str, TablePart]
    files: int = Field(ge=0)

    @property
    def in_words(self) -> str:
        """Say how much it is."""
        rows = {name: part.rows for name, part in self.tables.items()}
        return (
            f"{rows['submissions']} submissions of {rows['teams']} teams, {rows['suites']} suites, {self.files} files"
        )


@dataclass(frozen=True)
class _Snapshot:
    """The rows of a table as they are written, and the files they name."""

    path: Path
    part: TablePart
    named: frozenset[str]


def back_up(store: Store, out: Path) -> Description:
    """Write a board into one file, whole or not at all; others may go on reading and writing.

    Raises:
        UserError: a file that a row names is missing, or the disk refuses.
    """
    folder = out.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tst-bench-", dir=folder) as scratch:
            with _reading_at_one_moment(store) as connection:
                tables = {table.name: _write_table(connection, table, Path(scratch)) for table in TABLES}
            files = sorted(frozenset[str]().union(*(table.named for table in tables.values())))
            parts = {name: table.part for name, table in tables.items()}
            description = Description(revision=newest_revision(), tables=parts, files=len(files))
            write_whole(out, lambda beside: _write(beside, store, description, tables, files))
    except OSError as error:
        raise disk_error(out, error) from error
    return description


@contextmanager
def _reading_at_one_moment(store: Store) -> Iterator[Connection]:
    """Yield a connection to which nothing changes, as nothing does in any transaction of SQLite that only reads."""
    options: dict[str, Any] = {"reads": True}
    if store.engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with store.engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _write_table(connection: Connection, table: Table, folder: Path) -> _Snapshot:
    path = folder / f"{table.name}.jsonl"
    sha, count, named = hashlib.sha256(), 0, set[str]()
    rows = connection.execution_options(yield_per=_BATCH).execute(select(table).order_by(*table.primary_key))
    with path.open("wb") as file:
        for row in rows.mappings():
            line = f"{canonical_json({name: _plain(value) for name, value in row.items()})}\n".encode()
            sha.update(line)
            file.write(line)
            named.update(named_by(table, row))
            count += 1
    return _Snapshot(path, TablePart(rows=count, sha256=sha.hexdigest()), frozenset(named))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def named_by(table: Table, row: Any) -> Iterator[str]:
    """Yield the SHA-256 of every file that a row names."""
    for column in NAMING.get(table.name, ()):
        if column == "pictures":
            for picture in row[column] or ():
                yield from (picture["rgb"], picture["prediction"])
        elif row[column] is not None:
            yield row[column]


def _write(path: Path, store: Store, description: Description, tables: dict[str, _Snapshot], files: list[str]) -> None:
    path.touch(mode=0o600)  # private packs are in it
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, DESCRIPTION, io.BytesIO(f"{canonical_json(description.model_dump(mode='json'))}\n".encode()))
        settings = store.board.folder / SETTINGS
        if settings.is_file():
            _add(archive, SETTINGS, io.BytesIO(settings.read_bytes()))
        for name, table in tables.items():
            with table.path.open("rb") as file:
                _add(archive, f"tables/{name}.jsonl", file)
        for sha256 in files:
            if sha256 not in store.files:
                raise UserError(f"{store.board.files} lacks {sha256}, which a row names. Nothing was written.")
            with store.files.path(sha256).open("rb") as file:
                _add(archive, f"files/{sha256}", file)


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO) -> None:
    """Add a file of which nothing is said but its name, size and content."""
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, io.SEEK_END)
    member.mode = 0o600
    content.seek(0)
    archive.addfile(member, content)
