"""What a finished pre-training was, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from baselines.batches import Batch
from baselines.pretraining.objective import Objective


@dataclass(frozen=True)
class PretrainResult:
    """What a finished run was, JSON-like.

    Attributes:
        encoder: file name of the encoder in the run's folder.
        losses: of each name that the objective logs, mean over the last row of the log.
        seconds: spent in steps, over all sittings; ``samples_per_second`` and ``step_seconds`` follow from it.
        data_wait_share: of the seconds, spent waiting for a step's frames.
        gigaflops_per_step: forward and backward, counted on the model as it is, over all processes.
        utilisation: of what the devices could do at best (see :mod:`baselines.pretraining.hardware`) in matrix products
            of that precision; None where that is not known.
        peak_memory_bytes: of the process (CPU) or of the allocator (CUDA); of the first of several processes.
        precision, device: what the matrix products ran in and on.
        processes: that shared the batch in the last sitting.
    """

    encoder: str
    steps: int
    losses: dict[str, float]
    seconds: float
    samples_per_second: float
    step_seconds: float
    data_wait_share: float
    parameters: int
    encoder_parameters: int
    gigaflops_per_step: float
    utilisation: float | None
    peak_memory_bytes: int
    precision: str
    device: str
    processes: int
    config: dict[str, Any]


def gigaflops(objective: Objective, few: Batch, batch: int) -> float:
    """Count the operations of one step on few frames; they are proportional to the batch."""
    drawn = objective.draw(np.random.default_rng(0), len(few.rows))
    with torch.compiler.set_stance("force_eager"), FlopCounterMode(display=False) as counter:
        objective.losses(few, drawn, 0, objective.counts(few, drawn)).total.backward()
    objective.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()) / len(few.rows) * batch / 1e9


def count_parameters(network: torch.nn.Module) -> int:
    """Return how many numbers a network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())
