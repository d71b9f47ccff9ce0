"""Transfer: train a task's head, and by protocol the encoder, on labelled frames of the transfer spaces.

Nothing here knows what a test space is. Weights and learning rate are selected on validation trajectories of the
transfer spaces, through a score that the caller hands in.
"""

from __future__ import annotations

import copy
import csv
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from baselines.augmentation import jitter_colours
from baselines.encoder import normalise_rgb
from baselines.frame_encoder import FrameEncoder
from baselines.heads import DenseModel, head_loss
from baselines.optim import cosine_lr, parameter_groups, set_lr
from baselines.precision import autocast, fit_attention, pick_precision
from sim_envs.errors import UserError

Protocol = Literal["frozen", "finetune"]
Score = Callable[[np.ndarray], float]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """RGB with targets of one task.

    Attributes:
        rgb: (N, H, W, 3) uint8.
        target: (N, H, W), class ids or metres, or (N, H, W, 3), encoded directions; 0 = nothing to learn there.
    """

    rgb: np.ndarray
    target: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.rgb):
            raise UserError("The transfer spaces have no labelled frames for this task.")
        if self.rgb.shape[:3] != self.target.shape[:3]:
            raise ValueError(f"rgb {self.rgb.shape} and target {self.target.shape} do not fit")


@dataclass(frozen=True)
class TransferConfig:
    """How a head is trained; equal for every model.

    Attributes:
        protocol: ``frozen``: the encoder stays as it is; ``finetune``: it learns along.
        encoder_lr: of the encoder under ``finetune``.
        evaluations: validation scores taken in a run, the last at its end; the best weights are kept.
    """

    protocol: Protocol
    channels: int
    loss: str
    steps: int
    batch: int
    head_lr: float
    encoder_lr: float
    evaluations: int = 4
    weight_decay: float = 0.05
    warmup_share: float = 0.1
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Transferred:
    """A model with its selected weights, and how it got there."""

    model: DenseModel
    validation: float
    best_step: int
    seconds: float
    log: list[dict[str, float]] = field(default_factory=list)


def transfer(
    encoder: FrameEncoder,
    config: TransferConfig,
    train: LabelledFrames,
    validation_rgb: np.ndarray,
    score: Score,
    encode: Callable[[np.ndarray], np.ndarray],
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> Transferred:
    """Train a head (and the encoder) and return the weights that scored best on validation.

    Args:
        encoder: is copied; the caller's weights do not change.
        validation_rgb: (M, H, W, 3) uint8.
        score: predictions, as ``encode`` gives them, of ``validation_rgb`` → a number, higher is better.
        encode: head output (n, channels, H, W) float32 → stored predictions (n, H, W, …).
        progress: called with (step, steps).
    """
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)  # initialises the head; data order and augmentation use ``generator``
    model = DenseModel(copy.deepcopy(encoder), config.channels).to(device)
    learns = config.protocol == "finetune"
    model.encoder.requires_grad_(learns)
    precision = pick_precision("auto", device)
    fit_attention(model, device, precision)
    groups = [group | {"lr_scale": 1.0} for group in parameter_groups(model.head, config.weight_decay)]
    if learns:
        scale = config.encoder_lr / config.head_lr
        groups += [group | {"lr_scale": scale} for group in parameter_groups(model.encoder, config.weight_decay)]
    optimiser = torch.optim.AdamW(groups, lr=config.head_lr, betas=(0.9, 0.98), fused=True)
    warmup = round(config.warmup_share * config.steps)
    loss_of, mirrored = head_loss(config.loss)
    rgb = torch.from_numpy(train.rgb).to(device)
    target = torch.from_numpy(train.target).to(device)
    weights = class_weights(train.target, config.channels).to(device)

    evaluate_at = {round(config.steps * (k + 1) / config.evaluations) for k in range(config.evaluations)}
    best: tuple[float, int, dict[str, Tensor]] | None = None
    log: list[dict[str, float]] = []
    start = time.perf_counter()
    model.train()
    for step, rows in enumerate(_row_batches(len(rgb), config.batch, config.steps, generator), start=1):
        images, truth = _augment(rgb[rows.to(device)], target[rows.to(device)], mirrored, generator)
        set_lr(optimiser, cosine_lr(step - 1, config.steps, warmup, config.head_lr))
        with autocast(device, precision):
            output = model.coarse(images, train_encoder=learns)
        cells = _one_of_each_cell(truth, truth.shape[1] // output.shape[2], generator)
        loss = loss_of(output.float(), cells, weights)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"The transfer loss is not finite at step {step}; frames {rows.tolist()}.")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        row = {"step": float(step), "loss": loss.item()}
        if step in evaluate_at:
            row["validation"] = score(predict(model, validation_rgb, encode, device=device))
            if best is None or row["validation"] > best[0]:
                best = (
                    row["validation"],
                    step,
                    {k: v.detach().clone() for k, v in model.state_dict().items()},
                )
            model.train()
        log.append(row)
        if progress:
            progress(step, config.steps)
    assert best is not None
    model.load_state_dict(best[2])
    return Transferred(model, best[0], best[1], time.perf_counter() - start, log)


