"""Runs in captures: one lens for all spaces, frames as far as they go, everything else as in any run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.captured import fit_budgets, fit_captures
from benchmark.plan import RunPlan, plan_run
from benchmark.results import collect
from benchmark.runner import usable_tasks
from benchmark.suites import Suite
from sim_envs.captures.importing import import_capture
from sim_envs.errors import UserError
from sim_envs.generate import generate
from sim_envs.spaces.store import save_space
from tests.sim_envs import capture_files as files

SUITE: dict[str, Any] = {
    "name": "mini",
    "version": 1,
    "summary": "a capture among scans",
    "test_spaces": ["builtin/flat-01"],
    "transfer": ["scan/a"],
    "held_out": ["scan/b"],
    "rig": {"width": 32, "height": 32},
    "recordings": {
        "test": {"train": [4, 5], "test": [2, 5]},
        "transfer": {"train": [2, 10], "val": [1, 5]},
        "held_out": {"test": [1, 5]},
    },
    "models": ["scratch", "tst"],
    "tasks": ["semseg", "depth"],
    "protocols": ["finetune"],
    "pretrain": {"frames": 40, "steps": 4, "batch": 8},
    "transfer_budget": {"frames": 15, "steps": 3, "batch": 8, "evaluations": 1, "encoder_lrs": [1e-3]},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with a capture of 24 frames, ``capture/plain``, and one that a scan labels, ``capture/labelled``."""
    folder = tmp_path_factory.mktemp("captures")
    files.seven_scenes(folder / "download", files.shots(24))
    for scan in ("room", "a", "b"):
        space = replace(files.the_room(), id=f"scan/{scan}", categories=("wall",))
        save_space(space, folder / "home" / "spaces" / "scan" / scan)
    for name, scan in (("plain", None), ("labelled", "scan/room")):
        import_capture(
            folder / "download", format_name="7scenes", name=name, up="y", labels_from=scan, home=folder / "home"
        )
    return folder / "home"


def planned(scene: str, **changes: Any) -> RunPlan:
    return plan_run(Suite.model_validate(SUITE | changes), scene)


def test_every_space_gets_the_lens_of_the_capture(home: Path) -> None:
    plan, notes = fit_captures(planned("capture/plain"), home)
    recipes = {space: plan.recipe(space) for space in plan.needed}
    assert {recipe.hfov for recipe in recipes.values()} == {46.82}
    assert {recipe.width for recipe in recipes.values()} == {32}
    assert {space: recipe.engine for space, recipe in recipes.items()} == {
        "capture/plain": "capture",
        "scan/a": "raycast",
        "scan/b": "raycast",
    }
    assert "46.82° instead of 90°" in notes[0]


def test_a_narrower_suite_keeps_its_lens_and_a_run_without_captures_all_it_says(home: Path) -> None:
    plan, _ = fit_captures(planned("capture/plain", rig={"width": 32, "height": 32, "hfov": 35}), home)
    assert plan.recipe("capture/plain").hfov == 35
    plan = planned("builtin/flat-02")
    assert fit_captures(plan, home) == (plan, [])


def test_a_short_capture_is_cut_into_fewer_frames_and_says_so(home: Path) -> None:
    plan, notes = fit_captures(planned("capture/plain"), home)
    splits = plan.recipe("capture/plain").splits
    assert sum(number * frames for number, frames in splits.values()) <= 24
    assert splits["train"][0] * splits["train"][1] >= 12
    assert any("has 24 frames" in note for note in notes)
    recording = generate(plan.recipe("capture/plain"), home=home)
    plan, notes = fit_budgets(plan, {"test": [recording], "transfer": [], "held_out": []})
    assert plan.suite.pretrain.frames == len(recording.indices("train"))
    assert f"pre-trained on {plan.suite.pretrain.frames} frames instead of 40" in notes[0]


def test_a_capture_without_a_scan_serves_depth(home: Path) -> None:
    assert usable_tasks(planned("capture/plain"), home)[0] == ["depth"]
    assert usable_tasks(planned("capture/labelled"), home)[0] == ["semseg", "depth"]
    with pytest.raises(UserError, match="--labels-from a scan"):
        usable_tasks(planned("capture/plain", tasks=["semseg"]), home)


def test_a_run_in_a_labelled_capture_scores_predictions_on_its_photos(home: Path) -> None:
    suite = home.parent / "mini.yaml"
    suite.write_text(yaml.safe_dump(SUITE), encoding="utf-8")
    program = str(Path(sys.executable).with_name("tst-bench"))
    command = [program, "run", "--suite", str(suite), "--scene", "capture/labelled", "--home", str(home)]
    done = subprocess.run([*command, "--model", "tst", "--workers", "1"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = collect(home / "runs" / "mini" / "capture__labelled" / "results")
    assert {result.task for result in results} == {"semseg", "depth"}
    for result in results:
        assert [part.space for part in result.spaces] == ["capture/labelled", "scan/b"]
        assert [entry["source"] for entry in result.ledger["entries"]] == ["capture/labelled"]
        assert result.compute.pretrain_frames < 40
