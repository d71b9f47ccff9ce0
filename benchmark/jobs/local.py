"""Jobs in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from benchmark.jobs import Ended, Job, Moved
from benchmark.jobs.doing import do


class LocalPool:
    """Runs at most ``workers`` jobs at a time with ``threads`` threads each.

    Processes come from a fork server that has torch loaded, so that starting one costs milliseconds, and end when this
    process does, however it ends.

    Args:
        gpus: what a job finds in ``CUDA_VISIBLE_DEVICES``, one entry a worker; no two jobs share an entry at a time.
            Empty leaves the variable as it is.
    """

    def __init__(self, workers: int, threads: int, gpus: Sequence[str] = ()) -> None:
        assert len(gpus) in (0, workers)
        self._threads = threads
        self._context = _context(threads)
        self._shares: list[str | None] = list(gpus) or [None] * workers
        self._running: dict[Connection, tuple[Job, Any, str | None]] = {}

    @property
    def free(self) -> int:
        """How many more jobs can run now."""
        return len(self._shares)

    def start(self, job: Job) -> None:
        """Begin a job in a process of its own."""
        ours, theirs = self._context.Pipe()
        gpu = self._shares.pop(0)
        process = self._context.Process(target=_work, args=(job, theirs, self._threads, gpu), daemon=True)
        process.start()
        theirs.close()
        self._running[ours] = (job, process, gpu)

    def news(self) -> Iterator[Moved | Ended]:
        """Wait until something happened to a running job, and say what."""
        for connection in wait(list(self._running)):
            assert isinstance(connection, Connection)
            job, process, gpu = self._running[connection]
            try:
                message = connection.recv()
            except (EOFError, ConnectionResetError):
                process.join()
                message = f"its process ended with code {process.exitcode}"
            if isinstance(message, tuple):
                yield Moved(job, *message)
                continue
            del self._running[connection]
            connection.close()
            process.join()
            self._shares.append(gpu)
            yield Ended(job, message)

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process, _ in self._running.values():
            process.kill()


def _context(threads: int) -> Any:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when the workers first load their libraries
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.stages.pretrain", "benchmark.stages.evaluate"])
    return context


def _work(job: Job, connection: Connection, threads: int, gpu: str | None) -> None:
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when torch first asks for a GPU, which it has not yet
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    connection.send(do(job, threads, lambda done, total: connection.send((done, total))))


def _end_with_parent(connection: Connection) -> None:
    """Leave at once when the other end of the pipe is gone: nobody waits for the work any more."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(1)
