"""The kinds of trajectories, by the names a recipe has for them: planned ones, and those read from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sim_envs.errors import unknown
from sim_envs.registry import Table
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import Trajectory

POSES = "poses"


class Planner(Protocol):
    """Plan trajectories; equal arguments give equal trajectories. See :func:`.plan.plan_trajectories`."""

    def __call__(
        self, space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int
    ) -> list[Trajectory]: ...


class Reader(Protocol):
    """Read trajectories from a file, each split one contiguous part of it."""

    def __call__(self, space: Space, path: Path, counts: Mapping[str, tuple[int, int]]) -> list[Trajectory]: ...


KINDS: Table[Planner] = Table(
    "kind of trajectory",
    {
        "auto": "sim_envs.trajectories.plan:plan_auto",
        "walk": "sim_envs.trajectories.plan:plan_walk",
        "handheld": "sim_envs.trajectories.plan:plan_handheld",
        "habitat": "sim_envs.trajectories.habitat.paths:plan_on_navmesh",
    },
    group="tst_bench.trajectories",
)
FILE_KINDS: Table[Reader] = Table(
    "kind of trajectory file",
    {
        POSES: "sim_envs.trajectories.pose_files:plan_from_poses",
        "habitat-lab": "sim_envs.trajectories.habitat.episodes:plan_from_episodes",
    },
    group="tst_bench.trajectory_files",
)
LIBRARIES: Table[Callable[[], dict[str, str]]] = Table(
    "kind of trajectory with libraries of its own",
    {
        "habitat": "sim_envs.trajectories.habitat.navigation:libraries",
        "habitat-lab": "sim_envs.trajectories.habitat.navigation:libraries",
    },
    group="tst_bench.trajectory_libraries",
)


@dataclass(frozen=True)
class TrajectorySource:
    """Where the trajectories of a recipe come from.

    Attributes:
        kind: a row of :data:`KINDS`, or of :data:`FILE_KINDS` where there is a file.
        file: what they are read from; its content is part of what a recording is named by.
    """

    kind: str
    file: Path | None = None


def trajectory_source(text: str) -> TrajectorySource:
    """Return what a text means: a kind that is planned, ``KIND:PATH``, or the path of a file of poses.

    Raises:
        UserError: it is none of them; the near kinds are given. A path need not exist.
    """
    if text in KINDS:
        return TrajectorySource(text)
    kind, colon, path = text.partition(":")
    if colon and kind in FILE_KINDS:
        return TrajectorySource(kind, Path(path).expanduser())
    file = Path(text).expanduser()
    if not file.exists() and not file.suffix and len(file.parts) == 1:
        hint = "Or give the path of a file of poses, or habitat-lab:PATH."
        raise unknown(KINDS.kind, text, KINDS, hint)
    return TrajectorySource(POSES, file)


def libraries_of_trajectories(text: str) -> dict[str, str]:
    """Return name → version of what trajectories of a kind are made with, besides this package."""
    kind = trajectory_source(text).kind
    return LIBRARIES[kind]() if kind in LIBRARIES else {}
