"""``tst-bench engines …``: list them, check one against another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of, size_of

app = typer.Typer(no_args_is_help=True, help="Engines: list them, check one against another.")


@app.command("list")
def engines_list() -> None:
    """List the engines, and say of each whether it can run here.

    Example: `tst-bench engines list`
    """
    from benchmark.commands.engines import list_engines

    list_engines()


@app.command("compare")
def engines_compare(
    scene: Annotated[str, typer.Option(help="The space to render.", metavar="SPACE")],
    engine: Annotated[str, typer.Option(help="What to check.")] = "habitat",
    against: Annotated[str, typer.Option(help="What to check it against.")] = "raycast",
    frames: Annotated[int, typer.Option(help="Views; each from another trajectory unless poses are given.")] = 20,
    size: Annotated[str, typer.Option(help="Pixels: 128 for a square, or WIDTHxHEIGHT.")] = "256",
    hfov: Annotated[float, typer.Option(help="Horizontal field of view, degrees.")] = 90.0,
    trajectories: Annotated[
        str, typer.Option(help="auto, walk, handheld, habitat, a pose file, or habitat-lab:EPISODES.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the trajectories.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the difference pictures.", show_default="in the data home")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
) -> None:
    """Render the same poses with two engines, say how far they agree and how fast they are, draw the differences.

    Ends with exit code 1 when they agree less than they should: ids on 99.5 % of the pixels away from edges, depth
    within 2 mm (median), RGB with a PSNR of 30 dB.

    Example: `tst-bench engines compare --scene builtin/flat-01 --frames 20 --size 256`
    """
    from benchmark.commands.engines import compare

    target = home_of(home)
    compare(scene, (against, engine), frames, size_of(size), hfov, trajectories, seed, out, as_json, target)
