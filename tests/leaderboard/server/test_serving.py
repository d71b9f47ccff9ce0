"""``tst-bench leaderboard serve`` as its users run it: a process that says where it listens, scores, and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from leaderboard.client import Client
from leaderboard.sending import wait_for
from leaderboard.store.database import Store
from tests.command_line import run_command
from tests.leaderboard.server.conftest import Tokens, bearer

TST_BENCH = [sys.executable, "-c", "from benchmark.cli import main; main()"]


@contextmanager
def serving(board: Store, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield the process and the address that it printed."""
    place = ["--data", str(board.board.folder), "--port", "0", *options]
    environment = os.environ | {"TST_BENCH_DATABASE": board.board.database}
    log = board.board.folder / "serve.log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [*TST_BENCH, "leaderboard", "serve", *place],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), log.read_text()
            yield process, address
        finally:
            if process.poll() is None:
                process.kill()


def test_a_submission_is_taken_scored_and_shown_and_the_end_is_orderly(
    board: Store, tokens: Tokens, submitted: Path
) -> None:
    with serving(board) as (process, address):
        with Client(address, tokens.ours) as client:
            view = wait_for(client, client.submit(submitted), lambda _: None)
            assert view.status == "scored"
            assert view.url == f"{address}s/{view.id}"
        assert httpx.get(view.url).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert tokens.ours not in (board.board.folder / "serve.log").read_text()


def test_a_killed_server_takes_its_scorers_with_it_and_another_one_goes_on(
    board: Store, tokens: Tokens, submitted: Path
) -> None:
    with serving(board, "--workers", "0") as (process, address):
        with Client(address, tokens.ours) as client:
            submission = client.submit(submitted)
        process.kill()
        process.wait(30)
    with serving(board) as (process, address):
        with Client(address, tokens.ours) as client:
            assert wait_for(client, submission, lambda _: None).status == "scored"
        scorers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
        assert scorers.stdout.split()
        process.kill()
        process.wait(30)
        for pid in map(int, scorers.stdout.split()):
            assert _ends(pid)


def _ends(pid: int) -> bool:
    for _ in range(150):
        state = Path(f"/proc/{pid}/stat")
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


def test_a_port_that_is_taken_is_said_to_be(board: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = ("--data", board.board.folder, "--database", board.board.database, "--port", port)
        done = run_command(capsys, "leaderboard", "serve", *place)
    assert done.code == 2
    assert "another --port" in done.err


def test_the_api_is_described_on_a_page_of_the_board(client: TestClient, tokens: Tokens) -> None:
    page = client.get("/docs").text
    assert "/api/v1/uploads/{upload_id}/finish" in page
    assert "//cdn" not in page
    assert client.get("/api/v1/openapi.json", headers=bearer(tokens.ours)).json()["openapi"].startswith("3.")


def test_a_server_and_a_client_never_load_torch() -> None:
    modules = "leaderboard.server.serving, leaderboard.client, leaderboard.folder_board"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
