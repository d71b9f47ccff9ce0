"""The loop with any objective: what it asks of one, what it says when things go wrong, what it measures."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from baselines.augmentation import UNCHANGED
from baselines.batches import Batch
from baselines.encoder import build_encoder, encode_tokens, load_encoder
from baselines.objectives import OBJECTIVES
from baselines.pretraining.ahead import prepared
from baselines.pretraining.loop import NonFiniteLoss, pretrain
from baselines.pretraining.objective import Losses, Objective
from baselines.zoo import ZOO
from sim_envs.errors import UserError
from sim_envs.recordings.sensed import SensedFrames
from tests.baselines.pretraining_kit import CONFIG, SHAPE, masked


class Colour(Objective):
    """Tell the mean colour of a noisy frame; a running mean of the losses is its state."""

    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.modalities, self.loss_names, self.image_size = ("rgb",), ("squared",), 32
        self.augmentation, self.shape, self.identity = UNCHANGED, SHAPE, {"name": "colour"}
        self.vit = build_encoder(SHAPE)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.head = torch.nn.Linear(SHAPE.width, 3)
        self.register_buffer("average", torch.zeros(()))
        self.seen: list[float] = []

    def draw(self, rng: np.random.Generator, frames: int) -> Any:
        return torch.from_numpy(rng.normal(0, 0.1, (frames, 3, 32, 32)).astype(np.float32))

    def losses(self, batch: Batch, drawn: Any, step: int, counts: Tensor) -> Losses:
        rgb = batch.values["rgb"]
        told = self.head(encode_tokens(self.vit, rgb + drawn.to(rgb.device)).mean(1))
        loss = (told.float() - rgb.mean(dim=(2, 3))).square().mean()
        self.seen.append(float(loss.detach()))
        return Losses(loss, {"squared": loss.detach()})

    def after_step(self, step: int, steps: int) -> None:
        self.average.lerp_(torch.tensor(np.mean(self.seen)).float(), 1.0 if step == 0 else 0.1)
        self.seen.clear()

    def encoder(self) -> VisionTransformer:
        return self.vit

    def parameter_rates(self) -> Mapping[str, float]:
        return {"head": 10.0}


class Stop(Exception):
    """Stands for whatever ends a process between two steps."""


def test_an_objective_of_ones_own_is_trained_saved_and_continued_with_its_state(
    planes: SensedFrames, tmp_path: Path
) -> None:
    config = replace(CONFIG, steps=30, log_every=10)
    whole, first, second = Colour(), Colour(), Colour()
    pretrain(whole, config, [planes], tmp_path / "whole", device="cpu")

    def stop(step: int, steps: int) -> None:
        if step == 17:
            raise Stop

    with pytest.raises(Stop):
        pretrain(first, config, [planes], tmp_path / "parts", device="cpu", progress=stop)
    result = pretrain(second, config, [planes], tmp_path / "parts", device="cpu")
    for name, value in whole.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name
    rows = list(csv.DictReader((tmp_path / "parts" / "log.csv").open(encoding="utf-8")))
    assert list(rows[0]) == ["step", "loss", "squared", "lr", "samples_per_second"]
    assert float(rows[-1]["squared"]) < float(rows[0]["squared"]) / 2
    assert set(result.losses) == {"squared"}
    assert load_encoder(tmp_path / "parts" / "encoder.safetensors")[1] == SHAPE
    assert not (tmp_path / "parts" / "reconstructions.png").exists()


def test_a_checkpoint_of_another_objective_is_refused(planes: SensedFrames, tmp_path: Path) -> None:
    pretrain(Colour(), CONFIG, [planes], tmp_path, device="cpu")
    with pytest.raises(UserError, match="another configuration or other frames"):
        pretrain(masked(), CONFIG, [planes], tmp_path, device="cpu")


@pytest.mark.parametrize("name", [name for name in ZOO if ZOO[name].pretrains])
def test_every_row_that_pretrains_names_an_objective_that_can_be_built(name: str) -> None:
    model = ZOO[name]
    objective = OBJECTIVES[model.objective](model, SHAPE, CONFIG, None)
    assert objective.modalities == model.modalities
    assert json.loads(json.dumps(objective.identity)) == objective.identity
    assert objective.encoder().pos_embed.shape[1] == SHAPE.tokens + 1


def test_an_unknown_objective_names_the_near_ones() -> None:
    with pytest.raises(UserError, match=r"objective 'maskd'.*masked"):
        OBJECTIVES["maskd"]


class OutOfMemory(Colour):
    """Fits three frames at a time."""

    def losses(self, batch: Batch, drawn: Any, step: int, counts: Tensor) -> Losses:
        if len(batch.rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().losses(batch, drawn, step, counts)


def test_a_batch_that_does_not_fit_is_answered_with_one_that_may(planes: SensedFrames, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"8 frames at once do not fit .* --accumulate 2: parts of 4 frames"):
        pretrain(OutOfMemory(), CONFIG, [planes], tmp_path, device="cpu")
    with pytest.raises(UserError, match="--accumulate 4: parts of 2 frames"):
        pretrain(OutOfMemory(), replace(CONFIG, accumulate=2), [planes], tmp_path, device="cpu")
    assert pretrain(OutOfMemory(), replace(CONFIG, accumulate=4), [planes], tmp_path, device="cpu").steps == 12


class Exploding(Colour):
    """Is infinite from step 5 on, in its gradient alone."""

    def losses(self, batch: Batch, drawn: Any, step: int, counts: Tensor) -> Losses:
        losses = super().losses(batch, drawn, step, counts)
        if step < 5:
            return losses
        nothing = self.head.bias.sum() - self.head.bias.sum().detach()
        return Losses(losses.total + (nothing.abs() + 1e-38).log() * 0 + nothing * float("inf") * 0, losses.parts)


def test_a_gradient_that_is_no_number_reaches_no_checkpoint(planes: SensedFrames, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLoss, match=r"at step 5\. Its batch holds"):
        pretrain(Exploding(), CONFIG, [planes], tmp_path, device="cpu")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["step"] == 5
    assert all(torch.isfinite(value).all() for value in state["objective"].values())


def test_inputs_are_prepared_ahead_in_their_order_by_one_thread() -> None:
    made: list[tuple[int, str]] = []

    def prepare(step: int) -> int:
        made.append((step, threading.current_thread().name))
        return step * step

    stream = prepared(prepare, range(3, 9), ahead=2)
    assert next(stream) == 9
    assert list(stream) == [16, 25, 36, 49, 64]
    assert [step for step, _ in made] == [3, 4, 5, 6, 7, 8]
    assert len({thread for _, thread in made} - {threading.current_thread().name}) == 1


def test_an_error_in_the_preparing_thread_is_raised_at_its_step() -> None:
    def prepare(step: int) -> int:
        if step == 2:
            raise ValueError("frame 2 is gone")
        return step

    stream = prepared(prepare, range(5), ahead=2)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(ValueError, match="frame 2 is gone"):
        next(stream)


def test_frames_that_fit_nowhere_are_read_ahead_to_the_same_weights(
    planes: SensedFrames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrain(masked(), CONFIG, [planes], tmp_path / "held", device="cpu")
    monkeypatch.setattr("baselines.batches._place", lambda *_: None)
    pretrain(masked(), CONFIG, [planes], tmp_path / "read", device="cpu")
    held, read = ((tmp_path / folder / "encoder.safetensors").read_bytes() for folder in ("held", "read"))
    assert held == read


def test_a_result_says_what_the_run_cost(planes: SensedFrames, tmp_path: Path) -> None:
    result = pretrain(Colour(), CONFIG, [planes], tmp_path, device="cpu")
    assert result.step_seconds * result.samples_per_second == pytest.approx(CONFIG.batch)
    assert 0 <= result.data_wait_share < 1
    assert result.utilisation is not None
    assert 0 < result.utilisation < 1
    assert (result.processes, result.device) == (1, "cpu")
    assert result.peak_memory_bytes > 10_000_000
