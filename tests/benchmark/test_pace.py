"""How long a run will take is guessed from a few frames of each kind of work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmark.at_hand import DONE
from benchmark.forecast import Forecast, forecast
from benchmark.pace import expected_seconds, in_words
from benchmark.plan import RunPlan, plan_run
from benchmark.suites import Suite, load_suite

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3, "about a minute"),
        (200, "about 3 minutes"),
        (1400, "about 25 minutes"),
        (3600 * 5.2, "about 5 hours"),
        (86_400 * 3, "about 3 days"),
    ],
)
def test_a_guess_is_said_as_roughly_as_it_is_known(seconds: float, said: str) -> None:
    assert in_words(seconds) == said


def small_suite(**changes: object) -> Suite:
    suite = load_suite("demo")
    rig = suite.rig.model_copy(update={"width": 32, "height": 32})
    return suite.model_copy(update={"rig": rig, "models": ("scratch", "tst"), "protocols": ("finetune",)} | changes)


def planned(suite: Suite, home: Path) -> tuple[RunPlan, Forecast]:
    plan = plan_run(suite, None)
    return plan, forecast(plan, suite.tasks, home)


def test_longer_training_takes_longer_and_more_processes_share_it(tmp_path: Path) -> None:
    suite = small_suite()
    longer = suite.model_copy(
        update={
            "pretrain": suite.pretrain.model_copy(update={"steps": 100 * suite.pretrain.steps}),
            "transfer_budget": suite.transfer_budget.model_copy(update={"steps": 100 * suite.transfer_budget.steps}),
        }
    )
    short, long = (expected_seconds(*planned(s, tmp_path), tmp_path, CPU, 1) for s in (suite, longer))
    assert 0 < short < long
    shared = expected_seconds(*planned(longer, tmp_path), tmp_path, CPU, 8)
    assert shared < long


def test_what_is_done_takes_no_time_and_guessing_leaves_nothing_behind(tmp_path: Path) -> None:
    plan, found = planned(small_suite(), tmp_path)
    cells = tuple(replace(cell, state=DONE) for cell in found.cells)
    recordings = tuple(replace(recording, state=DONE) for recording in found.recordings)
    assert expected_seconds(plan, replace(found, cells=cells, recordings=recordings), tmp_path, CPU, 1) == 0
    assert expected_seconds(plan, found, tmp_path, CPU, 1) > 0
    assert list(tmp_path.iterdir()) == []
