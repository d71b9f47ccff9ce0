"""Jobs: each runs when what it needs is done; one that fails stops only its dependants. Where they run is a pool."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

Report = Callable[[int, int], None]
"""Called by a job with (steps done, steps in all)."""


def writes_nothing() -> tuple[Path, ...]:
    """Return what a job writes that leaves nothing but its log."""
    return ()


@dataclass(frozen=True)
class Job:
    """A function of a module, run in a process of its own as ``function(**arguments, report=…)``.

    It may be run again after its process or machine died, so it continues or repeats what it finds half done.

    Attributes:
        name: unique in a run, shown to the user.
        needs: names of the jobs that must have succeeded before.
        log: file that receives whatever the job prints, and the traceback when it fails.
        reads: folders and files that must be there; only machines that share no disk need to know.
        writes: returns the folders and files that are there after it; asked when it starts, and by nobody else.
    """

    name: str
    function: Callable[..., None]
    arguments: dict[str, Any]
    log: Path
    needs: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()
    writes: Callable[[], tuple[Path, ...]] = writes_nothing


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


@dataclass(frozen=True)
class Moved:
    """A job got so far."""

    job: Job
    done: int
    total: int


@dataclass(frozen=True)
class Ended:
    """A job is over; ``error`` says why it failed, "" when it did not."""

    job: Job
    error: str


class Pool(Protocol):
    """Where jobs run. Whatever still runs when its ``with`` block is left is ended."""

    @property
    def free(self) -> int:
        """How many more jobs can run now."""

    def start(self, job: Job) -> None:
        """Begin a job."""

    def news(self) -> Iterable[Moved | Ended]:
        """Wait until something happened to a running job, and say what."""

    def __enter__(self) -> Pool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def cores() -> int:
    """Return how many processes a run has unless told otherwise: one a core that this process may use, 16 at most."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)


def run_jobs(jobs: Sequence[Job], pool: Pool, watcher: Watcher) -> list[Failure]:
    """Run every job in a pool; return what failed.

    Jobs start in the order given as soon as what they need is done.
    """
    waiting = list(jobs)
    running: set[str] = set()
    done: set[str] = set()
    failures: dict[str, Failure] = {}

    def fail(job: Job, message: str, log: Path | None) -> None:
        failures[job.name] = Failure(job.name, message, log)
        watcher.ended(job.name, failures[job.name])

    with pool:
        while waiting or running:
            for job in [j for j in waiting if failures.keys() & set(j.needs)]:
                waiting.remove(job)
                fail(job, "not run: " + ", ".join(n for n in job.needs if n in failures) + " failed", None)
            ready = [j for j in waiting if done.issuperset(j.needs)]
            for job in ready[: pool.free] if ready else ():
                waiting.remove(job)
                job.log.parent.mkdir(parents=True, exist_ok=True)
                pool.start(job)
                running.add(job.name)
                watcher.started(job.name)
            # Nothing runs when all that was left needed what failed; waiting for nothing would have no end.
            for happened in pool.news() if running else ():
                job = happened.job
                if isinstance(happened, Moved):
                    watcher.moved(job.name, happened.done, happened.total)
                    continue
                running.remove(job.name)
                if happened.error:
                    fail(job, happened.error, job.log)
                else:
                    done.add(job.name)
                    watcher.ended(job.name, None)
    return list(failures.values())
