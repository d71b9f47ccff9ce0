"""The command that writes a board as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Data, Database, board_folder_of

app = typer.Typer()


@app.command()
def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the site; one built before is replaced.")],
    data: Data = None,
    database: Database = None,
    entries: Annotated[
        Path | None,
        typer.Option(
            help="Build from a folder of entries (`*.entry.json`, or `.gz` of them), as `leaderboard admin export` "
            "writes them, instead of from a board.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str,
        typer.Option(
            help="Where the site will be; only readers of its feed need to know.",
            metavar="https://…",
            show_default="links of the feed are relative",
        ),
    ] = "",
) -> None:
    """Write the pages of a board as files, for any web host or to be opened from a disk.

    Sorting, searching and filtering then happen in the page. Every submission is compared with every other in a table
    of at most 20; in a longer one the first 10 are. The same entries give the same files.

    Examples: `tst-bench leaderboard build site --data board`,
    `tst-bench leaderboard build site --entries leaderboard/results`
    """
    from benchmark.commands.board_build import build_from_board, build_from_entries

    if entries is not None:
        build_from_entries(out, entries, url)
    else:
        build_from_board(out, board_folder_of(data), database, url)
