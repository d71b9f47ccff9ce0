"""Trajectories from habitat-lab's episodes: an agent takes the shortest way, and its camera is the trajectory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from sim_envs.errors import UserError
from sim_envs.space import Space
from sim_envs.trajectories import SPLITS, Trajectory
from sim_envs.trajectories.habitat.episode_file import Episode, episodes_of, read_episodes
from sim_envs.trajectories.habitat.navigation import LabSettings, Navigation, Walk, lab_navigation

MOST_ACTIONS = 500  # habitat-lab's max_episode_steps
FAR_FROM_FLOOR = 0.5  # metres; an episode that starts farther from the navigation mesh is not of this space


def plan_from_episodes(space: Space, path: Path, counts: Mapping[str, tuple[int, int]]) -> list[Trajectory]:
    """Return trajectories from the episodes of a dataset that are in this space.

    Each episode is followed by habitat-lab's ``ShortestPathFollower`` with the agent of its default configuration
    (steps of 0.25 m, turns of 10°, a camera 1.25 m above the feet); where the interpreter has no habitat-lab, by
    habitat-sim's greedy follower that it is made of, and that is said. A trajectory is the first so many poses of an
    episode: one where it starts, and one after every action. Episodes shorter than that are left out; the others are
    dealt to train, then val, then test, in their order.

    Raises:
        UserError: there is no habitat-sim; the dataset is damaged, is of other scenes, or has too few episodes.
    """
    episodes = episodes_of(space, read_episodes(path), path)
    wanted = [(split, counts[split][1]) for split in SPLITS if split in counts for _ in range(counts[split][0])]
    with lab_navigation(space) as mesh:
        _say(mesh.lab, mesh.python)
        walks = _walks(mesh, episodes, space, path)
        dealt: list[Trajectory] = []
        for split, frames in wanted:
            poses = next((p for p in walks if len(p) >= frames), None)
            if poses is None:
                raise UserError(_too_few(path, space, episodes, wanted, dealt))
            dealt.append(Trajectory(len(dealt), split, poses[:frames]))
    return dealt


def camera_poses(walk: Walk, sensor_height: float) -> np.ndarray:
    """Return (N, 4, 4) camera-to-world of a camera above an agent's feet; both look along −z, Y up."""
    poses = np.tile(np.eye(4), (len(walk.positions), 1, 1))
    poses[:, :3, :3] = Rotation.from_quat(walk.rotations).as_matrix()
    poses[:, :3, 3] = walk.positions + sensor_height * poses[:, :3, 1]
    return poses


def _walks(mesh: Navigation, episodes: Sequence[Episode], space: Space, path: Path) -> Iterator[np.ndarray]:
    """Yield the camera poses of the episodes that can be followed.

    Raises:
        UserError: the episodes start far from the floor: they are of another space, or in other coordinates.
    """
    far = 0
    for number, episode in enumerate(episodes, start=1):
        walk = mesh.follow(episode.start, episode.rotation, episode.goals, episode.radius, MOST_ACTIONS)
        if walk.snapped is None or walk.snapped > FAR_FROM_FLOOR:
            far += 1
            if far > max(3, number // 2):
                raise UserError(
                    f"The episodes of {path} do not start on the floor of {space.id}: {far} of the first {number} are "
                    f"more than {FAR_FROM_FLOOR} m from it. Are its up axis and unit those of the dataset?"
                )
            continue
        yield camera_poses(walk, mesh.lab.sensor_height)


def _say(lab: LabSettings, python: str) -> None:
    follower = (
        f"habitat-lab {lab.version}'s ShortestPathFollower."
        if lab.version is not None
        else f"habitat-sim's greedy geodesic follower: {python} has no habitat-lab."
    )
    print(f"Episodes are followed by {follower}", file=sys.stderr)


def _too_few(
    path: Path,
    space: Space,
    episodes: Sequence[Episode],
    wanted: Sequence[tuple[str, int]],
    dealt: Sequence[Trajectory],
) -> str:
    asked = ", ".join(f"{split} {sum(s == split for s, _ in wanted)}" for split in dict.fromkeys(s for s, _ in wanted))
    longest = max(frames for _, frames in wanted)
    return (
        f"{path} has {len(episodes)} episodes in {space.id}; {len(dealt)} are {longest} frames long or more, but "
        f"{len(wanted)} trajectories are asked for ({asked}). Ask for fewer frames."
    )
