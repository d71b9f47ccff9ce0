"""The runner: record what is missing, then send every model through pre-training, transfer, prediction and scoring.

Each stage's folder is named by a digest of its inputs, so nothing is done twice, a changed configuration never
meets old files, and whatever was interrupted continues.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from baselines.sensor_inputs import RGB_ALONE
from baselines.teachers.table import PSEUDO_LABELLERS
from baselines.zoo import ZOO, Model
from benchmark.encoders import shape_of
from benchmark.jobs import Job
from benchmark.launching import ALONE, Execution
from benchmark.plan import (
    Portion,
    RunPlan,
    labelled_portions,
    pretrain_budget,
    pretraining_pool,
    scored_spaces,
    shared_out,
)
from benchmark.results import Role as ScoredRole
from benchmark.stages.evaluate import EvaluateStage, run_evaluate
from benchmark.stages.folder import is_done
from benchmark.stages.predicting import head_of
from benchmark.stages.pretrain import PretrainStage, run_pretrain
from benchmark.stages.record import run_generate
from benchmark.stages.teaching import Teaching
from benchmark.suites import Protocol
from benchmark.tasks import TASKS
from sim_envs.engines import ENGINES
from sim_envs.errors import UserError
from sim_envs.generate import generate
from sim_envs.recordings.format import modalities_of
from sim_envs.recordings.reader import Recording
from sim_envs.spaces import is_capture, list_spaces, load_place, unknown_space
from sim_envs.storage import digest_json, write_json

STAGE_VERSION = 1
"""Raised when a stage would give other numbers from the same inputs: results of older code are not reused."""

TEACHER_SEED = 0
"""Of a teacher that is pre-trained in this benchmark itself."""


@dataclass(frozen=True)
class Machine:
    """What a run may use: jobs at a time, threads in each, a torch device, and how a pre-training uses them.

    Attributes:
        gpus: of each job that runs at a time, as ``CUDA_VISIBLE_DEVICES`` names them; empty on a CPU.
    """

    workers: int
    threads: int
    device: str
    execution: Execution = ALONE
    gpus: tuple[str, ...] = ()

    @classmethod
    def of(cls, workers: int, device: str, cores: int, execution: Execution = ALONE) -> Machine:
        """Share cores among workers. Two processes of one thread beat one of two; a GPU takes one job at a time.

        On several GPUs as many jobs run at a time as have ``execution.processes`` GPUs each, unless one is named
        (``cuda:1``).

        Raises:
            UserError: more processes than there are GPUs.
        """
        if device.startswith("cuda"):
            if execution.processes > (gpus := torch.cuda.device_count()):
                raise UserError(f"--processes {execution.processes} needs as many GPUs, and there are {gpus}.")
            shares = gpu_shares(device, gpus, execution.processes)
            return cls(len(shares), max(1, cores // len(shares)), "cuda", execution, shares)
        jobs = max(1, workers // execution.processes)
        return cls(jobs, max(1, cores // workers), device, execution)


def gpu_shares(device: str, count: int, each: int) -> tuple[str, ...]:
    """Return the GPUs of each job that may run at a time, as ``CUDA_VISIBLE_DEVICES`` names them.

    Args:
        device: ``cuda`` for all, or one of them, ``cuda:1``.
        count: of GPUs that this process sees.
        each: GPUs of a job.
    """
    names = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    seen = names[:count] if len(names) >= count else [str(number) for number in range(count)]
    _, colon, number = device.partition(":")
    if colon and each == 1:
        seen = [seen[int(number)]]
    return tuple(",".join(seen[first : first + each]) for first in range(0, len(seen) - each + 1, each))


def run_folder(home: Path, plan: RunPlan) -> Path:
    """Return where a run's results and report lie."""
    return home / "runs" / plan.name


def recording_jobs(plan: RunPlan, home: Path) -> list[Job]:
    """Return a job for each recording a run needs; one that exists is a matter of a moment.

    Raises:
        UserError: a space, an engine or an encoder that does not exist, before anything is begun.
    """
    ENGINES[plan.suite.engine]
    shape_of(plan.suite)
    known = set(list_spaces(home))
    for space in plan.needed:
        if space not in known:
            raise unknown_space(space, home)
    logs = run_folder(home, plan) / "logs"
    jobs: dict[str, Job] = {}
    for group, recipe in plan.recordings:
        name = f"record {recipe.space}" + (f" for {group}" if ":" in group else "")
        job = Job(name, run_generate, {"recipe": recipe, "home": home}, _log(logs, name))
        jobs.setdefault(recipe.model_dump_json(), job)
    return list(jobs.values())


