"""What ``tst-bench predict`` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from baselines.precision import pick_device
from baselines.sensor_inputs import RGB_ALONE
from baselines.weights import WeightsFile
from baselines.zoo import ZOO
from benchmark.commands.console import note, out
from benchmark.jobs import Job
from benchmark.packed import packed_predictions, predicted_spaces, prediction_key, transfer_folder
from benchmark.plan import find_weights
from benchmark.predictions import is_intact
from benchmark.progress import run_with_progress
from benchmark.results import Result, collect
from benchmark.runner import Machine
from benchmark.stages.folder import is_done
from benchmark.stages.predicting import PackStage, TaughtModel, run_predict_pack
from benchmark.suites import Suite
from leaderboard.frames import FramePack, open_frames
from leaderboard.manifest import SuiteId
from leaderboard.suites import digest
from sim_envs.errors import UserError, unknown
from sim_envs.storage import write_json


def predict_pack(
    run: Path, file: Path, models: Sequence[str], weights: Mapping[str, Path], workers: int, device: str, home: Path
) -> None:
    """Predict the frames of a public pack with every model of a run that can; exit code 1 when one failed.

    Raises:
        UserError: no run, a pack of another suite, or no model that can.
    """
    pack = open_frames(file, home / "packs")
    chosen = pick_device(device)
    results = _able(_named(collect(run), models, run))
    jobs = prediction_jobs(results, pack, weights, chosen.type)
    failures = run_with_progress(jobs, Machine.of(workers, str(chosen), os.cpu_count() or 1)) if jobs else []
    for failure in failures:
        where = f"  (log: {failure.log})" if failure.log else ""
        note.print(f"[red]failed[/] {failure.job}: {failure.message}{where}")
    frames = sum(space.frames for space in pack.spaces)
    said = f"{len(results)} results of {run}, {frames} frames of {len(pack.spaces)} spaces"
    done = len(jobs) - len(failures)
    out.print(f"{said}: predicted {done}, failed {len(failures)}.", highlight=False, markup=False)
    if failures:
        note.print("The same command runs again only what is missing.")
        sys.exit(1)


def prediction_jobs(results: Sequence[Result], pack: FramePack, weights: Mapping[str, Path], device: str) -> list[Job]:
    """Return a job for each set of predictions that is not there yet; results of the same model may share one.

    Raises:
        UserError: the pack is of another suite, or a trained model is gone.
    """
    jobs: dict[Path, Job] = {}
    for result in results:
        pack.check_suite(_suite_of(result), result.file_stem)
        folder = packed_predictions(result, pack.spaces)
        if folder not in jobs and not (is_done(folder) and is_intact(folder)):
            jobs[folder] = _job(result, pack, folder, weights, device)
    return list(jobs.values())


def _named(results: Sequence[Result], models: Sequence[str], run: Path) -> list[Result]:
    there = dict.fromkeys(result.model for result in results)
    for model in models:
        if model not in there:
            raise unknown("model", model, there, f"These have results in {run}.")
    return [result for result in results if not models or result.model in models]


def _able(results: Sequence[Result]) -> list[Result]:
    """Return the results of models that read RGB alone, and say which are left out."""
    reads = {result.model: ZOO[result.model].inputs for result in results}
    unfit = [
        f"{model} reads {', '.join(inputs)} when it predicts, and packs carry RGB alone."
        for model, inputs in reads.items()
        if tuple(inputs) != RGB_ALONE
    ]
    able = [result for result in results if tuple(reads[result.model]) == RGB_ALONE]
    if not able:
        raise UserError(f"{' '.join(unfit)} Predict with another model of the run.")
    for line in unfit:
        note.print(f"note: {line} It is left out.", highlight=False, markup=False)
    return able


def _suite_of(result: Result) -> SuiteId:
    fields = result.configuration["suite"]
    return SuiteId(name=fields["name"], version=fields["version"], digest=digest(fields))


def _job(result: Result, pack: FramePack, folder: Path, weights: Mapping[str, Path], device: str) -> Job:
    transfer, suite = transfer_folder(result), Suite.model_validate(result.configuration["suite"])
    write_json(folder / "inputs.json", prediction_key(transfer, result, pack.spaces))
    stage = PackStage(
        taught=TaughtModel(
            model=result.model,
            seed=result.seed,
            suite=suite,
            task=result.task,
            protocol=result.protocol,  # type: ignore[arg-type]  # of a suite, which has no other
            weights=_expert(result, suite, weights) if result.protocol == "zero-shot" else None,
            folder=transfer,
        ),
        spaces=predicted_spaces(result, pack.spaces),
        folder=folder,
        device=device,
    )
    assert result.folder is not None
    log = result.folder.parent / "logs" / f"predict-{result.file_stem}.log"
    return Job(f"predict {result.file_stem}", run_predict_pack, {"stage": stage}, log)


def _expert(result: Result, suite: Suite, weights: Mapping[str, Path]) -> WeightsFile:
    """Return the weights that a model answers with by itself: those of its run."""
    given = {name: path for name, path in weights.items() if name == result.model}
    found = find_weights([ZOO[result.model]], given, suite.rig)[result.model]
    if found.sha256 != result.inputs.get(f"weights of {result.model}"):
        raise UserError(
            f"The weights of {result.model} at {found.path} are not those of its run. Name these with --weights "
            f"{result.model}=PATH."
        )
    return found
