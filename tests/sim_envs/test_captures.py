"""Captures: kept whole or not at all, recorded like spaces, labelled by a scan; and the real frames of a kitchen."""

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
from scipy.spatial.transform import Rotation

from sim_envs.captures.capture import Capture
from sim_envs.captures.engine import CaptureEngine
from sim_envs.captures.importing import import_capture
from sim_envs.captures.source import load_capture
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.verify import verify
from sim_envs.rig import Rig
from sim_envs.sensors.normals import normals_from_depth
from sim_envs.spaces import load_place, load_space
from sim_envs.spaces.store import save_space
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
