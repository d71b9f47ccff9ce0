"""What the commands do that run the benchmark and report what came of it."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from benchmark.commands.console import note, out
from benchmark.launching import ALONE, Execution
from sim_envs.errors import UserError


def run_suite(
    suite_name: str,
    scene: str | None,
    models: Sequence[str],
    tasks: Sequence[str],
    protocols: Sequence[str],
    seeds: int | None,
    weights: Mapping[str, Path],
    workers: int,
    device: str,
    home: Path,
    limit: int | None = None,
    execution: Execution = ALONE,
) -> None:
    """Run a suite, print its table and write the report; failed jobs are listed at the end, with exit code 1."""
    from baselines.precision import pick_device
    from baselines.pretraining.devices import parts_of
    from benchmark.captured import fit_budgets
    from benchmark.commands.asked import asked_plan
    from benchmark.failures import note_failures
    from benchmark.progress import run_with_progress
    from benchmark.runner import Machine, jobs_of, open_recordings, recording_jobs, run_folder, usable_tasks

    plan, notes = asked_plan(suite_name, scene, models, tasks, protocols, seeds, weights, limit, home)
    place = pick_device(device).type
    parts_of(plan.suite.pretrain.batch, execution.processes, execution.accumulate, rank=0)  # raises if it cannot be
    machine = Machine.of(workers, place, os.cpu_count() or 1, execution)
    names = ", ".join(model.name for model in plan.models)
    note.print(f"[bold]{plan.suite.name}[/] in {plan.test_space}: {names}; seeds: {plan.suite.seeds}.")
    usable, left_out = usable_tasks(plan, home)
    for model in plan.models:
        if model.network and model.network.licence:
            notes.append(f"the weights of {model.name} are not free for all uses. {model.network.licence}.")
    for line in (*notes, *left_out):
        note.print(f"note: {line}")
    recording = recording_jobs(plan, home)
    missing = run_with_progress(recording, machine)
    note_failures(run_folder(home, plan), recording, missing)
    if missing:
        raise UserError("\n".join(f"{failure.job}: {failure.message}" for failure in missing))
    recordings = open_recordings(plan, home)
    plan, notes = fit_budgets(plan, recordings)
    for line in notes:
        note.print(f"note: {line}")
    jobs = jobs_of(plan, recordings, usable, home, place, execution)
    failures = run_with_progress(jobs, machine)
    note_failures(run_folder(home, plan), jobs, failures)
    if (run_folder(home, plan) / "results").is_dir():
        _report(run_folder(home, plan), open_page=False, home=home)
    if failures:
        for failure in failures:
            note.print(
                f"[red]failed[/] {failure.job}: {failure.message}" + (f"  (log: {failure.log})" if failure.log else "")
            )
        note.print("The same command runs again only what is missing.")
        sys.exit(1)


def write_report(suite: str | None, scene: str | None, open_page: bool, home: Path) -> None:
    """Write the report of a run: the one named, or the latest."""
    from benchmark.commands.finding import latest_run

    _report(latest_run(suite, scene, home), open_page, home)


def _report(folder: Path, open_page: bool, home: Path) -> None:
    from benchmark.commands.finding import recording_opener
    from benchmark.report import build_report, print_report
    from benchmark.results import collect

    files = build_report(collect(folder / "results"), folder / "report", open_recording=recording_opener(home))
    print_report(files.tables)
    out.print(f"Report: {files.html}")
    if open_page:
        webbrowser.open(files.html.resolve().as_uri())


def list_suites() -> None:
    """Print the suites."""
    from benchmark.suites import load_suite, suite_names

    table = Table("suite", "test space", "what it is", box=None, padding=(0, 2, 0, 0))
    for name in suite_names():
        suite = load_suite(name)
        table.add_row(f"{name} v{suite.version}", ", ".join(suite.test_spaces), suite.summary)
    out.print(table)