def open_recordings(plan: RunPlan, home: Path) -> dict[str, list[Recording]]:
    """Return the recordings of a run by group, see :attr:`RunPlan.recordings`.

    Raises:
        UserError: the test space's test views are near-duplicates of its pre-training views.
    """
    recordings: dict[str, list[Recording]] = {}
    for group, recipe in plan.recordings:
        recording = generate(recipe, home=home)
        if group == "test" and plan.suite.variant == "inductive" and not recording.meta.audit.passed:
            raise UserError(
                f"{recipe.space}: {recording.meta.audit.complaint()} (see {recording.folder / 'meta.json'}). Record"
                " other trajectories, or declare the suite's variant transductive."
            )
        recordings.setdefault(group, []).append(recording)
    return recordings


def usable_tasks(plan: RunPlan, home: Path) -> tuple[list[str], list[str]]:
    """Return the tasks that the test space can serve, and a note for each that it cannot; before anything is recorded.

    Raises:
        UserError: no such space, or no task is left.
    """
    held = modalities_of(load_place(plan.test_space, home))
    usable = [name for name in plan.suite.tasks if set(TASKS[name].needs) <= set(held)]
    notes = [f"{name} is left out: {plan.test_space} has no labels." for name in plan.suite.tasks if name not in usable]
    if not usable:
        how = "--labels-from a scan" if is_capture(plan.test_space) else "--labels and --instances"
        others = ", ".join(f"--task {name}" for name in TASKS if set(TASKS[name].needs) <= set(held))
        raise UserError(f"{' '.join(notes)} Import it with {how}, or take one of {others}.")
    return usable, notes


def jobs_of(
    plan: RunPlan,
    recordings: dict[str, list[Recording]],
    tasks: Sequence[str],
    home: Path,
    device: str,
    execution: Execution = ALONE,
) -> list[Job]:
    """Return every job of a run: one per model and seed for pre-training, one per task and protocol after it."""
    suite = plan.suite
    jobs: list[Job] = []
    begun: dict[Path, str] = {}  # stage folder → the job that fills it: two models may share one, two jobs never
    logs = run_folder(home, plan) / "logs"
    for seed in range(suite.seeds):
        for model in plan.models:
            before = None
            if model.pretrains:
                before = pretrain_stage(plan, model, seed, recordings, home, device, execution)
            needs: tuple[str, ...] = ()
            if before and not is_done(before.folder):
                needs = (_begin(before, plan, recordings, home, begun, jobs),)
            for task in tasks:
                for protocol in plan.protocols_of(model, task):
                    stage = _evaluate(plan, model, seed, task, protocol, before, recordings, home, device)
                    name = f"{task} {protocol} {model.name} seed {seed}"
                    same = begun.setdefault(stage.transfer_folder, name)
                    after = needs if same == name else (*needs, same)
                    jobs.append(Job(name, run_evaluate, {"stage": stage}, _log(logs, name), after))
    # Pre-training first: it is the longest, and transfers fill the gaps it leaves.
    return sorted(jobs, key=lambda job: (bool(job.needs), job.function is run_evaluate))


def _begin(
    stage: PretrainStage,
    plan: RunPlan,
    recordings: dict[str, list[Recording]],
    home: Path,
    begun: dict[Path, str],
    jobs: list[Job],
) -> str:
    """Add the job of a pre-training, after those of its teachers, unless it is there; return its name."""
    if stage.folder in begun:
        return begun[stage.folder]
    needs = []
    for teaching in stage.teachers:
        if teaching.pretrained and not is_done(teaching.pretrained):
            row = ZOO[teaching.teacher]
            teacher = pretrain_stage(plan, row, TEACHER_SEED, recordings, home, stage.device, stage.execution)
            needs.append(_begin(teacher, plan, recordings, home, begun, jobs))
    name = begun.setdefault(stage.folder, f"pretrain {stage.model} seed {stage.seed}")
    log = _log(run_folder(home, plan) / "logs", name)
    jobs.append(Job(name, run_pretrain, {"stage": stage}, log, tuple(dict.fromkeys(needs))))
    return name


def _log(folder: Path, name: str) -> Path:
    return folder / f"{re.sub('[ /:]', '-', name)}.log"


