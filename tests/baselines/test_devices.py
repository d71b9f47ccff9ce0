"""A batch in pieces: one after the other in one process, or on several processes, gives the same weights."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from baselines.pretraining.config import LoopConfig
from baselines.pretraining.devices import parts_of
from baselines.pretraining.loop import pretrain
from sim_envs.errors import UserError
from sim_envs.recordings.sensed import SensedFrames
from tests.baselines.pretraining_kit import CONFIG, masked, write_frames

EXACT = replace(CONFIG, precision="float32", steps=6, log_every=3)
"""Without the rounding of bfloat16."""


@pytest.fixture(scope="module")
def undivided(planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undivided")
    pretrain(masked(), EXACT, [planes], folder, device="cpu")
    return folder


def require_same(folder: Path, other: Path) -> None:
    """Compare weights and logged losses up to rounding."""
    mine, theirs = (load_file(f / "encoder.safetensors") for f in (folder, other))
    for name, value in theirs.items():
        torch.testing.assert_close(mine[name], value, rtol=1e-3, atol=2e-5, msg=lambda m, n=name: f"{n}: {m}")
    for row, other_row in zip(logged(folder), logged(other), strict=True):
        assert row == pytest.approx(other_row, rel=1e-4)


def logged(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if name != "samples_per_second"}
            for row in csv.DictReader(file)
        ]


@given(processes=st.integers(1, 8), accumulate=st.integers(1, 8), size=st.integers(1, 5))
def test_the_parts_of_all_processes_are_the_batch(processes: int, accumulate: int, size: int) -> None:
    batch = processes * accumulate * size
    parts = [part for rank in range(processes) for part in parts_of(batch, processes, accumulate, rank)]
    assert [row for part in parts for row in range(batch)[part]] == list(range(batch))
    assert {part.stop - part.start for part in parts} == {size}


def test_a_batch_that_cannot_be_divided_equally_is_refused_with_a_number_that_can() -> None:
    with pytest.raises(UserError, match=r"64 frames cannot be divided equally among 3 processes × 2 parts.* 4 in all"):
        parts_of(64, 3, 2, 0)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_parts_one_after_the_other_give_the_weights_of_the_whole(
    planes: SensedFrames, undivided: Path, tmp_path: Path, accumulate: int
) -> None:
    pretrain(masked(), replace(EXACT, accumulate=accumulate), [planes], tmp_path, device="cpu")
    require_same(tmp_path, undivided)


def test_a_run_may_go_on_in_smaller_parts(planes: SensedFrames, undivided: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(step: int, steps: int) -> None:
        if step == 4:
            raise Stop

    with pytest.raises(Stop):
        pretrain(masked(), EXACT, [planes], tmp_path, device="cpu", progress=stop)
    steps: list[int] = []
    smaller = replace(EXACT, accumulate=2)
    pretrain(masked(), smaller, [planes], tmp_path, device="cpu", progress=lambda step, _: steps.append(step))
    assert steps == [5, 6]
    require_same(tmp_path, undivided)


LAUNCHED = """
import os, signal, sys
from pathlib import Path
from baselines.pretraining.loop import pretrain
from tests.baselines.pretraining_kit import masked, read_frames
from tests.baselines.test_devices import EXACT

frames, folder, kill_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
kill = lambda step, steps: os.kill(os.getpid(), signal.SIGKILL) if step == kill_at else None
result = pretrain(masked(), EXACT, [read_frames(frames)], folder, device="cpu", progress=kill)
print("processes", result.processes)
"""


def launch(frames: Path, folder: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    """Run two processes as a user would start them."""
    script = frames.with_name("launched.py")
    script.write_text(LAUNCHED, encoding="utf-8")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.run(
        [*command, str(script), str(frames), str(folder), str(kill_at)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_are_continued_to_the_weights_of_one(
    planes: SensedFrames, undivided: Path, tmp_path: Path
) -> None:
    frames, folder = tmp_path / "frames.npz", tmp_path / "run"
    write_frames(planes, frames)
    assert launch(frames, folder, kill_at=4).returncode != 0
    assert {file.name for file in folder.iterdir()} == {"checkpoint.pt", "log.csv"}
    done = launch(frames, folder, kill_at=-1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("processes 2") == 2
    assert {file.name for file in folder.iterdir()} == {file.name for file in undivided.iterdir()}
    require_same(folder, undivided)


def test_wrong_numbers_of_parts_are_refused() -> None:
    with pytest.raises(UserError, match="accumulate"):
        LoopConfig(accumulate=0)
