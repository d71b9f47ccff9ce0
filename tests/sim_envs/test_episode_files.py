"""Episode datasets of habitat-lab: where an agent starts and where it is to go, out of their files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.recordings.format import Recipe, recipe_hash
from sim_envs.trajectories.habitat.episode_file import episodes_of, read_episodes
from sim_envs.trajectories.habitat.episodes import camera_poses
from sim_envs.trajectories.habitat.navigation import Walk
from sim_envs.trajectories.kinds import trajectory_source
from tests.sim_envs.rooms import empty_room, space_of_boxes


def pointnav(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return an episode as habitat-lab 0.3 writes it."""
    return {
        "episode_id": str(number),
        "scene_id": "data/scene_datasets/test/room.glb",
        "scene_dataset_config": "default",
        "additional_obj_config_paths": [],
        "start_position": [0.5, 0.1, 0.5],
        "start_rotation": [0, 0.7071067811865475, 0, 0.7071067811865476],
        "info": {"geodesic_distance": 4.2},
        "goals": [{"position": [4.0, 0.1, 3.0], "radius": 0.36}],
        "start_room": None,
        "shortest_paths": None,
        **changes,
    }


def objectnav() -> dict[str, Any]:
    """Return an ObjectNav dataset (v2): goals are shared by category, and seen from view points."""
    view = {"agent_state": {"position": [2.0, 0.1, 2.5], "rotation": [0, 0, 0, 1]}, "iou": 0.4}
    goal = {
        "position": [2.2, 0.8, 3.4],
        "radius": None,
        "object_id": 7,
        "object_name": "chair_7",
        "object_category": "chair",
        "view_points": [view, view | {"agent_state": {"position": [2.4, 0.1, 2.5], "rotation": [0, 0, 0, 1]}}],
    }
    return {
        "category_to_task_category_id": {"chair": 0},
        "category_to_scene_annotation_category_id": {"chair": 0},
        "goals_by_category": {"room.glb_chair": [goal]},
        "episodes": [pointnav(goals=[], object_category="chair")],
    }


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(value).encode()))
    return path


def test_a_pointnav_episode_is_read(tmp_path: Path) -> None:
    (episode,) = read_episodes(write(tmp_path / "a.json.gz", {"episodes": [pointnav(3)]}))
    assert (episode.id, episode.radius) == ("3", 0.36)
    np.testing.assert_allclose(episode.start, [0.5, 0.1, 0.5])
    np.testing.assert_allclose(episode.rotation, [0, np.sqrt(0.5), 0, np.sqrt(0.5)])
    np.testing.assert_allclose(episode.goals, [[4, 0.1, 3]])


def test_the_goals_of_an_objectnav_episode_are_the_places_its_object_is_seen_from(tmp_path: Path) -> None:
    (episode,) = read_episodes(write(tmp_path / "a.json.gz", objectnav()))
    np.testing.assert_allclose(episode.goals, [[2, 0.1, 2.5], [2.4, 0.1, 2.5]])
    assert episode.radius == 0.2


def test_a_file_need_not_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"episodes": [pointnav()]}))
    assert len(read_episodes(path)) == 1


@pytest.mark.parametrize(
    "scene_id",
    ["data/scene_datasets/test/room.glb", "room.basis.glb", "room", "x/room/habitat/mesh_semantic.ply", "a/room.ply"],
)
def test_episodes_are_of_a_space_that_bears_the_name_of_their_scene(tmp_path: Path, scene_id: str) -> None:
    episodes = read_episodes(write(tmp_path / "a.json.gz", {"episodes": [pointnav(scene_id=scene_id), pointnav(1)]}))
    assert len(episodes_of(empty_room(), episodes, tmp_path)) == 2


def test_episodes_of_other_scenes_are_left_out_and_without_any_the_scenes_are_named(tmp_path: Path) -> None:
    episodes = read_episodes(
        write(tmp_path / "a.json.gz", {"episodes": [pointnav(), pointnav(1, scene_id="b/loft.glb")]})
    )
    assert [episode.id for episode in episodes_of(empty_room(), episodes, tmp_path)] == ["0"]
    other = space_of_boxes([((0, 0, 0), (1, 1, 1))], "scan/attic")
    with pytest.raises(UserError, match=r"scan/attic; its scenes are loft, room\. .*--name"):
        episodes_of(other, episodes, tmp_path)


