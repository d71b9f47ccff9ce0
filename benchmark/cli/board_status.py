"""The command that says how a submission goes."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Database

app = typer.Typer()


@app.command()
def status(
    submission: Annotated[str, typer.Argument(metavar="ID", help="What `tst-bench submit` printed.")],
    board: Annotated[
        str, typer.Option(help="A board's address, or the folder of one on this machine.", metavar="URL|PATH")
    ],
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TST_BENCH_TOKEN",
            help="Of the team, which alone sees a submission before it is scored, and its log.",
            metavar="TOKEN",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is scored.")] = False,
) -> None:
    """Print how a submission stands at a board: its log, its scores, or why it was rejected (exit code 2).

    Example: `tst-bench leaderboard status 7w3k9m2c4x8a --board https://board.example --wait`
    """
    from benchmark.commands.sending import Destination, show_status

    show_status(submission, Destination(board, token, database=database), wait)
