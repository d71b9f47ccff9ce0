"""Predict: what a model that has been through its transfer says about frames, written down as predictions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from baselines.heads import HeadSpec
from baselines.heads.head import HeadedEncoder
from baselines.precision import pick_device
from baselines.transfer import predict
from baselines.weights import WeightsFile
from baselines.zoo import ZOO
from benchmark.encoders import architecture
from benchmark.forms import concatenate
from benchmark.jobs import Report
from benchmark.packed import PackedFrames
from benchmark.predictions import SpacePrediction, is_intact, save_predictions
from benchmark.stages.folder import DONE, is_done
from benchmark.stages.zero_shot import answers
from benchmark.suites import Protocol, Suite
from benchmark.tasks import TASKS, Task
from sim_envs.storage import write_json

MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class TaughtModel:
    """A model after its transfer to a task.

    Attributes:
        weights: file that an expert is read from which answers by itself; of no use for other protocols.
        folder: of the transfer.
    """

    model: str
    seed: int
    suite: Suite
    task: str
    protocol: Protocol
    weights: WeightsFile | None
    folder: Path

    def answers(self, device: torch.device) -> Callable[[np.ndarray], Iterable[Any]]:
        """Return a function from (N, H, W, 3) uint8 frames to what the task encodes of them, one part a batch."""
        row, rig, task = ZOO[self.model], self.suite.rig, TASKS[self.task]
        if self.protocol == "zero-shot":
            assert self.weights is not None
            return answers(row, task, self.weights, device)
        encoder = architecture(row, self.suite, self.seed)
        model = HeadedEncoder(encoder, head_of(self.task, self.suite), (rig.height, rig.width)).to(device)
        model.load_state_dict(load_file(self.folder / MODEL_FILE))
        return lambda frames: predict(model, frames, task.encode_prediction, device=device)


@dataclass(frozen=True, eq=False)
class Asked:
    """Frames of one space that a model is asked about; nothing of their truth.

    Attributes:
        recording: digest of the recording that they belong to.
        rows: (N,) int64, their numbers in it.
        trajectory: (N,) int64, of each.
        frames: what the model reads, (N, H, W, 3) uint8 for nearly all.
    """

    space: str
    recording: str
    rows: np.ndarray
    trajectory: np.ndarray
    frames: np.ndarray


@dataclass(frozen=True)
class PackStage:
    """Inputs of predictions about frames that came in a pack.

    Attributes:
        spaces: in the order of the predictions.
        folder: where they go.
    """

    taught: TaughtModel
    spaces: tuple[PackedFrames, ...]
    folder: Path
    device: str


def head_of(task: str, suite: Suite) -> HeadSpec:
    """Return the head that a task gets under a suite."""
    return replace(TASKS[task].head(), strength=suite.transfer_budget.head)


def run_predict_pack(stage: PackStage, report: Report) -> None:
    """Predict the frames of a pack; skipped where that is done, and the predictions are still whole."""
    if is_done(stage.folder) and is_intact(stage.folder):
        return
    count = sum(space.frames for space in stage.spaces)
    asked = (Asked(s.space, s.recording, *s.read()) for s in stage.spaces)
    predict_spaces(stage.taught, asked, count, stage.folder, pick_device(stage.device), report)


def predict_spaces(
    taught: TaughtModel, spaces: Iterable[Asked], count: int, folder: Path, device: torch.device, report: Report
) -> None:
    """Write the predictions of a model, and how fast it was when all are there.

    Args:
        spaces: may be a generator, so that the frames of one space at a time are in memory.
        count: frames in all.
    """
    task: Task = TASKS[taught.task]
    answer, rig = taught.answers(device), taught.suite.rig
    start, done = time.perf_counter(), 0
    parts = []
    for asked in spaces:
        encoded = []
        for answered in answer(asked.frames):
            encoded.append(answered)
            report(done := done + len(answered), count)
        values = task.conclude(concatenate(encoded), asked.rows, asked.trajectory)
        parts.append(SpacePrediction(asked.space, asked.recording, asked.rows, values, (rig.height, rig.width)))
    seconds = time.perf_counter() - start
    save_predictions(folder, parts, task=task, model=taught.model, protocol=taught.protocol, seed=taught.seed)
    write_json(folder / DONE, {"seconds": seconds, "frames_per_second": count / seconds})
