"""What ``tst-bench pretrain`` does."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from baselines.pretraining.devices import is_first_process, launched_processes, parts_of
from benchmark.at_hand import recordings_at_hand
from benchmark.captured import fit_budgets
from benchmark.commands.asked import Asked, asked_plan
from benchmark.commands.console import note, out
from benchmark.jobs import Job, Report
from benchmark.launching import Execution
from benchmark.machine import Machine, Resources, find_machine
from benchmark.plan import RunPlan
from benchmark.progress import run_with_progress
from benchmark.runner import open_recordings, pretrain_stage, recording_jobs, run_folder
from benchmark.stages.folder import read_done
from benchmark.stages.pretrain import PretrainStage, run_pretrain
from sim_envs.errors import UserError

POLL_SECONDS = 2.0
SAID_SECONDS = 30.0


def pretrain_one(asked: Asked, seed: int, device: str, execution: Execution, home: Path) -> None:
    """Pre-train the one model that is asked for, for one seed: alone, on several processes, or as one of a launcher's.

    Raises:
        UserError: the model has no pre-training, or something is wrong with suite, spaces or settings.
    """
    plan, notes = asked_plan(replace(asked, seeds=seed + 1), home)
    (model,) = plan.models
    if not model.pretrains:
        raise UserError(f"{model.name} is not pre-trained here: {model.summary}.")
    launched = launched_processes() > 1
    if launched and execution.processes > 1:
        raise UserError("--processes does not go together with a launcher, which says how many processes there are.")
    parts_of(plan.suite.pretrain.batch, execution.processes * launched_processes(), execution.accumulate, rank=0)
    machine = find_machine(Resources(execution.processes, device, execution=execution), home)
    if is_first_process():
        for line in notes:
            note.print(f"note: {line}")
        if failures := run_with_progress(recording_jobs(plan, home), machine):
            raise UserError("\n".join(f"{failure.job}: {failure.message}" for failure in failures))
    while recordings_at_hand(plan, home) is None:  # the first process is making them
        time.sleep(POLL_SECONDS)
    recordings = open_recordings(plan, home)
    plan, _ = fit_budgets(plan, recordings)
    stage = pretrain_stage(plan, model, seed, recordings, home, machine.device, execution)
    if launched:
        run_pretrain(stage, _saying())
    else:
        _in_a_job(plan, stage, home, machine)
    if is_first_process():
        _say(stage)


def _in_a_job(plan: RunPlan, stage: PretrainStage, home: Path, machine: Machine) -> None:
    """Run the stage as a run does, in a process of its own with its threads: to the same bits."""
    name = f"pretrain {stage.model} seed {stage.seed}"
    log = run_folder(home, plan) / "logs" / f"{name.replace(' ', '-').replace(':', '-')}.log"
    for failure in run_with_progress([Job(name, run_pretrain, {"stage": stage}, log)], machine):
        raise UserError(f"{failure.message} (log: {failure.log})")


def _saying() -> Report:
    """Return what says now and then how far it is: bars of several machines would write over each other."""
    due = time.monotonic()

    def say(step: int, steps: int) -> None:
        nonlocal due
        if step == steps or time.monotonic() >= due:
            due = time.monotonic() + SAID_SECONDS
            note.print(f"step {step:,} of {steps:,}", highlight=False)

    return say


def _say(stage: PretrainStage) -> None:
    done = read_done(stage.folder)
    utilisation = f", {100 * done['utilisation']:.0f} % of the peak" if done.get("utilisation") else ""
    processes = f" on {done['processes']} processes" if done.get("processes", 1) > 1 else ""
    out.print(
        f"{stage.model}, seed {stage.seed}: {done['steps']:,} steps in {done['seconds']:,.0f} s{processes}, "
        f"{done['samples_per_second']:,.0f} frames/s{utilisation}, {done['peak_memory_bytes'] / 1e9:.1f} GB",
        highlight=False,
    )
    out.print(f"Encoder: {stage.folder / done['encoder']}", highlight=False, soft_wrap=True)
