"""What a finished pre-training was, and what it cost."""

from __future__ import annotations

import resource
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
        seconds: spent in steps, over all sittings; ``samples_per_second`` follows from it.
        gigaflops_per_step: forward and backward, counted on the model as it is.
        peak_memory_bytes: of the process (CPU) or of the allocator (CUDA).
        precision, device: what the matrix products ran in and on.
    """

    encoder: str
    steps: int
    losses: dict[str, float]
    seconds: float
    samples_per_second: float
    parameters: int
    encoder_parameters: int
    gigaflops_per_step: float
    peak_memory_bytes: int
    precision: str
    device: str
    config: dict[str, Any]


def gigaflops(objective: Objective, few: Batch, batch: int) -> float:
    """Count the operations of one step on few frames; they are proportional to the batch."""
    drawn = objective.draw(np.random.default_rng(0), len(few.rows))
    with FlopCounterMode(display=False) as counter:
        objective.losses(few, drawn, 0, objective.counts(few, drawn)).total.backward()
    objective.zero_grad(set_to_none=True)
    return float(counter.get_total_flops()) / len(few.rows) * batch / 1e9


def count_parameters(network: torch.nn.Module) -> int:
    """Return how many numbers a network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory in use so far, of the allocator on a GPU, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux
