"""The command that scores what a board has received."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Data, Database, board_folder_of

app = typer.Typer()


@app.command()
def work(
    data: Data = None,
    database: Database = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing waits any more.")] = False,
    name: Annotated[
        str | None, typer.Option(help="To tell workers apart in logs.", show_default="host and process", metavar="NAME")
    ] = None,
) -> None:
    """Score submissions as they come in, each in a process of its own with limits on time, memory and disk.

    Run it beside `tst-bench leaderboard serve`, as often as there are cores to spare, with another user than the
    server's where that can be. It may be stopped or killed at any time: what it worked on is taken up by another
    worker, or by the next one, within half a minute. The limits are set in `board.yaml` in its folder.

    Example: `tst-bench leaderboard work --data board --once`
    """
    from benchmark.commands.board_work import work_on_board

    work_on_board(board_folder_of(data), database, once, name)
