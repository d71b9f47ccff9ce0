"""Every capture format: what its files hold arrives in the capture, through the public command; faults are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sim_envs.captures.capture import Capture
from sim_envs.captures.formats.bonn import T_M, T_ROS, rigid_part
from sim_envs.captures.importing import import_capture
from sim_envs.captures.source import load_capture
from sim_envs.errors import UserError
from sim_envs.rig import Rig
from tests.command_line import Done, run_command
from tests.sim_envs import capture_files as files
from tests.sim_envs.capture_files import SMALL, Shot, shots

KINECT = Rig(640, 480, float(np.degrees(2 * np.arctan(320 / 525))))  # TUM's nominal camera
Command = Callable[..., Done]


@pytest.fixture
def tst_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; return exit code, standard output and standard error."""
    monkeypatch.setenv("TST_BENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> Done:
        return run_command(capsys, *arguments)

    return run


def imported(format_name: str, path: Path, **options: Any) -> Capture:
    return import_capture(path, **{"format_name": format_name, "name": "room", "home": path.parent / "home"} | options)


def bonn(folder: Path, taken: tuple[Shot, ...]) -> Path:
    """The files of TUM; poses are of the markers, in the motion-capture system's axes."""
    marker = np.linalg.inv(T_ROS)
    return files.tum(folder, taken, world=marker, body=T_ROS @ rigid_part(T_M))


EXACT: dict[str, tuple[Callable[..., Path], tuple[str, ...], bool]] = {
    "7scenes": (files.seven_scenes, ("--up", "y"), True),
    "scannet": (files.scannet, (), False),
    "scannet-sens": (files.sens, (), False),
    "nerfstudio": (files.nerfstudio, ("--up", "y"), True),
    "record3d": (files.record3d, (), False),
}
"""Case → how it is written, options, whether its colour is lossless."""


@pytest.mark.parametrize("case", EXACT)
def test_poses_depth_and_colour_arrive_as_they_were_taken(case: str, tmp_path: Path, tst_bench: Command) -> None:
    if case == "record3d":
        pytest.importorskip("liblzfse")
    write, options, lossless = EXACT[case]
    taken = shots(4)
    path = write(tmp_path / "download", taken)
    name = case.partition("-")[0]
    code, out, _ = tst_bench("import-capture", "--format", name, str(path), "--name", "capture/room", *options)
    assert code == 0
    assert out.startswith("capture/room: 4 frames of 64 × 48")
    capture = load_capture("capture/room", tmp_path / "home")
    np.testing.assert_allclose(capture.camera_to_world, [s.camera_to_world for s in taken], atol=2e-6)
    np.testing.assert_allclose(capture.camera.intrinsics, SMALL.intrinsics, rtol=1e-5)
    depth = np.stack([s.depth_mm for s in taken])
    if case == "record3d":
        depth[:, :, : SMALL.width // 4] = 0  # of low confidence
    if case.startswith("scannet"):  # was registered to a camera that is the same but for the rounding of floats
        same = capture.frames("depth") == depth
        assert same.mean() > 0.999
    else:
        np.testing.assert_array_equal(capture.frames("depth"), depth)
    colour = np.abs(capture.frames("rgb").astype(int) - np.stack([s.rgb for s in taken]))
    assert (colour.max() == 0) if lossless else (colour.mean() < 4)


@pytest.mark.parametrize("case", ["tum", "bonn"])
def test_motion_captured_sequences_arrive_upright(case: str, tmp_path: Path, tst_bench: Command) -> None:
    taken = shots(3, KINECT)
    path = (files.tum if case == "tum" else bonn)(tmp_path / "rgbd_dataset_freiburg1_room", taken)
    code, _, err = tst_bench("import-capture", "--format", case, str(path), "--name", "room")
    assert code == 0, err
    capture = load_capture("capture/room", tmp_path / "home")
    np.testing.assert_allclose(capture.camera_to_world, [s.camera_to_world for s in taken], atol=1e-6)
    np.testing.assert_allclose(np.diff(capture.timestamps), 0.1, atol=1e-5)
    if case == "tum":
        np.testing.assert_allclose(capture.camera.intrinsics, KINECT.intrinsics, rtol=1e-9)
        np.testing.assert_array_equal(capture.frames("depth"), [s.depth_mm for s in taken])
        np.testing.assert_array_equal(capture.frames("rgb"), [s.rgb for s in taken])


def test_the_pose_that_bonn_s_own_script_shows_is_an_upright_camera(tmp_path: Path) -> None:
    """``compute_global_transformation.py`` has one pose of the data set in it; T_g of it is what poses must become."""
    path = bonn(tmp_path / "rgbd_bonn_sequence", shots(1, KINECT))
    time = (path / "rgb.txt").read_text().split()[3]
    pose = "0.315971 -2.12211 1.36195 -0.222249 0.0102722 -0.298052 0.928259"
    (path / "groundtruth.txt").write_text(f"{time} {pose}\n")
    camera = imported("bonn", path).camera_to_world[0]
    t_0 = np.eye(4)
    t_0[:3, :3] = Rotation.from_quat([-0.222249, 0.0102722, -0.298052, 0.928259]).as_matrix()
    t_0[:3, 3] = 0.315971, -2.12211, 1.36195
    t_g = T_ROS @ t_0 @ T_ROS @ T_M
    np.testing.assert_allclose(camera[:3, 3], t_g[:3, 3], atol=1e-6)
    scale = np.cbrt(np.linalg.det(t_g[:3, :3]))
    np.testing.assert_allclose((camera @ files.FLIP)[:3, :3], t_g[:3, :3] / scale, atol=1e-4)
    assert camera[1, 1] > 0.97  # upright
    assert 1.3 < camera[1, 3] < 1.4  # held at this height


def test_sequences_of_freiburg3_have_their_own_intrinsics(tmp_path: Path) -> None:
    capture = imported("tum", files.tum(tmp_path / "rgbd_dataset_freiburg3_desk", shots(1, KINECT)))
    assert (capture.camera.fx, capture.camera.fy) == (535.4, 539.2)
    assert (capture.camera.cx, capture.camera.cy) == (320.6, 248.1)  # pixel centres at +0.5


def test_pictures_without_depth_or_pose_in_time_are_left_out_and_counted(tmp_path: Path) -> None:
    path = files.tum(tmp_path / "sequence", shots(4, KINECT))
    for name, line in (("depth", 1), ("groundtruth", 3)):
        lines = (path / f"{name}.txt").read_text().splitlines()
        del lines[line]
        (path / f"{name}.txt").write_text("\n".join(lines))
    capture = imported("tum", path)
    assert len(capture) == 2
    assert capture.provenance["left_out"] == {"no depth in time": 1, "no pose in time": 1}


def test_lines_of_a_tracker_that_lost_the_device_are_no_poses(tmp_path: Path) -> None:
    path = files.tum(tmp_path / "sequence", shots(3, KINECT))
    lines = (path / "groundtruth.txt").read_text().splitlines()
    lines[1] = lines[1].split()[0] + " nan nan nan 0 0 0 1"
    lines[3] = " ".join(lines[3].split()[:4]) + " 0 0 0 0"
    (path / "groundtruth.txt").write_text("\n".join(lines))
    assert imported("tum", path).provenance["left_out"] == {"no pose in time": 2}


def test_several_sequences_of_a_scene_are_one_capture(tmp_path: Path) -> None:
    taken = shots(5)
    files.seven_scenes(tmp_path / "scene" / "seq-02", taken[3:])
    files.seven_scenes(tmp_path / "scene" / "seq-01", taken[:3])
    (tmp_path / "scene" / "seq-01" / "camera-intrinsics.txt").rename(tmp_path / "scene" / "camera-intrinsics.txt")
    capture = imported("7scenes", tmp_path / "scene", up="y")
    assert capture.names[2:4] == ("seq-01/frame-000002", "seq-02/frame-000000")
    np.testing.assert_allclose(capture.camera_to_world, [s.camera_to_world for s in taken], atol=1e-6)


def test_frames_that_lost_tracking_are_left_out_and_counted(tmp_path: Path) -> None:
    path = files.scannet(tmp_path / "scene", shots(4))
    files.write_matrix(path / "pose" / "2.txt", np.full((4, 4), -np.inf))
    capture = imported("scannet", path)
    assert capture.names == ("0", "1", "3")
    assert capture.provenance["left_out"] == {"no pose (tracking was lost)": 1}


def test_frames_that_stand_still_exactly_are_one(tmp_path: Path) -> None:
    path = files.seven_scenes(tmp_path / "scene", shots(3))
    (path / "frame-000002.pose.txt").write_text((path / "frame-000001.pose.txt").read_text())
    assert imported("7scenes", path).provenance["left_out"] == {"pose as before": 1}


def test_depth_of_another_camera_is_registered(tmp_path: Path) -> None:
    colour, depth = Rig(64, 48, 50), Rig(160, 120, 70)
    depth_to_colour = np.eye(4)
    depth_to_colour[:3, 3] = 0.03, -0.01, 0.005
    path = files.scannet(tmp_path / "scene", shots(3, colour), colour)
    engine = files.RaycastEngine(files.the_room(), depth)
    for i, pose in enumerate(files.poses(3)):
        moved = pose @ files.FLIP @ depth_to_colour @ files.FLIP
        files.write_depth(path / "depth" / f"{i}.png", engine.render(moved)["depth"])
    files.write_scannet_intrinsics(path, colour, depth, depth_to_colour)
    capture = imported("scannet", path)
    seen, truth = capture.frames("depth").astype(int), np.stack([s.depth_mm for s in shots(3, colour)]).astype(int)
    assert (seen > 0).mean() > 0.95
    error = np.abs(seen - truth)[seen > 0]
    assert np.median(error) < 5
    assert (error < 30).mean() > 0.93  # outlines move by up to a pixel


@pytest.mark.parametrize("size", [(64, 48), (32, 24)])
def test_depth_in_npy_and_at_another_size_is_read(size: tuple[int, int], tmp_path: Path) -> None:
    taken = shots(2)
    path = files.nerfstudio(tmp_path / "scene", taken, depth_unit_scale_factor=1.0)
    content = json.loads((path / "transforms.json").read_text())
    for frame, shot in zip(content["frames"], taken, strict=True):
        step = 64 // size[0]
        metres = shot.depth_mm[step // 2 :: step, step // 2 :: step].astype(np.float32) / 1000
        frame["depth_file_path"] = frame["depth_file_path"].replace(".png", ".npy")
        np.save(path / frame["depth_file_path"], metres[..., None])
    (path / "transforms.json").write_text(json.dumps(content))
    depth = imported("nerfstudio", path).frames("depth")
    step = 64 // size[0]
    np.testing.assert_array_equal(
        depth[:, step // 2 :: step, step // 2 :: step],
        [s.depth_mm[step // 2 :: step, step // 2 :: step] for s in taken],
    )


def test_frames_with_a_lens_of_their_own_are_brought_to_one(tmp_path: Path) -> None:
    """Two frames from one place, the second zoomed in by a tenth: what both show must agree afterwards."""
    wide, narrow = Rig(64, 48, 60), Rig(64, 48, float(np.degrees(2 * np.arctan(np.tan(np.radians(30)) / 1.1))))
    path = files.nerfstudio(tmp_path / "scene", (shots(1, wide)[0], shots(2, narrow)[1]))
    content = json.loads((path / "transforms.json").read_text())
    content["frames"][1] |= {"fl_x": narrow.focal, "fl_y": narrow.focal}
    (path / "transforms.json").write_text(json.dumps(content))
    capture = imported("nerfstudio", path, up="y")
    assert capture.camera.fx == pytest.approx(narrow.focal)
    truth = shots(1, narrow)[0].depth_mm.astype(int)
    assert (np.abs(capture.frames("depth")[0].astype(int) - truth) < 40).mean() > 0.9
    np.testing.assert_array_equal(capture.frames("depth")[1], shots(2, narrow)[1].depth_mm)


def test_frames_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = files.nerfstudio(tmp_path / "scene", shots(12))
    content = json.loads((path / "transforms.json").read_text())
    for i, frame in enumerate(content["frames"]):
        renamed = f"images/{i}.png"
        (path / frame["file_path"]).rename(path / renamed)
        frame["file_path"] = "./" + renamed
    content["frames"].reverse()
    (path / "transforms.json").write_text(json.dumps(content))
    capture = imported("nerfstudio", path, up="y")
    assert capture.names == tuple(f"images/{i}.png" for i in range(12))
    np.testing.assert_array_equal(capture.frames("rgb"), [s.rgb for s in shots(12)])


def test_pictures_of_a_phone_may_be_larger_than_its_metadata_say(tmp_path: Path) -> None:
    pytest.importorskip("liblzfse")
    half = {"w": 32, "h": 24, "K": (0.5 * SMALL.intrinsics).T.ravel().tolist(), "dw": None, "dh": None}
    capture = imported("record3d", files.record3d(tmp_path, shots(2), **half))
    np.testing.assert_allclose(capture.camera.intrinsics, SMALL.intrinsics)
    np.testing.assert_array_equal(capture.frames("depth")[1][:, 16:], shots(2)[1].depth_mm[:, 16:])


def test_intrinsics_of_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    path = files.scannet(tmp_path / "scene", shots(2))
    files.write_scannet_intrinsics(path, Rig(256, 192, 60), SMALL)
    with pytest.raises(
        UserError, match=r"colour camera has its optical centre at \(128\.0, 96\.0\) .* Were they resized"
    ):
        imported("scannet", path)


def test_large_frames_are_stored_smaller_unless_asked_otherwise(tmp_path: Path) -> None:
    large = Rig(1296, 968, 58)
    path = files.scannet(tmp_path / "scene", shots(1, large), large)
    assert imported("scannet", path).arrays["rgb"].shape == (1, 478, 640, 3)
    assert imported("scannet", path, longest=2000, name="large").arrays["rgb"].shape == (1, 968, 1296, 3)


def test_autofocus_of_a_phone_is_taken_from_each_frame(tmp_path: Path) -> None:
    pytest.importorskip("liblzfse")
    focal = SMALL.focal
    own = [[focal, focal, 32.0, 24.0], [1.05 * focal, 1.05 * focal, 32.0, 24.0]]
    capture = imported("record3d", files.record3d(tmp_path, shots(2), perFrameIntrinsicCoeffs=own))
    assert capture.camera.fx == pytest.approx(1.05 * focal)
    np.testing.assert_allclose(capture.timestamps, [0, 1 / 60])


# What is wrong is named before anything is decoded


def without(*names: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove


def changed(name: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda folder: void((folder / name).write_bytes(content.encode() if isinstance(content, str) else content))


def void(_: object) -> None:
    return None


FAULTS: list[tuple[str, Callable[..., Path], Callable[[Path], None], str]] = [
    ("7scenes", files.seven_scenes, without("frame-000001.pose.txt"), r"1 files missing: frame-000001\.pose\.txt"),
    ("7scenes", files.seven_scenes, without("frame-000000.depth.png", "frame-000001.depth.png"), "2 files missing"),
    ("7scenes", files.seven_scenes, without("camera-intrinsics.txt"), "intrinsics are not known"),
    ("7scenes", files.seven_scenes, changed("frame-000000.pose.txt", "1 0 0"), "holds 3 numbers, not 4 × 4"),
    ("7scenes", files.seven_scenes, changed("frame-000001.pose.txt", "2 " * 15 + "1"), "has .* as its last row"),
    ("7scenes", files.seven_scenes, changed("frame-000001.color.png", b"\x89PNG"), "cannot be decoded"),
    (
        "scannet",
        files.scannet,
        without("intrinsic/intrinsic_depth.txt"),
        r"1 intrinsics missing: intrinsic/intrinsic_d",
    ),
    ("scannet", files.scannet, without("pose/1.txt"), r"1 files missing: pose/1\.txt"),
    ("scannet", files.nerfstudio, void, "no folder 'color' and not exactly one .sens"),
    ("nerfstudio", files.nerfstudio, without("depths/frame_00001.png"), r"1 files missing: depths/frame_00001\.png"),
    ("nerfstudio", files.scannet, void, "holds no transforms.json"),
    ("nerfstudio", files.nerfstudio, changed("transforms.json", '{"frames": []}'), "holds no pose"),
    ("tum", files.tum, without("depth.txt"), r"1 files missing: depth\.txt"),
    ("tum", files.tum, changed("rgb.txt", "one rgb/a.png"), "line 1: something is not a number"),
    ("tum", files.tum, changed("rgb.txt", "1.0 rgb/a.png"), r"1 listed pictures missing: rgb/a\.png"),
    ("tum", files.tum, changed("groundtruth.txt", "1 2 3 4"), "line 1: not a time, tx ty tz and a quaternion"),
    ("tum", files.tum, changed("groundtruth.txt", "7 0 0 0 0 0 0 1"), "none of the 2 pictures has a depth and a pose"),
    ("tum", files.tum, void, "has 64 × 48 pixels"),
    ("bonn", files.tum, without("groundtruth.txt"), r"1 files missing: groundtruth\.txt"),
]


@pytest.mark.parametrize(("format_name", "write", "spoil", "message"), FAULTS)
def test_a_fault_is_named_and_nothing_is_kept(
    format_name: str, write: Callable[..., Path], spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "download", shots(2))
    spoil(path)
    with pytest.raises(UserError, match=message):
        imported(format_name, path)
    assert not [file for file in (tmp_path / "home").rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera_model": "OPENCV_FISHEYE"}, "has a OPENCV_FISHEYE camera"),
        ({"k4": 0.1}, "k4 = 0.1"),
        ({"fl_x": None}, "intrinsics that are no numbers"),
    ],
)
def test_a_lens_that_is_not_known_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        imported("nerfstudio", files.nerfstudio(tmp_path / "scene", shots(1), **change))


def test_pictures_without_depth_are_no_capture(tmp_path: Path) -> None:
    path = files.nerfstudio(tmp_path / "scene", shots(2))
    content = json.loads((path / "transforms.json").read_text())
    del content["frames"][1]["depth_file_path"]
    (path / "transforms.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="frame 1 has no depth_file_path"):
        imported("nerfstudio", path)


@pytest.mark.parametrize(
    ("keep", "message"),
    [(2, "cut short"), (300, "cut short"), (-20, "it has 2 whole frames of 3")],
)
def test_a_sens_file_that_is_cut_short_is_refused(keep: int, message: str, tmp_path: Path) -> None:
    path = files.sens(tmp_path, shots(3))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=message):
        imported("scannet", path)


def test_a_recording_of_a_phone_that_lacks_a_frame_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("liblzfse")
    path = files.record3d(tmp_path, shots(2), poses=[[0, 0, 0, 1, 0, 0, i] for i in range(3)])
    with pytest.raises(UserError, match=r"2 files missing: rgbd/2\.jpg, rgbd/2\.depth\. There are 3 poses"):
        imported("record3d", path)
    (tmp_path / "not.r3d").write_bytes(b"PK")
    with pytest.raises(UserError, match="not a ZIP archive"):
        imported("record3d", tmp_path / "not.r3d")


def test_another_package_can_bring_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "third-1.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "third-1.dist-info" / "METADATA").write_text("Name: third\nVersion: 1\n")
    (tmp_path / "site" / "third-1.dist-info" / "entry_points.txt").write_text(
        "[tst_bench.capture_formats]\nthird = third_capture_format:read\n"
    )
    (tmp_path / "site" / "third_capture_format.py").write_text(
        "from sim_envs.captures.formats.seven_scenes import read_seven_scenes as read\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert len(imported("third", files.seven_scenes(tmp_path / "download", shots(2)))) == 2


def test_a_format_that_is_not_known_shows_those_that_are(tmp_path: Path, tst_bench: Command) -> None:
    code, _, err = tst_bench("import-capture", "--format", "7scene", str(tmp_path), "--name", "x")
    assert (code, "Did you mean 7scenes" in err) == (2, True)


@pytest.mark.parametrize("k1", [-0.25, 0.25])
def test_the_distortion_of_a_lens_is_undone_within_the_picture(k1: float, tmp_path: Path) -> None:
    """A straight edge, photographed with that lens, is straight again, and nothing black comes in at the border."""
    rig = Rig(256, 192, 70)
    columns, rows = np.meshgrid(np.arange(256.0), np.arange(192.0))
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2)
    x = cv2.undistortPoints(pixels, files.opencv_matrix(rig), np.array([k1, 0, 0, 0]))[:, 0, 0].reshape(192, 256)
    shot = Shot(
        np.repeat(np.where(x > 0.4, 50, 250).astype(np.uint8)[..., None], 3, -1), np.full((192, 256), 2000), np.eye(4)
    )
    capture = imported("nerfstudio", files.nerfstudio(tmp_path / "scene", (shot,), rig, k1=k1))
    assert np.ptp((shot.rgb[..., 0] > 150).sum(axis=1)) > 2
    picture = capture.frames("rgb")[0][..., 0]
    edge = (picture > 150).sum(axis=1)
    assert np.abs(edge - (capture.camera.cx + 0.4 * capture.camera.fx)).max() < 1.0
    assert picture.min() == 50
    assert (capture.frames("depth")[0] == 2000).all()
    assert "undistorted" in capture.provenance["conversions"]
