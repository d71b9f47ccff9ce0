"""The run that a command line asks for: the same for making it, forecasting it and looking at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.captured import fit_captures
from benchmark.limit import limited
from benchmark.plan import RunPlan, plan_run
from benchmark.suites import load_suite


@dataclass(frozen=True)
class Asked:
    """What a command line says of a run; what is empty or None is as the suite says.

    Attributes:
        suite: a name, or a file.
        scene: the test space.
        weights: model → file or folder, for networks that were trained elsewhere.
        head: ``linear`` or ``strong``.
        limit: most frames of a slice, None for all.
    """

    suite: str
    scene: str | None = None
    models: Sequence[str] = ()
    tasks: Sequence[str] = ()
    protocols: Sequence[str] = ()
    seeds: int | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    head: str | None = None
    limit: int | None = None


def asked_plans(asked: Asked, home: Path) -> tuple[list[RunPlan], list[str]]:
    """Return a plan for the test space that is asked for, or for each of the suite's; and what was changed, once.

    Raises:
        UserError: as :func:`asked_plan` does.
    """
    plans, notes = [], []
    for space in [asked.scene] if asked.scene else load_suite(asked.suite).test_spaces:
        plan, changes = asked_plan(replace(asked, scene=space), home)
        plans.append(plan)
        notes += changes
    return plans, list(dict.fromkeys(notes))


def asked_plan(asked: Asked, home: Path) -> tuple[RunPlan, list[str]]:
    """Return the plan, and what was changed in it, for the user.

    Raises:
        UserError: as loading a suite and planning do.
    """
    suite = load_suite(asked.suite).with_head(asked.head)
    plan = plan_run(suite, asked.scene, asked.models, asked.tasks, asked.protocols, asked.seeds, asked.weights)
    plan, notes = fit_captures(plan, home)
    return limited(plan, asked.limit), notes
