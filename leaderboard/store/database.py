"""The database of a board: SQLite with a write-ahead log by default, PostgreSQL where many write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session

from leaderboard.board import Board
from leaderboard.store.files import Files
from sim_envs.errors import UserError

_ADVICE = "Give sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, and let this user write to it."


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

    def take_stock(self) -> None:
        """Let PostgreSQL look at its tables after many rows came at once: until it has, it plans for empty ones."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(text("ANALYZE"))

    @property
    def _is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


def open_store(board: Board) -> Store:
    """Open a board's database, which is made or brought to this version's tables first.

    Raises:
        UserError: a database that cannot be used, or whose tables are of a newer version.
    """
    from leaderboard.store.migrations import bring_up_to_date  # Alembic is loaded by those only who open a board

    board.folder.mkdir(parents=True, exist_ok=True)
    engine = connect(board.database)
    try:
        bring_up_to_date(engine)
    except DatabaseError as error:
        engine.dispose()
        reason = " ".join(str(error.orig).split())
        raise UserError(f"{engine.url.render_as_string()} cannot be used: {reason}. {_ADVICE}") from None
    return Store(board, engine)


def connect(url: str) -> Engine:
    """Return the way to a database, whose transactions on SQLite begin with the write lock unless they only read.

    Raises:
        UserError: the URL names no kind of database that can be used.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ValueError):
        raise UserError(f"--database is no URL of a database. {_ADVICE}") from None  # which may hold a password
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        shown = make_url(url).render_as_string()
        raise UserError(
            f"{shown} names no database that can be used ({error}). {_ADVICE} PostgreSQL takes "
            "pip install 'tst-bench[postgresql]'."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """Take the write lock at once where anything may be written, so that two writers wait instead of failing."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
