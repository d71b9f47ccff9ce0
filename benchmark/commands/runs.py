"""What the commands do that run the benchmark and report what came of it."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmark.commands.console import note, out
from benchmark.jobs import Failure
from sim_envs.errors import UserError

if TYPE_CHECKING:
    from benchmark.commands.asked import Asked
    from benchmark.machine import Machine, Resources
    from benchmark.plan import RunPlan


def run_suite(asked: Asked, resources: Resources, home: Path) -> None:
    """Run a suite in its test spaces, print tables and write the report; exit code 1 when anything failed."""
    from benchmark.commands.asked import asked_plans

    plans, notes = asked_plans(asked, home)
    if carry_out(plans, notes, resources, home):
        sys.exit(1)


def carry_out(plans: Sequence[RunPlan], notes: Sequence[str], resources: Resources, home: Path) -> list[Failure]:
    """Do what is left of plans, one after the other, report on all there is of them, and return what failed.

    What fails stops nothing that does not need it, and is listed at the end.

    Raises:
        UserError: of a single plan a recording could not be made, without which nothing goes on.
    """
    from baselines.pretraining.devices import parts_of
    from benchmark.machine import find_machine
    from benchmark.runner import run_folder

    execution = resources.execution
    for plan in plans:  # raises if a batch cannot be divided so
        parts_of(plan.suite.pretrain.batch, execution.processes, execution.accumulate, rank=0)
    machine = find_machine(resources, home)
    failures: list[Failure] = []
    for plan in plans:
        try:
            failures += _run_plan(plan, notes, machine, home)
        except UserError as error:
            if len(plans) == 1:
                raise
            failures.append(Failure(f"the run in {plan.test_space}", str(error), None))
        notes = []
    folders = [run_folder(home, plan) for plan in plans]
    reported = [folder for folder in folders if (folder / "results").is_dir()]
    if reported:
        _report(reported, open_page=False, home=home)
    if failures:
        for failure in failures:
            note.print(
                f"[red]failed[/] {failure.job}: {failure.message}" + (f"  (log: {failure.log})" if failure.log else "")
            )
        note.print("The same command runs again only what is missing.")
    return failures


def _run_plan(plan: RunPlan, notes: Sequence[str], machine: Machine, home: Path) -> list[Failure]:
    """Run everything that one test space needs, and return what failed.

    Raises:
        UserError: a recording cannot be made, or the test space serves no task.
    """
    from benchmark.captured import fit_budgets
    from benchmark.failures import note_failures
    from benchmark.progress import run_with_progress
    from benchmark.runner import jobs_of, open_recordings, recording_jobs, run_folder, usable_tasks

    names = ", ".join(model.name for model in plan.models)
    note.print(f"[bold]{plan.suite.name}[/] in {plan.test_space}: {names}; seeds: {plan.suite.seeds}.")
    usable, left_out = usable_tasks(plan, home)
    licences = [
        f"the weights of {model.name} are not free for all uses. {model.network.licence}."
        for model in plan.models
        if model.network and model.network.licence
    ]
    for line in (*notes, *licences, *left_out):
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
    jobs = jobs_of(plan, recordings, usable, home, machine.device, machine.execution)
    failures = run_with_progress(jobs, machine)
    note_failures(run_folder(home, plan), jobs, failures)
    return failures


def write_report(
    suite: str | None, scene: str | None, formats: Sequence[str], folder: Path | None, open_page: bool, home: Path
) -> None:
    """Write the report of the suite named, or of the latest, in one test space or in all that it was run in."""
    from benchmark.commands.finding import runs_of

    _report(runs_of(suite, scene, home), open_page, home, formats, folder)


def _report(
    folders: Sequence[Path], open_page: bool, home: Path, formats: Sequence[str] = (), folder: Path | None = None
) -> None:
    """Write the report of one run into its folder, of several into that of their suite, or into the one given.

    Raises:
        UserError: a page is to be opened and not to be written.
    """
    from benchmark.commands.finding import recording_opener
    from benchmark.report import FORMATS, build_report, print_report
    from benchmark.results import collect

    results = [result for folder in folders for result in collect(folder / "results")]
    target = folder or (folders[0] if len(folders) == 1 else folders[0].parent) / "report"
    chosen = tuple(formats) or tuple(FORMATS)
    if open_page and "html" not in chosen:
        raise UserError("--open opens the page, which --format leaves out: add --format html.")
    files = build_report(results, target, open_recording=recording_opener(home), formats=chosen)
    print_report(files.tables)
    out.print(f"Report: {files.html if 'html' in chosen else target}")
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