def test_a_dataset_in_a_file_a_scene_says_which_files(tmp_path: Path) -> None:
    write(tmp_path / "content" / "loft.json.gz", {"episodes": [pointnav()]})
    with pytest.raises(UserError, match=r"name one of .*content: loft\.json\.gz"):
        read_episodes(write(tmp_path / "val.json.gz", {"episodes": []}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"episodes": []}, "holds no episode"),
        ({"scenes": []}, "no episode dataset of habitat-lab: episodes"),
        ({"episodes": [pointnav(start_position=[0, 1])]}, r"episodes\.0\.start_position"),
        ({"episodes": [pointnav(start_position=[0, float("inf"), 0])]}, r"start_position\.1"),
        ({"episodes": [pointnav(goals=[])]}, "episode 0 has no goal"),
        ({"episodes": [pointnav(start_rotation=[0, 0, 0, 0])]}, "start_rotation of zeros"),
    ],
)
def test_a_file_of_another_form_is_refused_in_words(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_episodes(write(tmp_path / "a.json.gz", value))


@pytest.mark.parametrize("kept", [0, 10, 60])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "a.json.gz", {"episodes": [pointnav()]})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match="cut short"):
        read_episodes(path)


def test_the_camera_is_above_the_feet_and_looks_where_the_agent_does() -> None:
    half = np.sqrt(0.5)
    walk = Walk(np.array([[1.0, 0.1, 2.0]]), np.array([[0, half, 0, half]]), 0.0, 0.0)
    (pose,) = camera_poses(walk, 1.25)
    np.testing.assert_allclose(pose[:3, 3], [1, 1.35, 2])
    np.testing.assert_allclose(-pose[:3, 2], [-1, 0, 0], atol=1e-12)  # a quarter turn to the left of −z
    np.testing.assert_allclose(pose[:3, 1], [0, 1, 0], atol=1e-12)


# What a recipe calls them


def test_a_recipe_names_episodes_by_their_content_not_their_place(tmp_path: Path) -> None:
    one = write(tmp_path / "a.json.gz", {"episodes": [pointnav()]})
    two = tmp_path / "far" / "b.json.gz"
    two.parent.mkdir()
    two.write_bytes(one.read_bytes())

    def recipe(path: Path, kind: str = "habitat-lab:") -> Recipe:
        return Recipe(space="scan/room", trajectories=f"{kind}{path}", splits={"train": (1, 2)})

    assert recipe(one).described()["trajectories"].startswith("habitat-lab:a.json.gz sha256:")
    assert recipe_hash(recipe(one), "d", "1", ()) == recipe_hash(recipe(two), "d", "1", ())
    assert recipe_hash(recipe(one), "d", "1", ()) != recipe_hash(recipe(one, ""), "d", "1", ())
    two.write_bytes(gzip.compress(json.dumps({"episodes": [pointnav(1)]}).encode()))
    assert recipe_hash(recipe(one), "d", "1", ()) != recipe_hash(recipe(two), "d", "1", ())


def test_a_missing_episode_file_is_named_before_any_work(tmp_path: Path) -> None:
    recipe = Recipe(space="scan/room", trajectories=f"habitat-lab:{tmp_path}/x.json.gz", splits={"train": (1, 2)})
    with pytest.raises(UserError, match=r"No file of trajectories at .*x\.json\.gz"):
        recipe.described()


def test_a_text_is_a_kind_or_a_file() -> None:
    assert trajectory_source("habitat").file is None
    assert trajectory_source("habitat-lab:a/b.json.gz").kind == "habitat-lab"
    assert trajectory_source("a/b.json").kind == "poses"
    with pytest.raises(UserError, match="Did you mean habitat"):
        trajectory_source("habitatt")
