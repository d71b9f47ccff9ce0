"""Stages are named by what decides them: a change meets none of those that depend on it, and all the others."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmark.plan import plan_run
from benchmark.runner import jobs_of, open_recordings
from benchmark.suites import Suite
from benchmark.tasks.captioning import CAPTIONING

SUITE: dict[str, Any] = {
    "name": "keys",
    "version": 1,
    "summary": "recordings of a moment",
    "test_spaces": ["builtin/flat-01"],
    "transfer": ["builtin/flat-11"],
    "held_out": ["builtin/flat-21"],
    "rig": {"width": 32, "height": 32},
    "recordings": {
        "test": {"train": [2, 3], "test": [2, 3]},
        "transfer": {"train": [2, 3], "val": [2, 3]},
        "held_out": {"test": [2, 3]},
    },
    "models": ["tst"],
    "tasks": ["captioning"],
    "pretrain": {"frames": 6},
    "transfer_budget": {"frames": 6},
}
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "the name": ({"name": "other"}, set()),
    "the head": ({"transfer_budget": {"frames": 6, "head": "linear"}}, {"transfer", "predict"}),
    "a rate of the encoder": ({"transfer_budget": {"frames": 6, "encoder_lrs": [1e-3, 1e-5]}}, {"transfer", "predict"}),
    "the rate of the head": ({"transfer_budget": {"frames": 6, "head_lr": 1e-3}}, {"transfer", "predict"}),
    "the steps of the transfer": ({"transfer_budget": {"frames": 6, "steps": 7}}, {"transfer", "predict"}),
    "the protocol": ({"protocols": ["frozen"]}, {"transfer", "predict"}),
    "the rate of the pre-training": ({"pretrain": {"frames": 6, "lr": 1e-3}}, {"pretrain", "transfer", "predict"}),
}
Stages = dict[str, set[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home that gets its recordings from whoever comes first."""
    return tmp_path_factory.mktemp("home")


def stages_of(home: Path, **changes: Any) -> Stages:
    """Return stage → names of the folders that a run of the suite would fill."""
    plan = plan_run(Suite.model_validate(SUITE | changes), None)
    recordings = open_recordings(plan, home)
    shutil.rmtree(home / "stages", ignore_errors=True)
    jobs_of(plan, recordings, plan.suite.tasks, home, "cpu")
    return {
        stage: {folder.name for folder in (home / "stages" / stage).iterdir()}
        for stage in ("pretrain", "transfer", "predict")
    }


def renewed(before: Stages, after: Stages) -> set[str]:
    return {stage for stage in before if not before[stage] & after[stage]}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_meets_no_stage_that_depends_on_it_and_all_others(change: str, home: Path) -> None:
    fields, expected = CHANGES[change]
    assert renewed(stages_of(home), stages_of(home, **fields)) == expected


def test_another_seed_has_stages_of_its_own_beside_those_of_the_first(home: Path) -> None:
    one, two = stages_of(home), stages_of(home, seeds=2)
    assert all(one[stage] < two[stage] and len(two[stage]) == 2 for stage in one)


def test_a_new_measure_of_a_task_scores_what_was_predicted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stages_of(home)
    newer = dataclasses.replace(CAPTIONING, version=CAPTIONING.version + 1)
    monkeypatch.setattr("benchmark.tasks.captioning.CAPTIONING", newer)
    assert stages_of(home) == before


def test_a_new_truth_of_a_task_is_learnt_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stages_of(home)
    newer = dataclasses.replace(CAPTIONING, truth_version=CAPTIONING.truth_version + 1)
    monkeypatch.setattr("benchmark.tasks.captioning.CAPTIONING", newer)
    assert renewed(before, stages_of(home)) == {"transfer", "predict"}
