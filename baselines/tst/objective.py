"""The objective: how far predicted patches are from what was measured.

One function a ``loss`` name of the modality table: (N, C, P) predictions and targets → (N, P) errors a pixel.
Pixels without a measurement count nowhere, and nothing that stands in them has any influence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.pretraining.objective import Losses
from baselines.tst.adapters import Patches
from baselines.tst.masking import Masks
from sim_envs.modalities import modality

FLAT_PATCH_STD = 0.04  # of RGB values (−1…1): flatter patches are not blown up into noise
EDGE_WEIGHT = 3.0  # an edge pixel counts for three others: about one in ten is one


def patch_mse(prediction: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """Squared error against the target normalised by its patch's own mean and deviation (MAE)."""
    mean, std = patch_statistics(target, measured)
    return (prediction - (target - mean) / std).square().mean(dim=1)


def patch_statistics(target: Tensor, measured: Tensor) -> tuple[Tensor, Tensor]:
    """Return the (N, 1, 1) mean and deviation of each (C, P) patch over its measured pixels."""
    weight = measured.unsqueeze(1).to(target.dtype)
    count = (weight.sum(dim=(1, 2), keepdim=True) * target.shape[1]).clamp(min=1)
    mean = (target * weight).sum(dim=(1, 2), keepdim=True) / count
    variance = ((target - mean).square() * weight).sum(dim=(1, 2), keepdim=True) / count
    return mean, (variance + FLAT_PATCH_STD**2).sqrt()


def depth_l1(prediction: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """Absolute error of the standardised log-depth: a ratio of distances, near or far."""
    return (prediction - target).abs().mean(dim=1)


def cosine(prediction: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """1 − cos of the angle between predicted and true direction; 0 is perfect, 2 is opposite."""
    squared = prediction.square().sum(dim=1) + 1e-8  # keeps the gradient finite; targets are unit vectors
    return 1 - (prediction * target).sum(dim=1) * squared.rsqrt()


def bce(prediction: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """Binary cross-entropy on logits; ones weigh ``EDGE_WEIGHT``."""
    weight = torch.full((), EDGE_WEIGHT, device=target.device)
    return F.binary_cross_entropy_with_logits(prediction, target, reduction="none", pos_weight=weight).mean(dim=1)


LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "patch_mse": patch_mse,
    "depth_l1": depth_l1,
    "cosine": cosine,
    "bce": bce,
}

# What the best constant prediction scores in the built-in flats, measured: divided by it, losses start near 1 and
# a weight of 1 means the same for each modality.
SCALE = {"patch_mse": 0.9, "depth_l1": 0.8, "cosine": 0.55, "bce": 0.65}


def objective(
    predictions: Mapping[str, Tensor],
    patches: Patches,
    masks: Masks,
    weights: Mapping[str, float],
    counts: Tensor | None = None,
) -> Losses:
    """Score the decoded tokens of every modality.

    ``total`` is the weighted mean of the scaled losses; ``parts`` are the plain ones.

    Args:
        predictions: modality → (B, Q, C, P), in the order of the masks' modalities.
        patches: the truth.
        weights: modality → weight; 1 where absent.
        counts: (M,) pixels that each modality's mean is taken over; None: those of :func:`scored_pixels`.
    """
    total = torch.zeros((), device=masks.visible.device)
    parts, weight_sum = {}, 0.0
    for index, (name, prediction) in enumerate(predictions.items()):
        decoded = masks.decoded[:, index]
        frame = torch.arange(len(decoded), device=decoded.device)[:, None]
        target = patches.values[name][frame, decoded]
        scored = _scored(patches, masks, name, index)
        kind = modality(name).loss
        count = None if counts is None else counts[index]
        loss = masked_mean(kind, prediction.flatten(0, 1), target.flatten(0, 1), scored.flatten(0, 1), count)
        weight = weights.get(name, 1.0)
        total = total + weight * loss / SCALE[kind]
        weight_sum += weight
        parts[name] = loss.detach()
    return Losses(total / weight_sum, parts)


def scored_pixels(patches: Patches, masks: Masks, modalities: tuple[str, ...]) -> Tensor:
    """Return the (M,) int64 numbers of measured pixels in the masked tokens that are decoded."""
    return torch.stack([_scored(patches, masks, name, index).sum() for index, name in enumerate(modalities)])


def _scored(patches: Patches, masks: Masks, name: str, index: int) -> Tensor:
    """Return which (B, Q, P) pixels of the decoded tokens count: those that were hidden, and measured."""
    decoded = masks.decoded[:, index]
    frame = torch.arange(len(decoded), device=decoded.device)[:, None]
    return patches.measured[name][frame, decoded] & masks.scored[:, index].unsqueeze(-1)


def masked_mean(loss: str, prediction: Tensor, target: Tensor, measured: Tensor, count: Tensor | None = None) -> Tensor:
    """Return the mean error over measured pixels; 0, with a gradient of 0, where there are none.

    Args:
        prediction, target: (N, C, P).
        measured: (N, P) bool.
        count: what the sum of the errors is divided by; None: the number of measured pixels.
    """
    target = torch.where(measured.unsqueeze(1), target, 0.0)
    error = LOSSES[loss](prediction.float(), target, measured)
    count = measured.sum() if count is None else count
    return torch.where(measured, error, 0.0).sum() / (count + (count == 0))
