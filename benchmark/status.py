"""How far a run is: every recording, pre-training and row of its grid, told from what lies on disk. Reads only."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baselines.pretraining.loop import CHECKPOINT_FILE
from baselines.zoo import ZOO
from benchmark.at_hand import DONE, FAILED, HALF, MISSING, planned_jobs, planned_recordings, recordings_at_hand
from benchmark.captured import fit_budgets
from benchmark.failures import noted_failures
from benchmark.jobs import Failure, Job
from benchmark.plan import RunPlan, pretrain_budget
from benchmark.results import SUFFIX, Result, read_result
from benchmark.runner import run_folder
from benchmark.stages.evaluate import EvaluateStage
from benchmark.stages.folder import is_done
from benchmark.stages.pretrain import PretrainStage
from benchmark.tasks import TASKS
from sim_envs.errors import UserError

STATES = (DONE, HALF, FAILED, MISSING)
BESIDE = "not in the grid that was asked for"
Row = tuple[str, str, str, int | None]
"""Model, task, protocol, seed."""


@dataclass(frozen=True)
class Cell:
    """One job of the grid.

    Attributes:
        stage: ``record``, ``pretrain`` or ``evaluate`` (transfer, predict and score).
        space: of a recording, else "".
        model, task, protocol, seed: empty or None where a stage has none.
        state: one of :data:`STATES`.
        note: what there is of it, or why it failed.
        log: of a failed job, "" where it wrote none.
    """

    stage: str
    state: str
    space: str = ""
    model: str = ""
    task: str = ""
    protocol: str = ""
    seed: int | None = None
    note: str = ""
    log: str = ""


def grid_of(plan: RunPlan, tasks: Sequence[str], home: Path, device: str) -> list[Cell]:
    """Return the grid of a run, in the order of the protocol; a run that was never begun is all ``missing``.

    Args:
        plan: with captures fitted, see :func:`~benchmark.captured.fit_captures`.
        tasks: those that the test space can serve.
        device: the stages of a run are the same on every device.
    """
    folder = run_folder(home, plan)
    failures = noted_failures(folder)
    cells: list[Cell] = []
    for recording in planned_recordings(plan, home):
        cell = Cell("record", recording.state, recording.recipe.space, note=recording.problem)
        whose = f" for {recording.group}" if ":" in recording.group else ""
        failure = failures.get(f"record {cell.space}{whose}")
        cells.append(cell if cell.state == DONE else _absent(cell, failure))
    results = _results(folder / "results")
    recordings = recordings_at_hand(plan, home)
    if recordings is None:
        cells += _without_recordings(plan, tasks, results, failures)
    else:
        plan, _ = fit_budgets(plan, recordings)
        jobs = planned_jobs(plan, recordings, tasks, home, device)
        cells += [_cell(job, results, failures.get(job.name)) for job in jobs]
    asked = {_row(cell) for cell in cells}
    return cells + [Cell("evaluate", DONE, "", *row, note=BESIDE) for row in results if row not in asked]


def counts(cells: Sequence[Cell]) -> dict[str, int]:
    """Return how many cells have each state."""
    return {state: sum(cell.state == state for cell in cells) for state in STATES}


def _row(cell: Cell) -> Row:
    return cell.model, cell.task, cell.protocol, cell.seed


def _results(folder: Path) -> dict[Row, Result]:
    """Return the readable results of a run; one that cannot be read counts as none."""
    found: dict[Row, Result] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            result = read_result(path)
        except UserError:
            continue
        found[result.model, result.task, result.protocol, result.seed] = result
    return found


def _without_recordings(
    plan: RunPlan, tasks: Sequence[str], results: dict[Row, Result], failures: dict[str, Failure]
) -> list[Cell]:
    """Return the grid where folders of stages cannot be named yet: their names follow from the recordings."""
    cells: list[Cell] = []
    seeds = range(plan.suite.seeds)
    for model in plan.models:
        for seed in seeds if model.pretrains else ():
            failure = failures.get(f"pretrain {model.name} seed {seed}")
            cells.append(_absent(Cell("pretrain", MISSING, model=model.name, seed=seed), failure))
    for model in plan.models:
        for seed in seeds:
            for task in tasks:
                for protocol in plan.protocols_of(model, task):
                    cell = Cell("evaluate", MISSING, "", model.name, task, protocol, seed)
                    if _row(cell) in results:
                        cells.append(replace(cell, state=DONE, note="not checked: recordings are missing"))
                    else:
                        failure = failures.get(f"{task} {protocol} {model.name} seed {seed}")
                        cells.append(_absent(cell, failure))
    return cells


def _absent(cell: Cell, failure: Failure | None) -> Cell:
    return replace(cell, state=FAILED, note=failure.message, log=_log_of(failure)) if failure else cell


def _cell(job: Job, results: dict[Row, Result], failure: Failure | None) -> Cell:
    stage = job.arguments["stage"]
    if isinstance(stage, PretrainStage):
        state, note = _pretrained(stage)
        cell = Cell("pretrain", state, model=stage.model, seed=stage.seed, note=note)
    else:
        row = (stage.model, stage.task, stage.protocol, stage.seed)
        state, note = _evaluated(stage, results.get(row))
        cell = Cell("evaluate", state, "", *row, note=note)
    return cell if state == DONE else _absent(cell, failure)


def _pretrained(stage: PretrainStage) -> tuple[str, str]:
    if is_done(stage.folder):
        return DONE, ""
    if (stage.folder / CHECKPOINT_FILE).is_file():
        return HALF, f"checkpoint at step {_last_step(stage.folder / 'log.csv')} of {_steps(stage)}"
    return MISSING, ""


def _steps(stage: PretrainStage) -> int:
    return pretrain_budget(ZOO[stage.model], stage.suite).steps


def _evaluated(stage: EvaluateStage, result: Result | None) -> tuple[str, str]:
    if result is not None and Path(result.prediction_folder).name == stage.prediction_folder.name:
        version = TASKS[stage.task].version
        if result.task_version == version:
            return DONE, ""
        return HALF, f"scored by version {result.task_version} of {stage.task}, this is {version}: tst-bench rescore"
    if is_done(stage.prediction_folder):
        return HALF, "predicted, not scored"
    if is_done(stage.transfer_folder):
        return HALF, "transferred, not predicted"
    return MISSING, "the result in this place is of other inputs" if result is not None else ""


def _last_step(log: Path) -> str:
    """Return the last step of a training log, or ? where there is none to be read."""
    try:
        with log.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return rows[-1]["step"]
    except (OSError, IndexError, KeyError):
        return "?"


def _log_of(failure: Failure) -> str:
    return str(failure.log) if failure.log else ""
