"""The stages of the protocol after generation: pre-train, transfer, predict, score. Each runs in a worker process.

A stage writes into a folder named by the digest of its inputs and ends with ``done.json``; a folder with that file
is never worked on again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file

from baselines.heads import DenseModel
from baselines.ledger import Entry, Ledger, Role
from baselines.objectives import OBJECTIVES
from baselines.precision import pick_device
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.devices import is_first_process, launched_processes
from baselines.pretraining.loop import pretrain
from baselines.transfer import LabelledFrames, TransferConfig, Transferred, predict, transfer, write_log
from baselines.weights import WeightsFile
from baselines.zoo import ZOO
from benchmark.encoders import architecture, ledger_of, shape_of, start_of, trained_encoder
from benchmark.environment import environment
from benchmark.jobs import Report
from benchmark.launching import ALONE, Execution, launch
from benchmark.plan import Portion
from benchmark.predictions import SpacePrediction, save_predictions
from benchmark.results import Compute, PretrainCompute, Result, SpaceResult, save_result, scores
from benchmark.scoring import score_space
from benchmark.suites import Suite
from benchmark.tasks import TASKS, Task
from sim_envs.generate import generate
from sim_envs.recordings.format import Recipe
from sim_envs.recordings.reader import Recording
from sim_envs.storage import write_json, write_whole

DONE = "done.json"


@dataclass(frozen=True)
class PretrainStage:
    """Inputs of a pre-training.

    Attributes:
        weights: of the network that is gone on from, None for one that begins at random.
        pool: where each part of the frames comes from.
        folder: where checkpoints, log and encoder go.
        execution: on how many processes, in how many parts.
    """

    model: str
    seed: int
    suite: Suite
    weights: WeightsFile | None
    pool: Sequence[tuple[Role, Portion]]
    folder: Path
    device: str
    execution: Execution = ALONE


@dataclass(frozen=True)
class EvaluateStage:
    """Inputs of a transfer, its predictions and their score.

    Attributes:
        pretrained: folder of the pre-training, None for a model without one.
        weights: file that the encoder's weights are read from, None where they are random or pre-trained here.
        train, validation: labelled frames of the transfer spaces; of the test space for an oracle.
        taught: labelled frames of the transfer spaces. What categories count follows from them, for every model.
        scored: frames of the test space and of held-out spaces, with the role of each.
        transfer_folder, prediction_folder, result_folder: where things go.
    """

    model: str
    seed: int
    suite: Suite
    test_space: str
    task: str
    protocol: Literal["frozen", "finetune"]
    pretrained: Path | None
    weights: WeightsFile | None
    train: Sequence[Portion]
    validation: Sequence[Portion]
    taught: Sequence[Portion]
    scored: Sequence[tuple[Literal["test", "held_out"], Portion]]
    transfer_folder: Path
    prediction_folder: Path
    result_folder: Path
    device: str


def is_done(folder: Path) -> bool:
    """Tell whether a stage has ended well."""
    return (folder / DONE).is_file()


def loop_config(suite: Suite, seed: int, execution: Execution = ALONE) -> LoopConfig:
    """Return how long and how fast every model is pre-trained under a suite's budget."""
    budget = suite.pretrain
    return LoopConfig(
        steps=budget.steps,
        batch=budget.batch,
        lr=budget.lr,
        accumulate=execution.accumulate,
        compile=execution.compile,
        seed=seed,
    )


def run_generate(recipe: Recipe, home: Path, report: Report) -> None:
    """Record a space, or continue a recording that was interrupted; one process a recording."""
    generate(recipe, home=home, workers=1, progress=report)


def run_pretrain(stage: PretrainStage, report: Report) -> None:
    """Pre-train, or continue where a killed run stopped; only sensed frames are opened, no label can be.

    Where the stage asks for several processes and this is none of them, they are launched and waited for.
    """
    if is_done(stage.folder):
        return
    if stage.execution.processes > 1 and launched_processes() == 1:
        file = stage.folder / "launched.json"
        write_json(file, TypeAdapter(PretrainStage).dump_python(stage, mode="json"))
        launch(file, stage.execution.processes, report)
        return
    model = ZOO[stage.model]
    frames = [Recording.open(p.folder).sensed().only(np.array(p.rows)) for _, p in stage.pool]
    start = start_of(model, stage.suite, stage.seed, stage.weights)
    config = loop_config(stage.suite, stage.seed, stage.execution)
    shape = start.config if start else shape_of(stage.suite)
    objective = OBJECTIVES[model.objective](model, shape, config, start)
    outcome = pretrain(objective, config, frames, stage.folder, device=pick_device(stage.device), progress=report)
    ledger = Ledger(
        entries=tuple(
            Entry(role=role, source=p.space, digest=p.digest, modalities=model.modalities, frames=len(p.rows))
            for role, p in stage.pool
        )
    )
    if is_first_process():
        write_json(stage.folder / DONE, {"ledger": ledger.model_dump(mode="json"), **asdict(outcome)})


