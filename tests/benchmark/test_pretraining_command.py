"""``tst-bench pretrain``: one pre-training by itself, on several processes, found done by a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmark.test_run import write_suite
from tests.command_line import run_command


@pytest.mark.slow
def test_two_processes_leave_the_pretraining_that_a_run_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = write_suite(tmp_path)
    common = ("--suite", suite, "--home", tmp_path, "--model", "tst")
    done = run_command(capsys, "pretrain", *common, "--processes", "2")
    assert done.code == 0, done.err
    assert "12 steps" in done.out
    assert "on 2 processes" in done.out
    (stage,) = (tmp_path / "stages" / "pretrain").iterdir()
    assert (stage / "encoder.safetensors").is_file()
    assert json.loads((stage / "done.json").read_text(encoding="utf-8"))["processes"] == 2

    grid = run_command(capsys, "status", "--json", *common)
    (cell,) = (cell for cell in json.loads(grid.out)["cells"] if cell["stage"] == "pretrain")
    assert cell["state"] == "done"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "scratch"), "scratch is not pre-trained here"),
        (("--accumulate", "7", "--limit", "8"), "cannot be divided equally among 7 parts"),
        (("--model", "tstt"), "Unknown model"),
    ],
)
def test_what_cannot_be_pretrained_is_refused_before_anything_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    done = run_command(capsys, "pretrain", "--home", tmp_path, *arguments)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "recordings").exists()


def test_a_launcher_and_processes_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = run_command(capsys, "pretrain", "--home", tmp_path, "--processes", "2")
    assert done.code == 2
    assert "does not go together with a launcher" in done.err
