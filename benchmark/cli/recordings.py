"""Commands that make recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of, size_of, workers_of

app = typer.Typer()


@app.command()
def generate(
    scene: Annotated[str, typer.Option(help="The space to record.", metavar="SPACE")],
    frames: Annotated[int, typer.Option(help="Frames in all; about 80 % train, 5 % val, 15 % test.")] = 1000,
    size: Annotated[str, typer.Option(help="Pixels: 128 for a square, or WIDTHxHEIGHT.")] = "128",
    hfov: Annotated[float, typer.Option(help="Horizontal field of view, degrees.")] = 90.0,
    trajectories: Annotated[
        str, typer.Option(help="auto, walk, handheld, habitat, a pose file, or habitat-lab:EPISODES.")
    ] = "auto",
    engine: Annotated[str, typer.Option(help="What renders: raycast, or habitat (habitat-sim).")] = "raycast",
    workers: Annotated[int | None, typer.Option(help="Rendering processes.", show_default="one a core")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the trajectories.", min=0)] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every byte of the recording against its digests.")
    ] = False,
    home: Home = None,
) -> None:
    """Render what a device would sense in a space, and keep it as a recording.

    A recording that exists is not made again; one that was interrupted continues.

    Examples: `tst-bench generate --scene builtin/flat-01 --frames 2000 --size 128`,
    `tst-bench generate --scene scan/my-flat --trajectories poses/transforms.json --verify`,
    `tst-bench generate --scene scan/apt_0 --trajectories habitat-lab:val/content/apt_0.json.gz`
    """
    from benchmark.commands.recordings import generate_recording

    generate_recording(
        scene, frames, size_of(size), hfov, trajectories, engine, workers_of(workers), seed, verify, home_of(home)
    )
