"""Trajectories as PointNav episodes: what their files say, and that habitat-lab reads and runs them."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim_envs.errors import UserError
from sim_envs.exports.export import export_recording
from sim_envs.exports.habitat_lab import SUCCESS_RADIUS, episode
from sim_envs.exports.habitat_lab_ways import mesh_height
from sim_envs.exports.record import ExportRecord
from sim_envs.generate import record
from sim_envs.habitat.interpreter import PYTHON_VARIABLE
from sim_envs.habitat.process import Worker
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.space import Space
from sim_envs.spaces.scans.source import keep_scan
from sim_envs.trajectories.habitat.episode_file import read_episodes
from tests.sim_envs.habitat_kit import lab_interpreter
from tests.sim_envs.rooms import room_with_block, space_of_boxes

SPLITS = {"train": (3, 12), "val": (1, 12), "test": (2, 12)}
WORKER = Path(__file__).with_name("habitat_lab_worker.py")


def recorded(home: Path, space: Space, kind: str = "walk") -> Recording:
    keep_scan(space, home)
    recipe = Recipe(space=space.id, trajectories=kind, width=32, height=32, splits=SPLITS)
    return record(space, recipe, home=home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def recording(home: Path) -> Recording:
    return recorded(home, replace(room_with_block(), id="scan/block"))


@pytest.fixture
def no_habitat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")


def export(recording: Recording, home: Path, folder: Path) -> ExportRecord:
    return export_recording(recording, "habitat-lab", folder, home=home)


def episodes(folder: Path, split: str) -> list[dict[str, Any]]:
    with gzip.open(folder / "pointnav" / split / f"{split}.json.gz", "rt") as file:
        return json.load(file)["episodes"]


@pytest.mark.usefixtures("no_habitat")
def test_every_trajectory_is_an_episode_from_its_first_camera_to_its_last(
    recording: Recording, home: Path, tmp_path: Path
) -> None:
    said = export(recording, home, tmp_path / "out")
    assert said.details["episodes"] == {"train": 3, "val": 1, "test": 2}
    assert said.details["ways_by"].startswith("our own floor plan")
    for split in SPLITS:
        for one in episodes(tmp_path / "out", split):
            poses = recording.poses[recording.trajectory_ids == one["info"]["trajectory"]]
            start, goal = np.array(one["start_position"]), np.array(one["goals"][0]["position"])
            np.testing.assert_allclose(start[[0, 2]], poses[0, [0, 2], 3], atol=0.05)
            distances = np.linalg.norm(poses[:, [0, 2], 3] - goal[[0, 2]], axis=1)
            assert distances.min() < 0.05
            looks = Rotation.from_quat(one["start_rotation"]).apply([0, 0, -1])
            ahead = -poses[0, :3, 2] * [1, 0, 1]
            np.testing.assert_allclose(looks, ahead / np.linalg.norm(ahead), atol=1e-6)


@pytest.mark.usefixtures("no_habitat")
def test_agents_stand_on_the_mesh_over_the_floor_and_ways_lead_from_start_to_goal(
    recording: Recording, home: Path, tmp_path: Path
) -> None:
    """The floor is at 0, the lowest vertex at −0.1: voxels of 0.2 m put the mesh at 0.1."""
    export(recording, home, tmp_path / "out")
    for one in episodes(tmp_path / "out", "train") + episodes(tmp_path / "out", "test"):
        corners = np.array([corner["position"] for corner in one["shortest_paths"][0]])
        np.testing.assert_allclose(corners[:, 1], 0.1, atol=1e-6)
        assert corners[0].tolist() == one["start_position"]
        assert corners[-1].tolist() == one["goals"][0]["position"]
        walked = np.linalg.norm(np.diff(corners, axis=0), axis=1).sum()
        assert one["info"]["geodesic_distance"] == pytest.approx(walked)
        assert walked >= max(1.0, np.linalg.norm(corners[-1] - corners[0]) - 1e-9)
        assert 0.45 < one["info"]["camera_height"] < 1.65
        assert one["goals"][0]["radius"] == SUCCESS_RADIUS


@pytest.mark.usefixtures("no_habitat")
def test_episodes_name_a_scene_that_lies_in_the_export(recording: Recording, home: Path, tmp_path: Path) -> None:
    export(recording, home, tmp_path / "out")
    (scene_id,) = {one["scene_id"] for split in SPLITS for one in episodes(tmp_path / "out", split)}
    stage = tmp_path / "out" / "scene_datasets" / scene_id
    for asset in ("render_asset", "semantic_asset"):
        assert (stage.parent / json.loads(stage.read_text())[asset]).is_file()


@pytest.mark.usefixtures("no_habitat")
def test_equal_recordings_give_equal_bytes(recording: Recording, home: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(recording, home, tmp_path / name)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) > 6
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.usefixtures("no_habitat")
def test_what_was_exported_is_read_as_episodes_of_the_same_space(
    recording: Recording, home: Path, tmp_path: Path
) -> None:
    export(recording, home, tmp_path / "out")
    read = read_episodes(tmp_path / "out" / "pointnav" / "train" / "train.json.gz")
    assert [one.id for one in read] == ["0", "1", "2"]
    assert "block" in read[0].scene_id


@pytest.mark.usefixtures("no_habitat")
def test_a_space_that_has_changed_since_or_has_no_floor_is_refused(tmp_path: Path) -> None:
    space = replace(room_with_block(), id="scan/changing")
    recording = recorded(tmp_path / "home", space)
    other = replace(space, vertex_rgb=np.zeros_like(space.vertex_rgb))
    keep_scan(other, tmp_path / "else")
    with pytest.raises(UserError, match="another space by now"):
        export(recording, tmp_path / "else", tmp_path / "out")
    pillar = space_of_boxes([((0, 0, 0), (0.5, 1.2, 0.5))], "scan/pillar")
    with pytest.raises(UserError, match="less than 1 m² of connected free floor"):
        export(recorded(tmp_path / "home", pillar, "handheld"), tmp_path / "home", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@given(st.floats(-np.pi, np.pi), st.floats(-1, 1))
def test_a_start_rotation_is_a_unit_quaternion_x_y_z_w_about_the_vertical(yaw: float, tilt: float) -> None:
    ahead = np.array([-np.sin(yaw) * np.cos(tilt), np.sin(tilt), -np.cos(yaw) * np.cos(tilt)])
    x, y, z, w = episode(0, "s", np.array([[0, 0, 0], [2, 0, 0.0]]), ahead, {})["start_rotation"]
    assert (x, z) == (0, 0)
    assert y * y + w * w == pytest.approx(1)
    turned = Rotation.from_quat([x, y, z, w]).apply([0, 0, -1])
    np.testing.assert_allclose(turned, [-np.sin(yaw), 0, -np.cos(yaw)], atol=1e-6)


@pytest.mark.parametrize(
    ("floor", "lowest", "expected"), [(0, 0, 0.2), (0, -0.1, 0.1), (0.05, 0, 0.2), (3, -0.15, 3.05), (0.2, 0, 0.4)]
)
def test_the_mesh_lies_on_the_voxel_that_holds_the_floor(floor: float, lowest: float, expected: float) -> None:
    assert mesh_height(floor, lowest) == pytest.approx(expected)


# habitat-lab itself


@pytest.mark.parametrize("with_habitat", [True, False])
def test_habitat_lab_reads_the_episodes_and_its_follower_succeeds_in_all_of_them(
    recording: Recording, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_habitat: bool
) -> None:
    python = lab_interpreter()
    if not with_habitat:
        monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    folder = tmp_path / "out"
    export(recording, home, folder)
    worker = Worker(WORKER, python, {"start": True}, folder=folder / "scene_datasets" / "block")
    try:
        found = worker.ask({"folder": str(folder), "split": "train"}, 300)
    finally:
        worker.close()
    assert [one["kind"] for one in found["read"]] == ["NavigationEpisode"] * 3
    assert {(one["goal"], one["corner"]) for one in found["read"]} == {("NavigationGoal", "ShortestPathPoint")}
    assert [run["success"] for run in found["runs"]] == [1.0] * 3
    assert min(run["spl"] for run in found["runs"]) > 0.9
    written = [one["info"]["geodesic_distance"] for one in episodes(folder, "train")]
    np.testing.assert_allclose([run["distance"] for run in found["runs"]], written, rtol=1e-3 if with_habitat else 0.1)
