"""Jobs in processes of their own: each runs when what it needs is done; one that fails stops only its dependants."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from sim_envs.errors import UserError

Report = Callable[[int, int], None]
"""Called by a job with (steps done, steps in all)."""


@dataclass(frozen=True)
class Job:
    """A function of a module, run in a process of its own as ``function(**arguments, report=…)``.

    Attributes:
        name: unique in a run, shown to the user.
        needs: names of the jobs that must have succeeded before.
        log: file that receives whatever the job prints, and the traceback when it fails.
    """

    name: str
    function: Callable[..., None]
    arguments: dict[str, Any]
    log: Path
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A job that did not end well."""

    job: str
    message: str
    log: Path | None


@dataclass
class Watcher:
    """What is told of the jobs as they go; the default says nothing."""

    started: Callable[[str], None] = field(default=lambda name: None)
    moved: Callable[[str, int, int], None] = field(default=lambda name, done, total: None)
    ended: Callable[[str, Failure | None], None] = field(default=lambda name, failure: None)


def cores() -> int:
    """Return how many processes a run has unless told otherwise: one a core that this process may use, 16 at most."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)


def run_jobs(
    jobs: Sequence[Job], workers: int, threads: int, watcher: Watcher, gpus: Sequence[str] = ()
) -> list[Failure]:
    """Run every job, at most ``workers`` at a time with ``threads`` threads each; return what failed.

    Jobs start in the order given as soon as what they need is done. Processes come from a fork server that has
    torch loaded, so that starting one costs milliseconds, and end when this process does, however it ends.

    Args:
        gpus: what a job finds in ``CUDA_VISIBLE_DEVICES``, one entry a worker; no two jobs share an entry at a time.
            Empty leaves the variable as it is.
    """
    assert len(gpus) in (0, workers)
    context = _context(threads)
    waiting = list(jobs)
    free: list[str | None] = list(gpus) or [None] * workers
    running: dict[Connection, tuple[Job, Any, str | None]] = {}
    done: set[str] = set()
    failures: dict[str, Failure] = {}

    def fail(job: Job, message: str, log: Path | None) -> None:
        failures[job.name] = Failure(job.name, message, log)
        watcher.ended(job.name, failures[job.name])

    try:
        while waiting or running:
            for job in [j for j in waiting if failures.keys() & set(j.needs)]:
                waiting.remove(job)
                fail(job, "not run: " + ", ".join(n for n in job.needs if n in failures) + " failed", None)
            for job in [j for j in waiting if done.issuperset(j.needs)][: workers - len(running)]:
                waiting.remove(job)
                ours, theirs = context.Pipe()
                job.log.parent.mkdir(parents=True, exist_ok=True)
                gpu = free.pop(0)
                process = context.Process(target=_work, args=(job, theirs, threads, gpu), daemon=True)
                process.start()
                theirs.close()
                running[ours] = (job, process, gpu)
                watcher.started(job.name)
            # Nothing runs when all that was left needed what failed; waiting for nothing would have no end.
            for connection in wait(list(running)) if running else ():
                assert isinstance(connection, Connection)
                job, process, gpu = running[connection]
                try:
                    kind, *rest = connection.recv()
                except (EOFError, ConnectionResetError):
                    process.join()
                    kind, rest = "failed", [f"its process ended with code {process.exitcode}"]
                if kind == "moved":
                    watcher.moved(job.name, *rest)
                    continue
                del running[connection]
                connection.close()
                process.join()
                free.append(gpu)
                if kind == "done":
                    done.add(job.name)
                    watcher.ended(job.name, None)
                else:
                    fail(job, rest[0], job.log)
    finally:
        for _, process, _ in running.values():
            process.kill()
    return list(failures.values())


def _context(threads: int) -> Any:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when the workers first load their libraries
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.stages.pretrain", "benchmark.stages.evaluate"])
    return context


def _work(job: Job, connection: Connection, threads: int, gpu: str | None) -> None:
    import torch

    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when torch first asks for a GPU, which it has not yet
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    with job.log.open("a", encoding="utf-8", buffering=1) as log:
        sys.stdout = sys.stderr = log
        try:
            job.function(**job.arguments, report=lambda done, total: connection.send(("moved", done, total)))
        except UserError as error:
            log.write(f"{error}\n")
            connection.send(("failed", str(error)))
        except Exception as error:
            log.write(traceback.format_exc())
            connection.send(("failed", f"{type(error).__name__}: {error}"))
        else:
            connection.send(("done",))


def _end_with_parent(connection: Connection) -> None:
    """Leave at once when the other end of the pipe is gone: nobody waits for the work any more."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(1)
