"""Self-distillation's loss, its schedules, and what tells a collapse.

Two collapses are known: all views get one prototype (the teacher's entropy falls to 0, and so does the spread), or all
get every prototype alike (the entropy rises to log K). Centring works against the first, sharpening against the second.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def teacher_targets(logits: Tensor, centre: Tensor, temperature: float) -> Tensor:
    """Return centred and sharpened probabilities, (..., K), of a teacher's logits."""
    return ((logits.float() - centre) / temperature).softmax(dim=-1)


def distillation_loss(targets: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy over all pairs of a teacher's view and another view of the student.

    Args:
        targets: (G, B, K) probabilities of the global views.
        logits: (V, B, K) of the student, global views first, in the same order.
    """
    said = F.log_softmax(logits.float() / temperature, dim=-1)
    pairs = torch.stack([-(target * said).sum(dim=-1).mean(dim=-1) for target in targets])
    same = torch.eye(*pairs.shape, dtype=torch.bool, device=pairs.device)
    return pairs.masked_fill(same, 0.0).sum() / (~same).sum()


def teacher_momentum(step: int, steps: int, start: float) -> float:
    """Return how much of the teacher stays after a step: from ``start`` to 1 along half a cosine."""
    return 1 - (1 - start) * 0.5 * (1 + math.cos(math.pi * step / steps))


def teacher_temperature(step: int, steps: int, limits: tuple[float, float], warmup_share: float) -> float:
    """Return the temperature of one step: it rises in a line over the warm-up, and stays."""
    warmup = warmup_share * steps
    done = min(1.0, step / warmup) if warmup else 1.0
    return limits[0] + (limits[1] - limits[0]) * done


def mean_entropy(probabilities: Tensor) -> Tensor:
    """Return the mean entropy, nats, of (..., K) distributions: 0 is one prototype, log K is all alike."""
    return torch.special.entr(probabilities).sum(dim=-1).mean()


def feature_spread(features: Tensor) -> Tensor:
    """Return how far (N, D) features point into different directions: 0 is all into one, 1 into all alike.

    It is the root of 1 − |mean|² of the features at length 1.
    """
    mean = F.normalize(features.float(), dim=-1).mean(dim=0)
    return (1 - mean.square().sum()).clamp(min=0).sqrt()
