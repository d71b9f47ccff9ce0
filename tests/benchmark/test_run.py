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
from benchmark.predictions import read_prediction
from benchmark.report import gather
from benchmark.results import Result, collect
from benchmark.runner import jobs_of, open_recordings
from benchmark.stages.evaluate import run_evaluate
from benchmark.stages.pretrain import run_pretrain
from benchmark.suites import load_suite
from benchmark.tasks import TASKS
from sim_envs.errors import UserError
from sim_envs.storage import digest_file
from tests.benchmark.model_kit import install_model
from tests.benchmark.task_kit import install_task
from tests.command_line import Done, run_command

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


def status_command(home: Path, suite: Path, *arguments: str) -> list[str]:
    program = str(Path(sys.executable).with_name("tst-bench"))
    return [program, "status", "--json", "--suite", str(suite), "--home", str(home), *arguments]


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


def test_a_result_says_how_fast_its_pretraining_was(finished: Path) -> None:
    folder = finished / "runs" / "mini" / "builtin__flat-01"
    cost = {result.model: result.compute.pretraining for result in collect(folder / "results")}
    assert cost["scratch"] is None
    assert cost["tst"] is not None
    assert cost["tst"].step_seconds * cost["tst"].samples_per_second == pytest.approx(8)
    assert cost["tst"].utilisation is not None
    assert 0 < cost["tst"].utilisation < 1
    assert "Speed of pre-training" in (folder / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("strength", ["linear", "strong"])
def test_boxes_are_learnt_stored_scored_and_shown_as_maps_are(strength: str, finished: Path, tmp_path: Path) -> None:
    borrow(finished, tmp_path)
    budget = SUITE["transfer_budget"] | {"steps": 30, "head": strength, "encoder_lrs": [1e-3]}
    suite = write_suite(tmp_path, tasks=["detection"], models=["scratch"], transfer_budget=budget)
    done = subprocess.run(command(tmp_path, suite), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "mini" / "builtin__flat-01"
    (result,) = collect(run / "results")
    folder = result.file(result.prediction_folder)
    assert folder is not None
    part = read_prediction(folder, "builtin/flat-01", recording=result.spaces[0].recording)
    assert len(part.values) == 3 * 4
    assert "at IoU 0.5" in (run / "report" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def others(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Results of other objectives, a mock, a network of timm as it is and adapted, a third party's, and an oracle."""
    home = tmp_path_factory.mktemp("others")
    borrow(finished, home)
    shutil.copytree(finished / "stages", home / "stages")
    torch.manual_seed(0)
    torch.save(timm.create_model("test_vit").state_dict(), home / "test_vit.pth")
    site = install_model(home / "site")
    models = ["mock", "timm:test_vit.r160_in1k", "timm:test_vit.r160_in1k-adapted", "colours", "oracle"]
    models += ["tst-dino", "tst-tokens"]
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


def test_tasks_that_are_no_maps_run_and_one_of_another_package_with_a_form_of_its_own(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrow(finished, tmp_path)
    site = install_task(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]))
    budget = {"transfer_budget": SUITE["transfer_budget"] | {"head": "linear"}}
    tasks = ["--task", "retrieval", "--task", "distance", "--model", "mock"]
    done = subprocess.run(
        command(tmp_path, write_suite(tmp_path, **budget), *tasks), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "runs" / "mini" / "builtin__flat-01" / "report" / "report.html").read_text(encoding="utf-8")
    assert "The brighter the farther." in page
    assert "12 of 12 frames" in page  # none of so few shows a place that another walk saw
    program = str(Path(sys.executable).with_name("tst-bench"))
    again = subprocess.run([program, "rescore", "--home", str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert "2 as before, 0 changed" in again.stdout
    told = subprocess.run([program, "tasks", "info", "distance"], capture_output=True, text=True, timeout=300)
    assert "how far away, in the mean" in told.stdout


def test_tracks_follow_from_what_reached_the_weights(others: dict[str, Result]) -> None:
    tracks = {name: result.track for name, result in others.items()}
    assert tracks == {
        "mock": "scratch",
        "timm:test_vit.r160_in1k": "generalist",
        "timm:test_vit.r160_in1k-adapted": "adapted",
        "colours": "generalist",
        "oracle": "oracle",
        "tst-dino": "sensors-only",
        "tst-tokens": "sensors-only",
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


@pytest.fixture(scope="module")
def taught(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with results of pupils of three teachers, and of a control that reads every sensor."""
    home = tmp_path_factory.mktemp("taught")
    borrow(finished, home)
    models = ["scratch", "scratch-multimodal", "tst+mock+tst-mae", "tst+efficientnet-lite0"]
    arguments = [part for model in models for part in ("--model", model)]
    done = subprocess.run(
        command(home, write_suite(home), "--task", "semseg", *arguments), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return home


def test_a_pupil_is_distilled_by_what_its_teachers_may_know(taught: Path) -> None:
    results = {r.model: r for r in collect(taught / "runs" / "mini" / "builtin__flat-01" / "results")}
    assert results["tst+efficientnet-lite0"].track == "distilled"
    assert results["tst+mock+tst-mae"].track == "sensors-only"  # nothing but frames of the test space is behind them
    (teacher,) = results["tst+efficientnet-lite0"].ledger["teachers"]
    assert teacher["data"][0]["source"] == "ImageNet-1k"
    assert results["tst+efficientnet-lite0"].inputs["weights of efficientnet-lite0"] == teacher["weights"]
    _, specialist = results["tst+mock+tst-mae"].ledger["teachers"]
    assert specialist["data"][0]["source"] == "builtin/flat-01"
    encoders = (taught / "stages" / "pretrain").glob("*/encoder.safetensors")
    assert specialist["weights"] in {digest_file(path) for path in encoders}


def test_answers_of_teachers_lie_beside_recordings_and_not_in_them(taught: Path) -> None:
    told = [json.loads(path.read_text(encoding="utf-8")) for path in taught.glob("teachers/*/*/answers.json")]
    assert {facts["teacher"] for facts in told} == {"mock", "tst-mae", "efficientnet-lite0"}
    assert len({facts["recording"] for facts in told}) == 1
    assert not [path for path in (taught / "recordings").rglob("*") if "features" in path.name]


def test_who_reads_more_than_rgb_is_shown_apart(taught: Path) -> None:
    results = {r.model: r for r in collect(taught / "runs" / "mini" / "builtin__flat-01" / "results")}
    assert results["scratch-multimodal"].flags
    predicted = {name: [part.predictions for part in results[name].spaces] for name in results}
    assert predicted["scratch-multimodal"] != predicted["scratch"]
    (table,) = gather(list(results.values()))
    assert {row.model for row in table.rows if not row.ranked} == {"scratch-multimodal"}


def test_a_specialist_that_teaches_is_pretrained_before_its_pupil(finished: Path, tmp_path: Path) -> None:
    plan = plan_run(load_suite(str(finished / "mini.yaml")), None, ["tst+tst-mae"], ["semseg"], seeds=2)
    jobs = jobs_of(plan, open_recordings(plan, finished), ["semseg"], tmp_path, "cpu")
    needs = {job.name: job.needs for job in jobs if job.function is run_pretrain}
    assert needs == {
        "pretrain tst-mae seed 0": (),
        "pretrain tst+tst-mae seed 0": ("pretrain tst-mae seed 0",),
        "pretrain tst+tst-mae seed 1": ("pretrain tst-mae seed 0",),
    }


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
    told = subprocess.run(
        status_command(tmp_path, suite, "--task", "depth"), capture_output=True, text=True, timeout=60
    )
    cells = {(cell["stage"], cell["model"]): cell for cell in json.loads(told.stdout)["cells"] if cell["model"]}
    states = {named: cell["state"] for named, cell in cells.items()}
    assert states == {("pretrain", "tst"): "failed", ("evaluate", "scratch"): "done", ("evaluate", "tst"): "failed"}
    assert "NonFiniteLoss" in Path(cells["pretrain", "tst"]["log"]).read_text(encoding="utf-8")


@pytest.fixture
def kept(finished: Path, tmp_path: Path) -> Path:
    """A data home of one's own with the finished run, to be damaged at will."""
    borrow(finished, tmp_path)
    for part in ("stages", "runs"):
        shutil.copytree(finished / part, tmp_path / part)
    return tmp_path


def result_file(home: Path, model: str, task: str) -> Path:
    name = f"builtin__flat-01--{model}--{task}--finetune--seed0.result.json"
    return home / "runs" / "mini" / "builtin__flat-01" / "results" / name


def result_files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.glob("runs/*/*/results/*.result.json")}


def tst_bench(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> Done:
    """Run a command in this process with a data home."""
    return run_command(capsys, *arguments, "--home", home)


def test_rescoring_gives_the_first_score_to_the_last_digit(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = result_files(kept)
    code, said, _ = tst_bench(capsys, kept, "rescore", "--suite", "mini", "--scene", "builtin/flat-01")
    assert code == 0
    assert "6 as before, 0 changed, 0 not rescored" in said
    assert result_files(kept) == first


def test_a_result_of_an_older_task_version_is_refused_until_it_is_rescored(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = result_file(kept, "tst", "depth")
    now = json.loads(path.read_text(encoding="utf-8"))
    older = json.loads(json.dumps(now)) | {"task_version": TASKS["depth"].version - 1}
    older["scores"] = {"rmse": older["scores"]["rmse"]}  # a version without the other measures and with other sums
    empty = {"trajectory": 0, "frames": 0, "index": [], "value": []}
    older["spaces"][0]["statistics"] = {"dtype": "int64", "shape": [1], "trajectories": [empty]}
    path.write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(UserError, match="tst-bench rescore --suite mini --scene builtin/flat-01"):
        collect(path.parent)
    code, said, _ = tst_bench(capsys, kept, "rescore")
    assert code == 0
    assert "5 as before, 1 changed" in said
    again = json.loads(path.read_text(encoding="utf-8"))
    assert again.pop("rescored")["from_task_version"] == TASKS["depth"].version - 1
    assert again | {"rescored": None} == now


@pytest.mark.parametrize("damage", ["missing", "cut", "exchanged", "recording"])
def test_a_row_that_cannot_be_rescored_is_named_and_the_others_are(
    kept: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    path = result_file(kept, "tst", "semseg")
    content = json.loads(path.read_text(encoding="utf-8"))
    predictions = path.parent / content["prediction_folder"]
    file = predictions / "builtin__flat-21.npz"
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "exchanged":  # a file and its manifest that agree with each other, and not with the result
        content["spaces"][1]["predictions"] = "0" * 64
    else:
        content["spaces"][1]["recording"] = "0" * 64
    path.write_text(json.dumps(content), encoding="utf-8")
    before = path.read_bytes()
    other = result_file(kept, "scratch", "semseg")
    score = json.loads(other.read_text(encoding="utf-8"))
    score["scores"]["miou"]["test"]["value"] = 0.9
    other.write_text(json.dumps(score), encoding="utf-8")
    code, said, errors = tst_bench(capsys, kept, "rescore")
    assert code == 1
    assert "not rescored builtin__flat-01--tst--semseg--finetune--seed0" in errors
    assert path.read_bytes() == before
    assert "miou, test: 90.0 → " in said
    assert "4 as before, 1 changed, 1 not rescored" in said


def status(capsys: pytest.CaptureFixture[str], home: Path, suite: Path) -> dict[str, Any]:
    code, said, errors = tst_bench(capsys, home, "status", "--suite", str(suite), "--json")
    assert code == 0, errors
    return dict(json.loads(said))


def files_of(home: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}


def test_a_finished_run_is_done_in_every_cell_and_status_changes_no_file(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = write_suite(kept)
    before = files_of(kept)
    found = status(capsys, kept, suite)
    assert found["counts"] == {"done": 3 + 1 + 6, "half done": 0, "failed": 0, "missing": 0}
    assert files_of(kept) == before


def test_a_suite_that_never_ran_is_missing_in_every_cell_and_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    found = status(capsys, home, write_suite(tmp_path))
    assert found["counts"] == {"done": 0, "half done": 0, "failed": 0, "missing": 3 + 1 + 6}
    assert not home.exists()


def test_status_tells_what_an_interrupted_run_has_of_each_row(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pretraining,) = (kept / "stages" / "pretrain").iterdir()
    (pretraining / "done.json").unlink()
    result_file(kept, "scratch", "depth").unlink()
    normals = result_file(kept, "scratch", "normals")
    predicted = normals.parent / json.loads(normals.read_text(encoding="utf-8"))["prediction_folder"]
    normals.unlink()
    (predicted / "done.json").unlink()
    content = json.loads(result_file(kept, "tst", "depth").read_text(encoding="utf-8"))
    result_file(kept, "tst", "depth").write_text(json.dumps(content | {"task_version": 1}), encoding="utf-8")
    cells = [cell for cell in status(capsys, kept, write_suite(kept))["cells"] if cell["state"] == "half done"]
    notes = {(cell["stage"], cell["model"], cell["task"]): cell["note"] for cell in cells}
    version = TASKS["depth"].version
    assert notes == {
        ("pretrain", "tst", ""): "checkpoint at step 12 of 12",
        ("evaluate", "scratch", "depth"): "predicted, not scored",
        ("evaluate", "scratch", "normals"): "transferred, not predicted",
        (
            "evaluate",
            "tst",
            "depth",
        ): f"scored by version 1 of depth, this is {version}: tst-bench rescore",
    }


def test_a_result_of_another_budget_does_not_count_as_done(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = write_suite(kept, transfer_budget=SUITE["transfer_budget"] | {"steps": 7})
    rows = [cell for cell in status(capsys, kept, changed)["cells"] if cell["stage"] == "evaluate"]
    assert {(cell["state"], cell["note"]) for cell in rows} == {
        ("missing", "the result in this place is of other inputs")
    }


def test_a_dry_run_says_what_is_left_to_do_and_does_nothing(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pretraining,) = (kept / "stages" / "pretrain").iterdir()
    (pretraining / "done.json").unlink()
    result_file(kept, "scratch", "depth").unlink()
    suite = write_suite(kept)
    before = files_of(kept)
    code, said, _ = tst_bench(capsys, kept, "run", "--suite", str(suite), "--dry-run")
    assert code == 0
    assert "recordings     0 of 3 to do: 0 frames" in said
    assert "pre-trainings  1 of 1 to do: 40 frames, 12 steps each" in said
    assert "transfers      1 of 6 to do" in said
    assert files_of(kept) == before


def test_a_dry_run_names_every_recording_that_is_to_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    code, said, _ = tst_bench(capsys, home, "run", "--suite", str(write_suite(tmp_path)), "--dry-run")
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    assert {(row[0], row[1]): int(row[2]) for row in rows if row[1:] and row[1].startswith("builtin/")} == {
        ("test", "builtin/flat-01"): 4 * 10 + 3 * 4,
        ("transfer", "builtin/flat-11"): 4 * 10 + 2 * 4,
        ("held_out", "builtin/flat-21"): 3 * 4,
    }
    assert not home.exists()


def test_a_dry_run_of_a_space_that_is_not_here_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = write_suite(tmp_path, transfer=["builtin/flat-11", "scan/lab"])
    code, _, errors = tst_bench(capsys, tmp_path / "home", "run", "--suite", str(suite), "--dry-run")
    assert code == 2
    assert "scan/lab" in errors


def test_results_of_a_limited_run_are_flagged_and_lie_apart(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = {path: path.read_bytes() for path in (kept / "runs" / "mini").rglob("*") if path.is_file()}
    asked = ("--limit", "7", "--task", "depth", "--model", "scratch")
    done = subprocess.run(command(kept, write_suite(kept), *asked), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (result,) = collect(kept / "runs" / "mini-limit-7" / "builtin__flat-01" / "results")
    assert result.flags == ("limited to 7 frames",)
    assert result.suite == "mini-limit-7 v1"
    assert all(sum(t.frames for t in part.statistics.trajectories) <= 7 for part in result.spaces)
    assert {path: path.read_bytes() for path in full} == full
