"""Pre-training: it learns, it repeats to the bit, it survives being killed, and it never sees a label."""

from __future__ import annotations

import csv
import itertools
import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.batches import FramePool
from baselines.encoder import EncoderConfig, build_encoder, load_encoder
from baselines.optim import adamw, cosine_lr, parameter_groups
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.loop import NonFiniteLoss, Progress, pretrain
from baselines.pretraining.result import PretrainResult
from baselines.tst.adapters import cut
from baselines.tst.config import MaskedConfig
from baselines.tst.masking import sample_masks
from baselines.tst.model import DecoderConfig, MaskedModel
from baselines.tst.objective import objective
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames
from tests.baselines.pretraining_kit import CONFIG, SHAPE, masked, write_frames


class Stop(Exception):
    """Stands for whatever ends a process between two steps."""


def train(
    frames: list[SensedFrames],
    folder: Path,
    config: LoopConfig = CONFIG,
    modalities: tuple[str, ...] = SENSED,
    progress: Progress | None = None,
) -> PretrainResult:
    return pretrain(masked(modalities, config.seed), config, frames, folder, device="cpu", progress=progress)


@pytest.fixture(scope="module")
def undisturbed(planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    train([planes], folder)
    return folder


def log_rows(folder: Path) -> list[dict[str, str]]:
    """Return the log without its timings."""
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k != "samples_per_second"} for row in csv.DictReader(file)]


def weights(folder: Path) -> bytes:
    return (folder / "encoder.safetensors").read_bytes()


def test_a_run_leaves_an_encoder_a_log_a_checkpoint_and_a_picture(
    undisturbed: Path, small_shape: EncoderConfig
) -> None:
    names = {file.name for file in undisturbed.iterdir()}
    assert names == {"encoder.safetensors", "encoder.json", "log.csv", "checkpoint.pt", "reconstructions.png"}
    encoder, shape = load_encoder(undisturbed / "encoder.safetensors")
    assert shape == small_shape
    assert not torch.equal(encoder.pos_embed, build_encoder(small_shape).pos_embed)
    assert [row["step"] for row in log_rows(undisturbed)] == ["4", "8", "12"]


def test_the_same_seed_gives_the_same_bytes(planes: SensedFrames, undisturbed: Path, tmp_path: Path) -> None:
    train([planes], tmp_path / "again")
    train([planes], tmp_path / "other", replace(CONFIG, seed=1))
    assert weights(tmp_path / "again") == weights(undisturbed)
    assert log_rows(tmp_path / "again") == log_rows(undisturbed)
    assert weights(tmp_path / "other") != weights(undisturbed)


@pytest.mark.parametrize("stop_at", [1, 4, 6, 11])
def test_a_run_that_was_stopped_continues_to_the_same_bytes(
    planes: SensedFrames, undisturbed: Path, tmp_path: Path, stop_at: int
) -> None:
    def stop(step: int, steps: int) -> None:
        if step == stop_at:
            raise Stop

    with pytest.raises(Stop):
        train([planes], tmp_path, progress=stop)
    steps: list[int] = []
    train([planes], tmp_path, progress=lambda step, _: steps.append(step))
    assert steps == list(range(stop_at + 1, 13))
    assert weights(tmp_path) == weights(undisturbed)
    assert log_rows(tmp_path) == log_rows(undisturbed)


def test_a_run_stopped_before_its_first_checkpoint_starts_again(
    planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    def stop(step: int, steps: int) -> None:
        if step == 7:
            raise Stop

    with pytest.raises(Stop):
        train([planes], tmp_path, replace(CONFIG, checkpoint_seconds=1000), progress=stop)
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]
    train([planes], tmp_path)
    assert weights(tmp_path) == weights(undisturbed)
    assert log_rows(tmp_path) == log_rows(undisturbed)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.baselines.pretraining_kit import CONFIG, masked, read_frames
from baselines.pretraining.loop import pretrain

