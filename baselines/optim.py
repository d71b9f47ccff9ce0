"""Optimisation: which parameters decay, and how the learning rate moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

NO_DECAY = ("pos_embed", "cls_token", "reg_token", "queries", "modality_embedding")


def parameter_groups(
    model: nn.Module, weight_decay: float, rates: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Return two groups: weights that decay; and biases, norms, embeddings, which do not.

    Args:
        rates: name of a submodule → what its learning rate is multiplied by. Each factor has its two groups.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {(1.0, True): [], (1.0, False): []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decays = parameter.ndim >= 2 and not any(part in NO_DECAY for part in name.split("."))
            inside = [scale for module, scale in (rates or {}).items() if name.startswith(f"{module}.")]
            groups.setdefault((math.prod(inside), decays), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": weight_decay if decays else 0.0, "lr_scale": scale}
        for (scale, decays), parameters in groups.items()
    ]


def adamw(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
    rates: Mapping[str, float] | None = None,
) -> torch.optim.AdamW:
    """Return AdamW over :func:`parameter_groups` (one fused kernel a step)."""
    groups = parameter_groups(model, weight_decay, rates)
    return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=True)


def cosine_lr(step: int, steps: int, warmup: int, peak: float, floor: float = 0.0) -> float:
    """Return the learning rate of one step: linear warm-up to ``peak``, then half a cosine to ``floor``.

    Args:
        step: from 0; the first step already moves, the last is one short of the floor.
        steps: of the whole run, warm-up included.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def set_lr(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Give every group this learning rate, times its own ``lr_scale`` where it has one."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)
