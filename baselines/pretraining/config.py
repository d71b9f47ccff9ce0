"""How long and how fast a pre-training learns, whatever its objective."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sim_envs.errors import UserError

HARMLESS = ("checkpoint_seconds", "log_every", "accumulate", "compile")
"""Fields that have no say in the weights, but for rounding."""


@dataclass(frozen=True)
class LoopConfig:
    """Settings of the loop.

    Attributes:
        steps, batch: optimiser steps, and frames in each, over all processes.
        lr: peak of the schedule; ``warmup_share`` of the steps lead up to it.
        clip: largest norm of the gradient.
        accumulate: parts that a process computes one after the other in a step, for batches that do not fit.
        compile: let ``torch.compile`` fuse the encoder's blocks; costs a minute at the start.
        precision: ``auto``, ``float32`` or ``bfloat16``, see :mod:`baselines.precision`.
        threads: of the CPU; results are equal bit by bit only at an equal number.
        log_every: steps between rows of the log; each row is the mean since the last.
        checkpoint_seconds: between checkpoints: the most work that a kill can cost.
    """

    steps: int = 1000
    batch: int = 64
    lr: float = 2e-3
    warmup_share: float = 0.1
    weight_decay: float = 0.05
    clip: float = 1.0
    accumulate: int = 1
    compile: bool = False
    precision: str = "auto"
    seed: int = 0
    threads: int = 1
    log_every: int = 10
    checkpoint_seconds: float = 20.0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.accumulate, self.threads, self.log_every) < 1:
            raise UserError("Steps, batch, accumulate, threads and log_every must be at least 1.")
        if not (self.lr > 0 and self.clip > 0 and 0 <= self.warmup_share < 1):
            raise UserError("lr and clip must be above 0, warmup_share in 0…1.")

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON-like values."""
        return asdict(self)

    def decisive(self) -> dict[str, Any]:
        """Return :meth:`plain` without what has no say in the weights."""
        return {k: v for k, v in self.plain().items() if k not in HARMLESS}
