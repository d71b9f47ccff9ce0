"""Transfer: train a task's head, and by protocol the encoder, on labelled frames of the transfer spaces.

Nothing here knows what a test space is. Weights and learning rate are selected on validation trajectories of the
transfer spaces, through a score that the caller hands in.
"""

from __future__ import annotations

import copy
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from baselines.batches import jitter_colours
from baselines.encoder import normalise_rgb
from baselines.frame_encoder import FrameEncoder
from baselines.heads import HeadSpec
from baselines.heads.head import HeadedEncoder
from baselines.optim import cosine_lr, parameter_groups, set_lr
from baselines.precision import autocast, fit_attention, pick_precision
from sim_envs.errors import UserError

Protocol = Literal["frozen", "finetune"]
Encode = Callable[[Any], Any]
"""Raw output of a head for some frames → what a task makes of it."""
Score = Callable[[list[Any]], float]
"""What ``Encode`` made of the batches of all validation frames, in their order → a number, higher is better."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """RGB with targets of one task.

    Attributes:
        rgb: (N, H, W, 3) uint8.
        target: the truth about N frames, as the head takes it: anything with a length that an array of row numbers
            picks frames from.
    """

    rgb: np.ndarray
    target: Any

    def __post_init__(self) -> None:
        if not len(self.rgb):
            raise UserError("The transfer spaces have no labelled frames for this task.")
        if len(self.rgb) != len(self.target):
            raise ValueError(f"{len(self.rgb)} frames and {len(self.target)} targets do not fit")


@dataclass(frozen=True)
class TransferConfig:
    """How a head is trained; equal for every model.

    Attributes:
        protocol: ``frozen``: the encoder stays as it is; ``finetune``: it learns along.
        encoder_lr: of the encoder under ``finetune``.
        evaluations: validation scores taken in a run, the last at its end; the best weights are kept.
    """

    protocol: Protocol
    head: HeadSpec
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

    model: HeadedEncoder
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
    encode: Encode,
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> Transferred:
    """Train a head (and the encoder) and return the weights that scored best on validation.

    Where no score can be taken (NaN) they are the last ones.

    Args:
        encoder: is copied; the caller's weights do not change.
        validation_rgb: (M, H, W, 3) uint8.
        score: judges what :func:`predict` gives for ``validation_rgb``.
        encode: is applied to each batch of raw outputs, which may be too large to keep.
        progress: called with (step, steps).
    """
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)  # initialises the head; data order and augmentation use ``generator``
    frame = (train.rgb.shape[1], train.rgb.shape[2])
    model = HeadedEncoder(copy.deepcopy(encoder), config.head, frame).to(device)
    model.head.prepare(train.target)
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
    rgb = torch.from_numpy(train.rgb).to(device)

    evaluate_at = {round(config.steps * (k + 1) / config.evaluations) for k in range(config.evaluations)}
    best: tuple[float, int, dict[str, Tensor]] | None = None
    log: list[dict[str, float]] = []
    start = time.perf_counter()
    model.train()
    batches = model.head.batches(train.target, config.batch, config.steps, generator)
    for step, rows in enumerate(batches, start=1):
        images, mirrored = _augment(rgb[rows.to(device)], generator)
        truth = model.head.truth(train.target[rows.numpy()], mirrored, frame)
        set_lr(optimiser, cosine_lr(step - 1, config.steps, warmup, config.head_lr))
        with autocast(device, precision):
            loss = model.head.loss(model.tokens(images, train_encoder=learns), frame, truth, generator)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"The transfer loss is not finite at step {step}; frames {rows.tolist()}.")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        row = {"step": float(step), "loss": loss.item()}
        if step in evaluate_at:
            row["validation"] = score(predict(model, validation_rgb, encode, device=device))
            if best is None or row["validation"] > best[0] or math.isnan(best[0]):
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
    model: HeadedEncoder,
    rgb: np.ndarray,
    encode: Encode,
    *,
    device: torch.device,
    batch: int = 64,
) -> list[Any]:
    """Return what ``encode`` makes of the raw outputs for (N, H, W, 3) uint8 frames, one part a batch, in order."""
    model.eval()
    precision = pick_precision("auto", device)
    fit_attention(model, device, precision)
    with torch.inference_mode(), autocast(device, precision):
        outputs = []
        for first in range(0, len(rgb), batch):
            images = normalise_rgb(torch.from_numpy(np.ascontiguousarray(rgb[first : first + batch])).to(device))
            outputs.append(encode(model.answer(images)))
    return outputs


def write_log(log: list[dict[str, float]], path: Path) -> None:
    """Write a transfer log as CSV: step, loss, validation (where it was taken)."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["step", "loss", "validation"], restval="")
        writer.writeheader()
        writer.writerows(log)


def _augment(rgb: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror half of the frames and jitter the colours of all; return (B, 3, H, W) in −1…1 and which are mirrored.

    No zoom: it would change what a depth in metres looks like.
    """
    mirrored = (torch.rand(len(rgb), generator=generator) < 0.5).to(rgb.device)
    images = torch.where(mirrored[:, None, None, None], rgb.flip(2), rgb)
    return jitter_colours(normalise_rgb(images), generator), mirrored
