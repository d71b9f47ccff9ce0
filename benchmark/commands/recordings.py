"""What the commands do that make recordings."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from benchmark.commands.console import note
from sim_envs.distortion import RadialDistortion
from sim_envs.errors import UserError
from sim_envs.rig import SensorNoise


def generate_recording(
    scene: str,
    frames: int,
    size: tuple[int, int],
    hfov: float,
    distortion: RadialDistortion,
    noise: SensorNoise,
    trajectories: str,
    engine: str,
    workers: int,
    seed: int,
    verify: bool,
    home: Path,
) -> None:
    """Make or continue a recording, and check it when asked to."""
    from sim_envs.generate import generate, split_counts
    from sim_envs.recordings.format import Recipe
    from sim_envs.recordings.verify import verify as check

    recipe = Recipe(
        space=scene,
        engine=engine,
        width=size[0],
        height=size[1],
        hfov=hfov,
        distortion=distortion,
        noise=noise,
        trajectories=trajectories,
        splits=split_counts(frames),
        seed=seed,
    )
    with tqdm(unit="frame", desc=scene, file=sys.stderr, dynamic_ncols=True, delay=1) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        recording = generate(recipe, home=home, workers=workers, progress=show)
    if verify:
        problems = check(recording.folder)
        if problems:
            raise UserError("\n".join([f"{recording.folder} is damaged:", *problems]))
        note.print("Every file matches its digest.")
    note.print(f"{len(recording)} frames of {', '.join(recording.modalities)}.")
    near = recording.meta.audit.test.translation_m
    if near:
        note.print(
            f"The train view nearest to a test view is {near['50']:.2f} m away (median; 1 %: {near['1']:.2f} m)."
        )
    if not recording.meta.audit.passed:
        note.print(f"note: {recording.meta.audit.complaint()}.")
    print(recording.folder)