def read_stage(file: Path) -> PretrainStage:
    """Return the stage that :func:`run_pretrain` wrote for the processes that it launched."""
    return TypeAdapter(PretrainStage).validate_json(file.read_bytes())


def run_evaluate(stage: EvaluateStage, report: Report) -> None:
    """Transfer, predict and score; the first two are skipped where they are done."""
    device = pick_device(stage.device)
    task = TASKS[stage.task]
    if not is_done(stage.transfer_folder):
        _transfer(stage, task, device, report)
    if not is_done(stage.prediction_folder):
        _predict(stage, task, device)
    result = _score(stage, task, device)
    flags = (*result.flags, *stage.suite.flags)
    save_result(stage.result_folder, result.model_copy(update={"flags": flags}))


def _transfer(stage: EvaluateStage, task: Task, device: torch.device, report: Report) -> None:
    """Train one candidate a learning rate; keep the one that validates best in the transfer spaces."""
    budget, head = stage.suite.transfer_budget, task.head()
    train = LabelledFrames(*_labelled(stage.train, task))
    validation_rgb, validation_target = _labelled(stage.validation, task)
    seen = task.seen([train.target if stage.taught == stage.train else _labelled(stage.taught, task)[1]])
    trajectory = _trajectories(stage.validation)
    main = task.measures[0]

    def score(prediction: np.ndarray) -> float:
        total = task.statistics(prediction, validation_target, trajectory).total
        value = float(task.metrics(total, task.scope(total, seen))[main.key])
        return value if main.higher_is_better else -value

    rates = budget.encoder_lrs if stage.protocol == "finetune" else budget.encoder_lrs[:1]
    encoder = trained_encoder(ZOO[stage.model], stage.suite, stage.seed, stage.pretrained, stage.weights)
    candidates: list[tuple[float, Transferred]] = []
    for number, rate in enumerate(rates):
        config = TransferConfig(
            protocol=stage.protocol,
            channels=head.channels,
            loss=head.loss,
            steps=budget.steps,
            batch=budget.batch,
            head_lr=budget.head_lr,
            encoder_lr=rate,
            evaluations=budget.evaluations,
            seed=stage.seed,
        )
        outcome = transfer(
            encoder,
            config,
            train,
            validation_rgb,
            score,
            task.encode_prediction,
            device=device,
            progress=lambda step, steps, n=number: report(n * steps + step, len(rates) * steps),  # type: ignore[misc]
        )
        candidates.append((rate, outcome))
    rate, best = max(candidates, key=lambda c: c[1].validation)
    stage.transfer_folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.cpu().contiguous() for name, value in best.model.state_dict().items()}
    write_whole(stage.transfer_folder / "model.safetensors", lambda path: save_file(state, path))
    write_whole(stage.transfer_folder / "log.csv", lambda path: write_log(best.log, path))
    done = {
        "encoder_lr": rate if stage.protocol == "finetune" else 0.0,
        "validation": {f"{r:g}": o.validation for r, o in candidates},
        "best_step": best.best_step,
        "seconds": sum(o.seconds for _, o in candidates),
        "parameters": sum(p.numel() for p in best.model.parameters()),
        "seen": list(seen),
    }
    write_json(stage.transfer_folder / DONE, done)


def _predict(stage: EvaluateStage, task: Task, device: torch.device) -> None:
    encoder = architecture(ZOO[stage.model], stage.suite, stage.seed)
    model = DenseModel(encoder, task.head().channels).to(device)
    model.load_state_dict(load_file(stage.transfer_folder / "model.safetensors"))
    start, count = time.perf_counter(), 0
    parts = []
    for _, part in stage.scored:
        rgb = Recording.open(part.folder).array("rgb")[list(part.rows)]
        values = predict(model, rgb, task.encode_prediction, device=device).astype(task.prediction_dtype)
        parts.append(SpacePrediction(part.space, part.digest, np.array(part.rows, np.int64), values))
        count += len(rgb)
    seconds = time.perf_counter() - start
    save_predictions(
        stage.prediction_folder, parts, task=task, model=stage.model, protocol=stage.protocol, seed=stage.seed
    )
    write_json(stage.prediction_folder / DONE, {"seconds": seconds, "frames_per_second": count / seconds})


