"""``tst-bench bench``: how fast the parts are beside what else does the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Device, Home, home_of

app = typer.Typer()


@app.command()
def bench(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[JOB]...", help="render, read, score, encode, step, help.", show_default="all"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less work a round and fewer rounds: a minute or so.")] = False,
    scene: Annotated[
        list[str] | None,
        typer.Option(help="A space to render besides builtin/flat-01, e.g. a large scan; may be given again."),
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="Print the jobs with their peers and goals, and measure nothing.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="The file.", show_default="bench/bench-CPU-CORES.json in the data home"),
    ] = None,
    device: Device = "auto",
    home: Home = None,
) -> None:
    """Time this software and its peers in turns, in one run, and say how many times as fast it is.

    Peers are packages (`pip install -c constraints.txt -e '.[bench]'`), and habitat-sim where
    TST_BENCH_HABITAT_PYTHON names it; one that is missing is named with what to do. Each side does the same work with
    one thread, its results are compared with ours first, and every round's time is in the file. Ratios are of processor
    time, which other programs on the machine disturb less, or of the wall where a GPU does the work. The exit code is 1
    when a peer's results differ or a job fails, whether goals are met or not.

    Examples: `tst-bench bench --quick`, `tst-bench bench render --scene scan/my-flat`
    """
    from benchmark.commands.bench import list_jobs, measure

    if list_only:
        list_jobs()
        return
    measure(jobs or (), "quick" if quick else "full", scene or (), device, out, home_of(home))
