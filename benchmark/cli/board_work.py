"""The command that scores what a board has received."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def work(
    data: Annotated[Path, typer.Option(help="Folder of the board.", metavar="DIR")],
    database: Annotated[
        str | None,
        typer.Option(
            envvar="TST_BENCH_DATABASE",
            help="Database of the board, e.g. `postgresql+psycopg://board@localhost/board`.",
            metavar="URL",
            show_default="board.sqlite in its folder",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing waits any more.")] = False,
    name: Annotated[
        str | None, typer.Option(help="To tell workers apart in logs.", show_default="host and process", metavar="NAME")
    ] = None,
) -> None:
    """Score submissions as they come in, each in a process of its own with limits on time, memory and disk.

    Run it beside `tst-bench leaderboard serve`, as often as there are cores to spare, with another user than the
    server's where that can be. It may be stopped or killed at any time: what it worked on is taken up by another
    worker, or by the next one, within half a minute. The limits are in `board.yaml`.

    Example: `tst-bench leaderboard work --data board --once`
    """
    from benchmark.commands.board_work import work_on_board

    work_on_board(data, database, once, name)
