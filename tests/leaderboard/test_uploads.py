"""Uploads: resumable, exact to the byte, checked while they come, and never half-visible, whatever is killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from leaderboard import uploads
from leaderboard.board import Board, Settings
from leaderboard.refusal import Refusal
from leaderboard.store.database import Store
from leaderboard.store.queue import now
from leaderboard.store.quotas import QuotaSpent
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Submitted, Team, Upload
from leaderboard.store.teams import team_named
from tests.leaderboard.board_kit import manifest_of, repacked


@pytest.fixture
def board(store: Store, private_pack: Path) -> Store:
    """A board that takes the miniature suite."""
    add_suite(store, private_pack, None, "open")
    return store


def team(store: Store, name: str = "Ours") -> Team:
    with store.transaction() as session:
        return team_named(session, name)


def changed(store: Store, **fields: object) -> Store:
    """Return the board with other settings."""
    board = store.board
    return Store(Board(board.folder, board.database, Settings(**fields)), store.engine)


def announce(store: Store, team: Team, content: bytes) -> Upload:
    return uploads.begin(store, team, len(content), hashlib.sha256(content).hexdigest())


def send(store: Store, team: Team, content: bytes) -> Submitted:
    upload = announce(store, team, content)
    uploads.append(store, upload.id, team.id, 0, [content])
    return uploads.finish(store, upload.id, team.id)


def parts(store: Store) -> list[Path]:
    return list(store.board.uploads.glob("*"))


def submissions(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(Submitted)) or 0


def test_a_file_that_came_in_pieces_is_queued_as_it_was(board: Store, submitted: Path) -> None:
    content = submitted.read_bytes()
    ours = team(board)
    upload = announce(board, ours, content)
    third = len(content) // 3
    offset = uploads.append(board, upload.id, ours.id, 0, [content[:third]])
    assert offset == third
    assert uploads.find(board, upload.id, ours.id)[1] == third
    uploads.append(board, upload.id, ours.id, offset, [content[third : 2 * third], content[2 * third :]])
    queued = uploads.finish(board, upload.id, ours.id)
    assert (queued.status, queued.size, queued.team.name) == ("queued", len(content), "Ours")
    assert board.files.read(queued.sha256) == content
    assert parts(board) == []


def test_bytes_for_another_place_are_not_added_and_the_right_place_is_told(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content[:100]])
    for wrong in (0, 99, 101):
        with pytest.raises(uploads.WrongOffset) as caught:
            uploads.append(board, upload.id, ours.id, wrong, [b"x"])
        assert caught.value.offset == 100
    assert uploads.find(board, upload.id, ours.id)[1] == 100


def test_more_than_was_announced_is_not_added(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content[:50]])
    with pytest.raises(uploads.TooLarge):
        uploads.append(board, upload.id, ours.id, 50, [content[50:], b"x"])
    assert uploads.find(board, upload.id, ours.id)[1] == 50
    uploads.append(board, upload.id, ours.id, 50, [content[50:]])
    with pytest.raises(uploads.TooLarge):
        uploads.append(board, upload.id, ours.id, len(content), [b"x"])
    assert uploads.finish(board, upload.id, ours.id).size == len(content)


def test_an_incomplete_upload_cannot_be_finished(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content[:-1]])
    with pytest.raises(uploads.WrongOffset, match="send the others first"):
        uploads.finish(board, upload.id, ours.id)
    assert submissions(board) == 0


def test_what_came_before_the_source_broke_off_is_kept(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)

    def breaking_off():  # type: ignore[no-untyped-def]
        yield content[:70]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        uploads.append(board, upload.id, ours.id, 0, breaking_off())
    assert uploads.find(board, upload.id, ours.id)[1] == 70


# What would be refused is refused as soon as it can be known.


def test_what_is_no_archive_is_refused_with_its_first_bytes(board: Store) -> None:
    ours = team(board)
    upload = announce(board, ours, b"\x89PNG" + b"0" * 10_000)
    with pytest.raises(Refusal, match="no archive"):
        uploads.append(board, upload.id, ours.id, 0, [b"\x89PNG"])
    assert parts(board) == []
    with pytest.raises(uploads.UploadRefused, match="no archive"):
        uploads.append(board, upload.id, ours.id, 0, [b"PK"])
    with pytest.raises(uploads.UploadRefused):
        uploads.finish(board, upload.id, ours.id)


def test_a_suite_that_is_not_taken_is_refused_before_the_predictions_come(
    board: Store, submitted: Path, tmp_path: Path
) -> None:
    path = repacked(submitted, tmp_path / "old.zip", lambda fields: fields["suite"].update(version=2))
    content, ours = path.read_bytes(), team(board)
    upload = announce(board, ours, content)
    start = len(manifest_of(path).as_bytes()) + 100  # the manifest, and a bit of what comes after it
    with pytest.raises(Refusal, match="mini v2 is not taken here, v3 is") as caught:
        uploads.append(board, upload.id, ours.id, 0, [content[:start]])
    assert caught.value.reason == "suite"
    assert "mini v2" in str(uploads.find(board, upload.id, ours.id)[0].refusal)


def test_another_file_than_was_announced_is_refused_at_the_end(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = uploads.begin(board, ours, len(content), "0" * 64)
    uploads.append(board, upload.id, ours.id, 0, [content])
    with pytest.raises(Refusal, match="another SHA-256") as caught:
        uploads.finish(board, upload.id, ours.id)
    assert caught.value.reason == "digest"
    assert submissions(board) == 0
    assert parts(board) == []


@pytest.mark.parametrize("size", [0, -1, 10**12])
def test_a_size_that_is_not_taken_is_refused_before_anything_comes(board: Store, size: int) -> None:
    with pytest.raises(uploads.TooLarge):
        uploads.begin(board, team(board), size, "0" * 64)


# The same file again, by the same team and by another.


def test_the_same_file_again_is_the_submission_that_it_was_and_costs_no_quota(board: Store, submitted: Path) -> None:
    content, board = submitted.read_bytes(), changed(board, submissions_per_day=1)
    ours = team(board)
    first = send(board, ours, content)
    upload = announce(board, ours, content)
    assert upload.submission_id == first.id
    assert uploads.finish(board, upload.id, ours.id).id == first.id
    assert submissions(board) == 1
    with pytest.raises(QuotaSpent):
        announce(board, ours, content + b"other")


def test_finishing_again_gives_the_same_submission(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content])
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: uploads.finish(board, upload.id, ours.id).id, range(8)))
    assert len(set(done)) == 1
    assert submissions(board) == 1


def test_announcing_a_file_that_is_under_way_goes_on_with_it(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content[:10]])
    assert announce(board, ours, content).id == upload.id


def test_the_same_file_of_another_team_is_refused_without_saying_whose_it_is(board: Store, submitted: Path) -> None:
    content = submitted.read_bytes()
    theirs = team(board, "Theirs")
    late = announce(board, theirs, content)  # both began before either was complete
    send(board, team(board), content)
    uploads.append(board, late.id, theirs.id, 0, [content])
    with pytest.raises(uploads.AlreadySubmitted) as caught:
        uploads.finish(board, late.id, theirs.id)
    assert "Ours" not in str(caught.value)
    with pytest.raises(uploads.AlreadySubmitted):
        announce(board, team(board, "Third"), content)
    assert submissions(board) == 1
    assert parts(board) == []


def test_two_teams_that_finish_the_same_file_at_once_make_one_submission(board: Store, submitted: Path) -> None:
    content = submitted.read_bytes()
    both = [team(board, name) for name in ("One", "Other")]
    begun = [announce(board, each, content).id for each in both]
    for each, upload in zip(both, begun, strict=True):
        uploads.append(board, upload, each.id, 0, [content])

    def outcome(number: int) -> str:
        try:
            return uploads.finish(board, begun[number], both[number].id).status
        except uploads.AlreadySubmitted:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(outcome, range(2))) == ["queued", "refused"]
    assert submissions(board) == 1


# Whose it is, how many there may be, and how long they are kept.


def test_an_upload_of_another_team_cannot_be_touched(board: Store) -> None:
    ours, theirs = team(board), team(board, "Theirs")
    upload = uploads.begin(board, ours, 100, "0" * 64)
    for act in (
        lambda: uploads.find(board, upload.id, theirs.id),
        lambda: uploads.append(board, upload.id, theirs.id, 0, [b"P"]),
        lambda: uploads.finish(board, upload.id, theirs.id),
        lambda: uploads.discard(board, upload.id, theirs.id),
    ):
        with pytest.raises(uploads.NotYours):
            act()


@pytest.mark.parametrize("name", ["nothing", "../board", "", "x" * 1000, "'; DROP TABLE uploads; --"])
def test_an_upload_that_is_not_there_is_no_path_to_anywhere(board: Store, name: str) -> None:
    ours = team(board)
    with pytest.raises(uploads.NoSuchUpload):
        uploads.append(board, name, ours.id, 0, [b"x"])
    assert parts(board) == []


def test_a_team_has_as_many_unfinished_uploads_as_submissions_a_day(board: Store) -> None:
    board, ours = changed(board, submissions_per_day=2), team(board)
    first = uploads.begin(board, ours, 10, "1" * 64)
    uploads.begin(board, ours, 10, "2" * 64)
    with pytest.raises(uploads.TooManyUploads):
        uploads.begin(board, ours, 10, "3" * 64)
    uploads.begin(board, team(board, "Theirs"), 10, "3" * 64)
    uploads.discard(board, first.id, ours.id)
    uploads.begin(board, ours, 10, "3" * 64)


def test_uploads_that_expired_are_forgotten_with_their_parts(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    kept = uploads.begin(board, ours, 10, "1" * 64)
    uploads.append(board, upload.id, ours.id, 0, [content[:10]])
    uploads.append(board, kept.id, ours.id, 0, [b"PK"])
    with board.transaction() as session:
        session.get_one(Upload, upload.id).expires = now() - timedelta(seconds=1)
    uploads.give_up(board)
    assert [path.stem for path in parts(board)] == [kept.id]
    with pytest.raises(uploads.NoSuchUpload):
        uploads.append(board, upload.id, ours.id, 10, [b"x"])


def test_a_full_disk_is_told_before_anything_comes(board: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    free = uploads.shutil.disk_usage(board.board.folder)._replace(free=uploads.SPARE_BYTES + 9)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda _: free)
    with pytest.raises(uploads.NoRoom):
        uploads.begin(board, team(board), 10, "1" * 64)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 5000), max_size=8), repeated=st.integers(0, 8))
def test_pieces_of_any_size_some_of_them_sent_twice_give_the_file(
    board: Store, submitted: Path, cuts: list[int], repeated: int
) -> None:
    content, ours = submitted.read_bytes(), team(board)
    with board.transaction() as session:
        for old in session.scalars(select(Upload)):
            session.delete(old)
    upload = announce(board, ours, content)
    edges = [0, *sorted(cuts), len(content)]
    for number, (low, high) in enumerate(pairwise(edges)):
        assert uploads.append(board, upload.id, ours.id, low, [content[low:high]]) == high
        if number == repeated and high > low:
            with pytest.raises(uploads.WrongOffset):
                uploads.append(board, upload.id, ours.id, low, [content[low:high]])
    part = board.board.uploads / f"{upload.id}.part"
    assert part.read_bytes() == content
    uploads.discard(board, upload.id, ours.id)


# Kills.

APPENDING = """
import sys, time
from pathlib import Path
from leaderboard import uploads
from leaderboard.board import open_board
from leaderboard.store.database import open_store

