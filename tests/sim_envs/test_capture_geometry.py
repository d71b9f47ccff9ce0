"""The geometry of captures: lenses and rigs, depth registered to colour, which way is up, splits, noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim_envs.captures.camera import Camera
from sim_envs.captures.capture import Capture
from sim_envs.captures.register import Registration
from sim_envs.captures.resample import View
from sim_envs.captures.segments import fitting_splits, recorded_trajectories
from sim_envs.captures.upright import lying_cameras, turn_little, turned_upright, up_of_cameras
from sim_envs.errors import UserError
from sim_envs.rig import Rig
from sim_envs.sensors.normals import normals_from_depth
from sim_envs.sensors.smoothing import smoothed_for_normals
from sim_envs.trajectories.audit import audit_splits, near_duplicates
from tests.sim_envs import capture_files as files

# Seen through a rig


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(32, 90),
    height=st.integers(32, 90),
    share=st.floats(0.3, 1.0),
    cx=st.floats(30, 34),
    fy=st.floats(50, 60),
)
def test_a_pixel_of_the_rig_shows_what_the_camera_saw_along_its_ray(
    width: int, height: int, share: float, cx: float, fy: float
) -> None:
    """A picture whose red grows with x and green with y of the ray: the rig's picture must show its own rays."""
    camera = Camera(64, 48, 55.0, fy, cx, 23.5)
    x = (np.arange(64) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(48) + 0.5 - camera.cy) / camera.fy
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.rint(128 + 200 * x[None, :]), np.rint(128 + 200 * y[:, None])
    widest = camera.widest_hfov(width, height)
    assume(widest >= 30)
    rig = Rig(width, height, max(30.0, share * widest))
    seen = View.of(camera, rig, "x").colour(picture).astype(float)
    rays = rig.directions()
    inner = np.s_[1:-1, 1:-1]  # at the border of the picture there is less to average than the pixel is wide
    tolerance = 1.6 + 200 * 0.5 / 50
    assert np.abs(seen[..., 0] - (128 + 200 * rays[..., 0]))[inner].max() < tolerance
    assert np.abs(seen[..., 1] - (128 - 200 * rays[..., 1]))[inner].max() < tolerance


def test_whole_factors_average_as_opencv_s_area_interpolation_does() -> None:
    camera = Camera(192, 144, 150.0, 150.0, 96.0, 72.0)
    picture = np.random.default_rng(0).integers(0, 256, (144, 192, 3)).astype(np.uint8)
    view = View.of(camera, Rig(64, 48, camera.widest_hfov(64, 48)), "x")
    expected = cv2.resize(picture, (64, 48), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(view.colour(picture).astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(view.sample(picture[..., 0]), picture[1::3, 1::3, 0])


# Registration


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), holes=st.floats(0, 0.9))
def test_a_camera_registered_to_itself_keeps_every_depth(seed: int, holes: float) -> None:
    camera = Camera(40, 30, 35.0, 36.0, 19.3, 15.8)
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 4, (30, 40)).astype(np.float32)
    depth[rng.random(depth.shape) < holes] = 0
    moved = Registration(camera, camera, np.eye(4))(depth)
    kept = (depth == 0) | np.isclose(moved, depth, rtol=1e-5)
    assert (moved[depth > 0] > 0).all()
    assert kept.mean() > 0.999


def test_what_is_near_hides_what_is_far_behind_it() -> None:
    camera, move = Camera(60, 40, 50.0, 50.0, 30.0, 20.0), np.eye(4)
    move[0, 3] = 0.2  # the colour camera stands 0.2 m to the left, so things appear further right
    depth = np.full((40, 60), 4.0, np.float32)
    depth[10:30, 20:30] = 1.0
    moved = Registration(camera, camera, move)(depth)
    assert (moved[12:28, 31:39] == 1).all()  # moved by 10 pixels, solid
    assert (moved[12:28, 23:29] == 0).all()  # behind it, the depth camera saw nothing
    assert (moved[2:8, 5:] == 4).all()  # the wall moved by 2.5 pixels
    assert (moved[2:8, :2] == 0).all()


