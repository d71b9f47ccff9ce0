"""Bring the tables of a database to this version, one step after the other. Each step is a file in ``versions``.

Who changes :mod:`leaderboard.store.tables` writes the step with ``python -m leaderboard.store.migrations MESSAGE``,
reads it, and adds to it what happens to rows that are there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select

from sim_envs.errors import UserError

FOLDER = Path(__file__).resolve().parent

_LOCK = 0x745374_42656E63  # any number that no other program takes on the same PostgreSQL


def bring_up_to_date(engine: Engine, folder: Path = FOLDER) -> None:
    """Make the tables, or change those that are there and keep their rows; all steps together or none.

    Processes that do so at once wait for each other.

    Args:
        folder: where ``env.py`` and ``versions`` are.

    Raises:
        UserError: the tables are of a newer version.
    """
    config = configuration(folder)
    newest = newest_revision(folder)
    with engine.connect().execution_options(reads=True) as connection:
        if revision_of(connection) == newest:
            return
    with _changing(engine) as connection:
        there = revision_of(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if there is not None and there not in known:
            raise UserError(
                f"{engine.url.render_as_string()} has the tables of a newer version (revision {there}; this one knows "
                f"{newest}). Install the version that was used last; nothing was changed."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest_revision(folder: Path = FOLDER) -> str:
    """Return the name of the last step."""
    newest = ScriptDirectory.from_config(configuration(folder)).get_current_head()
    assert newest is not None
    return newest


def revision_of(connection: Connection) -> str | None:
    """Return the last step that a database has taken, None where there are no tables."""
    return MigrationContext.configure(connection).get_current_revision()


def configuration(folder: Path = FOLDER) -> Config:
    """Return what Alembic needs to know beside the connection."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


@contextmanager
def _changing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that nobody else is in.

    SQLite changes a table by writing it anew, which its foreign keys must not hinder (https://sqlite.org/lang_altertable
    section 7); they are checked at the end.
    """
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        if isinstance(raw, sqlite3.Connection):
            raw.execute("PRAGMA foreign_keys=OFF")  # before the transaction: inside it this does nothing
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                yield connection
                if isinstance(raw, sqlite3.Connection):
                    broken = raw.execute("PRAGMA foreign_key_check").fetchall()
                    assert not broken, f"rows that refer to nothing: {broken[:3]}"
        finally:
            if isinstance(raw, sqlite3.Connection):
                raw.execute("PRAGMA foreign_keys=ON")
