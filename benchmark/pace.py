"""How long a run will take on this machine: a few frames of each kind of work are done now, and their number scaled.

It is a guess to plan an afternoon by, not a measurement: other work on the machine, larger batches and slow disks are
not in it. Teachers' answers, experts' answers without transfer and the start of processes are not counted.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from baselines.batches import FramePool
from baselines.heads.head import HeadedEncoder
from baselines.objectives import OBJECTIVES
from baselines.precision import autocast, fit_attention, pick_precision
from baselines.pretraining.objective import Objective
from baselines.sensor_inputs import network_channels
from baselines.zoo import Model
from benchmark.at_hand import DONE
from benchmark.encoders import architecture, shape_of, start_of
from benchmark.forecast import Forecast
from benchmark.plan import RunPlan, pretrain_budget, scored_spaces
from benchmark.stages.predicting import head_of
from benchmark.stages.pretrain import loop_config
from benchmark.status import Cell
from sim_envs.generate import record
from sim_envs.modalities import MODALITIES, modality
from sim_envs.recordings.format import LOG_FILE
from sim_envs.spaces import is_capture, load_place

FRAMES = 4
"""That are tried of each kind of work; the first pass warms up, the second counts."""


def expected_seconds(plan: RunPlan, found: Forecast, home: Path, device: torch.device, workers: int) -> float:
    """Return about how long what is left of a run takes, shared among ``workers`` processes of one thread each."""
    open_cells = [cell for cell in found.cells if cell.state != DONE]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work = _recording(found, home) + _pretraining(plan, open_cells, device) + _evaluation(plan, open_cells, device)
    finally:
        torch.set_num_threads(before)
    return work / (workers if device.type == "cpu" else 1)


def in_words(seconds: float) -> str:
    """Say a duration as roughly as it is known: ``about 25 minutes``."""
    if seconds < 90:
        return "about a minute"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {max(2, 5 * round(minutes / 5)) if minutes > 10 else round(minutes)} minutes"
    hours = minutes / 60
    return f"about {hours:.0f} hours" if hours < 48 else f"about {hours / 24:.0f} days"


def _recording(found: Forecast, home: Path) -> float:
    """Return the seconds of all recordings that are to be made, from a very short one of the first."""
    to_make = [r for r in found.recordings if r.state != DONE and not r.problem and not is_capture(r.recipe.space)]
    if not to_make:
        return 0.0
    recipe = to_make[0].recipe
    few = recipe.model_copy(update={"splits": {"train": (2, FRAMES)}})
    with tempfile.TemporaryDirectory() as folder:
        built_in = recipe.space.startswith("builtin/")  # these are built where they are loaded; nothing is left at home
        place = load_place(recipe.space, Path(folder) if built_in else home)
        log = json.loads((record(place, few, home=Path(folder)).folder / LOG_FILE).read_text(encoding="utf-8"))
    return sum(r.frames for r in to_make) / log["frames_per_second"]


def _pretraining(plan: RunPlan, cells: Sequence[Cell], device: torch.device) -> float:
    rows = {model.name: model for model in plan.models}
    seconds: dict[str, float] = {}
    total = 0.0
    for cell in cells:
        model = rows.get(cell.model)
        if cell.stage != "pretrain" or model is None:
            continue
        if model.name not in seconds:
            budget = pretrain_budget(model, plan.suite)
            seconds[model.name] = budget.steps * budget.batch * _step_seconds(plan, model, device)
        total += seconds[model.name]
    return total


def _step_seconds(plan: RunPlan, model: Model, device: torch.device) -> float:
    """Return the seconds of a training step, a frame."""
    sensed = tuple(name for name in model.modalities if name in MODALITIES and modality(name).sensed)
    start = start_of(model, plan.suite, 0, plan.weights.get(model.name))
    shape = start.config if start else shape_of(plan.suite)
    config = loop_config(model, plan.suite, 0)
    objective: Objective = OBJECTIVES[model.objective](replace(model, modalities=sensed), shape, config, start)
    objective.to(device)
    precision = pick_precision(config.precision, device)
    fit_attention(objective, device, precision)
    size = objective.image_size
    pool = FramePool([_Noise(size)], objective.modalities, size, patches=objective.shape.grid, device=device)
    drawn = objective.draw(np.random.default_rng(0), FRAMES)
    batch = pool.batch(np.arange(FRAMES), device)

    def step() -> None:
        with autocast(device, precision):
            losses = objective.losses(batch, drawn, 0, objective.counts(batch, drawn))
        losses.total.backward()

    return _timed(step, device) / FRAMES


@dataclass(frozen=True)
class _Noise:
    """Frames of noise, as a recording serves them."""

    size: int

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(name for name, row in MODALITIES.items() if row.sensed)

    def __len__(self) -> int:
        return FRAMES

    def get(self, name: str, rows: np.ndarray) -> np.ndarray:
        row = modality(name)
        limit = min(np.iinfo(row.dtype).max, 8000)
        shape = (len(rows), *row.frame_shape(self.size, self.size))
        return np.random.default_rng(0).integers(1, limit, shape).astype(row.dtype)


def _evaluation(plan: RunPlan, cells: Sequence[Cell], device: torch.device) -> float:
    """Return the seconds of transfers and predictions, from encoders and heads that answer about a few frames."""
    budget = plan.suite.transfer_budget
    rows = {model.name: model for model in plan.models}
    scored = sum(math.prod(plan.recipe(space).splits["test"]) for space in scored_spaces(plan))
    judged = sum(math.prod(plan.recipe(space).splits["val"]) for space in plan.spaces("transfer"))
    paces: dict[tuple[str, str], tuple[float, float]] = {}
    total = 0.0
    for cell in cells:
        model = rows.get(cell.model)
        if cell.stage != "evaluate" or model is None or cell.protocol == "zero-shot":
            continue
        key = (json.dumps(dict(model.network.identity) if model.network else list(model.inputs)), cell.task)
        if key not in paces:
            paces[key] = _answer_seconds(plan, model, cell.task, device)
        encode, head = paces[key]
        learns = cell.protocol == "finetune"
        rates = len(budget.rates(model.trained_elsewhere)) if learns else 1
        step = 3 * (encode + head) if learns else encode + 3 * head  # a backward pass costs about two forward ones
        total += rates * (budget.steps * budget.batch * step + budget.evaluations * judged * (encode + head))
        total += scored * (encode + head)
    return total


def _answer_seconds(plan: RunPlan, model: Model, task: str, device: torch.device) -> tuple[float, float]:
    """Return the seconds a frame of the encoder, and of the head."""
    rig = plan.suite.rig
    encoder = architecture(model, plan.suite, 0)
    headed = HeadedEncoder(encoder, head_of(task, plan.suite), (rig.height, rig.width)).to(device).eval()
    precision = pick_precision("auto", device)
    fit_attention(headed, device, precision)
    images = torch.zeros(FRAMES, network_channels(encoder.reads), rig.height, rig.width, device=device)

    def encode() -> None:
        with torch.inference_mode(), autocast(device, precision):
            headed.tokens(images, train_encoder=False)

    def answer() -> None:
        with torch.inference_mode(), autocast(device, precision):
            headed.answer(images)

    alone, both = _timed(encode, device), _timed(answer, device)
    return alone / FRAMES, max(0.0, both - alone) / FRAMES


def _timed(work: Callable[[], None], device: torch.device) -> float:
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
