"""Progress of jobs on a terminal: one bar a running job, one for the whole; plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmark.jobs import Failure, Job, Watcher, run_jobs
from benchmark.machine import Machine


def run_with_progress(jobs: Sequence[Job], machine: Machine) -> list[Failure]:
    """Run jobs under progress bars on stderr, and return what failed."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<38}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        whole = bars.add_task("jobs", total=len(jobs))
        tasks: dict[str, TaskID] = {}
        began: dict[str, float] = {}

        def started(name: str) -> None:
            began[name] = time.monotonic()
            tasks[name] = bars.add_task(name, total=None)

        def moved(name: str, done: int, total: int) -> None:
            bars.update(tasks[name], completed=done, total=total)

        def ended(name: str, failure: Failure | None) -> None:
            if name in tasks:
                bars.remove_task(tasks.pop(name))
            bars.advance(whole)
            took = f"{time.monotonic() - began[name]:6.1f} s" if name in began else "       –"
            console.print(
                f"{took}  {name}" + (f"  [red]{failure.message}[/]" if failure else ""), highlight=False, soft_wrap=True
            )

        return run_jobs(jobs, machine.pool(), Watcher(started, moved, ended))
