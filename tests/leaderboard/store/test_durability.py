"""A process that is killed leaves what was committed, all of it, and nothing else."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from leaderboard.board import open_board
from leaderboard.store.database import Store, open_store
from leaderboard.store.tables import LogLine, Submitted

WRITER = """
import sys
from pathlib import Path
from leaderboard.board import open_board
from leaderboard.store.database import open_store
from leaderboard.store.queue import enqueue, say
from leaderboard.store.teams import team_named
store = open_store(open_board(Path(sys.argv[1]), sys.argv[2] or None))
number = 0
while True:
    with store.transaction() as session:
        submitted = enqueue(session, team_named(session, "flat earthers").id, f"{number:064x}", 7)
        for _ in range(20):
            say(session, submitted.id, "x" * 5000)
        session.flush()
        print(f"about to commit {number}", flush=True)
    print(f"committed {number}", flush=True)
    number += 1
"""


def test_what_was_committed_survives_a_kill_in_mid_transaction(store: Store, database: str | None) -> None:
    command = [sys.executable, "-c", WRITER, str(store.board.folder), database or ""]
    committed = -1
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.startswith("committed"):
                committed = int(line.split()[1])
            elif committed >= 5:
                writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    with open_store(open_board(store.board.folder, database)).transaction() as session:
        found = session.scalar(select(func.count()).select_from(Submitted)) or 0
        assert found - 1 in (committed, committed + 1)  # the kill may come after the commit and before the word of it
        assert session.scalar(select(func.count()).select_from(LogLine)) == 21 * found


def test_sqlite_is_whole_after_a_kill(tmp_path: Path) -> None:
    board = open_board(tmp_path)
    open_store(board)
    command = [sys.executable, "-c", WRITER, str(tmp_path), ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line == "about to commit 4\n":
                writer.kill()
    with sqlite3.connect(tmp_path / "board.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