kill = lambda step, steps: os.kill(os.getpid(), signal.SIGKILL) if step == 7 else None
frames = read_frames(Path(sys.argv[1]))
pretrain(masked(), CONFIG, [frames], Path(sys.argv[2]), device="cpu", progress=kill)
"""


def test_a_killed_process_is_continued_by_another_to_the_same_bytes(
    planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    write_frames(planes, tmp_path / "frames.npz")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "frames.npz"), str(tmp_path / "run")]
    outcome = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert outcome.returncode == -9
    assert [row["step"] for row in log_rows(tmp_path / "run")] == ["4"]
    train([planes], tmp_path / "run")
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert log_rows(tmp_path / "run") == log_rows(undisturbed)


def test_a_finished_run_is_not_trained_again(planes: SensedFrames, undisturbed: Path) -> None:
    before = weights(undisturbed)
    result = train([planes], undisturbed, progress=lambda *_: pytest.fail("trained again"))
    assert weights(undisturbed) == before
    assert result.steps == 12


def test_another_configuration_does_not_continue_a_folder(planes: SensedFrames, undisturbed: Path) -> None:
    with pytest.raises(UserError, match="another configuration or other frames"):
        train([planes], undisturbed, replace(CONFIG, lr=1e-4))
    with pytest.raises(UserError, match="another configuration or other frames"):
        train([planes, planes], undisturbed)


def test_the_result_is_plain_json_and_adds_up(planes: SensedFrames, tmp_path: Path) -> None:
    result = train([planes], tmp_path)
    assert json.loads(json.dumps(asdict(result), allow_nan=False)) == asdict(result)
    assert result.samples_per_second == pytest.approx(12 * 8 / result.seconds)
    assert set(result.losses) == set(SENSED)
    assert result.encoder_parameters == sum(p.numel() for p in build_encoder(SHAPE).parameters())
    assert 0.01 < result.gigaflops_per_step < 1


def test_a_small_batch_is_learned_by_heart(planes: SensedFrames, small_shape: EncoderConfig) -> None:
    model = MaskedModel(small_shape, SENSED, DecoderConfig(width=48, heads=2))
    plan = MaskedConfig(encoder=small_shape, decode_share=1.0).mask_plan()
    patches = cut(FramePool([planes], SENSED, 32).batch(np.arange(2), torch.device("cpu")), 8)
    masks = sample_masks(np.random.default_rng(0), 2, plan)
    optimiser = adamw(model, lr=5e-3, weight_decay=0.0)
    totals = []
    for _ in range(200):
        losses = objective(model(patches, masks), patches, masks, {})
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        totals.append(float(losses.total.detach()))
    assert totals[-1] < totals[0] / 5


@pytest.mark.parametrize("modalities", [("rgb",), SENSED])
def test_the_loss_falls_on_new_masks_and_frames(
    planes: SensedFrames, tmp_path: Path, modalities: tuple[str, ...]
) -> None:
    longer = replace(CONFIG, steps=40, log_every=5, checkpoint_seconds=1000)
    train([planes], tmp_path, longer, modalities)
    losses = [float(row["loss"]) for row in log_rows(tmp_path)]
    assert losses[-1] < 0.9 * losses[0]


def test_a_loss_that_is_no_number_names_the_step_and_the_frames(planes: SensedFrames, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLoss, match=r"at step \d+.*\(source:frame\) 0:\d+"):
        train([planes], tmp_path, replace(CONFIG, lr=1e30, steps=50))
    assert not (tmp_path / "encoder.safetensors").exists()


@pytest.mark.parametrize("label", ["semantic", "instance"])
def test_labels_are_refused(label: str) -> None:
    with pytest.raises(UserError, match="is a label"):
        MaskedConfig(modalities=("rgb", label))


@pytest.mark.parametrize(
    "wrong",
    [
        {"modalities": ("depth", "rgb")},
        {"modalities": ("rgb", "rgb")},
        {"modalities": ()},
        {"modalities": ("rgb", "dept")},
        {"decode_share": 0.0},
        {"visible_tokens": 256},
        {"visible_tokens": 100, "rgb_only_share": 0.5},
        {"visible_tokens": 0},
        {"loss_weights": {"semantic": 1.0}},
        {"loss_weights": {"depth": -1.0}},
        {"loss_weights": dict.fromkeys(SENSED, 0.0)},
    ],
)
def test_masked_modelling_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        MaskedConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": 0}, {"lr": 0.0}, {"warmup_share": 1.0}, {"clip": 0.0}])
def test_a_loop_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError):
        LoopConfig(**wrong)  # type: ignore[arg-type]


def test_an_unknown_precision_or_device_names_the_known(planes: SensedFrames, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bfloat16"):
        train([planes], tmp_path, replace(CONFIG, precision="float16"))
    with pytest.raises(UserError, match="device"):
        pretrain(masked(), CONFIG, [planes], tmp_path, device="gpu")


def test_the_learning_rate_warms_up_and_falls_to_zero() -> None:
    rates = [cosine_lr(step, 100, 10, peak=2.0) for step in range(100)]
    assert rates[:10] == pytest.approx(np.linspace(0.2, 2.0, 10))
    assert rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert all(a >= b for a, b in itertools.pairwise(rates[9:]))
    assert rates[-1] == pytest.approx(1 + math.cos(math.pi * 89 / 90))


def test_only_matrices_decay(small_shape: EncoderConfig) -> None:
    model = MaskedModel(small_shape, SENSED, DecoderConfig(width=24, heads=2))
    decayed, kept = parameter_groups(model, 0.1)
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all(name_of[id(p)].endswith(".weight") and p.ndim >= 2 for p in decayed["params"])
    assert {"encoder.pos_embed", "encoder.cls_token", "decoders.rgb.queries"} <= {
        name_of[id(p)] for p in kept["params"]
    }
    assert len(decayed["params"]) + len(kept["params"]) == len(name_of)
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
