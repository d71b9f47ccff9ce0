"""What a worker makes of submissions: scores as the run had them, reasons for those that are refused."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark.results import collect
from leaderboard.board import open_board
from leaderboard.standings import TableQuery
from leaderboard.store.database import Store, open_store
from leaderboard.store.listing import table
from leaderboard.store.queue import again
from leaderboard.store.suites import add_suite, board_suite, close_suite
from leaderboard.store.tables import BoardSuite, Submitted
from leaderboard.worker.loop import work
from tests.leaderboard.board_kit import MiniRun, manifest_of, repacked
from tests.leaderboard.worker.worker_kit import deliver, entry_of, log_of, submission

SEMSEG = TableQuery("mini", 3, "semseg", "frozen")


def test_a_submission_becomes_a_ranked_row_with_the_scores_of_the_run(
    store: Store, private_pack: Path, submitted: Path, run: MiniRun
) -> None:
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    work(store, "worker", once=True)
    assert submission(store, id).status == "scored"
    entry = entry_of(store, id)
    found = {(r.test_space, r.task, r.seed): r for r in collect(run.folder)}
    assert len(entry.results) == len(found) == 8
    for result in entry.results:
        original = found[result.test_space, result.task, result.seed]
        assert (result.scores, result.spaces) == (original.scores, original.spaces)  # to the last digit
    with store.reading() as session:
        (row,) = table(session, SEMSEG).rows
    assert row.test is not None
    assert (row.id, row.test.ranks) == (id, (1, 1))
    assert not list(store.board.scratch.iterdir())


def test_a_suite_whose_truth_is_lost_keeps_nobody_else_waiting(
    private_pack: Path, submitted: Path, tmp_path: Path
) -> None:
    store = open_store(open_board(tmp_path / "board"))
    add_suite(store, private_pack, None, "open")
    with store.transaction() as session:
        mini = board_suite(session, "mini", 3)
        assert mini is not None
        kept = {name: getattr(mini, name) for name in ("version", "digest", "custody", "code", "added")}
        lost = {"name": "lost", "rules": mini.rules | {"name": "lost"}, "private_pack": "0" * 64}
        session.add(BoardSuite(**kept, **lost, public_pack=None, closed=None))
    id = deliver(store, submitted)
    work(store, "worker", once=True)
    assert submission(store, id).status == "scored"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, private_pack: Path, public_pack: Path) -> Store:
    """A board whose suite is open, with nothing on it yet."""
    store = open_store(open_board(tmp_path_factory.mktemp("board") / "board"))
    add_suite(store, private_pack, public_pack, "open")
    return store


@pytest.fixture(scope="module")
def scored(board: Store, submitted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two submissions of the same predictions; the second has another name and boasts."""

    def boast(fields: dict[str, Any]) -> None:
        fields["about"]["name"] = "Another name"
        fields["rows"][0]["scores"]["cider_d"]["test"]["value"] = 9.0

    ids = deliver(board, submitted), ""
    work(board, "worker", once=True)
    other = repacked(submitted, tmp_path_factory.mktemp("other") / "other.zip", boast)
    ids = ids[0], deliver(board, other, "Team B")
    work(board, "worker", once=True)
    return ids


def test_its_owner_can_follow_what_happens(board: Store, scored: tuple[str, str], submitted: Path) -> None:
    received, *log = log_of(board, scored[0])
    assert received.startswith(f"received, {submitted.stat().st_size:,} bytes, SHA-256")
    assert log == [
        "validating",
        "valid; scoring",
        "scoring captioning frozen",
        "scoring detection frozen",
        "scoring retrieval frozen",
        "scoring semseg frozen",
        "scored",
        "scores are those claimed",
    ]


def test_what_a_submission_says_of_itself_is_written_down(
    board: Store, scored: tuple[str, str], submitted: Path
) -> None:
    row, manifest = submission(board, scored[1]), manifest_of(submitted)
    assert (row.suite, row.suite_version, row.model, row.track) == ("mini", 3, "scratch", "scratch")
    assert (row.name, row.seeds, row.content) == ("Another name", 1, manifest.content)
    assert (row.parameters, row.steps, row.cpu_seconds) == (
        manifest.cost.parameters,
        manifest.cost.steps,
        manifest.cost.cpu_seconds,
    )


def test_scores_that_differ_from_the_claim_are_shown_as_such(board: Store, scored: tuple[str, str]) -> None:
    assert [entry_of(board, id).as_claimed for id in scored] == [True, False]
    assert [submission(board, id).as_claimed for id in scored] == [True, False]
    assert "scores differ from those claimed: captioning frozen in builtin/flat-01, seed 0" in log_of(board, scored[1])


def test_the_same_predictions_under_another_name_are_known_to_be_the_same(
    board: Store, scored: tuple[str, str]
) -> None:
    first, second = scored
    assert f"its predictions are those of {first}, which is on the board already" in log_of(board, second)
    assert not any("predictions are those" in line for line in log_of(board, first))
    with board.reading() as session:
        rows = table(session, SEMSEG).rows
    assert [row.test.ranks for row in rows if row.test] == [(1, 2), (1, 2)]


