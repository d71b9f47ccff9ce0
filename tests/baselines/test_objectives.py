"""Every objective of the table goes through the loop: it learns, repeats to the bit, and survives being stopped."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.encoder import EncoderConfig, build_encoder, load_encoder
from baselines.objectives import OBJECTIVES
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import pretrain
from baselines.pretraining.result import PretrainResult
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.recordings.sensed import SensedFrames

ROWS = ["tst-dino", "tst-tokens"]
LOOP = LoopConfig(steps=8, batch=8, log_every=4, checkpoint_seconds=0)


class Stop(Exception):
    """Stands for whatever ends a process between two steps."""


def run(
    row: str, shape: EncoderConfig, planes: SensedFrames, folder: Path, *, loop: LoopConfig = LOOP, stop: int = 0
) -> PretrainResult:
    def progress(step: int, steps: int) -> None:
        if step == stop:
            raise Stop

    model = ZOO[row]
    objective = OBJECTIVES[model.objective](model, shape, loop, None)
    return pretrain(objective, loop, [planes], folder, device="cpu", progress=progress)


def log_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=ROWS)
def row(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(
    row: str, small_shape: EncoderConfig, planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp(row)
    run(row, small_shape, planes, folder)
    return folder


def test_a_run_leaves_an_encoder_that_has_moved_a_log_and_a_picture(
    undisturbed: Path, small_shape: EncoderConfig
) -> None:
    encoder, shape = load_encoder(undisturbed / "encoder.safetensors")
    assert shape == small_shape
    assert not torch.equal(encoder.pos_embed, build_encoder(small_shape).pos_embed)
    rows = log_rows(undisturbed)
    assert [line["step"] for line in rows] == ["4", "8"]
    assert all(np.isfinite(float(value)) for line in rows for value in line.values())
    assert np.asarray(Image.open(undisturbed / "reconstructions.png")).std() > 10


@pytest.mark.parametrize("stop", [1, 5])
def test_a_run_that_was_stopped_continues_to_the_same_bytes(
    row: str, small_shape: EncoderConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path, stop: int
) -> None:
    with pytest.raises(Stop):
        run(row, small_shape, planes, tmp_path, stop=stop)
    run(row, small_shape, planes, tmp_path)
    name = "encoder.safetensors"
    assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()
    first, again = ([{**line, "samples_per_second": ""} for line in log_rows(f)] for f in (undisturbed, tmp_path))
    assert first == again


def test_another_seed_gives_other_weights(
    row: str, small_shape: EncoderConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    run(row, small_shape, planes, tmp_path, loop=replace(LOOP, seed=1))
    name = "encoder.safetensors"
    assert (tmp_path / name).read_bytes() != (undisturbed / name).read_bytes()


def test_self_distillation_begins_at_random_and_with_rgb_alone(small_shape: EncoderConfig) -> None:
    with pytest.raises(UserError, match="RGB alone"):
        OBJECTIVES["self-distillation"](ZOO["tst"], small_shape, LOOP, None)


def test_what_a_result_says_of_a_run_is_what_was_logged_last(
    small_shape: EncoderConfig, planes: SensedFrames, tmp_path: Path
) -> None:
    result = run("tst-dino", small_shape, planes, tmp_path)
    last = log_rows(tmp_path)[-1]
    assert set(result.losses) == {"teacher entropy", "feature spread"}
    assert all(float(last[name]) == pytest.approx(value, rel=1e-4) for name, value in result.losses.items())
    assert result.gigaflops_per_step > 0
