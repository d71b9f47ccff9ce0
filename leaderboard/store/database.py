"""The database of a board: SQLite with a write-ahead log by default, PostgreSQL where many write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session

from leaderboard.board import Board
from leaderboard.store.files import Files
from leaderboard.store.tables import Base
from sim_envs.errors import UserError


@dataclass(frozen=True, eq=False)
class Store:
    """A board whose database is open."""

    board: Board
    engine: Engine

    @property
    def files(self) -> Files:
        """The files by their content."""
        return Files(self.board.files)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose changes are made together when the block ends, or not at all when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading only; what it sees belongs together, and it keeps nobody from writing."""
        engine = self.engine.execution_options(**({"reads": True} if self._is_sqlite else {}))
        with Session(engine, expire_on_commit=False) as session:
            yield session

    @property
    def _is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


def open_store(board: Board) -> Store:
    """Open a board's database, which is made or brought to this version's tables first.

    Raises:
        UserError: a URL that names no database that can be used.
    """
    board.folder.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(board.database, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UserError(
            f"{board.database} names no database that can be used ({error}). Give sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/NAME."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    Base.metadata.create_all(engine)
    return Store(board, engine)


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """Take the write lock at once where anything may be written, so that two writers wait instead of failing."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