folder, database, upload, team, file = sys.argv[1:]
content = Path(file).read_bytes()
def slowly():
    for start in range(0, len(content), 1000):
        yield content[start:start + 1000]
        print("more", flush=True)
        time.sleep(0.02)
uploads.append(open_store(open_board(Path(folder), database)), upload, int(team), 0, slowly())
"""


def test_a_killed_process_loses_no_byte_that_it_wrote_and_another_goes_on(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    arguments = [str(board.board.folder), board.board.database, upload.id, str(ours.id), str(submitted)]
    process = subprocess.Popen([sys.executable, "-c", APPENDING, *arguments], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    there = uploads.find(board, upload.id, ours.id)[1]
    assert 5000 <= there < len(content)
    uploads.append(board, upload.id, ours.id, there, [content[there:]])
    queued = uploads.finish(board, upload.id, ours.id)
    assert board.files.read(queued.sha256) == content


def test_a_kill_after_the_file_is_kept_and_before_it_is_queued_can_be_finished_again(
    board: Store, submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, ours = submitted.read_bytes(), team(board)
    upload = announce(board, ours, content)
    uploads.append(board, upload.id, ours.id, 0, [content])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_enqueue", killed)
        with pytest.raises(KeyboardInterrupt):
            uploads.finish(board, upload.id, ours.id)
    assert submissions(board) == 0
    assert uploads.finish(board, upload.id, ours.id).status == "queued"
    assert submissions(board) == 1


def test_a_kill_after_it_is_queued_leaves_a_part_that_is_cleared_away(board: Store, submitted: Path) -> None:
    content, ours = submitted.read_bytes(), team(board)
    queued = send(board, ours, content)
    upload = announce(board, ours, content)
    left = board.board.uploads / f"{upload.id}.part"
    os.link(board.files.path(queued.sha256), left)
    assert uploads.finish(board, upload.id, ours.id).id == queued.id
    uploads.give_up(board)
    assert parts(board) == []
    assert board.files.read(queued.sha256) == content
