"""Captures: kept whole or not at all, seen through a rig, cut into splits, labelled by a scan, recorded like spaces."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sim_envs.captures.camera import Camera
from sim_envs.captures.capture import Capture
from sim_envs.captures.engine import CaptureEngine
from sim_envs.captures.importing import import_capture
from sim_envs.captures.register import Registration
from sim_envs.captures.resample import View
from sim_envs.captures.segments import fitting_splits, recorded_trajectories
from sim_envs.captures.source import load_capture
from sim_envs.captures.upright import lying_cameras, turned_upright, up_of_cameras
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.verify import verify
from sim_envs.rig import Rig
from sim_envs.sensors.normals import normals_from_depth
from sim_envs.sensors.smoothing import smoothed_for_normals
from sim_envs.spaces import load_place, load_space
from sim_envs.spaces.store import save_space
from sim_envs.trajectories.audit import audit_splits, near_duplicates
from tests.sim_envs import capture_files as files
from tests.sim_envs.capture_files import SMALL, shots
from tests.sim_envs.recording_kit import ROOT

REDKITCHEN = Path(__file__).parents[2].parent / "shared" / "real" / "redkitchen"
FRAMES = 12
RECIPE = Recipe(
    space="capture/room", engine="capture", width=32, height=32, hfov=40, splits={"train": (2, 4), "test": (1, 3)}
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data home with the room as ``scan/room``, and its capture on its way."""
    save_space(replace(files.the_room(), id="scan/room"), tmp_path / "home" / "spaces" / "scan" / "room")
    files.seven_scenes(tmp_path / "download", shots(FRAMES))
    return tmp_path / "home"


def imported(home: Path, **options: Any) -> Capture:
    return import_capture(
        home.parent / "download", **{"format_name": "7scenes", "name": "room", "up": "y", "home": home} | options
    )


