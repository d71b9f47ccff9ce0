"""Worker processes beside a server: started with it, started again when they die, ended with it."""

from __future__ import annotations

import contextlib
import logging
import logging.config
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from leaderboard.board import Board
from leaderboard.server.logs import log_configuration

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 5.0
_END_SECONDS = 10.0


class Scorers:
    """So many worker processes as long as the block lasts.

    A process is started anew, not forked: a server has threads, and connections that are its own.
    """

    def __init__(self, board: Board, count: int) -> None:
        self.board = board
        self.count = count
        self._stopped = threading.Event()
        self._processes: list[BaseProcess] = []
        self._thread = threading.Thread(target=self._watch, name="scorers", daemon=True)

    def __enter__(self) -> Scorers:
        """Start them."""
        self._processes = [self._start(number) for number in range(self.count)]
        if self.count:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End them: what they work on waits for the next worker."""
        self._stopped.set()
        if self.count:
            self._thread.join()
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + _END_SECONDS
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _start(self, number: int) -> BaseProcess:
        process = multiprocessing.get_context("spawn").Process(
            target=_score, args=(self.board, f"server-{number}"), name=f"scorer-{number}"
        )
        process.start()
        return process

    def _watch(self) -> None:
        while not self._stopped.wait(_PAUSE_SECONDS):
            for number, process in enumerate(self._processes):
                if not process.is_alive():
                    _log.error("worker %d ended with %s; another one is started", number, process.exitcode)
                    self._processes[number] = self._start(number)


def _score(board: Board, name: str) -> None:
    """Work in a process of its own, as long as the server lives."""
    from leaderboard.store.database import open_store
    from leaderboard.worker.loop import work

    logging.config.dictConfig(log_configuration())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal it comes to the server too, which ends this one
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_server, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        work(open_store(board), name)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end_with_server() -> None:
    server = multiprocessing.parent_process()
    assert server is not None
    wait([server.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
