"""Running means of what a teacher says: of its logits (the centre), of its features and of their squares."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RunningMean(nn.Module):
    """A running mean of vectors that moves once a step, however many parts and processes the step's batch is in.

    It is a weighted mean from the first step on, not one that begins at 0 as the paper's centre does. A run of a few
    hundred steps does not get over that: until the centre arrives, targets are what all views have in common, and the
    student learns nothing else.

    Args:
        size: of a vector.
        start: what the mean is before anything was gathered.
    """

    value: Tensor
    total: Tensor
    count: Tensor
    steps: Tensor

    def __init__(self, size: int, start: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("value", torch.full((size,), start))
        self.register_buffer("total", torch.zeros(size))
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("steps", torch.zeros(()))

    @torch.no_grad()
    def gather(self, rows: Tensor) -> None:
        """Take in (N, size) vectors of this step."""
        self.total += rows.float().sum(dim=0)
        self.count += len(rows)

    @torch.no_grad()
    def end_step(self, momentum: float) -> None:
        """Move to the mean of all steps, each weighing ``momentum`` times as much as the next."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(self.total)
            torch.distributed.all_reduce(self.count)
        stays = momentum * (1 - momentum**self.steps) / (1 - momentum ** (self.steps + 1))
        self.value.lerp_(self.total / self.count, 1 - stays)
        self.steps += 1
        self.total.zero_()
        self.count.zero_()
