"""The stages after pre-training: transfer, predict, score."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from baselines.ledger import Ledger
from baselines.precision import pick_device
from baselines.sensor_inputs import stacked
from baselines.transfer import LabelledFrames, Score, TransferConfig, Transferred, transfer, write_log
from baselines.weights import WeightsFile
from baselines.zoo import ZOO, Model
from benchmark.encoders import ledger_of, trained_encoder
from benchmark.environment import environment
from benchmark.estimates import scores
from benchmark.forms import Answers, concatenate
from benchmark.jobs import Report
from benchmark.plan import Portion, pretrain_budget
from benchmark.predictions import is_intact
from benchmark.results import Compute, PretrainCompute, Result, SpaceResult, save_result
from benchmark.results import Role as ScoredRole
from benchmark.scoring import score_space
from benchmark.stages.folder import DONE, is_done, read_done
from benchmark.stages.predicting import MODEL_FILE, Asked, TaughtModel, head_of, predict_spaces
from benchmark.stages.zero_shot import write_without_transfer
from benchmark.suites import Protocol, Suite
from benchmark.tasks import TASKS, Task
from sim_envs.recordings.reader import Recording
from sim_envs.storage import write_json, write_whole


@dataclass(frozen=True)
class EvaluateStage:
    """Inputs of a transfer, its predictions and their score.

    Attributes:
        pretrained: folder of the pre-training, None for a model without one.
        weights: file that the encoder's weights are read from, None where they are random or pre-trained here.
        train, validation: labelled frames of the transfer spaces; of the test space for an oracle.
        taught: labelled frames of the transfer spaces. What categories count follows from them, for every model.
        scored: frames of the test space, of held-out spaces and of other test spaces, with the role of each.
        transfer_folder, prediction_folder, result_folder: where things go.
    """

    model: str
    seed: int
    suite: Suite
    test_space: str
    task: str
    protocol: Protocol
    pretrained: Path | None
    weights: WeightsFile | None
    train: Sequence[Portion]
    validation: Sequence[Portion]
    taught: Sequence[Portion]
    scored: Sequence[tuple[ScoredRole, Portion]]
    transfer_folder: Path
    prediction_folder: Path
    result_folder: Path
    device: str


def run_evaluate(stage: EvaluateStage, report: Report) -> None:
    """Transfer, predict and score; the first two are skipped where they are done, and predictions are still whole."""
    device = pick_device(stage.device)
    task = TASKS[stage.task]
    if not is_done(stage.transfer_folder):
        _transfer(stage, task, device, report) if stage.protocol != "zero-shot" else _no_transfer(stage, task)
    if not is_done(stage.prediction_folder) or not is_intact(stage.prediction_folder):
        _predict(stage, device, report)
    result = _score(stage, task, device)
    flags = (*result.flags, *stage.suite.flags)
    save_result(stage.result_folder, result.model_copy(update={"flags": flags}))


def _transfer(stage: EvaluateStage, task: Task, device: torch.device, report: Report) -> None:
    """Train one candidate a learning rate; keep the one that validates best in the transfer spaces."""
    budget = stage.suite.transfer_budget
    model = ZOO[stage.model]
    train = LabelledFrames(_inputs(stage.train, model), _targets(stage.train, task))
    seen = task.seen([train.target if stage.taught == stage.train else _targets(stage.taught, task)])
    validation_rgb = _inputs(stage.validation, model)
    score = _validation_score(stage.validation, task, seen)
    assert stage.protocol != "zero-shot"
    rates = budget.rates(model.trained_elsewhere)[: None if stage.protocol == "finetune" else 1]
    encoder = trained_encoder(model, stage.suite, stage.seed, stage.pretrained, stage.weights)
    candidates: list[tuple[float, Transferred]] = []
    for number, rate in enumerate(rates):
        config = TransferConfig(
            protocol=stage.protocol,
            head=head_of(stage.task, stage.suite),
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
    rate, best = max(candidates, key=lambda c: -math.inf if math.isnan(c[1].validation) else c[1].validation)
    stage.transfer_folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.cpu().contiguous() for name, value in best.model.state_dict().items()}
    write_whole(stage.transfer_folder / MODEL_FILE, lambda path: save_file(state, path))
    write_whole(stage.transfer_folder / "log.csv", lambda path: write_log(best.log, path))
    done = {
        "encoder_lr": rate if stage.protocol == "finetune" else 0.0,
        "validation": {f"{r:g}": None if math.isnan(o.validation) else o.validation for r, o in candidates},
        "best_step": best.best_step,
        "seconds": sum(o.seconds for _, o in candidates),
        "parameters": sum(p.numel() for p in best.model.parameters()),
        "seen": list(seen),
    }
    write_json(stage.transfer_folder / DONE, done)


def _no_transfer(stage: EvaluateStage, task: Task) -> None:
    """Note what transfer training could have taught, which is what is scored for every model."""
    network = ZOO[stage.model].network
    assert network is not None
    seen = task.seen([_targets(stage.taught, task)])
    write_without_transfer(stage.transfer_folder / DONE, network.zero_shot_parameters, seen)


def _predict(stage: EvaluateStage, device: torch.device, report: Report) -> None:
    taught = TaughtModel(
        model=stage.model,
        seed=stage.seed,
        suite=stage.suite,
        task=stage.task,
        protocol=stage.protocol,
        weights=stage.weights,
        folder=stage.transfer_folder,
    )
    count = sum(len(part.rows) for _, part in stage.scored)
    asked = (_asked(part, ZOO[stage.model]) for _, part in stage.scored)
    predict_spaces(taught, asked, count, stage.prediction_folder, device, report)


def _asked(part: Portion, model: Model) -> Asked:
    trajectory, rows = Recording.open(part.folder).trajectory_ids, np.array(part.rows, np.int64)
    return Asked(part.space, part.digest, rows, trajectory[rows], _inputs([part], model))


def _score(stage: EvaluateStage, task: Task, device: torch.device) -> Result:
    """Score what is on disk against the truth, and put everything that led there beside the number."""
    transferred = read_done(stage.transfer_folder)
    pretrained = read_done(stage.pretrained) if stage.pretrained else None
    predicted = read_done(stage.prediction_folder)
    model = ZOO[stage.model]
    before = Ledger.model_validate(pretrained["ledger"]) if pretrained else Ledger()
    labelled = (*stage.train, *stage.validation) if model.labels_from == "test" else ()
    ledger = ledger_of(model, before, stage.weights, labelled, task)
    start = time.perf_counter()
    parts = tuple(_score_space(stage, task, role, p, tuple(transferred["seen"])) for role, p in stage.scored)
    budget = stage.suite.transfer_budget
    gpus = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    transfers = stage.protocol != "zero-shot"
    learned = [*stage.train, *stage.validation] if transfers else []
    used = [p for _, p in stage.scored] + learned
    curves = {"transfer": _relative(stage.transfer_folder / "log.csv", stage.result_folder)} if transfers else {}
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
        | {f"weights of {name}": sha256 for name, sha256 in ledger.weights.items()}
        | {f"weights of {teacher.name}": teacher.weights for teacher in ledger.teachers if teacher.weights},
        compute=Compute(
            parameters=transferred["parameters"],
            pretrain_frames=sum(e.frames for e in ledger.entries if not (e.role == "test" and e.labels)),
            pretrain_steps=pretrain_budget(model, stage.suite).steps if pretrained else 0,
            pretrain_seconds=pretrained["seconds"] if pretrained else 0.0,
            pretraining=PretrainCompute.of(pretrained) if pretrained else None,
            transfer_frames=sum(len(p.rows) for p in stage.train) if transfers else 0,
            transfer_steps=budget.steps if transfers else 0,
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
    stage: EvaluateStage, task: Task, role: ScoredRole, part: Portion, seen: tuple[int, ...]
) -> SpaceResult:
    rows = np.array(part.rows, np.int64)
    recording = Recording.open(part.folder)
    return score_space(stage.prediction_folder, recording, rows, task=task, role=role, seen=seen)


def _validation_score(portions: Sequence[Portion], task: Task, seen: tuple[int, ...]) -> Score:
    """Return what judges the predictions of some frames by the task's main measure, higher is better."""
    parts = []
    for part in portions:
        recording, rows = Recording.open(part.folder), np.array(part.rows, np.int64)
        parts.append((recording, rows, task.targets(recording, rows)))
    ends = np.cumsum([len(rows) for _, rows, _ in parts])
    main = task.measures[0]

    def score(encoded: list[Any]) -> float:
        together, sums = concatenate(encoded), []
        for end, (recording, rows, target) in zip(ends, parts, strict=True):
            prediction = task.conclude(together[np.arange(end - len(rows), end)], rows, recording.trajectory_ids[rows])
            sums.append(task.statistics(prediction, target, recording.trajectory_ids[rows]).sums)
        total = np.concatenate(sums).sum(axis=0)
        value = float(task.metrics(total, task.scope(total, seen))[main.key])
        return value if main.higher_is_better else -value

    return score


def _inputs(portions: Sequence[Portion], model: Model) -> np.ndarray:
    """Return what a model reads of several recordings, one after the other: RGB, (N, H, W, 3) uint8, for nearly all."""
    parts = []
    for part in portions:
        recording, rows = Recording.open(part.folder), list(part.rows)
        parts.append(stacked(model.inputs, lambda name, r=recording, which=rows: r.array(name)[which]))  # type: ignore[misc]
    return np.concatenate(parts)


def _targets(portions: Sequence[Portion], task: Task) -> Answers:
    """Return the truth of several recordings, one after the other."""
    return concatenate([task.targets(Recording.open(p.folder), np.array(p.rows, np.int64)) for p in portions])


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
