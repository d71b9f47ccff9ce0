"""The main job in miniature, through the public command: from spaces to a report, killed on the way and continued."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml

from benchmark.plan import plan_run
from benchmark.report import gather
from benchmark.results import Result, collect
from benchmark.runner import jobs_of, open_recordings
from benchmark.stages import run_evaluate, run_pretrain
from benchmark.suites import load_suite
from sim_envs.storage import digest_file
from tests.benchmark.model_kit import install_model

SUITE: dict[str, Any] = {
    "name": "mini",
    "version": 1,
    "summary": "the pipeline in seconds",
    "test_spaces": ["builtin/flat-01"],
    "transfer": ["builtin/flat-11"],
    "held_out": ["builtin/flat-21"],
    "rig": {"width": 32, "height": 32},
    "recordings": {
        "test": {"train": [4, 10], "test": [3, 4]},
        "transfer": {"train": [4, 10], "val": [2, 4]},
        "held_out": {"test": [3, 4]},
    },
    "models": ["scratch", "tst"],
    "tasks": ["semseg", "depth", "normals"],
    "protocols": ["finetune"],
    "pretrain": {"frames": 40, "steps": 12, "batch": 8},
    "transfer_budget": {"frames": 30, "steps": 6, "batch": 8, "evaluations": 2, "encoder_lrs": [1e-3, 1e-4]},
}


def command(home: Path, suite: Path, *arguments: str) -> list[str]:
    program = str(Path(sys.executable).with_name("tst-bench"))
    return [program, "run", "--suite", str(suite), "--home", str(home), "--workers", "2", *arguments]


def write_suite(folder: Path, **changes: Any) -> Path:
    path = folder / "mini.yaml"
    path.write_text(yaml.safe_dump(SUITE | changes), encoding="utf-8")
    return path


def digests(home: Path) -> dict[str, list[str]]:
    """Result → digests of the predictions it was scored from."""
    results = collect(home / "runs" / "mini" / "builtin__flat-01" / "results")
    return {result.file_stem: [part.predictions for part in result.spaces] for result in results}


def borrow(finished: Path, home: Path) -> None:
    """Give a data home the spaces and recordings of another."""
    for shared in ("spaces", "recordings"):
        (home / shared).symlink_to(finished / shared)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with an undisturbed run."""
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(command(home, write_suite(home)), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Report:" in done.stdout
    return home


def test_a_run_leaves_a_result_a_row_and_a_report(finished: Path) -> None:
    assert len(digests(finished)) == 2 * 3  # models × tasks
    report = finished / "runs" / "mini" / "builtin__flat-01" / "report"
    assert all((report / name).stat().st_size for name in ("report.html", "report.md", "report.csv"))
    assert "http" not in (report / "report.html").read_text(encoding="utf-8").replace("http://www.w3.org", "")


def test_a_result_says_what_reached_the_weights(finished: Path) -> None:
    results = collect(finished / "runs" / "mini" / "builtin__flat-01" / "results")
    tracks = {result.model: result.track for result in results}
    assert tracks == {"scratch": "scratch", "tst": "sensors-only"}
    tst = next(result for result in results if result.model == "tst")
    assert [entry["source"] for entry in tst.ledger["entries"]] == ["builtin/flat-01"]
    assert tst.ledger["entries"][0]["modalities"] == ["rgb", "depth", "normals", "edges"]
    assert tst.compute.pretrain_frames == 40


@pytest.fixture(scope="module")
def others(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Results of a mock, a network of timm as it is and adapted, another package's model, and an oracle."""
    home = tmp_path_factory.mktemp("others")
    borrow(finished, home)
    shutil.copytree(finished / "stages", home / "stages")
    torch.manual_seed(0)
    torch.save(timm.create_model("test_vit").state_dict(), home / "test_vit.pth")
    site = install_model(home / "site")
    models = ["mock", "timm:test_vit.r160_in1k", "timm:test_vit.r160_in1k-adapted", "colours", "oracle"]
    arguments = [part for model in models for part in ("--model", model)]
    weights = [part for model in models[1:3] for part in ("--weights", f"{model}={home / 'test_vit.pth'}")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    }
    done = subprocess.run(
        command(home, write_suite(home), "--task", "semseg", *arguments, *weights),
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return {result.model: result for result in collect(home / "runs" / "mini" / "builtin__flat-01" / "results")}


def test_tracks_follow_from_what_reached_the_weights(others: dict[str, Result]) -> None:
    tracks = {name: result.track for name, result in others.items()}
    assert tracks == {
        "mock": "scratch",
        "timm:test_vit.r160_in1k": "generalist",
        "timm:test_vit.r160_in1k-adapted": "adapted",
        "colours": "generalist",
        "oracle": "oracle",
    }


def test_weights_from_a_file_are_named_by_their_digest(others: dict[str, Result], finished: Path) -> None:
    result = others["timm:test_vit.r160_in1k"]
    (sha256,) = result.ledger["weights"].values()
    assert result.inputs["weights of timm:test_vit.r160_in1k"] == sha256
    assert result.folder is not None
    assert digest_file(result.folder.parents[3] / "test_vit.pth") == sha256
    assert result.compute.parameters > 300_000


def test_an_oracle_learns_from_labels_of_the_test_space_and_is_scored_on_what_all_are(
    others: dict[str, Result], finished: Path
) -> None:
    results = collect(finished / "runs" / "mini" / "builtin__flat-01" / "results")
    tst = next(result for result in results if (result.model, result.task) == ("tst", "semseg"))
    oracle = others["oracle"]
    assert [part.scored for part in oracle.spaces] == [part.scored for part in tst.spaces]
    labelled = [entry for entry in oracle.ledger["entries"] if entry["labels"] == "task"]
    assert {(entry["role"], entry["source"]) for entry in labelled} == {("test", "builtin/flat-01")}
    assert oracle.compute.pretrain_frames == tst.compute.pretrain_frames
    assert oracle.compute.transfer_frames == 30


def test_rows_that_are_no_competitors_say_so(others: dict[str, Result]) -> None:
    assert others["mock"].flags
    assert not others["colours"].flags
    (table,) = gather(list(others.values()))
    assert {row.model for row in table.rows if not row.ranked} == {"mock", "oracle"}


def test_models_that_start_alike_share_the_stage_and_no_two_jobs_work_on_it(
    finished: Path, others: dict[str, Result]
) -> None:
    plan = plan_run(load_suite(str(finished / "mini.yaml")), None, ["tst", "oracle"], ["semseg"])
    home = finished.parent / "empty"
    jobs = jobs_of(plan, open_recordings(plan, finished), ["semseg"], home, "cpu")
    pretraining = [job.name for job in jobs if job.function is run_pretrain]
    assert pretraining == ["pretrain tst seed 0"]
    assert all(job.needs == ("pretrain tst seed 0",) for job in jobs if job.function is run_evaluate)
    assert others["oracle"].curves["pretrain"].split("/")[-2] in {
        folder.name for folder in (finished / "stages" / "pretrain").iterdir()
    }


def test_a_second_run_does_nothing_twice(finished: Path) -> None:
    stages = {path: path.stat().st_mtime_ns for path in (finished / "stages").rglob("*.safetensors")}
    before = digests(finished)
    done = subprocess.run(command(finished, finished / "mini.yaml"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert digests(finished) == before
    assert {path: path.stat().st_mtime_ns for path in (finished / "stages").rglob("*.safetensors")} == stages


def test_a_changed_budget_meets_no_old_stage(finished: Path, tmp_path: Path) -> None:
    borrow(finished, tmp_path)
    shutil.copytree(finished / "stages", tmp_path / "stages")
    before = set((tmp_path / "stages").glob("*/*"))
    changed = write_suite(tmp_path, pretrain=SUITE["pretrain"] | {"steps": 13})
    arguments = ("--model", "tst", "--task", "depth")
    done = subprocess.run(command(tmp_path, changed, *arguments), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    new = set((tmp_path / "stages").glob("*/*")) - before
    assert sorted(folder.parent.name for folder in new) == ["predict", "pretrain", "transfer"]


def test_a_killed_run_continues_to_the_same_predictions(finished: Path, tmp_path: Path) -> None:
    borrow(finished, tmp_path)
    suite = write_suite(tmp_path)
    expected = digests(finished)
    for sign in ("stages/pretrain/*/log.csv", "stages/transfer/*/done.json"):
        run = subprocess.Popen(
            command(tmp_path, suite), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while not list(tmp_path.glob(sign)):
            assert run.poll() is None, f"ended before {sign} was there"
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    done = subprocess.run(command(tmp_path, suite), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path) == expected


def test_a_failing_stage_stops_only_its_own_row(finished: Path, tmp_path: Path) -> None:
    borrow(finished, tmp_path)
    suite = write_suite(tmp_path, pretrain=SUITE["pretrain"] | {"lr": 1e30, "steps": 40})
    done = subprocess.run(command(tmp_path, suite, "--task", "depth"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "pretrain tst seed 0" in done.stderr
    assert "NonFiniteLoss" in done.stderr
    kept = [json.loads(path.read_text(encoding="utf-8"))["model"] for path in tmp_path.rglob("*.result.json")]
    assert kept == ["scratch"]
