"""Plan the trajectories of a recording: where the camera goes, where it looks, and which split it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim_envs.errors import UserError, unknown
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import SPLITS, Trajectory
from sim_envs.trajectories.audit import angle_between, near_duplicates
from sim_envs.trajectories.gaze import Programme, choose_yaw, hovering, rotations, walking
from sim_envs.trajectories.handheld import FlightVolume, flight_volume
from sim_envs.trajectories.kinds import FILE_KINDS, KINDS, trajectory_source
from sim_envs.trajectories.navigable import MIN_AREA, NavigableMap, navigable_map
from sim_envs.trajectories.paths import GridGraph, grid_graph, resample, smooth, wander
from sim_envs.trajectories.views import CLOSED_HITS, YAWS, Scene, look_around, view_content

STEP_RANGE = (0.12, 0.38)
HEIGHT_RANGE = (0.6, 1.7)
LOW_HEIGHT = 1.35  # a sensor up to here keeps 0.15 m below what the 1.5 m tall device clears
MAX_TURN = 30.0  # degrees between consecutive frames
SAME_METRES, SAME_DEGREES = 0.03, 3.0
NO_VIEWS = np.zeros((0, 4, 4))

_ATTEMPTS = 12
_ROUNDS = 4
_BARE_SHARE = 0.05


class Terrain(Protocol):
    """Where a camera can go in one space."""

    @property
    def min_hits(self) -> float:
        """Share of rays a view must meet something with."""

    @property
    def obedience(self) -> float:
        """What looking 45° away from the programme costs, where a view's whole score is worth 1."""

    def route(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Programme]:
        """Return (count, 3) positions along a new path and what the camera would do there."""


def plan_trajectories(
    space: Space, rig: Rig, kind: str, counts: Mapping[str, tuple[int, int]], seed: int
) -> list[Trajectory]:
    """Return trajectories, ``train`` first, then ``val``, then ``test``, with exactly the frames asked for.

    Every planned trajectory has a random stream of its own, so it does not depend on how many others there are;
    but ``val`` and ``test`` avoid near-duplicates of ``train`` views (0.05 m and 5°).

    Args:
        rig: the views are judged through its frustum.
        kind: a row of :data:`~sim_envs.trajectories.kinds.KINDS`, or what names a file (see there).
        counts: split → (number of trajectories, frames of each).
        seed: equal seeds give equal trajectories.

    Raises:
        UserError: an unknown kind; no floor or no free space; a file that is missing, damaged or too short;
            a space in which no views worth keeping are found.
    """
    for split, (number, frames) in counts.items():
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        if number < 0 or frames < 1:
            raise UserError(f"{split}: {number} trajectories of {frames} frames; at least 0 and 1 make sense.")
    source = trajectory_source(kind)
    if source.file is not None:
        return FILE_KINDS[source.kind](space, source.file, counts)
    return KINDS[source.kind](space, rig, counts, seed)


def plan_auto(space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int) -> list[Trajectory]:
    """Walk where there is a floor, else move hand-held."""
    return _plan(space, rig, "auto", counts, seed)


def plan_apart(
    space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int, views: np.ndarray
) -> list[Trajectory]:
    """Like :func:`plan_auto`, but no view of any split is a near-duplicate of one that is there already.

    Args:
        seed: of any size; every stream of random numbers keeps 128 bits of its entropy.
        views: (M, 4, 4) camera-to-world.
    """
    scene = Scene.of(space)
    return film(space.id, scene, rig, find_terrain(space, scene, rig, "auto"), counts, seed, views)


def plan_walk(space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int) -> list[Trajectory]:
    """Walk over the navigable floor."""
    return _plan(space, rig, "walk", counts, seed)


def plan_handheld(space: Space, rig: Rig, counts: Mapping[str, tuple[int, int]], seed: int) -> list[Trajectory]:
    """Move through free space as a hand does."""
    return _plan(space, rig, "handheld", counts, seed)


def _plan(space: Space, rig: Rig, kind: str, counts: Mapping[str, tuple[int, int]], seed: int) -> list[Trajectory]:
    scene = Scene.of(space)
    return film(space.id, scene, rig, find_terrain(space, scene, rig, kind), counts, seed)


