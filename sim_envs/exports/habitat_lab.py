"""habitat-lab: each trajectory as an episode of a PointNav dataset, and the files of its scene, for ``habitat.Env``.

::

    pointnav/<split>/<split>.json.gz     NavigationEpisode objects, one a trajectory
    scene_datasets/<name>/               the scene as habitat-sim reads it; episodes name its stage config

Format: https://aihabitat.org/docs/habitat-lab/habitat.datasets.pointnav.pointnav_dataset.PointNavDatasetV1.html
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.exports import Progress, Selection, Written
from sim_envs.exports.habitat_lab_ways import Ways, longest, ways_over
from sim_envs.habitat.scene_files import STAGE_CONFIG, write_scene_files
from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from sim_envs.spaces import load_space
from sim_envs.trajectories.geodesic import length

EPISODES, SCENES = "pointnav", "scene_datasets"
SUCCESS_RADIUS = 0.2  # metres, as in habitat-lab's PointNav tasks
SHORTEST = 1.0  # metres; habitat-lab's own generator makes no shorter episodes
CONVENTIONS = {
    EPISODES: "habitat-lab PointNav-v1: start_position and goals are the feet of an agent on habitat-lab's navigation "
    "mesh, up to 0.2 m above the floor, metres, Y up; start_rotation is the quaternion x, y, z, w from agent to world, "
    "about the vertical; shortest_paths holds the corners of the way, without actions; info.camera_height is that of "
    "the trajectory above the mesh",
    "use": "habitat.get_config('benchmark/nav/pointnav/pointnav_habitat_test.yaml', "
    "['habitat.dataset.data_path=FOLDER/pointnav/test/test.json.gz', "
    "'habitat.dataset.scenes_dir=FOLDER/scene_datasets'])",
    "navigation mesh": "habitat-lab computes it from the scene, for the agent of its configuration",
    "speed": "started in the folder of a scene, habitat-sim reads data/default.pbr_config.json there and skips tables "
    "of light that take many seconds and change nothing here",
}


class HabitatLabExporter:
    """See :class:`sim_envs.exports.Exporter`."""

    takes = ()
    needs = ()

    def write(self, selection: Selection, folder: Path, progress: Progress) -> Written:
        """Write the scene, then the episodes split by split.

        An episode starts under the first camera of its trajectory and faces as it does; its goal is under the last
        one, or, where that is within a metre of the way, under the one that is farthest. Trajectories that never
        get a metre away, or hover where there is no floor, give none.

        Raises:
            UserError: the space is gone or another one by now, or has no floor; no trajectory gives an episode.
        """
        recording = selection.recording
        space = _space_of(recording, selection.home)
        scene = space.id.partition("/")[2]
        scene_folder = folder / SCENES / scene
        scene_folder.mkdir(parents=True)
        write_scene_files(space, scene_folder)
        counts: dict[str, int] = {}
        left_out: list[int] = []
        done = 0
        with ways_over(space) as ways:
            for split in selection.splits:
                episodes: list[dict[str, Any]] = []
                for trajectory, poses in _trajectories(selection, split):
                    way = way_of(ways, poses)
                    if way is None:
                        left_out.append(trajectory)
                    else:
                        info = {"trajectory": trajectory, "camera_height": float(poses[0, 1, 3] - way[0, 1])}
                        scene_id = f"{scene}/{STAGE_CONFIG}"
                        episodes.append(episode(len(episodes), scene_id, way, -poses[0, :3, 2], info))
                    done += len(poses)
                    progress(done, len(selection.frames))
                counts[split] = len(episodes)
                _write_episodes(folder / EPISODES / split / f"{split}.json.gz", episodes)
            source = ways.source
        if not any(counts.values()):
            raise UserError(f"No trajectory of {recording.folder} leads a metre over the floor of {space.id}.")
        return Written(CONVENTIONS, {"episodes": counts, "trajectories_without_episode": left_out, "ways_by": source})


def _space_of(recording: Recording, home: Path) -> Space:
    """Return the space of a recording as it was recorded."""
    info = recording.meta.space
    space = load_space(info.id, home)
    if space.digest != info.digest:
        raise UserError(f"{info.id} is another space by now than the one that {recording.folder} shows.")
    return space


def _trajectories(selection: Selection, split: str) -> list[tuple[int, np.ndarray]]:
    """Return (id, (N, 4, 4) poses of the chosen frames) of the trajectories of a split."""
    table = selection.recording.frames.iloc[selection.frames]
    mine = (table["split"] == split).to_numpy()
    ids, poses = table["trajectory"].to_numpy()[mine], selection.recording.poses[selection.frames[mine]]
    return [(int(i), poses[ids == i]) for i in dict.fromkeys(ids.tolist())]


def way_of(ways: Ways, poses: np.ndarray) -> np.ndarray | None:
    """Return the (N, 3) corners of the way that a trajectory of (M, 4, 4) leads, or None where it gives no episode."""
    feet = ways.below(poses[:, :3, 3])
    if not np.isfinite(feet).all():
        return None
    way = longest(ways.ways(feet[0], feet[-1:]))
    if way is None or length(way) < SHORTEST:
        way = longest(ways.ways(feet[0], feet[1:]))
    return way if way is not None and length(way) >= SHORTEST else None


def episode(number: int, scene_id: str, way: np.ndarray, ahead: np.ndarray, info: dict[str, Any]) -> dict[str, Any]:
    """Return an episode in the fields of habitat-lab's ``NavigationEpisode``.

    Args:
        way: (N, 3) corners, from the start to the goal.
        ahead: (3,) where the agent looks at the start; its height does not count.
        info: what else to say of it.
    """
    half = 0.5 * np.arctan2(-ahead[0], -ahead[2])
    rotation = [0.0, float(np.sin(half)), 0.0, float(np.cos(half))]
    return {
        "episode_id": str(number),
        "scene_id": scene_id,
        "scene_dataset_config": "default",
        "additional_obj_config_paths": [],
        "start_position": way[0].tolist(),
        "start_rotation": rotation,
        "info": {"geodesic_distance": length(way), **info},
        "goals": [{"position": way[-1].tolist(), "radius": SUCCESS_RADIUS}],
        "start_room": None,
        "shortest_paths": [[{"position": at, "rotation": rotation, "action": None} for at in way.tolist()]],
    }


def _write_episodes(path: Path, episodes: list[dict[str, Any]]) -> None:
    """Write gzip with neither name nor time, so that equal episodes are equal bytes."""
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps({"episodes": episodes}, allow_nan=False).encode(), mtime=0))
