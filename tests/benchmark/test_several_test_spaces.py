"""A suite of two test spaces is run in both by one command, and both are compared with each other."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest

from benchmark.results import Result, collect
from tests.benchmark.test_run import SUITE, command, write_suite
from tests.command_line import run_command

SPACES = ["builtin/flat-01", "builtin/flat-02"]
CHANGES = {
    "test_spaces": SPACES,
    "tasks": ["depth"],
    "pretrain": SUITE["pretrain"] | {"steps": 2},
    "transfer_budget": SUITE["transfer_budget"] | {"steps": 2, "evaluations": 1, "encoder_lrs": [1e-3]},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home with an undisturbed run of both."""
    folder = tmp_path_factory.mktemp("home")
    done = subprocess.run(command(folder, write_suite(folder, **CHANGES)), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert "tst: δ<1.25 (%), pre-trained in the row's space, tested in the column's" in " ".join(done.stdout.split())
    return folder


def results_of(home: Path) -> dict[tuple[str, str], Result]:
    return {(result.test_space, result.model): result for result in collect(home / "runs" / "mini")}


def test_every_model_is_scored_in_its_own_in_held_out_and_in_the_other_test_space(home: Path) -> None:
    results = results_of(home)
    assert set(results) == {(space, model) for space in SPACES for model in ("scratch", "tst")}
    for (space, _), result in results.items():
        (other,) = set(SPACES) - {space}
        roles = {part.space: part.role for part in result.spaces}
        assert roles == {space: "test", "builtin/flat-21": "held_out", other: "other"}
        assert set(result.scores["delta1"]) == {"test", "held_out", "gap", "other"}


def test_what_does_not_depend_on_the_test_space_is_done_once(home: Path) -> None:
    results = results_of(home)
    folders = {key: Path(result.prediction_folder).name for key, result in results.items()}
    assert folders[SPACES[0], "scratch"] == folders[SPACES[1], "scratch"]
    assert folders[SPACES[0], "tst"] != folders[SPACES[1], "tst"]
    assert len(list((home / "stages" / "transfer").iterdir())) == 3
    assert all(len(list((home / "recordings" / space).iterdir())) == 1 for space in SPACES)


def test_a_model_that_is_the_same_in_both_runs_scores_the_same_in_both(home: Path) -> None:
    one, two = (results_of(home)[space, "scratch"] for space in SPACES)
    assert one.scores["delta1"]["test"] == two.scores["delta1"]["other"]
    assert one.scores["delta1"]["other"] == two.scores["delta1"]["test"]


def test_the_suite_has_one_report_with_the_matrix(home: Path) -> None:
    folder = home / "runs" / "mini" / "report"
    with (folder / "report.csv").open(newline="", encoding="utf-8") as file:
        cells = [row for row in csv.DictReader(file) if row["role"] == "other"]
    assert {(row["model"], row["test_space"], row["tested_in"]) for row in cells} == {
        ("tst", *SPACES),
        ("tst", *SPACES[::-1]),
    }
    assert 'id="matrices"' in (folder / "report.html").read_text(encoding="utf-8")
    assert len(list((folder / "figures").glob("matrix-tst-depth-*"))) == 2


def test_status_rescore_and_compare_take_both_or_the_one_that_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = home / "mini.yaml"
    code, said, _ = run_command(capsys, "status", "--suite", suite, "--json", "--home", home)
    both = json.loads(said)
    assert code == 0
    assert [run["test_space"] for run in both] == SPACES
    assert all(run["counts"]["done"] == sum(run["counts"].values()) for run in both)
    code, said, _ = run_command(capsys, "status", "--suite", suite, "--scene", SPACES[1], "--json", "--home", home)
    assert json.loads(said)["test_space"] == SPACES[1]
    code, said, _ = run_command(capsys, "rescore", "--suite", "mini", "--home", home)
    assert code == 0
    assert said.count("2 as before, 0 changed, 0 not rescored") == 2
    code, said, _ = run_command(capsys, "compare", "tst", "scratch", "--suite", "mini", "--home", home)
    assert code == 0
    assert all(f"depth, finetune, in {space}" in said for space in SPACES)
    code, said, _ = run_command(capsys, "run", "--suite", suite, "--dry-run", "--home", home)
    assert code == 0
    assert said.count("transfers      0 of 2 to do") == 2


def test_a_report_goes_where_it_is_asked_to_in_the_formats_that_are_asked_for(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("report", "--suite", "mini", "--scene", SPACES[0], "--home", home, "--out", tmp_path / "paper")
    code, said, _ = run_command(capsys, *asked, "--format", "latex", "--format", "csv")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "paper").iterdir()) == ["report.csv", "report.tex"]
    assert SPACES[1] not in said.replace("\n", " ")
    code, _, errors = run_command(capsys, *asked, "--format", "latx")
    assert code == 2
    assert "latex" in errors
    code, _, errors = run_command(capsys, *asked, "--format", "csv", "--open")
    assert code == 2
    assert "--format html" in errors


def test_a_test_space_that_cannot_be_run_does_not_stop_the_others(home: Path, tmp_path: Path) -> None:
    for shared in ("spaces", "recordings", "stages"):
        (tmp_path / shared).symlink_to(home / shared)
    suite = write_suite(tmp_path, **CHANGES, models=["scratch"])
    blocked = tmp_path / "runs" / "mini" / "builtin__flat-01"
    blocked.mkdir(parents=True)
    (blocked / "results").write_text("in the way", encoding="utf-8")
    done = subprocess.run(command(tmp_path, suite), capture_output=True, text=True, timeout=900)
    assert done.returncode == 1
    assert "failed" in done.stderr
    assert [result.test_space for result in collect(tmp_path / "runs" / "mini" / "builtin__flat-02")] == [SPACES[1]]
