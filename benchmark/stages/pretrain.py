"""The stage of pre-training: an encoder from unlabelled frames, alone or on several processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from baselines.ledger import Entry, Ledger, Role
from baselines.objectives import OBJECTIVES
from baselines.precision import pick_device
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.devices import is_first_process, launched_processes
from baselines.pretraining.loop import pretrain
from baselines.weights import WeightsFile
from baselines.zoo import ZOO, Model
from benchmark.encoders import shape_of, start_of
from benchmark.jobs import Report
from benchmark.launching import ALONE, Execution, launch
from benchmark.plan import Portion, pretrain_budget, pretraining_splits
from benchmark.stages.folder import DONE, is_done
from benchmark.stages.teaching import Teaching, pretraining_frames, questions
from benchmark.suites import Suite
from sim_envs.storage import write_json


@dataclass(frozen=True)
class PretrainStage:
    """Inputs of a pre-training.

    Attributes:
        weights: of the network that is gone on from, None for one that begins at random.
        pool: where each part of the frames comes from.
        teachers: who is asked about the frames.
        home: where teachers' answers are kept.
        folder: where checkpoints, log and encoder go.
        execution: on how many processes, in how many parts.
    """

    model: str
    seed: int
    suite: Suite
    weights: WeightsFile | None
    pool: Sequence[tuple[Role, Portion]]
    teachers: Sequence[Teaching]
    home: Path
    folder: Path
    device: str
    execution: Execution = ALONE

    def reads(self) -> tuple[Path, ...]:
        """Return the folders and files that it opens."""
        frames = (part.folder for _, part in self.pool)
        weights = (one.path for one in (self.weights, *(teaching.weights for teaching in self.teachers)) if one)
        taught = (teaching.pretrained for teaching in self.teachers if teaching.pretrained)
        return tuple(dict.fromkeys((*frames, *weights, *taught)))

    def writes(self) -> tuple[Path, ...]:
        """Return the folders that are there after it; recordings, and teachers that are pre-trained, must be there."""
        if not self.teachers:
            return (self.folder,)
        answers = (
            question.folder(self.home)
            for role, part in self.pool
            for question in questions(part, pretraining_splits(role, self.suite), self.teachers)
        )
        return tuple(dict.fromkeys((*answers, self.folder)))


def loop_config(model: Model, suite: Suite, seed: int, execution: Execution = ALONE) -> LoopConfig:
    """Return how long and how fast a model is pre-trained under a suite's budget."""
    budget = pretrain_budget(model, suite)
    return LoopConfig(
        steps=budget.steps,
        batch=budget.batch,
        lr=budget.lr,
        accumulate=execution.accumulate,
        compile=execution.compile,
        seed=seed,
    )


def run_pretrain(stage: PretrainStage, report: Report) -> None:
    """Pre-train, or continue where a killed run stopped; only sensed frames are opened, no label can be.

    Where the stage asks for several processes and this is none of them, they are launched and waited for.
    """
    if is_done(stage.folder):
        return
    model = ZOO[stage.model]
    device = pick_device(stage.device)
    frames = [
        pretraining_frames(p, pretraining_splits(role, stage.suite), stage.teachers, stage.home, device, report)
        for role, p in stage.pool
    ]
    if stage.execution.processes > 1 and launched_processes() == 1:
        file = stage.folder / "launched.json"
        write_json(file, TypeAdapter(PretrainStage).dump_python(stage, mode="json"))
        launch(file, stage.execution.processes, report)
        return
    start = start_of(model, stage.suite, stage.seed, stage.weights)
    config = loop_config(model, stage.suite, stage.seed, stage.execution)
    shape = start.config if start else shape_of(stage.suite)
    objective = OBJECTIVES[model.objective](model, shape, config, start)
    outcome = pretrain(objective, config, frames, stage.folder, device=device, progress=report)
    ledger = Ledger(
        entries=tuple(
            Entry(role=role, source=p.space, digest=p.digest, modalities=model.modalities, frames=len(p.rows))
            for role, p in stage.pool
        ),
        teachers=tuple(teaching.ledger() for teaching in stage.teachers),
    )
    if is_first_process():
        write_json(stage.folder / DONE, {"ledger": ledger.model_dump(mode="json"), **asdict(outcome)})


def read_stage(file: Path) -> PretrainStage:
    """Return the stage that :func:`run_pretrain` wrote for the processes that it launched."""
    return TypeAdapter(PretrainStage).validate_json(file.read_bytes())
