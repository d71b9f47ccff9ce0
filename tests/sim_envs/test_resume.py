"""Whatever ends a run, the same command continues it and leaves the bytes of an undisturbed run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim_envs.generate import record
from sim_envs.recordings.reader import Recording, list_recordings
from sim_envs.recordings.verify import verify
from tests.sim_envs.recording_kit import contents, generating, install_engine, recipe, room, start

PACE = 0.1  # seconds a frame takes in runs that are to be interrupted


@pytest.fixture(scope="module")
def slow_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an engine that can be slowed down, so that there is a middle to interrupt."""
    return install_engine(tmp_path_factory.mktemp("installed") / "site", "time.sleep(float(os.environ.get('PACE', 0)))")


@pytest.fixture(autouse=True)
def _third_engine_installed(slow_engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(slow_engine))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, slow_engine: Path) -> dict[str, bytes]:
    """The files of a run that nothing interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(slow_engine))
        return run_again(tmp_path_factory.mktemp("undisturbed"))


def run_again(home: Path) -> dict[str, bytes]:
    """Give the same command in another process, this one, and return what it leaves."""
    return contents(record(room(), recipe("third"), home=home).folder)


def the_recording(home: Path, suffix: str = "") -> Path:
    (folder,) = (f for f in home.glob("recordings/test/room/*") if f.is_dir())
    assert folder.suffix == suffix
    return folder


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Poll until something holds; fail when the process ends before."""
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def gone(group: int) -> bool:
    """Return whether every process of a group ends within ten seconds."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def done_count(home: Path) -> int:
    return len(list(home.glob("recordings/test/room/*.partial/done/*.json")))


@pytest.mark.parametrize("moment", ["room set aside", "first trajectory done", "most trajectories done"])
def test_a_run_killed_with_its_workers_continues_to_the_same_bytes(
    moment: str, tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes]
) -> None:
    process = start(generating(tmp_path, 2, "third"), slow_engine)
    reached = {
        "room set aside": lambda: any(tmp_path.glob("recordings/test/room/*.partial/rgb.npy")),
        "first trajectory done": lambda: done_count(tmp_path) >= 1,
        "most trajectories done": lambda: done_count(tmp_path) >= 4,
    }[moment]
    wait_until(reached, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    partial = the_recording(tmp_path, ".partial")
    kept = {path.name: path.stat().st_mtime_ns for path in (partial / "done").glob("*.json")}

    assert run_again(tmp_path) == undisturbed
    log = (the_recording(tmp_path) / "log.json").read_text()
    assert f'"frames_rendered_by_last_run": {24 - 4 * len(kept)}' in log


def test_workers_end_when_their_parent_is_killed(tmp_path: Path, slow_engine: Path) -> None:
    process = start(generating(tmp_path, 2, "third"), slow_engine, pace=PACE)
    wait_until(lambda: done_count(tmp_path) >= 1, process)
    process.kill()
    process.communicate(timeout=30)  # returns only when nobody holds the pipes any more

    assert gone(process.pid)


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(
    workers: int, tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes]
) -> None:
    process = start(generating(tmp_path, workers, "third"), slow_engine, pace=PACE)
    wait_until(lambda: done_count(tmp_path) >= 2, process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert "of 6 trajectories are done and kept" in errors
    assert "The same command continues." in errors
    assert errors.count("Traceback") == 1  # the caller's own; no worker adds another
    assert run_again(tmp_path) == undisturbed


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory: pytest.TempPathFactory, slow_engine: Path) -> Path:
    """The data home of a run that was killed with some trajectories done."""
    home = tmp_path_factory.mktemp("killed")
    process = start(generating(home, 1, "third"), slow_engine, pace=PACE)
    wait_until(lambda: done_count(home) >= 3, process)
    process.kill()
    process.communicate()
    return home


@pytest.fixture
def finished(tmp_path: Path) -> Recording:
    """A recording by the engine that comes with the package."""
    return record(room(), recipe(), home=tmp_path)


@pytest.fixture
def half_done(tmp_path: Path, killed_run: Path) -> Path:
    """A copy of what the killed run left; its ``.partial`` folder."""
    shutil.copytree(killed_run, tmp_path, dirs_exist_ok=True)
    return the_recording(tmp_path, ".partial")


def test_a_trajectory_whose_bytes_are_not_those_of_its_marker_is_rendered_again(
    half_done: Path, tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes]
) -> None:
    with (half_done / "depth.npy").open("rb+") as file:
        file.seek(128 + 100)
        file.write(b"lost")
    assert run_again(tmp_path) == undisturbed


@pytest.mark.parametrize("what", ["rgb.npy", "plan.npz", "done/0.json"])
@pytest.mark.parametrize("how", ["cut short", "lost"])
def test_working_files_that_a_crash_spoilt_are_made_anew(
    what: str, how: str, half_done: Path, tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes]
) -> None:
    if how == "lost":
        (half_done / what).unlink()
    else:
        os.truncate(half_done / what, 50)
    assert run_again(tmp_path) == undisturbed


def test_a_run_killed_between_meta_json_and_the_final_name_only_has_to_be_renamed(
    finished: Recording, tmp_path: Path
) -> None:
    before = contents(finished.folder)
    partial = finished.folder.with_name(finished.folder.name + ".partial")
    finished.folder.rename(partial)
    (partial / "done").mkdir()
    (partial / "plan.npz").write_bytes(b"no longer needed")
    (partial / ".meta.json.123.part").write_text("left by a kill")

    again = record(room(), recipe(), home=tmp_path)
    assert contents(again.folder) == before
    assert verify(again.folder) == []


def test_poses_planned_with_other_library_versions_are_planned_anew(
    half_done: Path, tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes]
) -> None:
    with np.load(half_done / "plan.npz") as plan:
        arrays = dict(plan)
    arrays["libraries"] = np.array('{"numpy": "0.1"}')
    arrays["poses"] += 1
    np.savez(half_done / "plan.npz", **arrays)
    assert run_again(tmp_path) == undisturbed


def test_two_runs_at_once_make_one_recording(
    tmp_path: Path, slow_engine: Path, undisturbed: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    first = start(generating(tmp_path, 1, "third"), slow_engine, pace=PACE)
    wait_until(lambda: done_count(tmp_path) >= 1, first)
    assert run_again(tmp_path) == undisturbed
    first.communicate()
    assert f"Process {first.pid} is making this recording; waiting for it." in capfd.readouterr().err
    assert sorted(path.name for path in the_recording(tmp_path).parent.iterdir()) == [the_recording(tmp_path).name]


def test_a_finished_recording_is_not_touched_again(finished: Recording, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    again = record(room(), recipe(), home=tmp_path)
    assert again.folder == finished.folder
    assert {path: path.stat().st_mtime_ns for path in again.folder.iterdir()} == before


def test_nothing_is_taken_for_a_recording_before_it_is_whole(half_done: Path) -> None:
    (half_done / "meta.json").write_text("{}")
    assert list_recordings(half_done.parents[3]) == []
