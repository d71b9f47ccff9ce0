"""What the commands do that make recordings."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from benchmark.commands.console import note
from sim_envs.distortion import RadialDistortion
from sim_envs.errors import UserError
from sim_envs.rig import SensorNoise

DEFAULT_FRAMES, DEFAULT_HFOV, DEFAULT_ENGINE = 1000, 90.0, "raycast"


def generate_recording(
    scene: str,
    frames: int | None,
    size: tuple[int, int],
    hfov: float | None,
    distortion: RadialDistortion,
    noise: SensorNoise,
    trajectories: str,
    engine: str | None,
    workers: int,
    seed: int,
    verify: bool,
    home: Path,
) -> None:
    """Make or continue a recording, and check it when asked to."""
    from sim_envs.generate import generate, split_counts
    from sim_envs.recordings.format import Recipe
    from sim_envs.recordings.verify import verify as check
    from sim_envs.spaces import is_capture, recording_engine

    if is_capture(scene):
        hfov, splits = _of_capture(scene, size, hfov, frames, home)
    else:
        splits = split_counts(DEFAULT_FRAMES if frames is None else frames)
    recipe = Recipe(
        space=scene,
        engine=engine or recording_engine(scene, DEFAULT_ENGINE),
        width=size[0],
        height=size[1],
        hfov=DEFAULT_HFOV if hfov is None else hfov,
        distortion=distortion,
        noise=noise,
        trajectories=trajectories,
        splits=splits,
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


def _of_capture(
    capture_id: str, size: tuple[int, int], hfov: float | None, frames: int | None, home: Path
) -> tuple[float, dict[str, tuple[int, int]]]:
    """Return the field of view and the splits of a capture: its own, where none are asked for."""
    from sim_envs.captures.segments import fitting_splits, repeated_views
    from sim_envs.captures.source import load_capture
    from sim_envs.generate import split_counts

    capture = load_capture(capture_id, home)
    splits = split_counts(len(capture) if frames is None else frames)
    if frames is None:
        splits = fitting_splits(capture, splits)
    if repeats := repeated_views(capture, splits):
        note.print(f"note: train views left out for a val or test view within 0.05 m and 5° of them: {repeats}.")
    return (capture.widest_hfov(*size) if hfov is None else hfov), splits
