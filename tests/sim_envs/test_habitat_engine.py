"""The engine ``habitat`` with the real habitat-sim; skipped where no interpreter has it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sim_envs.engines import ENGINES
from sim_envs.engines.compare import compare_engines
from sim_envs.engines.habitat import FRAMES_A_REQUEST, HabitatEngine
from sim_envs.engines.raycast import RaycastEngine
from sim_envs.errors import UserError
from sim_envs.generate import record
from sim_envs.habitat.interpreter import habitat_versions
from sim_envs.modalities import MODALITIES, RENDERED
from sim_envs.recordings.reader import Recording
from sim_envs.recordings.verify import verify
from sim_envs.rig import Rig
from tests.sim_envs.habitat_scene import RIG, cameras, tiny_room
from tests.sim_envs.make_habitat_reference import FRAMES, bare_frames
from tests.sim_envs.recording_kit import contents, ended, recipe, room, start


@pytest.fixture(scope="module", autouse=True)
def _habitat() -> None:
    try:
        habitat_versions()
    except UserError as error:
        pytest.skip(str(error).partition(".")[0])


@pytest.fixture(scope="module")
def engine() -> Iterator[HabitatEngine]:
    opened = HabitatEngine(tiny_room(), RIG)
    yield opened
    opened.close()


def test_frames_have_the_stored_types_of_the_table(engine: HabitatEngine) -> None:
    frame = engine.render(cameras()[0])
    assert set(frame) == set(RENDERED)
    for name, values in frame.items():
        assert values.dtype == MODALITIES[name].dtype
        assert values.shape == MODALITIES[name].frame_shape(RIG.height, RIG.width)
        assert values.flags.c_contiguous


def test_frames_are_those_of_a_bare_habitat_loop(engine: HabitatEngine, tmp_path: Path) -> None:
    """The loop shares no code with the engine but the scene files; its pose conversion rounds in float32."""
    poses = np.concatenate([cameras()] * 3)[: 2 * FRAMES_A_REQUEST + 1]
    bare = bare_frames(tiny_room(), RIG, poses, tmp_path)
    frames = list(engine.render_many(poses))
    assert len(frames) == len(poses)
    for i, frame in enumerate(frames):
        assert (frame["instance"] == bare["ids"][i]).mean() > 0.999
        assert (frame["rgb"] == bare["rgb"][i]).mean() > 0.999
        # 0.5 mm of rounding, and what a rounded pose moves
        assert np.quantile(np.abs(frame["depth"] - bare["depth_m"][i] * 1000.0), 0.999) < 0.7


def test_the_reference_frames_still_are_what_habitat_gives(engine: HabitatEngine) -> None:
    with np.load(FRAMES) as reference:
        ids, rgb = reference["ids"], reference["rgb"]
    frames = list(engine.render_many(cameras()))
    assert np.mean([frame["instance"] for frame in frames] == ids) > 0.999
    assert np.mean(np.abs(np.stack([frame["rgb"] for frame in frames]).astype(int) - rgb) <= 1) > 0.999


def test_it_agrees_with_the_ray_caster(engine: HabitatEngine) -> None:
    comparison, _, _ = compare_engines(tiny_room(), Rig(160, 120, 80), cameras(), ("raycast", "habitat"))
    assert comparison.agreement.shortfalls() == []
    assert comparison.agreement.ids_equal == 1
    assert comparison.agreement.depth_one_sided < 1e-3
    assert comparison.agreement.normals_near > 0.97
    assert comparison.runs[1].renderer


@pytest.mark.parametrize("rig", [Rig(32, 32, 150), Rig(200, 40, 30), Rig(640, 480, 90)], ids=repr)
def test_any_rig_is_rendered_as_by_the_ray_caster(rig: Rig) -> None:
    comparison, _, _ = compare_engines(tiny_room(), rig, cameras(), ("raycast", "habitat"))
    agreement = comparison.agreement
    assert agreement.ids_equal is not None
    assert agreement.ids_equal > 0.995
    assert agreement.depth_median_mm <= 1


def test_poses_rendered_one_by_one_or_ahead_are_the_same_bytes(engine: HabitatEngine) -> None:
    poses = np.concatenate([cameras()] * 3)
    alone = [engine.render(pose) for pose in poses]
    for one, ahead in zip(alone, engine.render_many(poses), strict=True):
        assert all(np.array_equal(one[name], ahead[name]) for name in one)


def test_leaving_a_trajectory_early_does_not_disturb_the_next(engine: HabitatEngine) -> None:
    expected = [frame["depth"] for frame in engine.render_many(cameras())]
    for _ in engine.render_many(np.concatenate([cameras()[::-1]] * 5)):
        break
    assert all(
        np.array_equal(frame["depth"], depth)
        for frame, depth in zip(engine.render_many(cameras()), expected, strict=True)
    )


def test_depth_ends_where_its_millimetres_do() -> None:
    space = tiny_room()
    wide = type(space)(**{**vars(space), "vertices": (space.vertices * 40).astype(np.float32)})
    pose = cameras()[0].copy()
    pose[:3, 3] *= 40
    engine = HabitatEngine(wide, RIG)
    frame, expected = engine.render(pose), RaycastEngine(wide, RIG).render(pose)
    engine.close()
    assert 0.02 < (frame["depth"] == 0).mean() < 0.98
    assert frame["depth"].max() > 60_000
    assert ((frame["depth"] == 0) == (expected["depth"] == 0)).mean() > 0.995
    for name in ("rgb", "instance", "semantic"):
        assert not frame[name][frame["depth"] == 0].any()


def test_the_engine_is_killed_in_mid_trajectory_and_the_frames_are_the_same(
    engine: HabitatEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    poses = np.concatenate([cameras()] * 6)
    expected = list(engine.render_many(poses))
    victim, found = HabitatEngine(tiny_room(), RIG), []
    for frame in victim.render_many(poses):
        found.append(frame)
        if len(found) == 7:
            os.kill(victim.pid, signal.SIGKILL)
    victim.close()
    assert "was killed by SIGKILL" in capfd.readouterr().err
    assert len(found) == len(expected)
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(found, expected, strict=True) for name in a)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(room(), recipe("habitat"), home=tmp_path_factory.mktemp("undisturbed"))


def test_a_recording_says_what_rendered_it_and_is_whole(recording: Recording) -> None:
    meta = json.loads((recording.folder / "meta.json").read_text())
    assert meta["engine"] == {"name": "habitat", "version": ENGINES["habitat"].version}
    assert meta["libraries"]["habitat-sim"] == habitat_versions().habitat_sim
    assert verify(recording.folder) == []


def test_several_workers_give_the_same_bytes(recording: Recording, tmp_path: Path) -> None:
    again = record(room(), recipe("habitat"), home=tmp_path, workers=2)
    assert contents(again.folder) == contents(recording.folder)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_run_whose_habitat_is_killed_goes_on_and_one_that_is_killed_is_continued(
    recording: Recording, tmp_path: Path
) -> None:
    """First habitat-sim is killed under the run, then the run itself; what they leave has the same bytes."""
    code = (
        "from sim_envs.generate import record\nimport time\n"
        f"record(room(), recipe('habitat'), home=Path({str(tmp_path)!r}), "
        "progress=lambda done, total: time.sleep(0.1))\n"
    )
    process = start(code)
    deadline, killed = time.monotonic() + 60, False
    while len(list(tmp_path.glob("recordings/test/room/*.partial/done/*.json"))) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        if not killed and list(tmp_path.glob("recordings/test/room/*.partial/done/*.json")):
            for child in children(process.pid):
                if b"host.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(child, signal.SIGKILL)
                    killed = True
        time.sleep(0.02)
    helpers = children(process.pid)
    process.kill()
    _, errors = process.communicate()
    assert killed
    assert "Starting it again." in errors
    assert contents(record(room(), recipe("habitat"), home=tmp_path).folder) == contents(recording.folder)
    assert all(map(ended, helpers))