def film(
    name: str,
    scene: Scene,
    rig: Rig,
    terrain: Terrain,
    counts: Mapping[str, tuple[int, int]],
    seed: int,
    apart_from: np.ndarray = NO_VIEWS,
) -> list[Trajectory]:
    """Return the trajectories of all splits over one terrain; see :func:`plan_trajectories`.

    Args:
        apart_from: (M, 4, 4) views that no view may be a near-duplicate of.
    """
    planned: list[Trajectory] = []
    avoided = apart_from
    for s, split in enumerate(SPLITS):
        number, frames = counts.get(split, (0, 1))
        for k in range(number):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(s, k)))
            poses = _plan_one(name, scene, rig, terrain, frames, avoided, rng)
            planned.append(Trajectory(len(planned), split, poses))
        if split == "train":
            avoided = np.concatenate([apart_from, *(t.camera_to_world for t in planned)])
    return planned


def find_terrain(space: Space, scene: Scene, rig: Rig, kind: str) -> Terrain:
    """Return the floor to walk on or the air to fly through.

    Raises:
        UserError: there is none.
    """
    if kind != "handheld":
        ground = navigable_map(space, scene.caster)
        if ground is not None:
            return Floor.of(ground, scene, rig)
        if kind == "walk":
            raise UserError(
                f"{space.id} has less than {MIN_AREA:g} m² of connected free floor. Use hand-held trajectories, or a "
                "file of poses. If it should have a floor, check its up axis and unit."
            )
    volume = flight_volume(space, scene)
    if volume is None:
        size = " × ".join(f"{extent:.2f}" for extent in np.ptp(space.bounds, axis=0))
        raise UserError(
            f"{space.id} ({size} m) has no free space for a camera that keeps 0.3 m from its geometry. Check its "
            "unit, or give a file of poses."
        )
    return Air.of(volume, scene, rig)