def _score(stage: EvaluateStage, task: Task, device: torch.device) -> Result:
    """Score what is on disk against the truth, and put everything that led there beside the number."""
    transferred = _read(stage.transfer_folder)
    pretrained = _read(stage.pretrained) if stage.pretrained else None
    predicted = _read(stage.prediction_folder)
    model = ZOO[stage.model]
    before = Ledger.model_validate(pretrained["ledger"]) if pretrained else Ledger()
    labelled = (*stage.train, *stage.validation) if model.labels_from == "test" else ()
    ledger = ledger_of(model, before, stage.weights, labelled, task)
    start = time.perf_counter()
    parts = tuple(_score_space(stage, task, role, p, tuple(transferred["seen"])) for role, p in stage.scored)
    budget = stage.suite.transfer_budget
    gpus = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    used = [p for _, p in stage.scored] + list(stage.train) + list(stage.validation)
    curves = {"transfer": _relative(stage.transfer_folder / "log.csv", stage.result_folder)}
    if stage.pretrained:
        curves["pretrain"] = _relative(stage.pretrained / "log.csv", stage.result_folder)
    return Result(
        suite=f"{stage.suite.name} v{stage.suite.version}",
        test_space=stage.test_space,
        variant=stage.suite.variant,
        model=stage.model,
        track=ledger.track.value,
        task=stage.task,
        task_version=task.version,
        protocol=stage.protocol,
        seed=stage.seed,
        flags=(model.unranked,) if model.unranked else (),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        configuration={
            "suite": stage.suite.model_dump(mode="json"),
            "encoder_lr": transferred["encoder_lr"],
            "validation": transferred["validation"],
            "best_step": transferred["best_step"],
        },
        ledger=ledger.model_dump(mode="json"),
        environment=environment(gpus),
        inputs={f"{p.space} {p.folder.name}": p.digest for p in used}
        | {e.source + " (pre-training)": e.digest for e in ledger.entries if e.digest}
        | {f"weights of {name}": sha256 for name, sha256 in ledger.weights.items()},
        compute=Compute(
            parameters=transferred["parameters"],
            pretrain_frames=sum(e.frames for e in ledger.entries if not (e.role == "test" and e.labels)),
            pretrain_steps=stage.suite.pretrain.steps if pretrained else 0,
            pretrain_seconds=pretrained["seconds"] if pretrained else 0.0,
            pretraining=PretrainCompute.of(pretrained) if pretrained else None,
            transfer_frames=sum(len(p.rows) for p in stage.train),
            transfer_steps=budget.steps,
            transfer_seconds=transferred["seconds"],
            predict_frames_per_second=predicted["frames_per_second"],
        ),
        timings={
            "pretrain": pretrained["seconds"] if pretrained else 0.0,
            "transfer": transferred["seconds"],
            "predict": predicted["seconds"],
            "score": time.perf_counter() - start,
        },
        spaces=parts,
        scores=scores(parts, task, stage.seed),
        curves=curves,
        prediction_folder=_relative(stage.prediction_folder, stage.result_folder),
    )


def _score_space(
    stage: EvaluateStage, task: Task, role: Literal["test", "held_out"], part: Portion, seen: tuple[int, ...]
) -> SpaceResult:
    rows = np.array(part.rows, np.int64)
    recording = Recording.open(part.folder)
    return score_space(stage.prediction_folder, recording, rows, task=task, role=role, seen=seen)


def _labelled(portions: Sequence[Portion], task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Return RGB (N, H, W, 3) uint8 and targets (N, H, W, *value_shape) of several recordings, one after the other."""
    rgb, target = [], []
    for part in portions:
        recording, rows = Recording.open(part.folder), np.array(part.rows, np.int64)
        rgb.append(np.asarray(recording.array("rgb")[rows]))
        target.append(task.targets(recording, rows))
    return np.concatenate(rgb), np.concatenate(target)


def _trajectories(portions: Sequence[Portion]) -> np.ndarray:
    """Return an id per frame that is unique over recordings, (N,) int64."""
    ids = [Recording.open(p.folder).trajectory_ids[list(p.rows)] + 1_000_000 * i for i, p in enumerate(portions)]
    return np.concatenate(ids)


def _read(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / DONE).read_text(encoding="utf-8")))


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
