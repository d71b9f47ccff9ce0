"""``render``: every modality of views of a space in memory, beside Open3D, pyrender and habitat-sim in software."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import cv2
import numpy as np

from benchmark.bench.contest import OURS, Contest, Disagreement, Goal, Job, Settings, Side, present
from benchmark.bench.habitat_loop import HabitatLoop
from benchmark.bench.open3d_scene import Open3DScene
from benchmark.bench.pyrender_scene import PyrenderScene
from sim_envs.engines.compare import IDS_GOAL, away_from_edges, depth_difference_mm, psnr_db
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.rig import Rig
from sim_envs.sensors import DERIVED
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.trajectories.plan import plan_trajectories

GOAL, LARGE_GOAL = Goal("ratio", 1), Goal("ratio", 2)
LARGE = 500_000
"""Faces from which on a space is large."""

NEAR_MM = np.float32(1)
DEPTH_GOAL = 0.99
FEWEST_VIEWS = 4  # trajectories that the views are taken from

Frames = dict[str, np.ndarray]


def views(space: Space, count: int, rig: Rig) -> np.ndarray:
    """Return (count, 4, 4) poses as a recording would have them."""
    trajectories = min(FEWEST_VIEWS, count)
    planned = plan_trajectories(space, rig, "auto", {"train": (trajectories, -(-count // trajectories))}, seed=0)
    return np.concatenate([trajectory.camera_to_world for trajectory in planned])[:count]


def our_frame(engine: RaycastEngine, camera_to_world: np.ndarray) -> Frames:
    """Return one frame of every rendered and derived modality."""
    frame = engine.render(camera_to_world)
    return frame | {name: derive(frame) for name, derive in DERIVED.items()}


def all_frames(render: Callable[[np.ndarray], Frames], poses: np.ndarray) -> Frames:
    """Return modality → (N, H, W[, C]) of N poses."""
    frames = [render(pose) for pose in poses]
    return {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}


def same_views(ours: Frames, theirs: Any) -> str:
    """Say how far a peer's frames agree with ours away from edges, or raise :class:`Disagreement`.

    Ids must be equal on a share of ``IDS_GOAL``. Depth must be that of the pixel, or between those of the pixels
    around it, within ``NEAR_MM`` on a share of ``DEPTH_GOAL``: OpenGL's multisampling takes it from a sample off the
    pixel's centre, on oblique surfaces many millimetres away.

    Args:
        theirs: frames, or a function that returns them.
    """
    frames: Frames = theirs() if callable(theirs) else theirs
    inner = away_from_edges(ours["instance"]) & away_from_edges(frames["instance"])
    both = inner & (ours["depth"] > 0) & (frames["depth"] > 0)
    if not both.any():
        raise Disagreement("no pixel is measured by both")
    ids = float((ours["instance"] == frames["instance"])[inner].mean())
    depth_mm = depth_difference_mm(ours["depth"], frames["depth"])[both]
    around = np.ones((3, 3), np.uint8)
    lowest, highest = (np.stack([extreme(d, around) for d in ours["depth"]]) for extreme in (cv2.erode, cv2.dilate))
    theirs_mm = frames["depth"].astype(np.float32)
    within = float(((theirs_mm >= lowest - NEAR_MM) & (theirs_mm <= highest + NEAR_MM))[both].mean())
    psnr = psnr_db(float(((ours["rgb"].astype(np.float32) - frames["rgb"]) ** 2).mean()))
    near = float((depth_mm <= NEAR_MM).mean())
    said = f"ids equal on {ids:.2%}, depth within {NEAR_MM:g} mm on {near:.2%} and within a pixel on {within:.2%}, "
    said += f"RGB {psnr:.0f} dB"
    if ids < IDS_GOAL or within < DEPTH_GOAL:
        raise Disagreement(said)
    return said


def _open3d(space: Space, rig: Rig, poses: np.ndarray) -> Side:
    scene = Open3DScene(space, rig)
    does = "casts one ray a pixel, looks all modalities up with NumPy; RGB neither antialiased nor mip-mapped"
    return Side(scene.name, does, lambda: all_frames(scene.render, poses))


def _pyrender(space: Space, rig: Rig, poses: np.ndarray, stack: ExitStack) -> Side:
    scene = PyrenderScene(space, rig)
    stack.callback(scene.close)
    does = "RGB and depth in one pass, ids in another, all in software; normals from its depth"
    return Side(scene.name, does, lambda: all_frames(scene.render, poses))


def _habitat(space: Space, rig: Rig, poses: np.ndarray, settings: Settings, stack: ExitStack) -> Side:
    folder = settings.work / space.id.replace("/", "-")
    folder.mkdir()
    loop = HabitatLoop(space, rig, poses, folder)
    stack.callback(loop.close)

    def run() -> Callable[[], Frames]:
        loop.render()
        return loop.frames  # handed over only where they are compared

    does = "RGB, depth and ids in software, kept in its process; no normals, edges and categories"
    return Side(loop.name, does, run, processor=loop.processor_seconds)


def contest(space: Space, settings: Settings, stack: ExitStack) -> Contest:
    """Return the contest in one space."""
    sizes = settings.sizes
    rig = Rig(sizes.pixels, sizes.pixels, 90.0)
    poses = views(space, sizes.rendered, rig)
    engine = RaycastEngine(space, rig)
    does = "casts one ray a pixel and more where colours meet, looks all modalities up; RGB mip-mapped"
    peers, missing = present(
        {
            "Open3D": partial(_open3d, space, rig, poses),
            "pyrender": partial(_pyrender, space, rig, poses, stack),
            "habitat-sim": partial(_habitat, space, rig, poses, settings, stack),
        }
    )
    return Contest(
        f"{space.id}, {len(space.faces):,} faces, {sizes.pixels}²",
        sizes.rendered,
        "frames",
        Side(OURS, does, lambda: all_frames(partial(our_frame, engine), poses)),
        peers,
        missing,
        LARGE_GOAL if len(space.faces) >= LARGE else GOAL,
        same_views,
    )


def _contests(settings: Settings, stack: ExitStack) -> Iterator[Contest]:
    spaces = [load_space(scene, settings.home) for scene in settings.scenes]  # a wrong name is told before any work
    for space in spaces:
        with ExitStack() as own:
            yield contest(space, settings, own)
    del stack


JOB = Job(
    "all modalities of a space in memory, without a GPU",
    "Open3D RaycastingScene, pyrender, habitat-sim in software",
    f"{GOAL} the fastest; {LARGE_GOAL} from {LARGE:,} faces on",
    _contests,
)
