"""What a run takes on disk is said before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.forecast import forecast
from benchmark.plan import RunPlan, plan_run
from benchmark.suites import load_suite
from sim_envs.modalities import COMPONENTS

DEMO = load_suite("demo")
RIG = DEMO.rig
TRAJECTORIES, EACH = DEMO.recordings["test"]["train"]
TOKENS = (RIG.width // 8) * (RIG.height // 8)  # of the mock and of the demo's encoder: patches of 8 pixels


def stage_bytes(home: Path, *models: str, seeds: int = 1) -> int:
    plan: RunPlan = plan_run(DEMO, None, models, ["depth"], ["finetune"], seeds)
    return forecast(plan, plan.suite.tasks, home).stage_bytes


@pytest.mark.parametrize("name", ["mock", "tst-mae"])
def test_features_of_a_teacher_take_components_of_two_bytes_a_token(name: str, tmp_path: Path) -> None:
    alone, taught = (stage_bytes(tmp_path, "tst-mae", model) for model in ("tst", f"tst+{name}"))
    assert taught - alone == TRAJECTORIES * EACH * TOKENS * COMPONENTS * 2


def test_seeds_share_what_a_teacher_says(tmp_path: Path) -> None:
    of_each = [stage_bytes(tmp_path, "tst+mock", seeds=seeds) for seeds in (1, 2, 3)]
    assert of_each[2] - of_each[1] == of_each[1] - of_each[0] < of_each[0]
