"""``tst-bench view``: spaces and recordings in Rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of

app = typer.Typer()


@app.command()
def view(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SPACE|RECORDING", help="A space, shown with its newest recording, or the folder of a recording."
        ),
    ],
    save: Annotated[
        Path | None, typer.Option(help="Write FILE.rrd instead of opening a window.", metavar="FILE.rrd")
    ] = None,
    frames: Annotated[
        int, typer.Option(help="Frames to show at most: whole trajectories, evenly spread; all are held in memory.")
    ] = 500,
    home: Home = None,
) -> None:
    """Open a space or a recording in Rerun: mesh, camera paths by split, every modality over time, labels by name.

    Needs the extra `view`. The file opens where there is a screen: `rerun FILE.rrd`.

    Examples: `tst-bench view builtin/flat-01`, `tst-bench view scan/my-flat --save my-flat.rrd --frames 2000`
    """
    from benchmark.commands.look import view_in_rerun

    view_in_rerun(source, save, frames, home_of(home))
