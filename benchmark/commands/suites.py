"""What ``tst-bench suites`` does with one suite."""

from __future__ import annotations

from pathlib import Path

from benchmark.at_hand import tasks_at_hand
from benchmark.captured import fit_captures
from benchmark.commands.console import out
from benchmark.commands.forecast import print_forecast
from benchmark.forecast import forecast
from benchmark.plan import plan_run
from benchmark.suites import Suite, load_suite
from benchmark.suites.check import suite_problems
from benchmark.suites.new import own_suite, write_suite
from sim_envs.errors import UserError


def show_suite(name: str, home: Path) -> None:
    """Print what a suite consists of, and what is left to do of it here."""
    suite = load_suite(name)
    rig, budget, transfer = suite.rig, suite.pretrain, suite.transfer_budget
    out.print(f"{suite.name} v{suite.version}: {suite.summary}", highlight=False)
    spaces = suite.spaces()
    for role in dict.fromkeys(spaces.values()):
        its = [space for space, other in spaces.items() if other == role]
        splits = ", ".join(f"{split} {n} × {each}" for split, (n, each) in suite.recordings[role].items())
        out.print(f"  {role:<12} {', '.join(its)} (each: {splits} frames)", highlight=False)
    out.print(f"  {'rig':<12} {rig.width} × {rig.height} pixels, {rig.hfov:g}°, engine {suite.engine}", highlight=False)
    out.print(
        f"  {'budgets':<12} pre-training {budget.frames:,} frames, {budget.steps:,} steps (encoder {budget.encoder}); "
        f"transfer {transfer.frames:,} frames, {transfer.steps:,} steps",
        highlight=False,
    )
    for problem in _examine(suite, home):
        out.print(f"problem: {problem}", highlight=False, markup=False)


def validate_suite(name: str, home: Path) -> None:
    """Print what is left to do of a suite here.

    Raises:
        UserError: it cannot be run here; the message lists everything that is wrong.
    """
    suite = load_suite(name)
    problems = _examine(suite, home)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise UserError(f"Suite {suite.name} cannot be run here:\n{listed}")
    out.print(f"{suite.name} v{suite.version} is valid: tst-bench run --suite {name}", highlight=False)


def new_suite(test_space: str, path: Path | None, home: Path) -> None:
    """Write a suite of the user's own, and say what it takes."""
    values = own_suite(test_space, home)
    path = path or Path(f"{values['name']}.yaml")
    if problems := suite_problems(Suite.model_validate(values), home):
        raise UserError("\n".join(problems))
    write_suite(values, path)
    out.print(f"Written: {path}", highlight=False)
    validate_suite(str(path), home)


def _examine(suite: Suite, home: Path) -> list[str]:
    """Print the plan of every test space, and return what keeps any of them from being run."""
    problems = suite_problems(suite, home)
    if problems:
        return problems
    for space in suite.test_spaces:
        plan, _ = fit_captures(plan_run(suite, space), home)
        usable, notes = tasks_at_hand(plan, home)
        found = forecast(plan, usable, home)
        print_forecast(plan, usable, found, home)
        for line in notes:
            out.print(f"note: {line}", highlight=False)
        problems += found.problems
    return list(dict.fromkeys(problems))
