"""A suite of the user's own: a space of theirs in the roles that ``small`` has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from benchmark.at_hand import modalities_at_hand
from benchmark.suites import load_suite
from benchmark.tasks import TASKS
from sim_envs.errors import UserError
from sim_envs.storage import write_whole

BASE = "small"
HEAD = """\
# Written by `tst-bench suites new`. Edit it as you like; `tst-bench suites validate` says what does not fit.
# recordings: role → split → [trajectories, frames each]. Raise version when you change what results depend on.
"""


def own_suite(test_space: str, home: Path) -> dict[str, Any]:
    """Return the fields of ``small`` with another test space, which leaves every other role it had there.

    Where a role loses a space so, the others are recorded the longer: budgets stay. A space without labels gets the
    tasks that need none.

    Raises:
        UserError: no such space.
    """
    held = modalities_at_hand(test_space, home)
    values = yaml.safe_load(Path(__file__).with_name(f"{BASE}.yaml").read_text(encoding="utf-8"))
    freed = load_suite(BASE).freed_of(test_space)
    for role in ("transfer", "held_out", "external"):
        values[role] = list(getattr(freed, role))
        values["recordings"][role] = {split: list(size) for split, size in freed.recordings[role].items()}
    usable = [name for name in TASKS if set(TASKS[name].needs) <= set(held)]
    return values | {
        "name": re.sub("[^a-z0-9._-]", "-", test_space.lower()),
        "version": 1,
        "summary": f"{test_space} as the test space, the other roles as in {BASE}",
        "test_spaces": [test_space],
        "tasks": [name for name in values["tasks"] if name in usable] or usable,
    }


def write_suite(values: dict[str, Any], path: Path) -> None:
    """Write a suite as YAML that :func:`~benchmark.suites.load_suite` reads.

    Raises:
        UserError: the name does not end in .yaml, or there is such a file.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"--out {path}: the name of a suite file ends in .yaml.")
    if path.exists():
        raise UserError(f"{path} is there already. Move it away, or give another name with --out.")
    text = HEAD + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
    write_whole(path, lambda beside: _write_text(beside, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
