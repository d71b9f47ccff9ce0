"""What ``tst-bench run --dry-run`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from baselines.precision import pick_device
from benchmark.at_hand import DONE, tasks_at_hand
from benchmark.commands.asked import Asked, asked_plans
from benchmark.commands.console import note, out
from benchmark.forecast import Forecast, forecast
from benchmark.jobs import cores
from benchmark.pace import expected_seconds, in_words
from benchmark.plan import RunPlan
from sim_envs.errors import UserError


def show_plan(asked: Asked, home: Path) -> None:
    """Print what a run would do, and do nothing.

    Raises:
        UserError: the run could not be made: spaces are missing, or disk.
    """
    plans, notes = asked_plans(asked, home)
    print_plans(plans, notes, home)


def print_plans(plans: Sequence[RunPlan], notes: Sequence[str], home: Path) -> None:
    """Print what is left to do of plans, and do nothing.

    Raises:
        UserError: they could not be carried out: spaces are missing, or disk.
    """
    problems: list[str] = []
    for plan in plans:
        usable, left_out = tasks_at_hand(plan, home)
        for line in (*notes, *left_out):
            note.print(f"note: {line}", highlight=False)
        found = forecast(plan, usable, home)
        print_forecast(plan, usable, found, home)
        problems, notes = [*problems, *found.problems], []
    if problems:
        listed = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
        raise UserError(f"This run cannot be made yet:\n{listed}")
    if len(plans) > 1:
        out.print("What several test spaces need is made once, and counted here for each.")
    out.print("Nothing was done: this is the plan.")


def print_forecast(plan: RunPlan, tasks: Sequence[str], found: Forecast, home: Path) -> None:
    """Print recordings to make, stages to run, what is done already, disk and time."""
    suite = plan.suite
    out.print(
        f"{suite.name} v{suite.version} in {plan.test_space}: {', '.join(m.name for m in plan.models)}; "
        f"{', '.join(tasks)}; {', '.join(suite.protocols)}; seeds: {suite.seeds}.",
        highlight=False,
    )
    to_make = [r for r in found.recordings if r.state != DONE]
    if to_make:
        table = Table("role", "recording to make", box=None, padding=(0, 2, 0, 0))
        for title in ("frames", "MB"):
            table.add_column(title, justify="right")
        table.add_column("")
        for r in to_make:
            state = "space is missing" if r.problem else "begun" if r.state != "missing" else ""
            table.add_row(r.group, r.recipe.space, f"{r.frames:,}", f"{r.bytes / 1e6:,.1f}", state)
        out.print(table)
    frames, size = sum(r.frames for r in to_make), found.recording_bytes / 1e6
    budget, transfer = suite.pretrain, suite.transfer_budget
    rates = f" for each of {len(transfer.encoder_lrs)} learning rates" if len(transfer.encoder_lrs) > 1 else ""
    for line in (
        f"recordings     {_left(found, 'record')}: {frames:,} frames, {size:,.0f} MB",
        f"pre-trainings  {_left(found, 'pretrain')}: {budget.frames:,} frames, {budget.steps:,} steps each",
        f"transfers      {_left(found, 'evaluate')}: {transfer.frames:,} frames, {transfer.steps:,} steps{rates}",
        f"disk           about {size + found.stage_bytes / 1e6:,.0f} MB of {found.free_bytes / 1e6:,.0f} MB free",
    ):
        out.print(line, highlight=False)
    if not found.problems:
        device, workers = pick_device("auto"), cores()
        seconds = expected_seconds(plan, found, home, device, workers)
        where = f"{workers} processes of one core" if device.type == "cpu" else "one GPU"
        if seconds:
            said = f"{in_words(seconds)} on {where} (guessed from a few frames, now)"
            out.print(f"time           {said}", highlight=False)


def _left(found: Forecast, stage: str) -> str:
    cells = [cell for cell in found.cells if cell.stage == stage]
    return f"{sum(cell.state != DONE for cell in cells)} of {len(cells)} to do"
