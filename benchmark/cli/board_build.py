"""The command that writes a board as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the site; one built before is replaced.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of a board, as for `leaderboard serve`.", metavar="DIR", show_default=False),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Its database.", metavar="URL", show_default="board.sqlite in the folder"),
    ] = None,
    entries: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a board, a folder of entries (`*.entry.json`, or `.gz` of them), as `leaderboard admin "
            "export` writes them.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str, typer.Option(help="Where the site will be, for the links in its feed.", metavar="https://…")
    ] = "",
) -> None:
    """Write the pages of a board as files, for any web host or to be opened from a disk.

    Sorting, searching and filtering then happen in the page. Every submission is compared with every other where a
    suite has at most 20; in larger ones those that come first in a table are, with each other. The same entries give
    the same files.

    Examples: `tst-bench leaderboard build site --data board`,
    `tst-bench leaderboard build site --entries leaderboard/results`
    """
    from benchmark.commands.board_build import build_site

    build_site(out, data, database, entries, url)
