"""A collection of files that mean no good: read offline, sent to a server, and put straight before a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from leaderboard.client import BoardError, Client
from leaderboard.refusal import REFUSALS
from leaderboard.store.database import Store
from leaderboard.validation import validate
from leaderboard.worker.loop import work
from tests.leaderboard.board_kit import MiniRun
from tests.leaderboard.hostile.archives import HOSTILE, TRUTHS, Good, good
from tests.leaderboard.server.conftest import Tokens
from tests.leaderboard.worker.worker_kit import deliver, submission

EVERY = 1 if os.environ.get("TST_BENCH_LONG_TESTS") else 100
"""A process is started for each that a worker reads: only some in ordinary runs."""

MANY: dict[str, Any] = {"submissions_per_day": 10_000, "writes_per_minute": 10**6, "requests_per_minute": 10**6}


@pytest.fixture(scope="module")
def taken(submitted: Path) -> Good:
    return good(submitted)


@pytest.fixture(scope="module")
def folder(taken: Good, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them as files, by their numbers."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, build in enumerate(HOSTILE.values()):
        (folder / f"{number:04}.zip").write_bytes(build(taken))
    return folder


@pytest.fixture(scope="module")
def findings(folder: Path, run: MiniRun) -> dict[str, dict[str, Any]]:
    """What one process that gets half a gigabyte and a minute says of all of them."""
    command = [sys.executable, "-m", "tests.leaderboard.hostile.limited", str(run.suite_file), str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    return dict(zip(HOSTILE, lines, strict=True))


def test_what_they_are_made_from_is_taken(taken: Good, run: MiniRun, tmp_path: Path) -> None:
    path = tmp_path / "same.zip"
    path.write_bytes(taken.with_fields(lambda fields: None))
    validate(path, run.suites)
    assert path.read_bytes() == taken.content


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_for_a_reason_with_little_memory_and_in_no_time(
    name: str, findings: dict[str, dict[str, Any]]
) -> None:
    assert findings[name]["reason"] in REFUSALS
    assert findings[name]["seconds"] < 8


@pytest.mark.parametrize("name", TRUTHS)
def test_what_only_labels_can_tell_is_a_submission_for_everybody_else(
    name: str, taken: Good, run: MiniRun, tmp_path: Path
) -> None:
    (tmp_path / "x.zip").write_bytes(TRUTHS[name](taken))
    validate(tmp_path / "x.zip", run.suites)


def test_a_server_refuses_what_it_sees_by_the_start_and_goes_on_serving(
    live: Callable[..., str], tokens: Tokens, folder: Path, board: Store
) -> None:
    address = live(**MANY)
    passed, statuses = [], {}
    with Client(address, tokens.ours, patience_seconds=0) as client:
        for name, path in zip(HOSTILE, sorted(folder.iterdir()), strict=True):
            try:
                passed.append(client.submit(path))
            except BoardError as error:
                statuses[name] = error.status
    assert {name: status for name, status in statuses.items() if status not in (409, 413, 422)} == {}
    told_by_files = {"manifest: a forged digest", "manifest: a file as large as the world"}
    assert {name for name in HOSTILE if name.startswith("manifest: ")} - set(statuses) <= told_by_files
    assert httpx.get(f"{address}/api/v1/suites").status_code == 200
    assert httpx.get(address).status_code == 200
    for each in passed:  # their flaw lies behind the manifest, where workers look
        assert submission(board, each).status == "queued"


def test_a_worker_rejects_whatever_comes_before_it_and_scores_the_next(
    board: Store, taken: Good, submitted: Path, folder: Path, tmp_path: Path
) -> None:
    some = list(zip(HOSTILE, sorted(folder.iterdir()), strict=True))[::EVERY]
    ids = {name: deliver(board, path) for name, path in some}
    for name in list(TRUTHS)[::EVERY]:
        (tmp_path / "x.zip").write_bytes(TRUTHS[name](taken))
        ids[name] = deliver(board, tmp_path / "x.zip")
    good = deliver(board, submitted)
    work(board, "test", once=True)
    for name, each in ids.items():
        found = submission(board, each)
        assert (found.status, found.reason in REFUSALS, found.attempts) == ("rejected", True, 1), (name, found.message)
    assert submission(board, good).status == "scored"
    assert list(board.board.scratch.iterdir()) == []