def predict(
    model: DenseModel,
    rgb: np.ndarray,
    encode: Callable[[np.ndarray], np.ndarray],
    *,
    device: torch.device,
    batch: int = 64,
) -> np.ndarray:
    """Return the stored form of the predictions of (N, H, W, 3) uint8 frames, (N, H, W, …)."""
    model.eval()
    precision = pick_precision("auto", device)
    fit_attention(model, device, precision)
    with torch.inference_mode(), autocast(device, precision):
        outputs = []
        for first in range(0, len(rgb), batch):
            images = normalise_rgb(torch.from_numpy(np.ascontiguousarray(rgb[first : first + batch])).to(device))
            outputs.append(encode(model(images).float().cpu().numpy()))
    return np.concatenate(outputs)


def class_weights(target: np.ndarray, channels: int) -> Tensor:
    """Return (channels,) weights ∝ frequency^−¼, mean 1 over the classes that occur, at most 5.

    Unweighted, a model does well by never naming anything small. Values and directions have no classes: all ones.
    """
    if target.ndim > 3 or not np.issubdtype(target.dtype, np.integer):
        return torch.ones(channels)
    counts = np.bincount(target.reshape(-1), minlength=channels + 1)[1 : channels + 1].astype(np.float64)
    present = counts > 0
    weights = np.zeros(channels)
    weights[present] = (counts[present] / counts.sum()) ** -0.25
    weights[present] = np.minimum(weights[present] / weights[present].mean(), 5.0)
    return torch.from_numpy(weights.astype(np.float32))


def write_log(log: list[dict[str, float]], path: Path) -> None:
    """Write a transfer log as CSV: step, loss, validation (where it was taken)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["step", "loss", "validation"], restval="")
        writer.writeheader()
        writer.writerows(log)


def _row_batches(count: int, batch: int, steps: int, generator: torch.Generator) -> list[Tensor]:
    """Return ``steps`` batches of row numbers; every row is seen once before any is seen again."""
    needed = steps * batch
    orders = [torch.randperm(count, generator=generator) for _ in range(-(-needed // count))]
    return list(torch.cat(orders)[:needed].split(batch))


def _one_of_each_cell(target: Tensor, stride: int, generator: torch.Generator) -> Tensor:
    """Return (B, H / stride, W / stride, …): the same pixel of every stride × stride cell, another one each step.

    Scoring every pixel of a step costs more than the encoder; over the steps every pixel has its turn.
    """
    y, x = torch.randint(stride, (2,), generator=generator).tolist()
    return target[:, y::stride, x::stride]


def _augment(
    rgb: Tensor, target: Tensor, mirrored_target: Callable[[Tensor], Tensor], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mirror half of the frames with their targets, and jitter the colours of all.

    No zoom: it would change what a depth in metres looks like.
    """
    mirrored = (torch.rand(len(rgb), generator=generator) < 0.5).to(rgb.device)
    images = torch.where(mirrored[:, None, None, None], rgb.flip(2), rgb)
    truth = torch.where(mirrored.view(-1, *[1] * (target.ndim - 1)), mirrored_target(target), target)
    return jitter_colours(normalise_rgb(images), generator), truth
