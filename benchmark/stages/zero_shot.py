"""The protocol without transfer: an expert answers its own task as it is, with its own input size and classes.

Nothing is trained and nothing is selected, so the seed does not matter. What counts is the same as for every model:
categories that transfer training could have taught, whether the expert knows them or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.weights import WeightsFile
from baselines.zoo import Model
from benchmark.tasks import Task
from sim_envs.errors import UserError
from sim_envs.storage import write_json

BATCH = 8
"""Frames at a time: experts enlarge them to what they were trained with, often 640 pixels and more."""


def answers(
    model: Model, task: Task, weights: WeightsFile, device: torch.device
) -> Callable[[np.ndarray], Iterator[Any]]:
    """Return a function from (N, H, W, 3) uint8 frames to what the task encodes of them, one part a batch, in order.

    Each batch is answered when its part is asked for.

    Raises:
        UserError: the weights are damaged, or the model has no answer of its own.
    """
    if model.network is None or task.name not in model.network.zero_shot_tasks:
        raise UserError(f"{model.name} has no answer of its own to {task.name}.")
    answer = model.network.zero_shot(task.name, task.categories, weights.path, device)

    def batches(rgb: np.ndarray) -> Iterator[Any]:
        for first in range(0, len(rgb), BATCH):
            yield task.encode_prediction(answer(np.ascontiguousarray(rgb[first : first + BATCH])))

    return batches


def write_without_transfer(path: Path, parameters: int, seen: tuple[int, ...]) -> None:
    """Write what a transfer would leave beside its weights, for a model that had none."""
    write_json(
        path,
        {
            "encoder_lr": 0.0,
            "validation": {},
            "best_step": 0,
            "seconds": 0.0,
            "parameters": parameters,
            "seen": list(seen),
        },
    )
