"""What ``tst-bench leaderboard work`` does."""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
from pathlib import Path
from types import FrameType

from leaderboard.board import open_board
from leaderboard.store.database import open_store
from leaderboard.worker.loop import work
from sim_envs.errors import UserError


def work_on_board(data: Path, database: str | None, once: bool, name: str | None) -> None:
    """Score what waits on a board until it is told to stop; a submission that is being scored then waits again.

    Raises:
        UserError: there is no such folder, or no database that can be used.
    """
    if not data.is_dir():
        raise UserError(f"No board at {data}. tst-bench leaderboard admin suites add makes one.")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    work(open_store(open_board(data, database)), name or f"{platform.node()}-{os.getpid()}", once)


def _stop(number: int, _: FrameType | None) -> None:
    """Leave in order, so that what is in hand is given back."""
    sys.exit(128 + number)
