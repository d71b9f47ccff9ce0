"""Open the board that a command is about."""

from __future__ import annotations

from pathlib import Path

from leaderboard.board import open_board
from leaderboard.store.database import Store, open_store
from sim_envs.errors import UserError


def board_at(folder: Path, database: str | None) -> Store:
    """Open a board, which is made where there is none.

    Raises:
        UserError: settings or a database that cannot be used.
    """
    return open_store(open_board(folder, database))


def existing_board_at(folder: Path, database: str | None) -> Store:
    """Open a board that is there.

    Raises:
        UserError: it is not; also as :func:`board_at`.
    """
    board = open_board(folder, database)
    if database is None and not (board.folder / "board.sqlite").is_file():
        raise UserError(
            f"There is no board at {folder}. Name its folder with --data, or make one: "
            "tst-bench leaderboard admin suites add PRIVATE.zip."
        )
    return open_store(board)
