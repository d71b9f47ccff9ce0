"""Trajectories from habitat, by the real habitat-sim and habitat-lab; skipped where they are not installed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.habitat.interpreter import PYTHON_VARIABLE
from sim_envs.recordings.format import Recipe
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.audit import audit_splits
from sim_envs.trajectories.geodesic import length
from sim_envs.trajectories.habitat.navigation import navigation
from sim_envs.trajectories.habitat.paths import along
from sim_envs.trajectories.plan import HEIGHT_RANGE, STEP_RANGE, plan_trajectories
from tests.sim_envs.habitat_kit import habitat_interpreter, lab_interpreter
from tests.sim_envs.rooms import empty_room, furnished_room, room_with_block, space_of_boxes
from tests.sim_envs.test_episode_files import pointnav, write

COUNTS = {"train": (3, 12), "val": (1, 12), "test": (1, 12)}


@lru_cache
def planned() -> tuple[Space, list[Trajectory]]:
    habitat_interpreter()
    space = furnished_room()
    return space, plan_trajectories(space, Rig(), "habitat", COUNTS, seed=0)


def positions(trajectories: list[Trajectory]) -> np.ndarray:
    return np.concatenate([t.camera_to_world for t in trajectories])[:, :3, 3]


# Over the navigation mesh


def test_the_shortest_way_around_a_block_is_found_and_keeps_the_radius() -> None:
    """The block fills 2…3 × 1.5…2.5: from (1, 2) to (4, 2) the way passes its corner, 0.2 m off."""
    habitat_interpreter()
    with navigation(room_with_block(), 0.2, 1.5) as mesh:
        (corners,) = mesh.ways(np.array([1.0, 0, 2.0]), np.array([[4.0, 0, 2.0]]))
    assert corners is not None
    side = 0.5 + 0.2
    expected = 2 * np.hypot(1 - 0.2, side) + 1.4
    assert length(corners) == pytest.approx(expected, abs=0.15)
    inside = (np.abs(corners[:, 0] - 2.5) < 0.6) & (np.abs(corners[:, 2] - 2) < 0.6)
    assert not inside.any()


def test_trajectories_walk_the_floor_at_heights_and_steps_of_ours() -> None:
    _, trajectories = planned()
    assert [t.split for t in trajectories] == ["train"] * 3 + ["val", "test"]
    assert all(t.camera_to_world.shape == (12, 4, 4) for t in trajectories)
    for trajectory in trajectories:
        place = trajectory.camera_to_world[:, :3, 3]
        assert HEIGHT_RANGE[0] - 0.03 <= place[:, 1].min() <= place[:, 1].max() <= HEIGHT_RANGE[1] + 0.03
        assert np.ptp(place[:, 1]) < 0.02
        assert np.linalg.norm(np.diff(place, axis=0), axis=1).max() <= STEP_RANGE[1] + 1e-6
    inside = positions(trajectories)
    assert (inside[:, [0, 2]] > 0.19).all()
    assert (inside[:, [0, 2]] < [4.81, 3.81]).all()


def test_the_top_of_the_ceiling_is_not_taken_for_the_floor() -> None:
    assert positions(planned()[1])[:, 1].max() < 2.0


def test_no_test_view_repeats_a_train_view() -> None:
    assert audit_splits(planned()[1])["passed"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    space, first = planned()
    again = plan_trajectories(space, Rig(), "habitat", COUNTS, seed=0)
    other = plan_trajectories(space, Rig(), "habitat", {"train": (1, 12)}, seed=1)
    assert [t.camera_to_world.tobytes() for t in first] == [t.camera_to_world.tobytes() for t in again]
    assert not np.array_equal(first[0].camera_to_world, other[0].camera_to_world)


def test_a_space_without_a_floor_is_refused() -> None:
    habitat_interpreter()
    pole = space_of_boxes([((0, 0, 0), (0.2, 2, 0.2))])
    with pytest.raises(UserError, match="less than 1 m² of connected floor"):
        plan_trajectories(pole, Rig(), "habitat", COUNTS, seed=0)


def test_without_habitat_sim_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"not a program that can be run\. habitat-sim comes from conda"):
        plan_trajectories(empty_room(), Rig(), "habitat", COUNTS, seed=0)


def test_points_along_a_path_are_as_far_apart_as_asked() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1.0]])
    np.testing.assert_allclose(along(corners, np.array([0.25, 1.0, 1.5])), [[0.25, 0, 0], [1, 0, 0], [1, 0, 0.5]])


# From episodes


def episodes(path: Path, count: int, **changes: Any) -> Path:
    """Write episodes that cross the empty room, with their backs to the goal."""
    rows = []
    for i in range(count):
        start, goal = [0.6, 0.0, 0.6 + 0.2 * i], [4.4, 0.0, 3.4 - 0.2 * i]
        rows.append(pointnav(i, start_position=start, goals=[{"position": goal, "radius": 0.2}], **changes))
    return write(path, {"episodes": rows})


def test_an_episode_becomes_what_the_agents_camera_sees_on_its_way(tmp_path: Path) -> None:
    lab_interpreter()
    path = episodes(tmp_path / "e.json.gz", 5, start_rotation=[0, 0, 0, 1])
    found = plan_trajectories(empty_room(), Rig(), f"habitat-lab:{path}", {"train": (3, 25), "test": (2, 20)}, seed=0)
    assert [t.split for t in found] == ["train"] * 3 + ["test"] * 2
    first = found[0].camera_to_world
    np.testing.assert_allclose(first[0, [0, 2], 3], [0.6, 0.6], atol=0.02)
    np.testing.assert_allclose(first[0, :3, :3], np.eye(3), atol=1e-6)
    assert np.ptp(first[:, 1, 3]) < 0.01
    assert first[0, 1, 3] == pytest.approx(1.25, abs=0.06), "habitat-lab's camera height, above the mesh"
    steps = np.linalg.norm(np.diff(first[:, :3, 3], axis=0), axis=1)
    turns = np.degrees(
        np.arccos(np.clip((np.einsum("nij,nij->n", first[1:, :3, :3], first[:-1, :3, :3]) - 1) / 2, -1, 1))
    )
    moved = steps > 0.2
    np.testing.assert_allclose(steps[moved], 0.25, atol=0.01)
    np.testing.assert_allclose(turns[~moved], 10, atol=0.01)
    assert moved.sum() >= 10


def test_without_habitat_lab_its_follower_is_stood_in_for_by_what_it_is_made_of_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lab_interpreter()
    kind, counts = f"habitat-lab:{episodes(tmp_path / 'e.json.gz', 2)}", {"train": (2, 20)}
    followed = plan_trajectories(empty_room(), Rig(), kind, counts, seed=0)
    assert "ShortestPathFollower" in capfd.readouterr().err
    (tmp_path / "habitat").mkdir()
    (tmp_path / "habitat" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    alone = plan_trajectories(empty_room(), Rig(), kind, counts, seed=0)
    assert "greedy geodesic follower" in capfd.readouterr().err
    for one, other in zip(followed, alone, strict=True):
        np.testing.assert_array_equal(one.camera_to_world, other.camera_to_world)


@pytest.mark.parametrize(
    ("rows", "number", "message"),
    [
        ([{"start_position": [1, 0, 1 + i]} for i in range(2)], 3, r"has 2 episodes .* 3 trajectories .* \(train 3\)"),
        ([{"start_position": [50, 9, i]} for i in range(9)], 1, "do not start on the floor of test/room"),
    ],
)
def test_too_few_episodes_and_episodes_elsewhere_are_refused(
    tmp_path: Path, rows: list[dict[str, Any]], number: int, message: str
) -> None:
    habitat_interpreter()
    path = write(tmp_path / "e.json.gz", {"episodes": [pointnav(i, **row) for i, row in enumerate(rows)]})
    with pytest.raises(UserError, match=message):
        plan_trajectories(empty_room(), Rig(), f"habitat-lab:{path}", {"train": (number, 5)}, seed=0)


def test_a_recording_of_episodes_says_what_it_was_made_with(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lab_interpreter()
    path = episodes(tmp_path / "e.json.gz", 3)
    recipe = Recipe(
        space="test/room",
        trajectories=f"habitat-lab:{path}",
        width=32,
        height=32,
        splits={"train": (1, 8), "val": (1, 8), "test": (1, 8)},
    )
    recording = record(empty_room(), recipe, home=tmp_path / "home")
    assert len(recording) == 24
    assert recording.meta.recipe["trajectories"].startswith("habitat-lab:e.json.gz sha256:")
    assert recording.meta.libraries["habitat-sim"]
    assert "ShortestPathFollower" in capfd.readouterr().err
