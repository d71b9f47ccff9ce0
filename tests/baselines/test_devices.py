"""A batch in pieces: one after the other in one process, or on several processes, gives the same weights."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
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
from tests.baselines.pretraining_kit import CONFIG, of_row, write_frames

EXACT = replace(CONFIG, precision="float32", steps=6, log_every=3)
"""Without the rounding of bfloat16."""


ROWS = ("tst", "tst-dino", "tst-tokens")
"""One of each objective."""


@pytest.fixture(scope="module")
def undivided(planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return row of the zoo → folder of its run in one piece."""

    @cache
    def run(row: str) -> Path:
        folder = tmp_path_factory.mktemp(row)
        pretrain(of_row(row, EXACT), EXACT, [planes], folder, device="cpu")
        return folder

    return run


def require_same(folder: Path, other: Path) -> None:
    """Compare weights and logged losses up to rounding, which now and then makes another code of a patch."""
    mine, theirs = (load_file(f / "encoder.safetensors") for f in (folder, other))
    for name, value in theirs.items():
        torch.testing.assert_close(mine[name], value, rtol=1e-3, atol=2e-5, msg=lambda m, n=name: f"{n}: {m}")
    for row, other_row in zip(logged(folder), logged(other), strict=True):
        assert row == pytest.approx(other_row, rel=1e-3)


def logged(folder: Path) -> list[dict[str, float]]:
    """Read the log, without what tells of the frames of a part."""
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return [
            {
                name: float(value)
                for name, value in row.items()
                if name not in ("samples_per_second", "feature spread") and not name.endswith(" codes")
            }
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


@pytest.mark.parametrize(("row", "accumulate"), [(row, parts) for row in ROWS for parts in (2, 4)])
def test_parts_one_after_the_other_give_the_weights_of_the_whole(
    planes: SensedFrames, undivided: Callable[[str], Path], tmp_path: Path, row: str, accumulate: int
) -> None:
    config = replace(EXACT, accumulate=accumulate)
    pretrain(of_row(row, config), config, [planes], tmp_path, device="cpu")
    require_same(tmp_path, undivided(row))


def test_a_run_may_go_on_in_smaller_parts(
    planes: SensedFrames, undivided: Callable[[str], Path], tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    def stop(step: int, steps: int) -> None:
        if step == 4:
            raise Stop

    with pytest.raises(Stop):
        pretrain(of_row("tst", EXACT), EXACT, [planes], tmp_path, device="cpu", progress=stop)
    steps: list[int] = []
    smaller = replace(EXACT, accumulate=2)
    objective = of_row("tst", smaller)
    pretrain(objective, smaller, [planes], tmp_path, device="cpu", progress=lambda step, _: steps.append(step))
    assert steps == [5, 6]
    require_same(tmp_path, undivided("tst"))


LAUNCHED = """
import os, signal, sys
from pathlib import Path
from baselines.pretraining.loop import pretrain
from tests.baselines.pretraining_kit import of_row, read_frames
from tests.baselines.test_devices import EXACT

row, frames, folder, kill_at = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
kill = lambda step, steps: os.kill(os.getpid(), signal.SIGKILL) if step == kill_at else None
result = pretrain(of_row(row, EXACT), EXACT, [read_frames(frames)], folder, device="cpu", progress=kill)
os.write(1, f"processes {result.processes}\\n".encode())  # one write, so that no line of the other comes between
"""


def launch(row: str, planes: SensedFrames, folder: Path, kill_at: int = -1) -> subprocess.CompletedProcess[str]:
    """Run two processes as a user would start them."""
    script, frames = folder.with_name("launched.py"), folder.with_name("frames.npz")
    script.write_text(LAUNCHED, encoding="utf-8")
    write_frames(planes, frames)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.run(
        [*command, str(script), row, str(frames), str(folder), str(kill_at)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_are_continued_to_the_weights_of_one(
    planes: SensedFrames, undivided: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert launch("tst", planes, folder, kill_at=4).returncode != 0
    assert {file.name for file in folder.iterdir()} == {"checkpoint.pt", "log.csv"}
    require_same_files(launch("tst", planes, folder), folder, undivided("tst"))


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS[1:])
def test_two_processes_give_the_weights_of_one_whatever_is_learned(
    planes: SensedFrames, undivided: Callable[[str], Path], tmp_path: Path, row: str
) -> None:
    require_same_files(launch(row, planes, tmp_path / "run"), tmp_path / "run", undivided(row))


def require_same_files(done: subprocess.CompletedProcess[str], folder: Path, other: Path) -> None:
    """Compare what two processes left with what one did."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("processes 2") == 2
    assert {file.name for file in folder.iterdir()} == {file.name for file in other.iterdir()}
    require_same(folder, other)


def test_wrong_numbers_of_parts_are_refused() -> None:
    with pytest.raises(UserError, match="accumulate"):
        LoopConfig(accumulate=0)
