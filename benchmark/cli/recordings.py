"""Commands that make recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import Home, home_of, size_of, workers_of
from benchmark.cli.sensors import (
    DepthNoise,
    DepthNoiseTable,
    Distortion,
    Exposure,
    MotionBlur,
    RgbNoise,
    distortion_of,
    noise_of,
)

app = typer.Typer()


@app.command()
def generate(
    scene: Annotated[str, typer.Option(help="The space, or the capture, to record.", metavar="SPACE")],
    frames: Annotated[
        int | None,
        typer.Option(
            help="Frames in all; about 80 % train, 5 % val, 15 % test.", show_default="1000; all of a capture"
        ),
    ] = None,
    size: Annotated[str, typer.Option(help="Pixels: 128 for a square, or WIDTHxHEIGHT.")] = "128",
    hfov: Annotated[
        float | None,
        typer.Option(help="Horizontal field of view, degrees.", show_default="90; a capture's own"),
    ] = None,
    distortion: Distortion = None,
    depth_noise: DepthNoise = None,
    depth_noise_table: DepthNoiseTable = None,
    rgb_noise: RgbNoise = None,
    motion_blur: MotionBlur = 0.0,
    exposure: Exposure = None,
    trajectories: Annotated[
        str, typer.Option(help="auto, walk, handheld, habitat, a pose file, or habitat-lab:EPISODES.")
    ] = "auto",
    engine: Annotated[
        str | None,
        typer.Option(
            help="What renders: raycast, or habitat (habitat-sim).", show_default="raycast; captures play back"
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Rendering processes.", show_default="one a core")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the trajectories and of noise.", min=0)] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every byte of the recording against its digests.")
    ] = False,
    home: Home = None,
) -> None:
    """Render what a device would sense in a space, and keep it as a recording.

    A recording that exists is not made again; one that was interrupted continues.

    Examples: `tst-bench generate --scene builtin/flat-01 --frames 2000 --size 128`,
    `tst-bench generate --scene scan/my-flat --trajectories poses/transforms.json --verify`,
    `tst-bench generate --scene builtin/flat-01 --distortion -0.18,0.05 --depth-noise redwood --rgb-noise poisson:500`,
    `tst-bench generate --scene scan/apt_0 --trajectories habitat-lab:val/content/apt_0.json.gz`,
    `tst-bench generate --scene capture/kitchen`
    """
    from benchmark.commands.recordings import generate_recording

    generate_recording(
        scene,
        frames,
        size_of(size),
        hfov,
        distortion_of(distortion),
        noise_of(depth_noise, depth_noise_table, rgb_noise, motion_blur, exposure),
        trajectories,
        engine,
        workers_of(workers),
        seed,
        verify,
        home_of(home),
    )
