"""Fill an empty board from a backup, whole or not at all, whatever database it came from."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError
from sqlalchemy import Connection, Integer, Table, func, insert, select
from sqlalchemy.exc import DatabaseError

from leaderboard.board import SETTINGS
from leaderboard.store.backup import DESCRIPTION, TABLES, Description, TablePart, named_by
from leaderboard.store.database import Store
from leaderboard.store.migrations import newest_revision
from leaderboard.store.tables import Base, Moment
from sim_envs.errors import UserError
from sim_envs.storage import digest_file, write_whole

_DESCRIPTION_BYTES = 1 << 20
_LINE_BYTES = 64 << 20
_BATCH = 500


def restore(store: Store, file: Path) -> Description:
    """Fill an empty board from a backup, whole or not at all.

    The settings of the backup are taken where the board has none of its own.

    Raises:
        UserError: the board is not empty, or the file is no backup, damaged, or of another version.
    """
    try:
        with file.open("rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            members = _Members(archive, file)
            try:
                restored = _restore(store, members)
            except DatabaseError as error:  # also where somebody else writes to the board meanwhile
                reason = " ".join(str(error.orig).split())
                raise members.damaged(f"the database refuses its rows ({reason})") from None
        store.take_stock()
        return restored
    except FileNotFoundError:
        raise UserError(f"No backup at {file}. tst-bench leaderboard admin backup writes one.") from None
    except OSError as error:
        raise UserError(f"{file} cannot be restored: {error.strerror or error}. Nothing was.") from None
    except tarfile.TarError as error:
        raise UserError(f"{file} is no backup of a board, or it is damaged: {error}.") from None


class _Members:
    """The members of a backup, one after the other; each must be the one that is asked for."""

    def __init__(self, archive: tarfile.TarFile, file: Path) -> None:
        self.file = file
        self._archive = archive
        self._next = archive.next()

    def has(self, name: str) -> bool:
        """Tell whether this is the next one."""
        return self._next is not None and self._next.name == name

    @property
    def name(self) -> str:
        """Name the next one, "" at the end."""
        return self._next.name if self._next is not None else ""

    def take(self, name: str) -> IO[bytes]:
        """Return the content of the next one, to be read before another is asked for."""
        if not self.has(name) or self._next is None or not self._next.isreg():
            raise self.damaged(f"{name} is missing or out of place")
        content = self._archive.extractfile(self._next)
        assert content is not None
        return content

    def forward(self) -> None:
        """Go on to the next one."""
        self._next = self._archive.next()

    def damaged(self, how: str) -> UserError:
        """Return the error for a backup that is not what it should be."""
        return UserError(f"{self.file} is no backup of a board, or it is damaged: {how}. Nothing was restored.")


def _restore(store: Store, members: _Members) -> Description:
    description = _description(members)
    settings = None
    if members.has(SETTINGS):
        settings = members.take(SETTINGS).read(_DESCRIPTION_BYTES)
        members.forward()
    with store.engine.begin() as connection:
        _refuse_rows(connection, store)
        named = set[str]()
        for table in TABLES:
            named |= _read_table(connection, table, members, description.tables[table.name])
        for sha256 in sorted(named):
            _take_file(store, members, sha256)
        if members.name or len(named) != description.files:
            raise members.damaged(f"{members.name or 'a number of files'} is not what {DESCRIPTION} describes")
        _set_sequences(connection)
        if settings is not None and not (store.board.folder / SETTINGS).exists():
            content = settings
            write_whole(store.board.folder / SETTINGS, lambda beside: _write_bytes(beside, content))
    return description


def _description(members: _Members) -> Description:
    content = members.take(DESCRIPTION).read(_DESCRIPTION_BYTES)
    members.forward()
    try:
        description = Description.model_validate_json(content)
    except ValidationError as error:
        raise members.damaged(f"{DESCRIPTION}: {error.errors()[0]['msg']}") from None
    if description.revision != newest_revision():
        raise UserError(
            f"{members.file} has tables of revision {description.revision}, this version has {newest_revision()}. "
            "Restore it with the version that wrote it; this one then brings the board up to date."
        )
    if set(description.tables) != {table.name for table in TABLES}:
        raise members.damaged(f"{DESCRIPTION} names other tables")
    return description


def _refuse_rows(connection: Connection, store: Store) -> None:
    for table in Base.metadata.sorted_tables:
        if connection.scalar(select(func.count()).select_from(table)):
            raise UserError(
                f"The board in {store.board.folder} is not empty: it has {table.name}. Restore into a new folder and "
                "an empty database."
            )


def _read_table(connection: Connection, table: Table, members: _Members, part: TablePart) -> set[str]:
    """Insert the rows of a table, and return the files they name."""
    name = f"tables/{table.name}.jsonl"
    content = members.take(name)
    sha, count, named = hashlib.sha256(), 0, set[str]()
    batch: list[dict[str, Any]] = []
    while line := content.readline(_LINE_BYTES):
        sha.update(line)
        try:
            row = _typed(table, json.loads(line))
            named.update(named_by(table, row))
        except (ValueError, KeyError, TypeError):
            raise members.damaged(f"line {count + 1} of {name} is no row") from None
        batch.append(row)
        count += 1
        if len(batch) == _BATCH:
            connection.execute(insert(table), batch)
            batch = []
    if (sha.hexdigest(), count) != (part.sha256, part.rows):
        raise members.damaged(f"{name} is not what {DESCRIPTION} describes")
    if batch:
        connection.execute(insert(table), batch)
    members.forward()
    return named


def _typed(table: Table, row: Any) -> dict[str, Any]:
    """Return a row with times that are times."""
    if set(row) != set(table.columns.keys()):
        raise ValueError("other columns")
    moments = {column.name for column in table.columns if isinstance(column.type, Moment)}
    return {name: datetime.fromisoformat(value) if value and name in moments else value for name, value in row.items()}


def _take_file(store: Store, members: _Members, sha256: str) -> None:
    content = members.take(f"files/{sha256}")
    store.board.files.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.board.files, prefix=".coming-") as folder:
        beside = Path(folder) / sha256
        with beside.open("wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
        if digest_file(beside) != sha256:
            raise members.damaged(f"files/{sha256} is not that")
        store.files.take(beside)
    members.forward()


def _set_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on from the ids that are there; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        (key, *others) = table.primary_key
        if not others and isinstance(key.type, Integer):
            last = connection.scalar(select(func.max(key)))
            if last is not None:
                connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key.name), last)))


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
