"""Frames per second from poses to a finished recording on disk, every modality, and of reading it back.

Run by ``make bench``. ``extra_info`` holds the frames per second while rendering (worker start-up, digests and
writing within), and over the whole of ``record``, which also allocates, checks and publishes. Planning is left out:
the poses come from a file.
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim_envs.generate import record
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.trajectories.plan import plan_trajectories

TRAJECTORIES, FRAMES_EACH = 10, 20
BATCH = 64


@pytest.fixture(scope="module")
def pose_file(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plan once, for every size and number of workers."""
    planned = plan_trajectories(space, Rig(), "auto", {"train": (TRAJECTORIES, FRAMES_EACH)}, seed=0)
    path = tmp_path_factory.mktemp("poses") / "poses.txt"
    np.savetxt(path, np.concatenate([t.camera_to_world for t in planned]).reshape(-1, 16))
    return path


def recipe(space: Space, size: int, pose_file: Path) -> Recipe:
    """Return the recipe of all the planned frames."""
    splits = {"train": (TRAJECTORIES, FRAMES_EACH)}
    return Recipe(space=space.id, width=size, height=size, trajectories=str(pose_file), splits=splits)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("size", [128, 256])
def test_generate_to_disk(
    benchmark: Any, space: Space, pose_file: Path, size: int, workers: int, tmp_path: Path
) -> None:
    """Record all frames into a new data home a round."""
    rounds = count()
    recordings: list[Recording] = []

    def generate() -> None:
        home = tmp_path / str(next(rounds))
        recordings.append(record(space, recipe(space, size, pose_file), home=home, workers=workers))

    benchmark.pedantic(generate, rounds=2)
    logs = [json.loads((recording.folder / "log.json").read_text()) for recording in recordings]
    frames = TRAJECTORIES * FRAMES_EACH
    benchmark.extra_info |= {
        "space": space.id,
        "size": size,
        "workers": workers,
        "frames_per_second_rendering": float(np.median([log["frames_per_second"] for log in logs])),
        "frames_per_second_overall": round(frames / benchmark.stats.stats.median, 1),
    }
    assert all(len(recording) == frames for recording in recordings)


@pytest.fixture(scope="module")
def recording(space: Space, pose_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return a recording at 256²."""
    home = tmp_path_factory.mktemp("read")
    return record(space, recipe(space, 256, pose_file), home=home)


def test_open_recording(benchmark: Any, recording: Recording) -> None:
    """Open it, with all the checks that opening does."""
    benchmark(Recording.open, recording.folder)
    benchmark.extra_info |= {"frames": len(recording)}


def test_read_random_batches(benchmark: Any, recording: Recording) -> None:
    """Read batches of random frames of the four sensed modalities at 256², from memory already warm."""
    sensed = recording.sensed("train")
    rng = np.random.default_rng(0)

    def read() -> int:
        rows = rng.integers(0, len(sensed), BATCH)
        return sum(sensed.get(name, rows).nbytes for name in sensed.modalities)

    size = benchmark(read)
    benchmark.extra_info |= {
        "frames_per_second": round(BATCH / benchmark.stats.stats.median),
        "gigabytes_per_second": round(size / benchmark.stats.stats.median / 1e9, 2),
    }
