"""What ``tst-bench ablate`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from baselines.zoo import ZOO
from benchmark.ablations.kinds import Request, grid, kind_of
from benchmark.ablations.report import write_ablation
from benchmark.ablations.words import sentences
from benchmark.commands.asked import asked_plan
from benchmark.commands.console import out
from benchmark.commands.forecast import print_plans
from benchmark.commands.runs import carry_out
from benchmark.results import collect
from benchmark.runner import run_folder
from benchmark.suites import load_suite
from sim_envs.errors import UserError


def run_ablation(
    kind_name: str,
    suite_name: str,
    scene: str | None,
    models: Sequence[str],
    values: tuple[float, ...],
    sample: int | None,
    tasks: Sequence[str],
    protocols: Sequence[str],
    seeds: int | None,
    workers: int,
    device: str,
    home: Path,
    limit: int | None,
    dry_run: bool,
) -> None:
    """Run a grid, print what it says, and write figure, table and words; exit code 1 when a job failed."""
    kind = kind_of(kind_name)
    if sample is not None and kind.drawing != "subsets":
        raise UserError(f"--sample is for the ablation 'modalities'; {kind.name} has no subsets.")
    suite = load_suite(suite_name)
    suite = suite.freed_of(scene) if scene else suite
    points = grid(kind, Request(suite, tuple(ZOO[name] for name in models), values, sample))
    asked = [point.model for point in points]
    plan, notes = asked_plan(suite_name, scene, asked, tasks, protocols, seeds, {}, limit, home)
    # A folder of its own: these rows are to be compared with each other, not to fill the suite's table.
    plan = replace(plan, suite=plan.suite.model_copy(update={"name": f"{plan.suite.name}-{kind.name}"}))
    if dry_run:
        print_plans([plan], notes, home)
        return
    failures = carry_out([plan], notes, workers, device, home)
    folder = run_folder(home, plan)
    if (folder / "results").is_dir():
        for files in write_ablation(kind, points, collect(folder / "results"), folder / "ablation"):
            for sentence in sentences(files.ablation):
                out.print(f"• {sentence}", highlight=False, markup=False)
            out.print(f"Figure: {files.png}\nTable: {files.csv}\nIn words: {files.markdown}", highlight=False)
    if failures:
        sys.exit(1)
