"""The command that serves a board."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Data, Database, board_folder_of

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 picks a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[
        int,
        typer.Option(help="Processes that score; with 0 run `tst-bench leaderboard work` elsewhere.", min=0, max=64),
    ] = 1,
    data: Data = None,
    database: Database = None,
) -> None:
    """Serve a board: its pages, its API (described at /docs), and beside it the processes that score submissions.

    Title, limits and quotas are in `board.yaml` in the board's folder. Serve the world through a proxy that speaks
    https and passes `X-Forwarded-For` and `X-Forwarded-Proto` on. Ctrl-C or SIGTERM ends it; killed at any moment it
    loses nothing.

    Example: `tst-bench leaderboard serve --data ~/tst-bench/board --port 8000`
    """
    from benchmark.commands.board_serve import serve_board

    serve_board(board_folder_of(data), database, host, port, workers)
