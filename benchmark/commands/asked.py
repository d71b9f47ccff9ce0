"""The run that a command line asks for: the same for making it, forecasting it and looking at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.captured import fit_captures
from benchmark.limit import limited
from benchmark.plan import RunPlan, plan_run
from benchmark.suites import load_suite


def asked_plan(
    suite: str,
    scene: str | None,
    models: Sequence[str],
    tasks: Sequence[str],
    protocols: Sequence[str],
    seeds: int | None,
    weights: Mapping[str, Path],
    limit: int | None,
    home: Path,
) -> tuple[RunPlan, list[str]]:
    """Return the plan, and what was changed in it, for the user.

    Raises:
        UserError: as loading a suite and planning do.
    """
    plan = plan_run(load_suite(suite), scene, models, tasks, protocols, seeds, weights)
    plan, notes = fit_captures(plan, home)
    return limited(plan, limit), notes
