"""A board's database has the tables of the code, however old it is, and keeps its rows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from leaderboard.board import open_board
from leaderboard.store.database import Store, connect, open_store
from leaderboard.store.migrations import FOLDER, bring_up_to_date, newest_revision, revision_of
from leaderboard.store.queue import enqueue
from leaderboard.store.tables import Base, LogLine, Submitted
from leaderboard.store.teams import team_named
from sim_envs.errors import UserError

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{last}"


def upgrade():
    with op.batch_alter_table("submissions") as batch:
        batch.add_column(sa.Column("mood", sa.String(10), nullable=False, server_default="fine"))
        batch.alter_column("size", new_column_name="bytes")
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The steps of a version that is yet to come."""
    shutil.copytree(FOLDER, tmp_path / "newer")
    (tmp_path / "newer" / "versions" / "9999_moods.py").write_text(
        NEXT.format(last=newest_revision()), encoding="utf-8"
    )
    return tmp_path / "newer"


def _submit(store: Store) -> str:
    with store.transaction() as session:
        return enqueue(session, team_named(session, "flat earthers").id, "a" * 64, 7).id


def test_the_steps_make_the_tables_of_the_code(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert revision_of(connection) == newest_revision()


def test_a_board_that_is_opened_again_keeps_what_it_holds(store: Store, database: str | None) -> None:
    submission = _submit(store)
    with open_store(open_board(store.board.folder, database)).reading() as session:
        assert session.scalars(select(Submitted.id)).all() == [submission]


def test_a_step_keeps_rows_and_those_that_refer_to_them(store: Store, newer: Path) -> None:
    submission = _submit(store)
    bring_up_to_date(store.engine, newer)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT id, bytes, mood FROM submissions")).all() == [(submission, 7, "fine")]
        assert connection.scalar(select(func.count()).select_from(LogLine)) == 1


def test_references_are_still_checked_after_a_step(store: Store, newer: Path) -> None:
    bring_up_to_date(store.engine, newer)
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.transaction() as session:
        session.add(LogLine(submission_id="nobody", at=func.now(), text="?"))


def test_a_step_that_fails_changes_nothing(store: Store, newer: Path) -> None:
    submission = _submit(store)
    with (newer / "versions" / "9999_moods.py").open("a", encoding="utf-8") as step:
        step.write("    raise RuntimeError('the power is gone')\n")
    with pytest.raises(RuntimeError):
        bring_up_to_date(store.engine, newer)
    with store.reading() as session:
        assert session.execute(select(Submitted.id, Submitted.size)).all() == [(submission, 7)]
        assert revision_of(session.connection()) == newest_revision()


def test_tables_of_a_newer_version_are_left_alone(store: Store, database: str | None, newer: Path) -> None:
    _submit(store)
    bring_up_to_date(store.engine, newer)
    with pytest.raises(UserError, match=r"newer version \(revision 9999; this one knows"):
        open_store(open_board(store.board.folder, database))
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT mood FROM submissions")) == "fine"


def test_processes_that_open_a_new_board_at_once_all_get_it(database: str | None, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from leaderboard.board import open_board;"
        "from leaderboard.store.database import open_store;"
        "open_store(open_board(Path(sys.argv[1]), sys.argv[2] or None))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "board"), database or ""]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.wait(120), process.stderr.read() if process.stderr else b"") for process in processes] == [
        (0, b"")
    ] * 3


def test_a_database_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "board.sqlite").write_bytes(b"no database, but a text that is long enough to look at" * 20)
    with pytest.raises(UserError, match=r"board\.sqlite cannot be used: file is not a database"):
        open_store(open_board(tmp_path))


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    url = "postgresql+psycopg://board:geheim@127.0.0.1:1/board"
    for broken in (url, url.replace("psycopg", "psychology"), url.replace("://", ":/"), url.replace(":1/", ":x/")):
        with pytest.raises(UserError) as error:
            open_store(open_board(tmp_path, broken))
        assert "geheim" not in str(error.value)


def test_opening_costs_nothing_that_is_not_needed_without_a_board() -> None:
    program = "import sys, leaderboard.store.database; sys.exit('alembic' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_sqlite_is_used_as_it_has_to_be_for_many_processes(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'board.sqlite'}").connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert told == ["wal", 2, 1, 30000]  # synchronous 2 is FULL: what was committed survives a power cut
