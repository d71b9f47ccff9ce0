"""``tst-bench leaderboard work``, as those who run a board call it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leaderboard.board import open_board
from leaderboard.store.database import open_store
from leaderboard.store.suites import add_suite
from tests.command_line import run_command
from tests.leaderboard.worker.worker_kit import deliver, submission


def test_once_scores_what_waits_and_stops(
    tmp_path: Path, private_pack: Path, submitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(open_board(tmp_path))
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    done = run_command(capsys, "leaderboard", "work", "--data", tmp_path, "--once")
    assert (done.code, done.out) == (0, "")
    assert submission(store, id).status == "scored"


def test_a_folder_without_a_board_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "leaderboard", "work", "--data", tmp_path / "none", "--once")
    assert done.code == 2
    assert "There is no board at" in done.err
    assert not (tmp_path / "none").exists()


def test_it_waits_for_more_until_it_is_told_to_stop(tmp_path: Path) -> None:
    open_store(open_board(tmp_path))
    program = "from benchmark.cli import main; main()"
    arguments = ["leaderboard", "work", "--data", str(tmp_path), "--name", "first"]
    log = tmp_path / "log"
    with log.open("wb") as errors:
        worker = subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=errors)
    end = time.monotonic() + 60
    while b"worker first-" not in log.read_bytes() and time.monotonic() < end:
        time.sleep(0.05)
    assert worker.poll() is None
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(30) == 128 + signal.SIGTERM
    assert b"Traceback" not in log.read_bytes()
