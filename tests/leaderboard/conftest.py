"""One run and one submission for all tests of the leaderboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.packs import write_private_pack
from leaderboard.submission import pack_submission
from leaderboard.truth import Truth, open_truth
from tests.leaderboard.board_kit import MiniRun, make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> MiniRun:
    return make_run(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="session")
def submitted(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("submission") / "scratch.zip"
    pack_submission(run.folder, path, run.suites)
    return path


@pytest.fixture(scope="session")
def truth(run: MiniRun, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    folder = tmp_path_factory.mktemp("truth")
    write_private_pack(run.folder, folder / "truth.zip", run.suites, run.open_recording)
    return open_truth(folder / "truth.zip", folder / "unpacked")
