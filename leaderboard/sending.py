"""Where a submission is sent to, whatever it is: a board takes it, and tells how it stands. And waiting for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from leaderboard.answers import SubmissionView
from leaderboard.client import FINAL, Progress

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


class Receiver(Protocol):
    """Takes submissions."""

    def submit(self, file: Path, progress: Progress) -> str:
        """Take a file, and return the id of the submission."""

    def status(self, submission: str) -> SubmissionView:
        """Return how a submission stands."""


def wait_for(
    board: Receiver,
    submission: str,
    report: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> SubmissionView:
    """Wait until a submission is scored, rejected or failed.

    Args:
        report: is given each line of its log as it comes.
    """
    told, pause = 0, _SHORTEST_PAUSE
    while True:
        view = board.status(submission)
        lines = view.log or []
        for line in lines[told:]:
            report(line.text)
            pause = _SHORTEST_PAUSE
        told = len(lines)
        if view.status in FINAL:
            return view
        sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
