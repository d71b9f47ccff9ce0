"""``tst-bench export``: recordings in the formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of

app = typer.Typer()


@app.command()
def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SPACE|RECORDING", help="A space, meaning its newest recording, or the folder of a recording."
        ),
    ],
    format_name: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="webdataset, nerfstudio, images, coco or habitat-lab.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder to make.", show_default="in the data home")] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="train, val or test; may be given again.", show_default="all"),
    ] = None,
    modality: Annotated[
        list[str] | None,
        typer.Option(help="rgb, depth …; may be given again.", show_default="all that the format takes"),
    ] = None,
    home: Home = None,
) -> None:
    """Write a recording in the format of another tool.

    Frames that are not valid are left out. An export that is there already is not made again; a changed one is
    never overwritten.

    Examples: `tst-bench export builtin/flat-01 --format nerfstudio --out flat`,
    `tst-bench export scan/my-flat --format webdataset --split train --modality rgb --modality depth`,
    `tst-bench export builtin/flat-01 --format habitat-lab`
    """
    from benchmark.commands.exports import export_as

    export_as(source, format_name, out, split or [], modality or [], home_of(home))
