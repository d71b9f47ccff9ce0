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
import yaml

from benchmark.results import collect

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
