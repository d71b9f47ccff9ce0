"""Generating: what ``--frames`` means, the same bytes from any number of workers, and what goes wrong said well."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.generate import MAX_FRAMES, generate, record, split_counts
from sim_envs.recordings.reader import Recording
from sim_envs.recordings.verify import verify
from sim_envs.recordings.workers import RenderError
from sim_envs.sensors.edges import edges_from_rgb
from sim_envs.spaces.store import save_space
from sim_envs.trajectories import SPLITS as SPLIT_NAMES
from tests.sim_envs.recording_kit import TRAJECTORIES, contents, install_engine, recipe, room, start


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(room(), recipe(), home=tmp_path_factory.mktemp("home"))


# --- what --frames means


@given(st.integers(3, MAX_FRAMES), st.integers(1, 200))
def test_frames_are_dealt_out_with_a_few_to_spare(frames: int, frames_each: int) -> None:
    counts = split_counts(frames, frames_each)
    assert tuple(counts) == SPLIT_NAMES
    trajectories = sum(count for count, _ in counts.values())
    total = sum(count * each for count, each in counts.values())
    assert frames <= total < frames + trajectories
    assert all(count >= 1 and 1 <= each <= max(frames_each, 1) for count, each in counts.values())


@given(st.integers(2000, MAX_FRAMES))
def test_shares_are_80_5_and_15_percent_of_the_trajectories(frames: int) -> None:
    counts = {split: count for split, (count, _) in split_counts(frames).items()}
    total = sum(counts.values())
    np.testing.assert_allclose([counts[s] / total for s in SPLIT_NAMES], [0.8, 0.05, 0.15], atol=0.011)


def test_a_hundred_frames_are_five_trajectories_of_twenty() -> None:
    assert split_counts(100) == {"train": (3, 20), "val": (1, 20), "test": (1, 20)}


@pytest.mark.parametrize("frames", [-5, 0, 2, MAX_FRAMES + 1])
def test_a_frame_count_out_of_range_is_refused(frames: int) -> None:
    with pytest.raises(UserError, match=f"{frames} frames are out of range: 3 to 1,000,000"):
        split_counts(frames)


# --- what is rendered


def test_frames_are_what_the_engine_shows_from_the_recorded_poses(recording: Recording) -> None:
    engine = RaycastEngine(room(), recording.rig)
    for number in (0, 9, 23):
        frame = engine.render(recording.poses[number])
        frame["edges"] = edges_from_rgb(frame["rgb"])
        for name, values in frame.items():
            np.testing.assert_array_equal(recording.array(name)[number], values)


def test_two_workers_give_the_bytes_of_one(recording: Recording, tmp_path: Path) -> None:
    other = record(room(), recipe(), home=tmp_path, workers=2)
    assert contents(other.folder) == contents(recording.folder)


def test_generate_takes_a_space_by_its_id(tmp_path: Path) -> None:
    save_space(replace(room(), id="scan/room"), tmp_path / "spaces" / "scan" / "room")
    found = generate(recipe(space="scan/room"), home=tmp_path)
    assert found.folder.parent == tmp_path / "recordings" / "scan" / "room"
    assert verify(found.folder) == []


def test_progress_counts_frames_up_to_all_of_them(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    record(room(), recipe(), home=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 24)
    assert seen[-1] == (24, 24)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_the_log_keeps_what_differs_between_runs(recording: Recording) -> None:
    log = json.loads((recording.folder / "log.json").read_text())
    assert log["frames"] == log["frames_rendered_by_last_run"] == 24
    assert log["frames_per_second"] > 0


# --- poses from a file


def write_poses(path: Path, poses: np.ndarray) -> str:
    np.savetxt(path, poses.reshape(-1, 16))
    return str(path)


def test_poses_from_a_file_are_recorded_as_they_are(recording: Recording, tmp_path: Path) -> None:
    poses = write_poses(tmp_path / "poses.txt", recording.poses)
    found = record(room(), recipe(trajectories=poses), home=tmp_path)
    np.testing.assert_allclose(found.poses, recording.poses, atol=1e-12)
    assert found.meta.recipe["trajectories"].startswith("poses.txt sha256:")


def test_near_duplicates_in_a_pose_file_are_warned_of_and_kept_in_the_audit(
    recording: Recording, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    poses = write_poses(tmp_path / "poses.txt", np.tile(recording.poses[:4], (6, 1, 1)))
    found = record(room(), recipe(trajectories=poses), home=tmp_path)
    assert not found.meta.audit.passed
    assert found.meta.audit.test.near_duplicates == 8
    assert "8 of 8 test views are near-duplicates of train views" in capfd.readouterr().err


# --- what goes wrong


@pytest.mark.parametrize(
    ("changes", "workers", "message"),
    [
        ({"engine": "raycats"}, 1, "Unknown engine 'raycats'. Did you mean raycast"),
        ({"trajectories": "wlak"}, 1, "Did you mean walk"),
        ({}, 0, "0 workers are out of range: 1 to"),
        ({}, 1000, "1000 workers are out of range: 1 to"),
        ({"width": 2048, "height": 2048, "splits": {"train": (1000, 1000)}}, 1, "needs [0-9,]+ MB, and the disk"),
        ({"trajectories": __file__}, 1, "Known are a transforms.json"),
    ],
)
def test_wrong_input_is_refused_and_leaves_nothing_behind(
    changes: dict[str, object], workers: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        record(room(), recipe(**changes), home=tmp_path / "home", workers=workers)
    assert not list(tmp_path.glob("home/recordings/*"))


def test_an_unknown_space_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown space"):
        generate(recipe(space="builtin/flat-o1"), home=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_is_named_and_gets_its_room_back(tmp_path: Path) -> None:
    process = start(
        "import resource\n"
        "from sim_envs.errors import UserError\n"
        "from sim_envs.generate import record\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        f"try: record(room(), recipe(), home=Path({str(tmp_path)!r}))\n"
        "except UserError as error: print(error)\n"
    )
    output, errors = process.communicate(timeout=60)
    assert output.startswith("Cannot write "), errors
    assert "TST_BENCH_HOME" in output
    assert not list(tmp_path.glob("recordings/*"))


NO_DISK = "from sim_envs.errors import UserError\nraise UserError('No disk.')"
DEPTH_IN_METRES = "return (f := super().render(camera_to_world)) | {'depth': f['depth'] / 1000}"


@pytest.mark.parametrize(
    ("workers", "render", "kind", "message"),
    [
        (1, "1 / (self.frames - 6)", RenderError, "Rendering trajectory 1 failed: ZeroDivisionError"),
        (2, "1 / (self.frames - 6)", RenderError, "Rendering trajectory [0-5] failed: ZeroDivisionError"),
        (2, "self.frames == 6 and os.kill(os.getpid(), 9)", UserError, "killed by SIGKILL while rendering trajectory"),
        (2, "self.frames == 6 and os._exit(3)", UserError, "ended with exit code 3 while rendering trajectory"),
        (2, NO_DISK, UserError, "^No disk.$"),
        (1, DEPTH_IN_METRES, RenderError, "gave <f8\\(32, 32\\) for depth, not <u2"),
    ],
    ids=["raises here", "raises", "is killed", "exits", "tells the user", "gives another type"],
)
def test_a_failing_engine_is_reported_and_what_is_done_is_kept(
    workers: int,
    render: str,
    kind: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(install_engine(tmp_path / "site", render)))
    with pytest.raises(kind, match=message):
        record(room(), recipe("third"), home=tmp_path, workers=workers)
    done = len(list(tmp_path.glob("recordings/test/room/*.partial/done/*.json")))
    assert f"Failed: {done} of {TRAJECTORIES} trajectories are done and kept" in capfd.readouterr().err