@dataclass(frozen=True, eq=False)
class Floor:
    """Walks over a navigable map."""

    ground: NavigableMap
    low: GridGraph
    tall: GridGraph
    min_hits: float
    obedience: float = 0.35

    @classmethod
    def of(cls, ground: NavigableMap, scene: Scene, rig: Rig) -> Floor:
        """Prepare the paths over a map, for sensors below and above 1.35 m."""
        low, tall = (grid_graph(free, ground.clearance, ground.cell) for free in (ground.free, ground.free_tall))
        some = low.cells[:: max(1, len(low.cells) // 64)]
        return cls(ground, low, tall, min_hits_of(ground.has_ceiling, scene, rig, ground.to_world(some, 1.2)))

    def route(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Programme]:
        """Walk at a sensor height of 0.6 m to 1.7 m, as far as there is air above."""
        top = HEIGHT_RANGE[1] if len(self.tall.cells) >= 0.5 * len(self.low.cells) else LOW_HEIGHT
        height = rng.uniform(HEIGHT_RANGE[0], top)
        graph = self.low if height <= LOW_HEIGHT else self.tall
        positions = self.ground.to_world(_travel(graph, count, rng), height)
        return positions, walking(positions, height, rng)


@dataclass(frozen=True, eq=False)
class Air:
    """Flies through free space."""

    volume: FlightVolume
    graph: GridGraph
    min_hits: float
    obedience: float = 0.25

    @classmethod
    def of(cls, volume: FlightVolume, scene: Scene, rig: Rig) -> Air:
        """Prepare the paths through a volume."""
        graph = grid_graph(volume.free, volume.clearance, volume.cell)
        some = graph.cells[:: max(1, len(graph.cells) // 64)]
        return cls(volume, graph, min_hits_of(volume.closed, scene, rig, volume.to_world(some)))

    def route(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Programme]:
        """Move as a hand does, facing the geometry."""
        cells = _travel(self.graph, count, rng)
        towards = self.volume.towards[tuple(np.floor(cells + 0.5).astype(int).T)]
        return self.volume.to_world(cells), hovering(towards.astype(np.float64), rng)


def _travel(graph: GridGraph, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``count`` places along a fresh smooth path, in cells; smoothing shortens, so it starts out longer."""
    step = rng.uniform(*STEP_RANGE)
    length = step * count * 1.3 + 1.0
    while True:
        path = smooth(wander(graph, length, rng), graph.free)
        if np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * graph.cell >= step * count:
            start = rng.uniform(0, step)  # paths begin at cell centres, and views of several would coincide there
            return resample(path, start / graph.cell, step / graph.cell, count, graph.free)
        length *= 1.5


def min_hits_of(closed: bool, scene: Scene, rig: Rig, positions: np.ndarray) -> float:
    """Return the share of rays a view must meet something with: less where a scan is open or full of holes."""
    if closed:
        return CLOSED_HITS
    views = look_around(scene, positions).content(rig, np.full(len(positions), np.radians(-10.0)))
    return float(np.clip(0.7 * np.median(views.hits.max(axis=1)), 0.05, CLOSED_HITS))


def _plan_one(
    name: str,
    scene: Scene,
    rig: Rig,
    terrain: Terrain,
    frames: int,
    avoided: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return (frames, 4, 4) poses of one trajectory: a stretch of a somewhat longer path without a bad view.

    Views that show little but a bare wall are tolerated for up to 5 % of the frames, or, if twelve paths give
    nothing better, for as few as were found.
    """
    best: tuple[int, np.ndarray] | None = None
    for _ in range(_ATTEMPTS):
        positions, programme = terrain.route(frames + max(6, frames // 3), rng)
        poses, unusable, bare = _film(scene, rig, terrain, positions, programme, avoided)
        found = _best_stretch(unusable, bare, frames)
        if found is None:
            continue
        start, count = found
        if best is None or count < best[0]:
            best = count, poses[start : start + frames]
        if count <= _BARE_SHARE * frames:
            break
    if best is None:
        raise UserError(
            f"No {frames} consecutive views of {name} are worth keeping: they look into holes of the mesh, or repeat "
            "training views. Ask for shorter trajectories or fewer of them, or give a file of poses."
        )
    return best[1]


def _film(
    scene: Scene, rig: Rig, terrain: Terrain, positions: np.ndarray, programme: Programme, avoided: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return poses along a path and, for each, whether it is unusable and whether it shows a bare wall.

    Where the true frustum shows a view to be bad, its yaw is ruled out and the gaze chosen anew.
    """
    score = look_around(scene, positions).content(rig, programme.pitch).score(terrain.min_hits)
    forbidden = np.zeros(score.shape, bool)
    for remaining in reversed(range(_ROUNDS)):
        yaw = choose_yaw(programme, score, forbidden, terrain.obedience)
        poses = np.tile(np.eye(4), (len(positions), 1, 1))
        poses[:, :3, :3] = rotations(yaw, programme.pitch, programme.roll)
        poses[:, :3, 3] = positions
        views = view_content(scene, rig, poses)
        unusable = ~views.usable(terrain.min_hits) | near_duplicates(poses, avoided)
        bad = np.flatnonzero(unusable | views.bare())
        if not len(bad) or not remaining:
            break
        for offset in (-1, 0, 1):
            forbidden[bad, (np.rint(yaw[bad] / (2 * np.pi / YAWS)).astype(int) + offset) % YAWS] = True
    return poses, unusable | _jerky(poses), views.bare()


def _jerky(poses: np.ndarray) -> np.ndarray:
    """Return which frames turn too far from the one before, or stand still beside it."""
    angle = angle_between(poses[1:, :3, :3], poses[:-1, :3, :3])
    moved = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    still = (moved <= SAME_METRES) & (angle <= SAME_DEGREES)
    return np.concatenate([[False], (angle > MAX_TURN) | still])


def _best_stretch(unusable: np.ndarray, bare: np.ndarray, frames: int) -> tuple[int, int] | None:
    """Return the start of the ``frames`` consecutive usable frames with the fewest bare ones, and how many."""
    windows = np.lib.stride_tricks.sliding_window_view
    usable = ~windows(unusable, frames).any(axis=1)
    if not usable.any():
        return None
    count = np.where(usable, windows(bare, frames).sum(axis=1), frames + 1)
    start = int(count.argmin())
    return start, int(count[start])
