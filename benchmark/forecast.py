"""What a run would do and how much disk that takes, without doing any of it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from baselines.encoder import build_encoder
from baselines.teachers.table import PSEUDO_LABELLERS, teacher
from baselines.zoo import ZOO, Model
from benchmark.at_hand import DONE, PlannedRecording, planned_recordings
from benchmark.encoders import architecture, shape_of
from benchmark.plan import RunPlan, pretraining_splits, scored_spaces, source_group
from benchmark.status import Cell, grid_of
from benchmark.suites import Suite
from benchmark.tasks import TASKS
from sim_envs.modalities import modality

PRETRAIN_ENCODERS, TRANSFER_ENCODERS = 7.0, 1.25
"""Size of what a stage leaves, in encoders: a checkpoint with decoders and moments; a model and head."""


@dataclass(frozen=True)
class Forecast:
    """The plan of a run.

    Attributes:
        recordings: all of them, with their states.
        cells: the grid, with its states.
        recording_bytes: of those to be made.
        stage_bytes: about what pre-trainings, their teachers and transfers to come leave at most.
        free_bytes: on the disk of the data home.
    """

    recordings: tuple[PlannedRecording, ...]
    cells: tuple[Cell, ...]
    recording_bytes: int
    stage_bytes: int
    free_bytes: int

    @property
    def problems(self) -> list[str]:
        """Return why the run cannot be made here, a sentence each; empty when it can."""
        found = [f"{r.recipe.space} ({r.group}): {r.problem}" for r in self.recordings if r.problem]
        needed = self.recording_bytes + self.stage_bytes
        if needed > self.free_bytes:
            found.append(
                f"about {needed / 1e6:,.0f} MB are needed and {self.free_bytes / 1e6:,.0f} MB are free. Free some "
                "space, or set TST_BENCH_HOME to a folder on another disk."
            )
        return found


def forecast(plan: RunPlan, tasks: Sequence[str], home: Path) -> Forecast:
    """Return what is left to do of a run, and what it takes; reads only.

    Raises:
        UserError: an engine or an encoder that does not exist, or a recording that is damaged.
    """
    recordings = planned_recordings(plan, home)
    cells = grid_of(plan, tasks, home, "cpu")
    open_cells = [cell for cell in cells if cell.state != DONE]
    shared = _encoder_bytes(plan.suite)
    networks = {model.name: model.network for model in plan.models}
    pretrained = {cell.model for cell in open_cells if cell.stage == "pretrain"}
    stages = float(_answer_bytes(plan, [model for model in plan.models if model.name in pretrained]))
    for cell in open_cells:
        network = networks.get(cell.model)
        encoder = 4 * network.parameters if network and network.parameters else shared
        if cell.stage == "pretrain":
            stages += PRETRAIN_ENCODERS * encoder
        elif cell.stage == "evaluate":
            kept = 0.0 if cell.protocol == "zero-shot" else TRANSFER_ENCODERS * encoder
            stages += kept + _prediction_bytes(plan, cell.task)
    return Forecast(
        recordings=tuple(recordings),
        cells=tuple(cells),
        recording_bytes=sum(r.bytes for r in recordings if r.state != DONE),
        stage_bytes=round(stages),
        free_bytes=shutil.disk_usage(next(p for p in (home, *home.parents) if p.is_dir())).free,
    )


def _answer_bytes(plan: RunPlan, models: Sequence[Model]) -> int:
    """Return the bytes of what teachers say of the frames that models learn from: once, however many they are."""
    found: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for model in models:
        for name in model.teachers:
            each = _bytes_per_frame(name, plan.suite)
            for role in model.sources or {}:
                splits = pretraining_splits(role, plan.suite)
                for group, recipe in plan.recordings:
                    if group == source_group(model, role):
                        frames = sum(math.prod(recipe.splits[split]) for split in splits)
                        found[name, recipe.model_dump_json(), splits] = frames * each
    return sum(found.values())


def _bytes_per_frame(teacher_name: str, suite: Suite) -> int:
    """Return the bytes of a teacher's answer on one frame: a value a pixel, or a vector a token of its encoder."""
    row, rig = modality(teacher(teacher_name).modality), suite.rig
    shape = row.frame_shape(rig.height, rig.width)
    if teacher_name not in PSEUDO_LABELLERS:
        with torch.device("meta"):
            tokens = architecture(ZOO[teacher_name], suite, seed=0)(torch.zeros(1, 3, rig.height, rig.width))
        shape = (*tokens.shape[1:3], row.channels)
    return np.dtype(row.dtype).itemsize * math.prod(shape)


def _encoder_bytes(suite: Suite) -> int:
    with torch.device("meta"):
        encoder = build_encoder(shape_of(suite))
    return sum(p.numel() * p.element_size() for p in encoder.parameters())


def _prediction_bytes(plan: RunPlan, task: str) -> int:
    """Return the bytes of a row's predictions before compression."""
    rig, row = plan.suite.rig, TASKS[task]
    scored = [plan.recipe(space).splits["test"] for space in scored_spaces(plan)]
    return sum(count * each for count, each in scored) * row.form.bytes_per_frame(rig.height, rig.width)
