"""Planned trajectories: what every recording may rely on."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories import Trajectory
from sim_envs.trajectories.audit import angle_between, audit_splits
from sim_envs.trajectories.navigable import navigable_map
from sim_envs.trajectories.plan import NO_VIEWS, plan_apart, plan_trajectories
from sim_envs.trajectories.views import Scene, view_content
from tests.sim_envs.rooms import (
    empty_room,
    furnished_room,
    space_of_boxes,
    space_of_meshes,
    two_rooms,
)

COUNTS = {"train": (6, 15), "val": (2, 10), "test": (3, 12)}


@functools.cache
def bust() -> Space:
    """An object-level scan: a thing of half a metre, and nothing around it."""
    return space_of_meshes([trimesh.creation.icosphere(subdivisions=3, radius=0.25), _plinth()])


def _plinth() -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=((-0.3, -0.5, -0.3), (0.3, -0.25, 0.3)))


def corner_scan() -> Space:
    """A partial scan: two walls, a strip of floor too narrow to walk on, a shelf; fronts face the room."""
    return space_of_boxes(
        [
            ((0, 0, -0.1), (4, 2, 0)),
            ((-0.1, 0, -0.1), (0, 2, 2)),
            ((0, -0.1, 0), (4, 0, 0.35)),
            ((1, 0.9, 0), (3, 0.95, 0.3)),
            ((1.2, 0.95, 0.05), (1.4, 1.3, 0.2)),
            ((2.2, 0.95, 0.05), (2.6, 1.2, 0.25)),
        ]
    )


SPACES = {
    "furnished": furnished_room,
    "open": functools.partial(furnished_room, ceiling=False),
    "two rooms": functools.partial(two_rooms, door=0.9),
    "bust": bust,
    "corner": corner_scan,
}
WALKED = ("furnished", "open", "two rooms")


@functools.cache
def planned(name: str, kind: str = "auto", seed: int = 0) -> tuple[Space, list[Trajectory]]:
    space = SPACES[name]()
    return space, plan_trajectories(space, Rig(), kind, COUNTS, seed)


def all_poses(trajectories: list[Trajectory]) -> np.ndarray:
    return np.concatenate([t.camera_to_world for t in trajectories])


def distance_to_mesh(space: Space, points: np.ndarray) -> np.ndarray:
    """Exact distance of each point to the nearest triangle, by trying them all."""
    triangles = space.vertices[space.faces].astype(np.float64)
    out = np.empty(len(points))
    for i, point in enumerate(points):
        nearest = trimesh.triangles.closest_point(triangles, np.tile(point, (len(triangles), 1)))
        out[i] = np.linalg.norm(nearest - point, axis=1).min()
    return out


@pytest.mark.parametrize("name", SPACES)
def test_counts_are_met_exactly_and_splits_come_in_order(name: str) -> None:
    _, trajectories = planned(name)
    assert [t.id for t in trajectories] == list(range(11))
    assert [t.split for t in trajectories] == ["train"] * 6 + ["val"] * 2 + ["test"] * 3
    assert [len(t.camera_to_world) for t in trajectories] == [15] * 6 + [10] * 2 + [12] * 3


@pytest.mark.parametrize("name", SPACES)
def test_poses_are_rigid(name: str) -> None:
    poses = all_poses(planned(name)[1])
    rotation = poses[:, :3, :3]
    assert poses.dtype == np.float64
    np.testing.assert_allclose(
        np.einsum("nji,njk->nik", rotation, rotation), np.tile(np.eye(3), (len(poses), 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-12)
    np.testing.assert_array_equal(poses[:, 3], np.tile([0, 0, 0, 1], (len(poses), 1)))


@pytest.mark.parametrize(("name", "least"), [("furnished", 0.15), ("two rooms", 0.15), ("bust", 0.3), ("corner", 0.3)])
def test_cameras_keep_clear_of_the_geometry(name: str, least: float) -> None:
    space, trajectories = planned(name)
    assert distance_to_mesh(space, all_poses(trajectories)[:, :3, 3]).min() >= least


@pytest.mark.parametrize("name", ["furnished", "two rooms"])
def test_walks_stay_over_the_free_floor_at_one_height_each(name: str) -> None:
    space, trajectories = planned(name)
    ground = navigable_map(space, Scene.of(space).caster)
    assert ground is not None
    heights = []
    for trajectory in trajectories:
        assert ground.is_free(trajectory.camera_to_world[:, :3, 3]).all()
        y = trajectory.camera_to_world[:, 1, 3]
        assert np.ptp(y) == 0
        heights.append(y[0])
    assert min(heights) >= 0.6
    assert max(heights) <= 1.7
    assert len(set(heights)) == len(heights)


@pytest.mark.parametrize("name", SPACES)
def test_consecutive_frames_move_on_and_turn_gently(name: str) -> None:
    for trajectory in planned(name)[1]:
        poses = trajectory.camera_to_world
        moved = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
        angle = angle_between(poses[1:, :3, :3], poses[:-1, :3, :3])
        assert ((moved > 0.03) | (angle > 3)).all()
        assert moved.max() <= 0.42
        assert angle.max() <= 30


@pytest.mark.parametrize("name", SPACES)
def test_pitch_and_roll_stay_within_what_a_device_does(name: str) -> None:
    poses = all_poses(planned(name)[1])
    pitch = np.degrees(np.arcsin(-poses[:, 1, 2]))
    level_right = np.cross(-poses[:, :3, 2], [0, 1, 0])
    level_right /= np.linalg.norm(level_right, axis=1, keepdims=True)
    roll = np.degrees(np.arccos(np.clip(np.einsum("ni,ni->n", level_right, poses[:, :3, 0]), -1, 1)))
    lowest, highest = (-30, 20) if name in WALKED else (-50, 30)
    assert pitch.min() >= lowest - 1e-3
    assert pitch.max() <= highest + 1e-3
    assert roll.max() <= 2.001


def test_walks_look_where_they_go_and_look_around() -> None:
    ahead = []
    for trajectory in planned("two rooms")[1]:
        poses = trajectory.camera_to_world
        travel = np.gradient(poses[:, :3, 3], axis=0)[:, [0, 2]]
        look = -poses[:, :3, 2][:, [0, 2]]
        cosine = np.einsum("ni,ni->n", travel, look) / np.linalg.norm(travel, axis=1) / np.linalg.norm(look, axis=1)
        ahead.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    away = np.concatenate(ahead)
    assert np.median(away) < 60
    assert (away > 45).mean() > 0.1


@pytest.mark.parametrize("name", SPACES)
def test_few_views_show_a_bare_wall_and_none_is_nearly_empty(name: str) -> None:
    space, trajectories = planned(name)
    views = view_content(Scene.of(space), Rig(), all_poses(trajectories))
    assert views.bare().mean() <= 0.05
    assert views.nearest.min() >= 0.15
    if name in ("furnished", "two rooms"):
        assert views.hits.min() >= 0.6
    else:
        assert views.hits.min() > 0.02


def test_a_view_of_a_wall_from_near_is_bare_and_one_into_the_room_is_not() -> None:
    at_wall, into_room = np.eye(4), np.eye(4)
    at_wall[:3, 3] = [1.2, 1.0, 0.9]  # looks along −z at the wall at z = 0
    into_room[:3, 3] = [2.5, 1.2, 3.4]
    bare = view_content(Scene.of(furnished_room()), Rig(), np.stack([at_wall, into_room])).bare()
    assert bare.tolist() == [True, False]


@pytest.mark.parametrize("name", SPACES)
def test_no_val_or_test_view_repeats_a_train_view(name: str) -> None:
    audit = audit_splits(planned(name)[1])
    assert audit["passed"]
    assert audit["test"]["views"] == 36
    assert audit["val"]["views"] == 20


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    space, first = planned("furnished")
    again = plan_trajectories(space, Rig(), "auto", COUNTS, seed=0)
    other = plan_trajectories(space, Rig(), "auto", COUNTS, seed=1)
    assert all_poses(first).tobytes() == all_poses(again).tobytes()
    assert not np.array_equal(all_poses(first), all_poses(other))


def test_a_trajectory_does_not_depend_on_how_many_others_there_are() -> None:
    space, many = planned("furnished")
    few = plan_trajectories(space, Rig(), "auto", {"train": (2, 15)}, seed=0)
    for one, same in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.camera_to_world, same.camera_to_world)


def test_hand_held_cameras_stay_before_the_walls_of_a_partial_scan() -> None:
    position = all_poses(planned("corner")[1])[:, :3, 3]
    assert (position[:, 0] > 0).all()
    assert (position[:, 2] > 0).all()


def test_an_object_is_seen_in_every_view() -> None:
    _, trajectories = planned("bust")
    poses = all_poses(trajectories)
    to_object = np.array([0, -0.1, 0]) - poses[:, :3, 3]
    to_object /= np.linalg.norm(to_object, axis=1, keepdims=True)
    away = np.degrees(np.arccos(np.einsum("ni,ni->n", to_object, -poses[:, :3, 2])))
    assert np.median(away) < 30
    assert away.max() < 60


def test_hand_held_can_be_asked_for_in_a_room_and_stays_in_it() -> None:
    space, trajectories = planned("furnished", "handheld")
    position = all_poses(trajectories)[:, :3, 3]
    assert (position > 0).all()
    assert (position < [5, 2.5, 4]).all()
    assert distance_to_mesh(space, position).min() >= 0.3


def refused(space: Space, kind: str, counts: dict[str, tuple[int, int]] | None = None) -> str:
    with pytest.raises(UserError) as caught:
        plan_trajectories(space, Rig(), kind, counts or COUNTS, seed=0)
    return str(caught.value)


def test_walking_without_a_floor_is_refused() -> None:
    assert "less than 1 m² of connected free floor" in refused(bust(), "walk")


def test_a_space_without_room_for_a_camera_is_refused() -> None:
    """Nothing is ever met of a mesh whose triangles have no area."""
    needle = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], process=False)
    assert "no free space for a camera" in refused(space_of_meshes([needle]), "auto")


def test_an_unknown_kind_names_the_near_one() -> None:
    assert "Did you mean walk?" in refused(empty_room(), "walks")


def test_a_pose_file_that_is_not_there_is_named() -> None:
    assert "No pose file at nowhere/poses.txt" in refused(empty_room(), "nowhere/poses.txt")


def test_counts_below_one_frame_are_refused() -> None:
    assert "train: 3 trajectories of 0 frames" in refused(empty_room(), "auto", {"train": (3, 0)})


@given(yaw=st.floats(0, 360), offset=st.floats(0, 0.2), turn=st.floats(0, 20))
@settings(max_examples=50, deadline=None)
def test_the_audit_finds_planted_duplicates_and_nothing_else(yaw: float, offset: float, turn: float) -> None:
    train = np.tile(np.eye(4), (5, 1, 1))
    train[:, 0, 3] = np.arange(5) * 3.0
    spin = trimesh.transformations.rotation_matrix(np.radians(turn), [np.cos(yaw), 1, np.sin(yaw)])
    test = train[2:3] @ spin
    test[0, :3, 3] = train[2, :3, 3] + [0, offset, 0]
    audit = audit_splits([Trajectory(0, "train", train), Trajectory(1, "test", test)])
    if abs(offset - 0.05) > 1e-6 and abs(turn - 5) > 1e-6:
        assert audit["test"]["near_duplicates"] == int(offset < 0.05 and turn < 5)
        assert audit["passed"] == (not (offset < 0.05 and turn < 5))
    assert audit["test"]["translation_m"]["50"] == pytest.approx(offset, abs=1e-4)
    assert audit["test"]["angle_deg"]["50"] == pytest.approx(turn, abs=1e-3)


def test_a_duplicate_counts_even_where_another_train_view_is_nearer() -> None:
    train = np.tile(np.eye(4), (2, 1, 1))
    train[0] = trimesh.transformations.rotation_matrix(np.pi, [0, 1, 0])  # nearest, but looks the other way
    train[1, 0, 3] = 0.04
    audit = audit_splits([Trajectory(0, "train", train), Trajectory(1, "val", np.eye(4)[None])])
    assert audit["val"]["angle_deg"]["50"] == pytest.approx(180)
    assert audit["val"]["near_duplicates"] == 1
    assert not audit["passed"]


def test_an_audit_without_train_or_test_views_says_so() -> None:
    audit = audit_splits([Trajectory(0, "val", np.eye(4)[None])])
    assert audit["passed"]
    assert audit["train"]["views"] == 0
    assert audit["test"] == {"views": 0, "near_duplicates": 0, "translation_m": {}, "angle_deg": {}}


def test_trajectories_apart_from_views_repeat_none_of_them_though_the_seed_is_the_same() -> None:
    space, before = planned("furnished")
    views = all_poses(before)
    apart = all_poses(plan_apart(space, Rig(), COUNTS, 0, views))
    assert apart.shape == views.shape
    metres = np.linalg.norm(apart[:, None, :3, 3] - views[None, :, :3, 3], axis=-1)
    turns = Rotation.from_matrix((apart[:, None, :3, :3].swapaxes(-1, -2) @ views[None, :, :3, :3]).reshape(-1, 3, 3))
    degrees = np.degrees(turns.magnitude()).reshape(metres.shape)
    assert not ((metres <= 0.05) & (degrees <= 5)).any()


@pytest.mark.parametrize("bit", [31, 32, 64, 127, 128, 255])
def test_every_bit_of_a_large_seed_counts(bit: int) -> None:
    space, counts = furnished_room(), {"test": (1, 4)}
    one, other = (plan_apart(space, Rig(), counts, seed, NO_VIEWS) for seed in (1 << 255, (1 << 255) ^ (1 << bit)))
    assert not np.allclose(all_poses(one), all_poses(other), atol=1e-3)
