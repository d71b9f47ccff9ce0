"""What ``tst-bench bench`` does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from benchmark.commands.console import note, out

if TYPE_CHECKING:
    from benchmark.bench.measured import BenchReport, MeasuredContest, MeasuredSide, Spread

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What NumPy's and torch's libraries read when they are loaded."""

FIRST_SCENE = "builtin/flat-01"


def list_jobs() -> None:
    """Print what every job measures, who with, and what we want of ourselves."""
    from benchmark.bench import JOBS

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("job", "what", "peers", "goal"):
        table.add_column(title)
    for name in JOBS:
        job = JOBS[name]
        table.add_row(name, job.measures, job.peers, job.goal)
    out.print(table)


def measure(jobs: Sequence[str], sizes: str, scenes: Sequence[str], device: str, file: Path | None, home: Path) -> None:
    """Run jobs, print the table, write the file; exit code 1 when something failed or disagreed.

    Args:
        jobs: names; all when empty.
        sizes: a name of :data:`benchmark.bench.contest.SIZES`.
        scenes: spaces that are rendered besides ``FIRST_SCENE``.

    Raises:
        UserError: an unknown job or space, or a device that is not here.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    from benchmark.bench import JOBS
    from benchmark.bench.contest import SIZES
    from benchmark.bench.measured import file_name
    from benchmark.bench.run import run_bench
    from sim_envs.spaces import list_spaces, unknown_space

    known = list_spaces(home)
    for scene in scenes:
        if scene not in known:
            raise unknown_space(scene, home)
    if device != "auto":
        from baselines.precision import pick_device

        pick_device(device)  # a device that is not here is told before anything is measured
    with note.status("Measuring …") as status:
        report = run_bench(
            list(dict.fromkeys(jobs)) or list(JOBS),
            SIZES[sizes],
            home=home,
            scenes=tuple(dict.fromkeys((FIRST_SCENE, *scenes))),
            device=device,
            progress=lambda words: status.update(f"Measuring {words} …"),
        )
    path = file or home / "bench" / file_name(report.environment.hardware)
    report.save(path)
    show(report)
    note.print(f"Every round's time: {path}")
    if any(contest.failure for job in report.jobs for contest in job.contests):
        raise typer.Exit(1)


def show(report: BenchReport) -> None:
    """Print one block a contest: what each side took, and how many times as long as we did."""
    hardware = report.environment.hardware
    gpus = f", {', '.join(hardware.gpus)}" if hardware.gpus else ""
    load = "" if report.load is None else f", load {report.load:.1f} at the beginning"
    out.print(f"{hardware.cpu}, {hardware.cores} cores{gpus}{load}; {report.sizes.rounds} rounds in turns")
    for job in report.jobs:
        for contest in job.contests:
            _show_contest(job.name, contest)


def _show_contest(job: str, contest: MeasuredContest) -> None:
    clock = {"processor": "processor time", "wall": "time on the clock"}[contest.clock]
    round_ = f"; rounds of {contest.amount:g} {contest.unit}, {clock}" if contest.sides else ""
    out.print(f"\n[bold]{job}[/]: {escape(contest.name)}{round_}")
    if contest.failure:
        out.print(f"  failed: {escape(contest.failure)}")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("")
    table.add_column(f"{contest.unit}/s", justify="right")
    table.add_column("seconds a round", justify="right")
    table.add_column("times ours", justify="right")
    for side in contest.sides:
        table.add_row(*_cells(side, contest))
    out.print(table)
    for line in _remarks(contest):
        out.print(escape(line))


def _cells(side: MeasuredSide, contest: MeasuredContest) -> Iterator[str]:
    seconds = side.seconds(contest.clock)
    yield escape(side.name)
    yield f"{contest.amount / seconds.median:.3g}" if seconds.median else "–"
    yield _spread(seconds)
    yield _spread(side.ratio) if side.ratio else ""


def _remarks(contest: MeasuredContest) -> Iterator[str]:
    """Yield whose results were compared, who is missing, and whether the goal is met."""
    for side in contest.sides:
        if side.agreement:
            yield f"{side.name}: {side.agreement}"
    for peer in contest.missing:
        yield f"{peer.name}: {peer.why}"
    if contest.goal:
        best = "" if contest.best is None else f" ({contest.best:.3g})"
        met = {True: "met", False: "not met", None: "no peer to compare with"}[contest.met]
        yield f"goal {contest.goal}: {met}{best}"


def _spread(spread: Spread) -> str:
    """Return the median, and the lowest and highest where there is more than one."""
    return f"{spread.median:.3g} [{spread.lowest:.3g}–{spread.highest:.3g}]"
