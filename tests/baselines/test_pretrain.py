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
from baselines.tst.adapters import cut
from baselines.tst.masking import sample_masks
from baselines.tst.model import DecoderConfig, MaskedModel
from baselines.tst.objective import objective
from baselines.tst.pretrain import NonFiniteLoss, PretrainConfig, pretrain
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames


class Stop(Exception):
    """Stands for whatever ends a process between two steps."""


@pytest.fixture(scope="module")
def config(small_shape: EncoderConfig) -> PretrainConfig:
    decoder = DecoderConfig(width=24, heads=2)
    return PretrainConfig(encoder=small_shape, steps=12, batch=8, decoder=decoder, log_every=4, checkpoint_seconds=0)


@pytest.fixture(scope="module")
def undisturbed(config: PretrainConfig, planes: SensedFrames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    pretrain(config, [planes], folder, device="cpu")
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


def test_the_same_seed_gives_the_same_bytes(
    config: PretrainConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    pretrain(config, [planes], tmp_path / "again", device="cpu")
    pretrain(replace(config, seed=1), [planes], tmp_path / "other", device="cpu")
    assert weights(tmp_path / "again") == weights(undisturbed)
    assert log_rows(tmp_path / "again") == log_rows(undisturbed)
    assert weights(tmp_path / "other") != weights(undisturbed)


@pytest.mark.parametrize("stop_at", [1, 4, 6, 11])
def test_a_run_that_was_stopped_continues_to_the_same_bytes(
    config: PretrainConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path, stop_at: int
) -> None:
    def stop(step: int, steps: int) -> None:
        if step == stop_at:
            raise Stop

    with pytest.raises(Stop):
        pretrain(config, [planes], tmp_path, device="cpu", progress=stop)
    steps: list[int] = []
    pretrain(config, [planes], tmp_path, device="cpu", progress=lambda step, _: steps.append(step))
    assert steps == list(range(stop_at + 1, 13))
    assert weights(tmp_path) == weights(undisturbed)
    assert log_rows(tmp_path) == log_rows(undisturbed)


def test_a_run_stopped_before_its_first_checkpoint_starts_again(
    config: PretrainConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    def stop(step: int, steps: int) -> None:
        if step == 7:
            raise Stop

    with pytest.raises(Stop):
        pretrain(replace(config, checkpoint_seconds=1000), [planes], tmp_path, device="cpu", progress=stop)
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]
    pretrain(config, [planes], tmp_path, device="cpu")
    assert weights(tmp_path) == weights(undisturbed)
    assert log_rows(tmp_path) == log_rows(undisturbed)


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from baselines.encoder import EncoderConfig
from baselines.tst.model import DecoderConfig
from baselines.tst.pretrain import PretrainConfig, pretrain
from sim_envs.recordings.sensed import SensedFrames

frames = SensedFrames(dict(np.load(sys.argv[1])), np.arange(40))
shape = EncoderConfig(image_size=32, patch_size=8, width=32, depth=2, heads=2)
decoder = DecoderConfig(width=24, heads=2)
config = PretrainConfig(shape, steps=12, batch=8, decoder=decoder, log_every=4, checkpoint_seconds=0)
kill = lambda step, steps: os.kill(os.getpid(), signal.SIGKILL) if step == 7 else None
pretrain(config, [frames], Path(sys.argv[2]), device="cpu", progress=kill)
"""


def test_a_killed_process_is_continued_by_another_to_the_same_bytes(
    config: PretrainConfig, planes: SensedFrames, undisturbed: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "frames.npz", **{name: planes.get(name, slice(None)) for name in SENSED})
    command = [sys.executable, "-c", KILLED, str(tmp_path / "frames.npz"), str(tmp_path / "run")]
    outcome = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert outcome.returncode == -9
    assert [row["step"] for row in log_rows(tmp_path / "run")] == ["4"]
    pretrain(config, [planes], tmp_path / "run", device="cpu")
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert log_rows(tmp_path / "run") == log_rows(undisturbed)


def test_a_finished_run_is_not_trained_again(config: PretrainConfig, planes: SensedFrames, undisturbed: Path) -> None:
    before = weights(undisturbed)
    result = pretrain(config, [planes], undisturbed, device="cpu", progress=lambda *_: pytest.fail("trained again"))
    assert weights(undisturbed) == before
    assert result.steps == 12


def test_another_configuration_does_not_continue_a_folder(
    config: PretrainConfig, planes: SensedFrames, undisturbed: Path
) -> None:
    with pytest.raises(UserError, match="another configuration or other frames"):
        pretrain(replace(config, lr=1e-4), [planes], undisturbed, device="cpu")
    with pytest.raises(UserError, match="another configuration or other frames"):
        pretrain(config, [planes, planes], undisturbed, device="cpu")


def test_the_result_is_plain_json_and_adds_up(config: PretrainConfig, planes: SensedFrames, tmp_path: Path) -> None:
    result = pretrain(config, [planes], tmp_path, device="cpu")
    assert json.loads(json.dumps(asdict(result), allow_nan=False)) == asdict(result)
    assert result.samples_per_second == pytest.approx(12 * 8 / result.seconds)
    assert set(result.losses) == set(SENSED)
    assert result.encoder_parameters == sum(p.numel() for p in build_encoder(config.encoder).parameters())
    assert 0.01 < result.gigaflops_per_step < 1


def test_a_small_batch_is_learned_by_heart(planes: SensedFrames, small_shape: EncoderConfig) -> None:
    model = MaskedModel(small_shape, SENSED, DecoderConfig(width=48, heads=2))
    plan = PretrainConfig(encoder=small_shape, decode_share=1.0).mask_plan()
    patches = cut(FramePool([planes], SENSED, 32).batch(np.arange(2), torch.device("cpu")), 8)
    masks = sample_masks(np.random.default_rng(0), 2, plan, torch.device("cpu"))
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
    config: PretrainConfig, planes: SensedFrames, tmp_path: Path, modalities: tuple[str, ...]
) -> None:
    longer = replace(config, modalities=modalities, steps=40, log_every=5, checkpoint_seconds=1000)
    pretrain(longer, [planes], tmp_path, device="cpu")
    losses = [float(row["loss"]) for row in log_rows(tmp_path)]
    assert losses[-1] < 0.9 * losses[0]


def test_a_loss_that_is_no_number_names_the_step_and_the_frames(
    config: PretrainConfig, planes: SensedFrames, tmp_path: Path
) -> None:
    with pytest.raises(NonFiniteLoss, match=r"at step \d+.*\(source:frame\) 0:\d+"):
        pretrain(replace(config, lr=1e30, steps=50), [planes], tmp_path, device="cpu")
    assert not (tmp_path / "encoder.safetensors").exists()


@pytest.mark.parametrize("label", ["semantic", "instance"])
def test_labels_are_refused(label: str) -> None:
    with pytest.raises(UserError, match="is a label"):
        PretrainConfig(modalities=("rgb", label))


@pytest.mark.parametrize(
    "wrong",
    [
        {"modalities": ("depth", "rgb")},
        {"modalities": ("rgb", "rgb")},
        {"modalities": ()},
        {"modalities": ("rgb", "dept")},
        {"steps": 0},
        {"batch": 0},
        {"lr": 0.0},
        {"warmup_share": 1.0},
        {"decode_share": 0.0},
        {"visible_tokens": 256},
        {"visible_tokens": 100, "rgb_only_share": 0.5},
        {"visible_tokens": 0},
        {"loss_weights": {"semantic": 1.0}},
        {"loss_weights": {"depth": -1.0}},
        {"loss_weights": dict.fromkeys(SENSED, 0.0)},
    ],
)
def test_configurations_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        PretrainConfig(**wrong)  # type: ignore[arg-type]


def test_an_unknown_precision_or_device_names_the_known(
    config: PretrainConfig, planes: SensedFrames, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="bfloat16"):
        pretrain(replace(config, precision="float16"), [planes], tmp_path, device="cpu")
    with pytest.raises(UserError, match="device"):
        pretrain(config, [planes], tmp_path, device="gpu")


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