# Upright


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), pitch=st.floats(-60, 60), spread=st.floats(40, 180))
def test_up_is_found_from_cameras_that_do_not_roll(seed: int, pitch: float, spread: float) -> None:
    rng = np.random.default_rng(seed)
    cameras = np.tile(np.eye(4), (60, 1, 1))
    yaw, tilt = rng.uniform(-spread, spread, 60), pitch + rng.normal(0, 5, 60)
    cameras[:, :3, :3] = Rotation.from_euler("YX", np.stack([yaw, tilt], axis=1), degrees=True).as_matrix()
    world = np.eye(4)
    world[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    up = up_of_cameras(world @ cameras)
    upright = turned_upright(up) @ world @ cameras
    assert np.degrees(np.arccos(np.clip(up @ world[:3, 1], -1, 1))) < 12
    np.testing.assert_allclose(turned_upright(up)[:3, :3] @ up, [0, 1, 0], atol=1e-9)
    assert np.linalg.det(turned_upright(up)[:3, :3]) == pytest.approx(1)
    assert (upright[:, 1, 0] ** 2).mean() < 0.05  # right-hand axes are level


def test_cameras_that_all_look_one_way_leave_up_in_doubt() -> None:
    yaw = np.random.default_rng(0).uniform(-1, 1, (50, 1))
    looking = np.tile(np.eye(4), (50, 1, 1))
    for spread, doubtful in ((10, True), (90, False)):
        looking[:, :3, :3] = Rotation.from_euler("Y", spread * yaw, degrees=True).as_matrix()
        assert turn_little(looking) == doubtful


def test_a_world_on_its_head_is_turned_over_and_cameras_on_their_side_are_remarked() -> None:
    np.testing.assert_allclose(turned_upright(np.array([0.0, -1, 0]))[:3, :3] @ [0, -1, 0], [0, 1, 0])
    lying = np.tile(np.eye(4), (5, 1, 1))
    lying[:, :3, :3] = Rotation.from_euler("Z", 90, degrees=True).as_matrix()
    assert "--up" in lying_cameras(lying)
    assert lying_cameras(files.poses(5)) == ""


# Splits


def walk(count: int, step: float, seed: int) -> np.ndarray:
    """Return poses of a random walk that looks about."""
    rng = np.random.default_rng(seed)
    out = np.tile(np.eye(4), (count, 1, 1))
    out[:, :3, 3] = np.cumsum(rng.normal(0, step, (count, 3)), axis=0)
    out[:, :3, :3] = Rotation.from_euler("Y", np.cumsum(rng.normal(0, 3, count)), degrees=True).as_matrix()
    return out


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(30, 200),
    step=st.floats(0.005, 0.1),
    seed=st.integers(0, 1000),
    train=st.tuples(st.integers(1, 40), st.integers(1, 10)),
    val=st.tuples(st.integers(0, 3), st.integers(1, 4)),
    test=st.tuples(st.integers(1, 10), st.integers(1, 6)),
)
def test_splits_are_contiguous_apart_and_pass_the_audit(
    count: int, step: float, seed: int, train: tuple[int, int], val: tuple[int, int], test: tuple[int, int]
) -> None:
    poses = walk(count, step, seed)
    capture = fake(poses)
    asked = {"train": train, "val": val, "test": test}
    try:
        splits = fitting_splits(capture, asked)
    except UserError:
        last = poses[-sum(1 for n, _ in (val, test) if n) :]
        assert near_duplicates(poses[: len(poses) - len(last)], last).all()
        return
    trajectories = recorded_trajectories(capture, splits)
    assert audit_splits(trajectories)["passed"]
    for split, (number, frames) in splits.items():
        assert [len(t.camera_to_world) for t in trajectories if t.split == split] == [frames] * number
        assert number <= asked[split][0]
        assert frames <= asked[split][1]
    taken = {pose.tobytes(): i for i, pose in enumerate(poses)}
    order = [taken[pose.tobytes()] for t in trajectories for pose in t.camera_to_world]
    assert order == sorted(set(order))


def fake(poses: np.ndarray) -> Capture:
    """A capture of which only the poses are looked at."""
    camera, nothing = Camera(64, 48, 60.0, 60.0, 32.0, 24.0), np.zeros(len(poses))
    return Capture("capture/walk", Path(), camera, poses, nothing, (), {}, {}, None, "", {})


def test_enough_frames_are_cut_as_asked_and_too_few_are_explained() -> None:
    capture = fake(walk(300, 0.2, 0))
    asked = {"train": (5, 20), "test": (3, 10)}
    assert fitting_splits(capture, asked) == asked
    with pytest.raises(UserError, match=r"has 300 frames, too few .* There is room for train \d+ × \d+, test"):
        recorded_trajectories(capture, {"train": (50, 20), "test": (3, 10)})


def test_a_short_capture_keeps_a_quarter_of_its_frames_for_test() -> None:
    splits = fitting_splits(fake(walk(200, 0.2, 1)), {"train": (100, 20), "test": (40, 8)})
    used = {split: number * frames for split, (number, frames) in splits.items()}
    assert 0.2 < used["test"] / sum(used.values()) < 0.3
    assert sum(used.values()) > 170


# Noise


def test_smoothing_keeps_planes_and_edges_and_takes_noise_off_normals() -> None:
    rig = Rig(256, 192, 60)
    rays = rig.directions()
    normal = np.array([0.5, 0.3, 0.81])
    normal /= np.linalg.norm(normal)
    plane = (-2 * normal[2] / (rays @ normal)).astype(np.float32)
    plane[:, :100] = 1.0  # something near
    smooth = smoothed_for_normals(plane, rig.focal, coarsest=1)
    inner = np.s_[:, 104:]
    assert np.abs(smooth / plane - 1)[inner].max() < 1e-3
    assert np.abs(smooth[:, :98] - 1).max() < 1e-3
    noisy = plane + np.float32(0.003) * plane**2 * np.random.default_rng(0).normal(size=plane.shape).astype(np.float32)
    errors = [
        np.degrees(np.arccos(np.clip(normals_from_depth(depth, rig) @ normal, -1, 1)))[inner].mean()
        for depth in (noisy, smoothed_for_normals(noisy, rig.focal, coarsest=1))
    ]
    assert errors[1] < 0.25 * errors[0]


@pytest.mark.parametrize("coarsest", [2.0, 8.0])
def test_halved_depth_is_measured_wherever_a_pixel_is(coarsest: float) -> None:
    depth = np.where(np.random.default_rng(1).random((47, 63)) < 0.2, 2.0, 0.0).astype(np.float32)
    small = smoothed_for_normals(depth, 600.0, coarsest)
    assert small.shape == (24, 32)
    rows, columns = np.nonzero(depth)
    np.testing.assert_allclose(small[rows // 2, columns // 2], 2.0, rtol=1e-5)
