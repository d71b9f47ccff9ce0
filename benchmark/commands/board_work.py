"""What ``tst-bench leaderboard work`` does."""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
from pathlib import Path
from types import FrameType

from benchmark.commands.boards import existing_board_at
from leaderboard.worker.loop import work


def work_on_board(folder: Path, database: str | None, once: bool, name: str | None) -> None:
    """Score what waits on a board until it is told to stop; a submission that is being scored then waits again.

    Raises:
        UserError: there is no such board.
    """
    store = existing_board_at(folder, database)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _stop)
    work(store, name or f"{platform.node()}-{os.getpid()}", once)


def _stop(number: int, _: FrameType | None) -> None:
    """Leave in order, so that what is in hand is given back."""
    sys.exit(128 + number)
