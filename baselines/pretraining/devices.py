"""The process of a run, or the several processes that a launcher started: what each computes on, how they agree.

All of it is accelerate's. ``torchrun``, ``accelerate launch`` and cluster launchers say in the environment how many
processes there are, on how many machines; without one there is one. Processes on GPUs talk through NCCL, on CPUs
through gloo.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState, GradientState

from sim_envs.errors import UserError

FORMATS = {torch.float32: "no", torch.bfloat16: "bf16"}


@contextmanager
def joined(device: torch.device, precision: torch.dtype, accumulate: int, all_learn: bool) -> Iterator[Accelerator]:
    """Join the other processes for one run, and leave them after it.

    Args:
        device: of a process that is alone; one of several takes the GPU of its own number.
        accumulate: parts that a process computes one after the other in a step.
        all_learn: whether every parameter gets a gradient in every step.
    """
    if device.type == "cuda" and launched_processes() == 1:
        torch.cuda.set_device(device)
    # Buffers are the objective's to change (a centre, a codebook): it sees to it that they agree.
    wrapping = DistributedDataParallelKwargs(find_unused_parameters=not all_learn, broadcast_buffers=False)
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=FORMATS[precision],
        gradient_accumulation_steps=accumulate,
        kwargs_handlers=[wrapping],
    )
    try:
        yield accelerator
    finally:
        accelerator.end_training()
        AcceleratorState._reset_state(reset_partial_state=True)  # the next run of this process may be on another device
        GradientState._reset_state()


def launched_processes() -> int:
    """Return how many processes a launcher started, this one included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Tell whether this is the process that writes: the only one, or the first of those launched."""
    return os.environ.get("RANK", "0") == "0"


def parts_of(batch: int, processes: int, accumulate: int, rank: int) -> list[slice]:
    """Return the frames of a batch that one process computes, a slice for each of its parts.

    Raises:
        UserError: the batch cannot be divided into equal parts.
    """
    parts = processes * accumulate
    if batch % parts:
        division = f"{processes} processes × {accumulate} parts" if processes > 1 else f"{accumulate} parts"
        fits = max(n for n in range(1, batch + 1) if batch % n == 0 and n <= parts)
        raise UserError(
            f"A batch of {batch} frames cannot be divided equally among {division}. Take a number that divides it, such"
            f" as {fits} in all."
        )
    size = batch // parts
    first = rank * accumulate
    return [slice(part * size, (part + 1) * size) for part in range(first, first + accumulate)]