def angles_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angles between normals as they are stored."""
    a, b = (n / 127.5 - 1 for n in (one, other))
    cosine = (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


# Kept whole or not at all


def test_a_capture_is_recorded_like_a_space(home: Path) -> None:
    capture = imported(home)
    recording = generate(RECIPE, home=home, workers=2)
    assert verify(recording.folder) == []
    assert recording.modalities == ("rgb", "depth", "normals", "edges")
    assert recording.meta.space.digest == capture.digest
    assert recording.meta.audit.passed
    taken = {pose.tobytes(): i for i, pose in enumerate(capture.camera_to_world)}
    assert [taken[pose.tobytes()] for pose in recording.poses] == [*range(8), 9, 10, 11]


def test_the_same_import_again_is_a_matter_of_a_moment_and_another_one_needs_a_name(home: Path) -> None:
    first = imported(home)
    touched = (first.folder / "rgb.npy").stat().st_mtime_ns
    assert imported(home).digest == first.digest
    assert (first.folder / "rgb.npy").stat().st_mtime_ns == touched
    with pytest.raises(UserError, match="exists and is another capture"):
        imported(home, up="z")
    assert imported(home, up="z", name="other").digest != first.digest


def test_equal_downloads_give_equal_captures(home: Path) -> None:
    first = imported(home)
    files.seven_scenes(home.parent / "again", shots(FRAMES))
    second = import_capture(home.parent / "again", format_name="7scenes", name="two", up="y", home=home)
    assert second.digest == first.digest


def test_a_damaged_picture_is_named_and_leaves_nothing(home: Path) -> None:
    path = home.parent / "download" / "frame-000007.color.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"frame-000007\.color\.png is damaged"):
        imported(home)
    assert list((home / "spaces").glob("capture/*")) == []


def test_a_killed_import_leaves_nothing_that_counts_and_can_be_repeated(home: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sim_envs.captures.importing import import_capture\n"
        f"import_capture(Path({str(home.parent / 'download')!r}), format_name='7scenes', name='room', up='y', "
        f"home=Path({str(home)!r}), progress=lambda i, n: time.sleep(60 * (i == 5)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    partial = home / "spaces" / "capture" / ".room.part"
    while not (partial / "depth.npy").exists():
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(UserError, match="Unknown space"):
        load_place("capture/room", home)
    assert len(imported(home)) == FRAMES
    assert not partial.exists()


@pytest.mark.parametrize("name", ["rgb.npy", "depth.npy"])
def test_a_damaged_frame_is_named_when_it_is_played(name: str, home: Path) -> None:
    capture = imported(home)
    with (capture.folder / name).open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xa7")
    engine = CaptureEngine(load_capture("capture/room", home), Rig(32, 32, 40))
    engine.render(capture.camera_to_world[0])
    with pytest.raises(UserError, match=rf"{name} is damaged in frame 11 \(frame-000011\)"):
        engine.render(capture.camera_to_world[11])


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("capture.json", lambda data: b"{", "capture.json is damaged"),
        ("capture.json", lambda data: data.replace(b'"fx": ', b'"fx": 1'), "capture.json is damaged: it is not what"),
        ("capture.json", lambda data: data.replace(b'"format_version": 1', b'"format_version": 9'), "Update it"),
        ("frames.parquet", lambda data: data[:-1] + b"x", "frames.parquet is damaged"),
        ("rgb.npy", lambda data: data[:-5], "rgb.npy is cut short"),
        ("depth.npy", None, "depth.npy is missing"),
    ],
)
def test_a_damaged_capture_is_not_opened(name: str, spoil: Any, message: str, home: Path) -> None:
    path = imported(home).folder / name
    if spoil is None:
        path.unlink()
    else:
        path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=message):
        load_capture("capture/room", home)
    assert len(imported(home)) == FRAMES  # as the message advises


def test_a_capture_is_no_geometry_and_says_so(home: Path) -> None:
    imported(home)
    with pytest.raises(UserError, match="is a capture: it has frames and no geometry"):
        load_space("capture/room", home)
    with pytest.raises(UserError, match="no engine renders others"):
        generate(RECIPE.model_copy(update={"engine": "raycast"}), home=home)
    with pytest.raises(UserError, match="plays captures back"):
        generate(RECIPE.model_copy(update={"space": "scan/room"}), home=home)
    with pytest.raises(UserError, match="only the views that were recorded"):
        generate(RECIPE.model_copy(update={"trajectories": "walk"}), home=home)


def test_views_that_were_not_taken_are_not_made_up(home: Path) -> None:
    engine = CaptureEngine(imported(home), Rig(32, 32, 40))
    with pytest.raises(UserError, match="no frame of the pose asked for"):
        engine.render(np.eye(4))
    with pytest.raises(UserError, match="plays captures back, and test/room is none"):
        CaptureEngine(files.the_room(), Rig(32, 32, 40))  # type: ignore[arg-type]


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


def test_a_rig_that_looks_beyond_the_picture_is_refused(home: Path) -> None:
    imported(home)
    with pytest.raises(UserError, match=r"at most 46\.82° for frames of 32 × 32 pixels; 60° are asked for"):
        generate(RECIPE.model_copy(update={"hfov": 60.0}), home=home)


def test_a_square_rig_sees_the_middle_as_a_ray_caster_would(home: Path) -> None:
    capture = imported(home)
    rig = Rig(48, 48, capture.camera.widest_hfov(1, 1))
    played, rendered = (
        engine.render(capture.camera_to_world[3])
        for engine in (CaptureEngine(capture, rig), RaycastEngine(files.the_room(), rig))
    )
    np.testing.assert_array_equal(played["depth"], rendered["depth"])  # the pixels are those of SMALL
    assert np.abs(played["rgb"].astype(int) - rendered["rgb"]).max() <= 1
    assert np.median(angles_deg(played["normals"], rendered["normals"])) < 1


def test_frames_can_be_stored_smaller(home: Path) -> None:
    capture = imported(home, longest=32)
    assert (capture.camera.width, capture.camera.height) == (32, 24)
    assert capture.camera.fx == pytest.approx(SMALL.focal / 2)
    np.testing.assert_array_equal(capture.frames("depth")[2], shots(FRAMES)[2].depth_mm[1::2, 1::2])
    expected = cv2.resize(shots(FRAMES)[2].rgb, (32, 24), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(capture.frames("rgb")[2], expected)


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


# Labels from a scan


def test_labels_are_those_of_the_scan_where_the_device_measured_it(home: Path) -> None:
    capture = imported(home, labels_from="scan/room")
    assert capture.provenance["agreement_with_scan"] > 0.99
    rig = Rig(40, 40, 40)
    engine, scan = CaptureEngine(capture, rig), RaycastEngine(files.the_room(), rig)
    for pose in capture.camera_to_world[::4]:
        played, rendered = engine.render(pose), scan.render(pose)
        same = np.abs(played["depth"].astype(int) - rendered["depth"]) < 40
        assert same.mean() > 0.9
        for name in ("semantic", "instance"):
            np.testing.assert_array_equal(played[name][same], rendered[name][same])


def test_what_was_moved_since_the_scan_and_what_was_not_measured_has_no_label(home: Path) -> None:
    depth = shots(FRAMES)[0].depth_mm.copy()
    depth[10:30, 10:30] = 600  # something stands before the camera now
    depth[30:40, 30:40] = 0
    files.write_depth(home.parent / "download" / "frame-000000.depth.png", depth)
    capture = imported(home, labels_from="scan/room")
    frame = CaptureEngine(capture, Rig(64, 48, capture.widest_hfov(64, 48))).render(capture.camera_to_world[0])
    assert not frame["semantic"][11:29, 11:29].any()
    assert not frame["semantic"][31:39, 31:39].any()
    assert (frame["semantic"][:8] > 0).mean() > 0.9


def test_a_scan_that_lies_elsewhere_is_refused_and_an_alignment_mends_it(home: Path) -> None:
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("Y", 130, degrees=True).as_matrix()
    turn[:3, 3] = 2, 0, -3
    turned = tuple(replace(shot, camera_to_world=turn @ shot.camera_to_world) for shot in shots(FRAMES))
    files.seven_scenes(home.parent / "download", turned)
    with pytest.raises(UserError, match=r"they are not the same place\. Say where the capture lies .* --align"):
        imported(home, labels_from="scan/room")
    assert list((home / "spaces").glob("capture/*")) == []
    align = home.parent / "align.json"
    align.write_text(json.dumps({"capture_to_space": np.linalg.inv(turn).tolist()}))
    assert imported(home, labels_from="scan/room", align=align).provenance["agreement_with_scan"] > 0.99


def test_labels_need_the_scan_they_come_from(home: Path) -> None:
    imported(home, labels_from="scan/room")
    other = replace(files.the_room(), id="scan/room", categories=("other",))
    save_space(other, home / "spaces" / "scan" / "room")
    with pytest.raises(UserError, match="which is another scan now"):
        load_capture("capture/room", home)
    with pytest.raises(UserError, match="name the scan with --labels-from"):
        imported(home, name="b", align=home)


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


# The real thing


@pytest.fixture(scope="module")
def redkitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with the real scan, and a folder with 16 of the real frames."""
    if not REDKITCHEN.is_dir():
        pytest.skip("the real frames are not on this machine")
    from sim_envs.spaces.scans.source import import_scan

    folder = tmp_path_factory.mktemp("real")
    import_scan(REDKITCHEN / "scan", name="redkitchen", home=folder / "home")
    whole = json.loads((REDKITCHEN / "rgbd" / "transforms.json").read_text())
    some = whole | {"frames": whole["frames"][::13]}
    for name in [frame[kind] for frame in some["frames"] for kind in ("color", "depth")]:
        (folder / name).symlink_to(REDKITCHEN / "rgbd" / name)
    (folder / "transforms.json").write_text(json.dumps(some))
    return folder


def test_real_frames_are_registered_upright_and_agree_with_their_scan(redkitchen: Path) -> None:
    capture = import_capture(
        redkitchen, format_name="7scenes", name="rk", labels_from="scan/redkitchen", home=redkitchen / "home"
    )
    assert len(capture) == 16
    assert capture.provenance["conversions"]["up_from"] == "the format"
    assert 0.6 < capture.provenance["measured_share"] < 0.8  # the depth camera sees less than the colour camera
    assert capture.provenance["agreement_with_scan"] > 0.92


def test_smoothing_brings_real_normals_nearer_to_those_of_the_scan(redkitchen: Path) -> None:
    capture = import_capture(redkitchen, format_name="7scenes", name="plain", home=redkitchen / "home")
    rig = Rig(128, 128, capture.widest_hfov(1, 1))
    scan, engine = RaycastEngine(load_space("scan/redkitchen", redkitchen / "home"), rig), CaptureEngine(capture, rig)
    before, after = [], []
    for pose in capture.camera_to_world[::3]:
        played, rendered = engine.render(pose), scan.render(pose)
        same = (np.abs(played["depth"].astype(int) - rendered["depth"]) < 30) & (played["depth"] > 0)
        raw = 127.5 * (normals_from_depth(played["depth"].astype(np.float32) / 1000, rig) + 1)
        before.append(angles_deg(raw, rendered["normals"])[same])
        after.append(angles_deg(played["normals"], rendered["normals"])[same])
    assert np.concatenate(before).mean() > 19
    assert np.concatenate(after).mean() < 15