def pretrain_stage(
    plan: RunPlan,
    model: Model,
    seed: int,
    recordings: dict[str, list[Recording]],
    home: Path,
    device: str,
    execution: Execution = ALONE,
) -> PretrainStage:
    """Return the pre-training of a model of a run; its folder follows from all that decides the weights."""
    pool = pretraining_pool(model, plan.suite, recordings)
    key = {
        "stage": "pretrain",
        "version": STAGE_VERSION,
        "modalities": list(model.modalities),
        "pool": [[role, part.key] for role, part in pool],
        "budget": pretrain_budget(model, plan.suite).model_dump(mode="json"),
        "image": plan.suite.rig.width,
        "seed": seed,
    }
    if model.objective != "masked":  # folders from before there were others stay valid
        key["objective"] = model.objective
    if model.mask_ratio is not None:
        key["mask_ratio"] = model.mask_ratio
    weights = plan.weights.get(model.name)
    if model.network and weights:
        key |= {"network": dict(model.network.identity), "weights": weights.sha256}
    teachers = [_teaching(plan, name, recordings, home, device) for name in model.teachers]
    if teachers:
        key["teachers"] = [teaching.key for teaching in teachers]
    folder = _stage_folder(home, "pretrain", key)
    return PretrainStage(model.name, seed, plan.suite, weights, pool, teachers, home, folder, device, execution)


def _teaching(plan: RunPlan, name: str, recordings: dict[str, list[Recording]], home: Path, device: str) -> Teaching:
    """Return a teacher with its source of weights: one seed teaches all pupils."""
    if name in PSEUDO_LABELLERS or not ZOO[name].pretrains:
        return Teaching(name, plan.weights.get(name), None)
    return Teaching(name, None, pretrain_stage(plan, ZOO[name], TEACHER_SEED, recordings, home, device).folder)


def _evaluate(
    plan: RunPlan,
    model: Model,
    seed: int,
    task: str,
    protocol: Protocol,
    before: PretrainStage | None,
    recordings: dict[str, list[Recording]],
    home: Path,
    device: str,
) -> EvaluateStage:
    suite = plan.suite
    taught = shared_out(recordings["transfer"], ("train",), suite.transfer_budget.frames)
    train, validation = labelled_portions(model, suite, recordings)
    scored = _scored(plan, task, recordings)
    weights = plan.weights.get(model.name)
    network = model.network.identity if model.network else f"{suite.pretrain.encoder} {suite.rig.width}"
    transfer_key = {
        "stage": "transfer",
        "version": STAGE_VERSION,
        "network": network,
        "weights": before.folder.name if before else weights.sha256 if weights else "random",
        "task": task,
        "protocol": protocol,
        "taught": [part.key for part in taught],
    }
    if TASKS[task].truth_version != 1:  # folders from before there was another truth stay valid
        transfer_key["truth_version"] = TASKS[task].truth_version
    if model.inputs != RGB_ALONE:
        transfer_key["inputs"] = list(model.inputs)
    if protocol != "zero-shot":
        budget = suite.transfer_budget
        rates = {"encoder_lrs": list(budget.rates(model.trained_elsewhere))}
        transfer_key |= {
            "train": [part.key for part in train],
            "validation": [part.key for part in validation],
            "head": asdict(head_of(task, suite)),
            "budget": budget.model_dump(mode="json", exclude={"trained_encoder_lrs"}) | rates,
            "seed": seed,
        }
    transfer_folder = _stage_folder(home, "transfer", transfer_key)
    predict_key = {
        "stage": "predict",
        "version": STAGE_VERSION,
        "transfer": transfer_folder.name,
        "scored": [part.key for space in scored_spaces(plan) for _, part in scored if part.space == space],
    }
    return EvaluateStage(
        model=model.name,
        seed=seed,
        suite=suite,
        test_space=plan.test_space,
        task=task,
        protocol=protocol,
        pretrained=before.folder if before else None,
        weights=weights,
        train=train,
        validation=validation,
        taught=taught,
        scored=scored,
        transfer_folder=transfer_folder,
        prediction_folder=_stage_folder(home, "predict", predict_key),
        result_folder=run_folder(home, plan) / "results",
        device=device,
    )


def _scored(plan: RunPlan, task: str, recordings: dict[str, list[Recording]]) -> list[tuple[ScoredRole, Portion]]:
    """Return the frames that are scored; of other test spaces only those that can serve the task."""
    needs = set(TASKS[task].needs)
    groups: dict[ScoredRole, list[Recording]] = {
        "test": recordings["test"],
        "held_out": recordings["held_out"],
        "other": [recording for recording in recordings.get("other", ()) if needs <= set(recording.modalities)],
    }
    return [(role, part) for role, group in groups.items() for part in shared_out(group, ("test",), None)]


def _stage_folder(home: Path, stage: str, key: dict[str, Any]) -> Path:
    """Return ``stages/<stage>/<16 hex digits>``, with what the digits stand for in ``inputs.json``."""
    folder = home / "stages" / stage / digest_json(key)[:16]
    if not (folder / "inputs.json").exists():
        write_json(folder / "inputs.json", key)
    return folder
