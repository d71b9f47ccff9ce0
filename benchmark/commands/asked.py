"""The run that a command line asks for: the same for making it, forecasting it and looking at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.captured import fit_captures
from benchmark.limit import limited
from benchmark.plan import RunPlan, plan_run
from benchmark.suites import load_suite


def asked_plans(
    suite: str,
    scene: str | None,
    models: Sequence[str],
    tasks: Sequence[str],
    protocols: Sequence[str],
    seeds: int | None,
    weights: Mapping[str, Path],
    limit: int | None,
    home: Path,
) -> tuple[list[RunPlan], list[str]]:
    """Return a plan for the test space that is asked for, or for each of the suite's; and what was changed, once.

    Raises:
        UserError: as :func:`asked_plan` does.
    """
    plans, notes = [], []
    for space in [scene] if scene else load_suite(suite).test_spaces:
        plan, changes = asked_plan(suite, space, models, tasks, protocols, seeds, weights, limit, home)
        plans.append(plan)
        notes += changes
    return plans, list(dict.fromkeys(notes))


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
