"""The same thing twice, and what comes too late: from upload to table, as one asks a board over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from leaderboard.client import BoardError, Client
from leaderboard.store.database import Store
from leaderboard.store.suites import close_suite
from leaderboard.store.tables import Submitted
from leaderboard.worker.loop import work
from tests.leaderboard.board_kit import repacked
from tests.leaderboard.server.conftest import Tokens

TABLE = {"suite": "mini", "version": 3, "task": "semseg", "protocol": "frozen"}


@pytest.fixture
def ours(live: Callable[..., str], tokens: Tokens) -> Client:
    return Client(live(), tokens.ours, patience_seconds=5)


@pytest.fixture
def theirs(ours: Client, tokens: Tokens) -> Client:
    return Client(ours.url, tokens.theirs, patience_seconds=5)


def table_of(client: Client) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = httpx.get(f"{client.url}/api/v1/scores", params=TABLE).json()["rows"]
    return rows


def test_two_teams_with_the_same_predictions_and_the_same_name_stand_beside_each_other(
    board: Store, ours: Client, theirs: Client, submitted: Path, tmp_path: Path
) -> None:
    same = {"name": "the best model"}
    first = ours.submit(repacked(submitted, tmp_path / "a.zip", lambda fields: fields["about"].update(same)))
    work(board, "test", once=True)
    said = same | {"description": "ours"}
    second = theirs.submit(repacked(submitted, tmp_path / "b.zip", lambda fields: fields["about"].update(said)))
    work(board, "test", once=True)
    rows = {row["id"]: row for row in table_of(ours)}
    assert set(rows) == {first, second}
    assert {row["name"] for row in rows.values()} == {"the best model"}
    assert {row["team"] for row in rows.values()} == {"Ours", "Theirs"}
    log = [line.text for line in theirs.status(second).log or ()]
    assert f"its predictions are those of {first}, which is on the board already" in log
    assert f"/s/{first}" in httpx.get(f"{ours.url}/s/{second}").text


def test_the_same_file_is_one_submission_of_the_team_that_was_first(
    board: Store, ours: Client, theirs: Client, submitted: Path
) -> None:
    first = ours.submit(submitted)
    work(board, "test", once=True)
    assert ours.submit(submitted) == first
    with pytest.raises(BoardError, match="another team") as caught:
        theirs.submit(submitted)
    assert (caught.value.status, caught.value.error) == (409, "already-submitted")
    assert "Ours" not in str(caught.value)
    assert [row["id"] for row in table_of(ours)] == [first]


def test_an_older_and_an_unknown_version_are_refused_with_the_one_that_is_taken(
    board: Store, ours: Client, submitted: Path, tmp_path: Path
) -> None:
    for version in (1, 2, 4):
        file = repacked(submitted, tmp_path / "x.zip", lambda fields, v=version: fields["suite"].update(version=v))  # type: ignore[misc]
        with pytest.raises(BoardError, match=f"mini v{version} is not taken here, v3 is") as caught:
            ours.submit(file)
        assert (caught.value.status, caught.value.error) == (422, "refused")
    with board.reading() as session:
        assert session.query(Submitted).count() == 0


def test_a_closed_suite_keeps_its_table_and_takes_no_more(
    board: Store, ours: Client, theirs: Client, submitted: Path, tmp_path: Path
) -> None:
    other = repacked(submitted, tmp_path / "x.zip", lambda fields: fields["about"].update(name="late"))
    first = ours.submit(submitted)
    work(board, "test", once=True)
    waiting = ours.submit(
        repacked(submitted, tmp_path / "y.zip", lambda fields: fields["about"].update(name="in time"))
    )
    with board.transaction() as session:
        close_suite(session, "mini", 3)
    with pytest.raises(BoardError, match="not taken here"):
        theirs.submit(other)
    work(board, "test", once=True)
    assert ours.status(waiting).status == "rejected"
    assert [row["id"] for row in table_of(ours)] == [first]
    assert ours.submit(submitted) == first
