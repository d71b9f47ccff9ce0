"""What ``tst-bench ablate`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baselines.zoo import ZOO
from benchmark.ablations.kinds import Kind, Point, Request, grid, kind_of
from benchmark.ablations.report import write_ablation
from benchmark.ablations.words import sentences
from benchmark.commands.asked import Asked, asked_plan
from benchmark.commands.console import out
from benchmark.commands.forecast import print_plans
from benchmark.commands.runs import carry_out
from benchmark.machine import Resources
from benchmark.plan import RunPlan
from benchmark.results import collect
from benchmark.runner import run_folder
from benchmark.suites import load_suite
from sim_envs.errors import UserError


@dataclass(frozen=True)
class PlannedAblation:
    """A grid, the run that fills it, and notes on it for the user."""

    kind: Kind
    points: Sequence[Point]
    plan: RunPlan
    notes: Sequence[str]


def plan_ablation(
    kind_name: str, asked: Asked, values: tuple[float, ...], sample: int | None, home: Path
) -> PlannedAblation:
    """Return what an ablation of the models asked for takes.

    Raises:
        UserError: a kind, model or value that cannot be, or as planning a run does.
    """
    kind = kind_of(kind_name)
    if sample is not None and kind.drawing != "subsets":
        raise UserError(f"--sample is for the ablation 'modalities'; {kind.name} has no subsets.")
    suite = load_suite(asked.suite)
    suite = suite.freed_of(asked.scene) if asked.scene else suite
    points = grid(kind, Request(suite, tuple(ZOO[name] for name in asked.models), values, sample))
    plan, notes = asked_plan(replace(asked, models=[point.model for point in points]), home)
    # A folder of its own: these rows are to be compared with each other, not to fill the suite's table.
    plan = replace(plan, suite=plan.suite.model_copy(update={"name": f"{plan.suite.name}-{kind.name}"}))
    return PlannedAblation(kind, points, plan, notes)


def show_ablation(planned: PlannedAblation, home: Path) -> None:
    """Print what is left to do of a grid, and do nothing."""
    print_plans([planned.plan], planned.notes, home)


def run_ablation(planned: PlannedAblation, resources: Resources, home: Path) -> None:
    """Run a grid, print what it says, and write figure, table and words; exit code 1 when a job failed."""
    failures = carry_out([planned.plan], planned.notes, resources, home)
    folder = run_folder(home, planned.plan)
    if (folder / "results").is_dir():
        for files in write_ablation(planned.kind, planned.points, collect(folder / "results"), folder / "ablation"):
            for sentence in sentences(files.ablation):
                out.print(f"• {sentence}", highlight=False, markup=False)
            out.print(f"Figure: {files.png}\nTable: {files.csv}\nIn words: {files.markdown}", highlight=False)
    if failures:
        sys.exit(1)
