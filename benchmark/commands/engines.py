"""What ``tst-bench engines`` does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import typer
from rich.table import Table
from tqdm import tqdm

from benchmark.commands.console import note, out
from sim_envs.engines.compare import DEPTH_GOAL_MM, IDS_GOAL, NEAR_NORMAL_DEG, RGB_GOAL_DB, Comparison
from sim_envs.errors import UserError

MAX_FRAMES = 1000


def list_engines() -> None:
    """Print one line an engine: version, what it renders with, or why it cannot run."""
    from sim_envs.engines import ENGINES, libraries_of

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name in ENGINES:
        engine = ENGINES[name]
        try:
            state = ", ".join(f"{library} {found}" for library, found in libraries_of(engine).items())
        except UserError as error:
            state = f"not here: {error}"
        table.add_row(name, f"version {engine.version}", state)
    out.print(table)


def compare(
    scene: str,
    engines: tuple[str, str],
    frames: int,
    size: tuple[int, int],
    hfov: float,
    trajectories: str,
    seed: int,
    folder: Path | None,
    as_json: bool,
    home: Path,
) -> None:
    """Compare two engines; exit code 1 when they agree less than they should."""
    from sim_envs.engines import ENGINES, libraries_of
    from sim_envs.engines.compare import compare_engines
    from sim_envs.engines.difference_pictures import write_difference_pictures
    from sim_envs.rig import Rig
    from sim_envs.spaces import load_space
    from sim_envs.trajectories.plan import plan_trajectories

    if not 1 <= frames <= MAX_FRAMES:
        raise UserError(f"--frames {frames} is out of range: 1 to {MAX_FRAMES}.")
    for name in engines:
        libraries_of(ENGINES[name])  # an engine that is unknown or cannot run here is told before anything is done
    space, rig = load_space(scene, home), Rig(*size, hfov)
    planned = plan_trajectories(space, rig, trajectories, {"test": (frames, 1)}, seed)
    poses = np.concatenate([trajectory.camera_to_world for trajectory in planned])
    with tqdm(total=2 * frames, unit="frame", desc=scene, file=sys.stderr, dynamic_ncols=True, delay=1) as bar:
        comparison, ours, theirs = compare_engines(space, rig, poses, engines, lambda: bar.update(1))
    pictures = write_difference_pictures(ours, theirs, engines, folder or home / "comparisons" / scene)
    if as_json:
        print(comparison.model_dump_json(indent=1))
    else:
        _print(comparison)
    count = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
    note.print(f"{count} of the differences: {pictures[0].parent}")
    if short := comparison.agreement.shortfalls():
        note.print(f"The engines agree less than they should: {'; '.join(short)}.")
        raise typer.Exit(1)


def _print(comparison: Comparison) -> None:
    found = comparison.agreement
    out.print(
        f"{comparison.space}, {comparison.faces:,} faces, {comparison.frames} views of "
        f"{comparison.width} × {comparison.height} pixels"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("modality", "agreement", "goal"):
        table.add_column(title)
    ids = "no labels" if found.ids_equal is None else f"equal on {found.ids_equal:.3%} of the pixels away from edges"
    table.add_row("instance", f"{ids} ({found.ids_compared:.0%} of all)", f"≥ {IDS_GOAL:.1%}")
    table.add_row(
        "depth",
        f"median {found.depth_median_mm:.2f} mm, 95 % within {found.depth_95_mm:.2f} mm; "
        f"measured by one alone {found.depth_one_sided:.3%}",
        f"≤ {DEPTH_GOAL_MM:g} mm",
    )
    table.add_row(
        "normals",
        f"mean {found.normals_mean_deg:.1f}°, median {found.normals_median_deg:.1f}°, "
        f"{found.normals_near:.0%} within {NEAR_NORMAL_DEG}°",
        "–",
    )
    table.add_row(
        "rgb", f"PSNR {found.rgb_psnr_db:.1f} dB, worst view {found.rgb_worst_psnr_db:.1f} dB", f"≥ {RGB_GOAL_DB:g} dB"
    )
    out.print(table)
    for run in comparison.runs:
        what = [f"{name} {version}" for name, version in run.libraries.items()] + [run.renderer]
        out.print(
            f"{run.engine} {run.version}: {run.frames_per_second:.1f} frames/s with all modalities, "
            f"open in {run.open_seconds:.1f} s" + "".join(f", {part}" for part in what if part)
        )
