"""Suites are examined as a whole before anything is begun, and written for a space of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import trimesh
import yaml

import benchmark.suites
from benchmark.suites import load_suite
from tests.command_line import Done, run_command


def tst_bench(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> Done:
    """Run a command in this process with a data home."""
    return run_command(capsys, *arguments, "--home", home)


def rewritten(folder: Path, **changes: Any) -> str:
    values = yaml.safe_load(Path(benchmark.suites.__file__).with_name("demo.yaml").read_text(encoding="utf-8"))
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(values | changes), encoding="utf-8")
    return str(path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.mark.parametrize("name", ["demo", "small"])
def test_suites_that_ship_are_valid_and_examining_them_leaves_no_file(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, errors = tst_bench(capsys, home, "suites", "validate", name)
    assert code == 0, errors
    assert "is valid" in said
    assert not home.exists()


def test_everything_that_is_wrong_is_said_at_once(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = rewritten(
        tmp_path,
        held_out=["scan/lab", "scan/office"],
        models=["scratch", "tst-mea"],
        tasks=["semsge"],
        engine="raycats",
        pretrain={"encoder": "tinny"},
    )
    code, _, errors = tst_bench(capsys, home, "suites", "validate", suite)
    assert code == 2
    for wrong in ("scan/lab", "scan/office", "tst-mea", "semsge", "raycats", "tinny"):
        assert wrong in errors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pretrain": {"frames": 2001}}, "pretrain.frames for tst: 2,001 frames of each test space"),
        ({"transfer_budget": {"frames": 1441}}, "transfer_budget.frames: 121 frames of each transfer space"),
        ({"models": ["tst-external"], "external": []}, "the suite has no external space"),
    ],
)
def test_a_budget_that_the_recordings_cannot_fill_is_wrong(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], message: str
) -> None:
    code, _, errors = tst_bench(capsys, home, "suites", "validate", rewritten(tmp_path, **changes))
    assert code == 2
    assert message in errors


def test_a_disk_that_is_too_small_is_wrong(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    code, _, errors = tst_bench(capsys, home, "suites", "validate", "demo")
    assert code == 2
    assert "10 MB are free" in errors


def test_info_shows_a_suite_with_what_is_wrong_and_does_not_fail(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = tst_bench(capsys, home, "suites", "info", rewritten(tmp_path, held_out=["scan/lab"]))
    assert code == 0
    assert "held_out     scan/lab (each: test 16 × 8 frames)" in said
    assert "problem: held_out space: Unknown space 'scan/lab'" in said


@pytest.mark.parametrize("space", ["builtin/flat-02", "builtin/flat-11", "builtin/flat-31", "builtin/flat-51"])
def test_a_new_suite_is_valid_wherever_small_uses_the_space(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], space: str
) -> None:
    path = tmp_path / "mine.yaml"
    code, said, errors = tst_bench(capsys, home, "suites", "new", "--test-space", space, "--out", str(path))
    assert code == 0, errors
    assert "is valid" in said
    suite = load_suite(str(path))
    assert suite.test_spaces == (space,)
    assert suite.pretrain == load_suite("small").pretrain
    assert suite.transfer_budget == load_suite("small").transfer_budget


def test_a_scan_without_labels_gets_the_tasks_that_need_none(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = trimesh.creation.box((4, 2.5, 5))
    box.invert()
    box.subdivide().export(tmp_path / "Flat.ply")
    code, _, errors = tst_bench(capsys, home, "spaces", "import", str(tmp_path / "Flat.ply"), "--name", "my-flat")
    assert code == 0, errors
    path = tmp_path / "mine.yaml"
    code, _, errors = tst_bench(capsys, home, "suites", "new", "--test-space", "scan/my-flat", "--out", str(path))
    assert code == 0, errors
    suite = load_suite(str(path))
    assert suite.name == "scan-my-flat"
    assert set(suite.tasks) == {"depth", "normals", "retrieval"}


def test_a_file_that_is_there_is_not_written_over(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine", encoding="utf-8")
    code, _, errors = tst_bench(capsys, home, "suites", "new", "--test-space", "builtin/flat-02", "--out", str(path))
    assert code == 2
    assert "is there already" in errors
    assert path.read_text(encoding="utf-8") == "mine"
