"""The client: goes on after whatever breaks, says what a board says, and never lets a token be seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from leaderboard.client import BoardError, Client
from leaderboard.sending import wait_for
from leaderboard.server.app import create_app
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.tables import Submitted, Upload
from leaderboard.store.teams import issue_token, team_named
from leaderboard.worker.loop import work
from sim_envs.errors import UserError
from tests.command_line import run_command
from tests.leaderboard.board_kit import MiniRun, repacked
from tests.leaderboard.server.conftest import Tokens, with_settings


class Direct(httpx.BaseTransport):
    """Passes requests to a board in this process."""

    def __init__(self, board: TestClient) -> None:
        self.board = board

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.board.request(
            request.method, request.url.raw_path.decode(), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


class Flaky(Direct):
    """Loses every second request, on the way there and on the way back by turns."""

    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        if self.count % 4 == 1:
            raise httpx.ConnectTimeout("lost on the way there")
        answer = super().handle_request(request)
        if self.count % 4 == 3:
            raise httpx.ReadTimeout("lost on the way back")
        return answer


def stored(board: Store, submission: str) -> bytes:
    with board.reading() as session:
        return board.files.read(session.get_one(Submitted, submission).sha256)


def test_a_file_arrives_whole_however_often_the_connection_breaks(
    board: Store, tokens: Tokens, submitted: Path
) -> None:
    waits: list[float] = []
    with TestClient(create_app(with_settings(board, chunk_bytes=20_000))) as there:
        client = Client("http://testserver", tokens.ours, transport=Flaky(there), sleep=waits.append)
        seen: list[int] = []
        submission = client.submit(submitted, lambda sent, size: seen.append(sent))
        assert client.submit(submitted) == submission
    assert stored(board, submission) == submitted.read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == submitted.stat().st_size
    assert len(waits) > 3


def test_another_client_goes_on_where_the_first_one_stopped(board: Store, tokens: Tokens, submitted: Path) -> None:
    def stop(sent: int, size: int) -> None:
        if sent > size / 2:
            raise KeyboardInterrupt

    with TestClient(create_app(with_settings(board, chunk_bytes=20_000))) as there:
        transport = Direct(there)
        first = Client("http://testserver", tokens.ours, transport=transport)
        with pytest.raises(KeyboardInterrupt):
            first.submit(submitted, stop)
        seen: list[int] = []
        second = Client("http://testserver", tokens.ours, transport=transport)
        second.submit(submitted, lambda sent, size: seen.append(sent))
    assert seen[0] > submitted.stat().st_size / 2


def test_a_refusal_is_told_in_the_words_of_the_board(
    board: Store, tokens: Tokens, submitted: Path, tmp_path: Path
) -> None:
    old = repacked(submitted, tmp_path / "old.zip", lambda fields: fields["suite"].update(version=2))
    with TestClient(create_app(board)) as there:
        client = Client("http://testserver", tokens.ours, transport=Direct(there))
        with pytest.raises(BoardError, match="mini v2 is not taken here, v3 is") as caught:
            client.submit(old)
        assert (caught.value.status, caught.value.error) == (422, "refused")
        stranger = Client("http://testserver", "tstb_wrong", transport=Direct(there))
        with pytest.raises(BoardError, match="unknown, has expired or was revoked") as wrong:
            stranger.submit(submitted)
        assert "tstb_wrong" not in str(wrong.value)


def test_a_busy_board_is_asked_again_when_it_says_so_and_a_spent_quota_is_not(
    board: Store, tokens: Tokens, submitted: Path
) -> None:
    answers = [httpx.Response(503, headers={"Retry-After": "7"}), httpx.Response(200, json={"suites": []})]
    waits: list[float] = []
    busy = Client("http://board", transport=httpx.MockTransport(lambda _: answers.pop(0)), sleep=waits.append)
    assert busy.suites() == []
    assert waits == [7.0]
    with board.transaction() as session:
        ours = team_named(session, "Ours")
        past = now() - timedelta(hours=1)
        session.add(Submitted(id="0", team_id=ours.id, sha256="0" * 64, size=1, received=past, status="scored"))
    with TestClient(create_app(with_settings(board, submissions_per_day=1))) as there:
        client = Client("http://testserver", tokens.ours, transport=Direct(there), sleep=waits.append)
        with pytest.raises(BoardError, match="The next one is taken from") as caught:
            client.submit(submitted)
    assert caught.value.error == "quota"
    assert len(waits) == 1


def test_a_board_that_is_not_there_is_not_waited_for_long() -> None:
    waits: list[float] = []

    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = Client("http://board.example", "tstb_secret", transport=httpx.MockTransport(nobody), sleep=waits.append)
    with pytest.raises(UserError, match=r"No answer from http://board\.example") as caught:
        client.tables()
    assert len(waits) == 2
    assert "tstb_secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(404, text="nginx"),
        httpx.Response(400, json=[]),
        httpx.Response(301, headers={"Location": "https://elsewhere.example"}),
    ],
)
def test_what_is_no_board_is_said_to_be_none(answer: httpx.Response) -> None:
    client = Client("http://board.example", transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(UserError, match="address"):
        client.suites()


@pytest.mark.parametrize(("url", "token"), [("board.example", None), ("http://[", None), ("http://board", "töken\n")])
def test_an_address_or_token_that_cannot_be_one_is_refused(url: str, token: str | None) -> None:
    with pytest.raises(UserError):
        Client(url, token)


def test_twenty_teams_submit_at_once_to_a_real_server_and_nothing_is_lost(
    board: Store, live: Callable[..., str], tokens: Tokens, submitted: Path, tmp_path: Path
) -> None:
    with board.transaction() as session:
        secrets = [issue_token(session, team_named(session, f"T{n}"), "", "submit", 1)[1] for n in range(20)]
    files = [
        repacked(submitted, tmp_path / f"{n}.zip", lambda fields, n=n: fields["about"].update(name=f"number {n}"))
        for n in range(20)
    ]
    address = live(chunk_bytes=30_000)

    def send(number: int) -> str:
        with Client(address, secrets[number]) as client:
            return client.submit(files[number])

    with ThreadPoolExecutor(20) as pool:
        submissions = list(pool.map(send, range(20)))
    assert len(set(submissions)) == 20
    for submission, file in zip(submissions, files, strict=True):
        assert stored(board, submission) == file.read_bytes()
    with board.reading() as session:
        assert {upload.submission_id for upload in session.query(Upload)} == set(submissions)
    assert list(board.board.uploads.glob("*")) == []


def test_waiting_tells_each_line_of_the_log_once_and_ends_with_the_scores(
    board: Store, tokens: Tokens, submitted: Path
) -> None:
    lines: list[str] = []
    with TestClient(create_app(board)) as there:
        client = Client("http://testserver", tokens.ours, transport=Direct(there))
        submission = client.submit(submitted)
        view = wait_for(client, submission, lines.append, sleep=lambda _: work(board, "test", once=True))
    assert view.status == "scored"
    assert lines[0].startswith("received")
    assert len(lines) == len(set(lines))
    assert any(standing.test.value is not None for standing in view.standings)


# From the command line.


def test_a_run_is_submitted_to_a_board_on_this_machine_and_its_row_is_printed(
    board: Store, run: MiniRun, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--board", board.board.folder, "--database", board.board.database)
    submit = ("submit", run.folder, "--suite", run.suite_file, *place, "--team", "Ours")
    sent = run_command(capsys, *submit)
    assert sent.code == 0, sent.err
    submission = sent.out.strip()
    assert run_command(capsys, *submit).out.strip() == submission  # the same bytes are the same submission
    work(board, "test", once=True)
    done = run_command(capsys, "leaderboard", "status", submission, *place)
    assert done.code == 0
    assert "scored" in done.out
    assert "semseg" in done.out
    other = run_command(capsys, *submit[:-1], "Theirs")
    assert other.code == 2
    assert "submitted already, by another team" in other.err


def test_what_is_missing_to_send_is_said_before_a_run_is_packed(
    run: MiniRun, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TST_BENCH_TOKEN", raising=False)
    submit = ("submit", tmp_path / "no run at all")
    for options, wanted in (
        ((), "--board"),
        (("--dry-run",), "--out FILE"),
        (("--board", "https://board.example"), "TST_BENCH_TOKEN"),
        (("--board", "https://board.example", "--token", "tstb_x", "--team", "Ours"), "the token says"),
        (("--board", tmp_path), "--team NAME"),
    ):
        done = run_command(capsys, *submit, *options)
        assert done.code == 2
        assert wanted in done.err
        assert "tstb_x" not in done.err
