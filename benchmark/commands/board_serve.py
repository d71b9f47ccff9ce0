"""What ``tst-bench leaderboard serve`` does."""

from __future__ import annotations

from pathlib import Path

from benchmark.commands.console import note, out
from leaderboard.board import open_board
from leaderboard.server.serving import serve
from leaderboard.store.database import open_store
from leaderboard.store.suites import taken_suites


def serve_board(folder: Path, database: str | None, host: str, port: int, workers: int) -> None:
    """Serve a board until it is told to stop.

    Raises:
        UserError: the database or the port cannot be had.
    """
    store = open_store(open_board(folder, database))
    with store.reading() as session:
        if not taken_suites(session):
            note.print("note: no suite is taken yet; tst-bench leaderboard admin suites add makes it so.")

    def listening(port: int) -> None:
        name = f"[{host}]" if ":" in host else host
        out.print(f"http://{name}:{port}/", highlight=False, markup=False)
        scoring = f"{workers} process{'es' * (workers != 1)} beside it" if workers else "elsewhere"
        note.print(f"Serves the board in {folder}; scoring: {scoring}. Ctrl-C ends it.", highlight=False, markup=False)

    serve(store, host, port, workers, listening)
