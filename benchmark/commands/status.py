"""What ``tst-bench status`` does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from benchmark.at_hand import tasks_at_hand
from benchmark.commands.asked import Asked, asked_plans
from benchmark.commands.console import note, out
from benchmark.plan import RunPlan
from benchmark.runner import run_folder
from benchmark.status import DONE, STATES, Cell, counts, grid_of


def show_status(asked: Asked, as_json: bool, home: Path) -> None:
    """Print how far a run is in every test space that is asked for, as tables or as JSON."""
    plans, notes = asked_plans(asked, home)
    facts = []
    for plan in plans:
        usable, left_out = tasks_at_hand(plan, home)
        cells = grid_of(plan, usable, home, "cpu")
        facts.append(_facts(plan, cells, home))
        if not as_json:
            for line in (*notes, *left_out):
                note.print(f"note: {line}", highlight=False)
            _print(plan, cells)
            notes = []
    if as_json:
        print(json.dumps(facts if len(facts) > 1 else facts[0], indent=1, ensure_ascii=False))


def _facts(plan: RunPlan, cells: Sequence[Cell], home: Path) -> dict[str, object]:
    return {
        "suite": f"{plan.suite.name} v{plan.suite.version}",
        "test_space": plan.test_space,
        "folder": str(run_folder(home, plan)),
        "counts": counts(cells),
        "cells": [asdict(cell) for cell in cells],
    }


def _print(plan: RunPlan, cells: Sequence[Cell]) -> None:
    recorded = [cell for cell in cells if cell.stage == "record"]
    out.print(f"{plan.suite.name} v{plan.suite.version} in {plan.test_space}", highlight=False)
    out.print(f"recordings: {_summed(recorded)}", highlight=False)
    out.print(_table([cell for cell in cells if cell.stage != "record"]))
    for cell in cells:
        if cell.note or cell.log:
            log = f" (log: {cell.log})" if cell.log else ""
            out.print(f"{cell.state}: {_name(cell)}: {escape(cell.note)}{log}", highlight=False)
    out.print(f"{len(cells)} jobs: {_summed(cells)}.", highlight=False)


def _table(cells: Sequence[Cell]) -> Table:
    """Return one row a model, one column for pre-training and one for each task and protocol."""
    columns = [c for c in dict.fromkeys(map(_column, cells)) if c != "pre-training"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("model", "pre-training", *columns):
        table.add_column(title, no_wrap=True)
    for model in dict.fromkeys(cell.model for cell in sorted(cells, key=lambda cell: cell.stage != "evaluate")):
        mine = [cell for cell in cells if cell.model == model]
        row = [[cell for cell in mine if _column(cell) == column] for column in ("pre-training", *columns)]
        table.add_row(model, *(_summed(each) if each else "–" for each in row))
    return table


def _column(cell: Cell) -> str:
    return "pre-training" if cell.stage == "pretrain" else f"{cell.task} {cell.protocol}"


def _summed(cells: Sequence[Cell]) -> str:
    """Return ``done`` for one that is done, ``2 done, 1 failed`` for several."""
    found = counts(cells)
    said = [(state, found[state]) for state in STATES if found[state]]
    if len(cells) == 1 or (len(said) == 1 and said[0][0] == DONE):
        return said[0][0] + (f" ({len(cells)})" if len(cells) > 1 else "")
    return ", ".join(f"{number} {state}" for state, number in said)


def _name(cell: Cell) -> str:
    named = [cell.stage if cell.stage != "evaluate" else "", cell.task, cell.protocol, cell.model, cell.space]
    return " ".join(filter(None, named)) + (f" seed {cell.seed}" if cell.seed is not None else "")
