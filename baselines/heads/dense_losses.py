"""Losses of pixel maps, and what their targets become when a frame is mirrored."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sim_envs.errors import unknown

IGNORED = 0
"""Class id and depth value without a meaning: no loss, no score."""


def cross_entropy(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Weighted cross-entropy over labelled pixels; class id k is channel k − 1.

    Args:
        output: (B, K, H, W) scores.
        target: (B, H, W) class ids 1…K, 0 = ignored.
        class_weights: (K,) weight of each class.
    """
    loss = F.cross_entropy(output, target.long() - 1, class_weights, ignore_index=IGNORED - 1, reduction="sum")
    return loss / class_weights.new_tensor(1e-6).add(_weight_sum(target, class_weights))


def _weight_sum(target: Tensor, class_weights: Tensor) -> Tensor:
    padded = torch.cat([class_weights.new_zeros(1), class_weights])
    return padded[target.long()].sum()


def log_l1(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Mean absolute error of log depth over measured pixels.

    Args:
        output: (B, 1, H, W) log metres.
        target: (B, H, W) metres, 0 = no measurement.
        class_weights: unused by a value; every loss has one signature.
    """
    measured = target > 0
    error = (output[:, 0] - target.clamp(min=1e-3).log()).abs()
    return torch.where(measured, error, 0).sum() / measured.sum().clamp(min=1)


def cosine(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Mean of 1 − cos(angle) over pixels with a direction.

    Args:
        output: (B, 3, H, W) vectors of any length.
        target: (B, H, W, 3) uint8 unit vectors, round((n + 1) · 127.5); 0, 0, 0 = no direction.
        class_weights: unused by a direction; every loss has one signature.
    """
    known = (target != 0).any(dim=-1)
    truth = (target.to(output.dtype) / 127.5 - 1).movedim(-1, 1)
    error = 1 - F.cosine_similarity(output, truth, dim=1)
    return torch.where(known, error, 0).sum() / known.sum().clamp(min=1)


def mirror_map(target: Tensor) -> Tensor:
    """Mirror (B, H, W) ids or values left to right."""
    return target.flip(2)


def mirror_directions(target: Tensor) -> Tensor:
    """Mirror (B, H, W, 3) uint8 encoded vectors left to right: x changes its sign, 0, 0, 0 stays."""
    x, y, z = target.flip(2).unbind(-1)
    known = (x | y | z) != 0
    return torch.stack([torch.where(known, 255 - x, x), y, z], dim=-1)


LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
Mirror = Callable[[Tensor], Tensor]


class DenseLoss(NamedTuple):
    """One row: (output, target, class weights) → loss, and what a target becomes when its frame is mirrored."""

    function: LossFunction
    mirror: Mirror


LOSSES: dict[str, DenseLoss] = {
    "cross_entropy": DenseLoss(cross_entropy, mirror_map),
    "log_l1": DenseLoss(log_l1, mirror_map),
    "cosine": DenseLoss(cosine, mirror_directions),
}


def dense_loss(name: str) -> DenseLoss:
    """Return the loss of a head specification."""
    if name not in LOSSES:
        raise unknown("loss of dense heads", name, LOSSES)
    return LOSSES[name]
