"""``tst-bench import-capture``: RGB-D sequences of real devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of

app = typer.Typer()


@app.command("import-capture")
def import_capture(
    path: Annotated[Path, typer.Argument(help="The folder or file that was downloaded or exported.")],
    format_name: Annotated[str, typer.Option("--format", help="7scenes, scannet, nerfstudio, record3d, tum or bonn.")],
    name: Annotated[str, typer.Option(help="It becomes capture/NAME.")],
    up: Annotated[
        str | None,
        typer.Option(
            help="Axis of the file's world that points up: y, z, -y …", show_default="as the format or the cameras say"
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Larger frames are stored with so many pixels on the longer side.")] = 640,
    labels_from: Annotated[
        str | None, typer.Option(help="A labelled scan of the same place: its labels are laid over the photos.")
    ] = None,
    align: Annotated[
        Path | None,
        typer.Option(help="JSON with the 4×4 capture_to_space.", show_default="capture and scan share a world"),
    ] = None,
    home: Home = None,
) -> None:
    """Import what an RGB-D device recorded, with its poses, as `capture/NAME`: it then serves as a space does.

    Examples: `tst-bench import-capture --format 7scenes chess/ --name chess`,
    `tst-bench import-capture --format record3d kitchen.r3d --name kitchen --labels-from scan/kitchen --align a.json`
    """
    from benchmark.commands.captures import import_one

    import_one(path, format_name, name, up, size, labels_from, align, home_of(home))