def test_samples_are_public_frames_with_predictions(board: Store, scored: tuple[str, str], run: MiniRun) -> None:
    row = submission(board, scored[0])
    pictures = row.pictures
    assert pictures is not None
    shown = {(p["task"], p["protocol"], p["space"], p["role"]) for p in pictures}
    tasks = ("semseg", "detection", "captioning", "retrieval")
    spaces = (("builtin/flat-01", "test"), ("builtin/flat-21", "held_out"))
    assert shown == {(task, "frozen", *space) for task in tasks for space in spaces}
    digests = {part.space: part.recording for result in entry_of(board, scored[0]).results for part in result.spaces}
    for picture in pictures:
        recording = run.open_recording(picture["space"], digests[picture["space"]])
        assert recording is not None
        seen = np.asarray(Image.open(io.BytesIO(board.files.read(picture["rgb"]))))
        assert np.array_equal(seen, recording.array("rgb")[picture["frame"]])
        assert Image.open(io.BytesIO(board.files.read(picture["prediction"]))).format == "PNG"


def test_scores_stay_while_a_submission_waits_to_be_scored_again_even_in_a_closed_suite(
    board: Store, scored: tuple[str, str]
) -> None:
    id, old = scored[0], entry_of(board, scored[0])
    with board.transaction() as session:
        close_suite(session, "mini", 3)
        again(session, session.get_one(Submitted, id))
    with board.reading() as session:
        assert id in [row.id for row in table(session, SEMSEG).rows]
    assert submission(board, id).status == "scored"
    work(board, "worker", once=True)
    row, new = submission(board, id), entry_of(board, id)
    assert (row.status, row.again, row.attempts) == ("scored", None, 1)
    assert new.scored > old.scored
    assert [result.scores for result in new.results] == [result.scores for result in old.results]
    with board.reading() as session:
        assert id in [row.id for row in table(session, SEMSEG).rows]


def test_what_is_refused_says_why_and_the_next_one_is_scored(
    tmp_path: Path, private_pack: Path, submitted: Path
) -> None:
    store = open_store(open_board(tmp_path / "board"))
    add_suite(store, private_pack, None, "hidden", code=[manifest_of(submitted).rows[0].environment.code.source])

    def older(fields: dict[str, Any]) -> None:
        fields["suite"]["version"] = 2

    def changed(fields: dict[str, Any]) -> None:
        fields["rows"][2]["environment"]["code"]["source"] = "0" * 64

    (tmp_path / "page.zip").write_bytes(b"<html>" * 100)
    ids = {
        "archive": deliver(store, tmp_path / "page.zip"),
        "suite": deliver(store, repacked(submitted, tmp_path / "older.zip", older)),
        "code": deliver(store, repacked(submitted, tmp_path / "changed.zip", changed)),
    }
    taken = deliver(store, submitted)
    work(store, "worker", once=True)
    for reason, id in ids.items():
        row = submission(store, id)
        assert (row.status, row.reason, row.attempts) == ("rejected", reason, 1)
        assert row.message == log_of(store, id)[-1]
    assert "mini v2 is not taken here, v3 is" in (submission(store, ids["suite"]).message or "")
    assert manifest_of(submitted).rows[0].environment.code.source in (submission(store, ids["code"]).message or "")
    row = submission(store, taken)
    assert (row.status, row.pictures) == ("scored", [])  # the frames are not public


def test_a_limit_that_is_hit_is_a_reason(store: Store, private_pack: Path, submitted: Path) -> None:
    settings = store.board.settings.model_copy(update={"scoring_seconds": 0})
    strict = replace(store, board=replace(store.board, settings=settings))
    add_suite(strict, private_pack, None, "hidden")
    id = deliver(strict, submitted)
    work(strict, "worker", once=True)
    row = submission(strict, id)
    assert (row.status, row.reason) == ("rejected", "limits")
    assert "takes more than 0 s" in (row.message or "")


def test_the_least_memory_that_a_board_may_set_is_enough_for_a_small_submission(
    tmp_path: Path, private_pack: Path, submitted: Path
) -> None:
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "board.yaml").write_text(f"scoring_memory_bytes: {1 << 28}", encoding="utf-8")
    store = open_store(open_board(tmp_path / "board"))
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    work(store, "worker", once=True)
    assert submission(store, id).status == "scored"


def test_a_board_that_lost_its_truth_fails_by_itself_and_not_by_the_submission(
    tmp_path: Path, private_pack: Path, submitted: Path
) -> None:
    store = open_store(open_board(tmp_path / "board"))
    add_suite(store, private_pack, None, "hidden")
    with store.reading() as session:
        suite = board_suite(session, "mini", 3)
    assert suite is not None
    (store.board.truth / suite.private_pack[:32] / "pack.json").unlink()
    id = deliver(store, submitted)
    work(store, "worker", once=True)
    row = submission(store, id)
    assert (row.status, row.reason, row.attempts) == ("failed", "worker", 3)
    assert log_of(store, id).count("scoring broke off, which is the board's fault, not the submission's") == 3
