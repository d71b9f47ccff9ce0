"""Workers that are killed at the worst moments: nothing is lost, and nothing is scored twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from leaderboard.store.database import Store
from leaderboard.store.queue import LeaseLost, claim, finish, give_back, now, renew
from leaderboard.store.suites import add_suite
from leaderboard.store.tables import Standing, Submitted
from leaderboard.worker.lease import held
from leaderboard.worker.loop import work
from tests.leaderboard.worker.worker_kit import deliver, entry_of, log_of, submission

LEASE_SECONDS = 1.0
one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Where what matters is a process; every step of the queue is tested on both."""

WORKER = """
import sys
from pathlib import Path
from leaderboard.board import open_board
from leaderboard.store.database import open_store
from leaderboard.worker import loop, outcomes

def die(*_):
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "dies in the last transaction":
    outcomes.record = die
if sys.argv[3] == "dies before it ranks":
    loop._rank = lambda store, ranked=[]: die() if ranked else ranked.append(1)
loop.work(open_store(open_board(Path(sys.argv[1]), sys.argv[2])), "killed", once=True, lease_seconds=float(sys.argv[4]))
"""


def start_worker(store: Store, behaviour: str = "lives") -> subprocess.Popen[bytes]:
    url = store.engine.url.render_as_string(hide_password=False)
    arguments = [str(store.board.folder), url, behaviour, str(LEASE_SECONDS)]
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments], start_new_session=True)


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children_of(store: Store) -> list[int]:
    """Return the processes that score something of this board."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"leaderboard.worker.child" in command and bytes(store.board.scratch) in command:
            found.append(int(folder.name))
    return found


def finish_work(store: Store, id: str) -> None:
    """Let another worker do what is left, once the lease of the killed one has run out."""
    wait_until(lambda: (submission(store, id).lease or now()) <= now())
    work(store, "another", once=True)


def assert_scored_once(store: Store, id: str) -> None:
    row = submission(store, id)
    assert (row.status, row.worker, row.lease) == ("scored", None, None)
    assert log_of(store, id).count("scored") == 1
    assert len(entry_of(store, id).results) == 8
    with store.reading() as session:
        standings = session.scalars(select(Standing)).all()
    assert len(standings) == 4 * 3  # tasks × (two test spaces and their mean)
    assert all((row.test_best == 1) == (row.test is not None) for row in standings)
    assert not list(store.board.scratch.iterdir())


def test_a_worker_killed_while_it_validates_and_one_killed_while_it_scores_lose_nothing(
    store: Store, private_pack: Path, submitted: Path
) -> None:
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    for status in ("validating", "scoring"):
        worker = start_worker(store)
        wait_until(lambda: submission(store, id).status == status and bool(children_of(store)))  # noqa: B023, at once
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        wait_until(lambda: not children_of(store))
        assert submission(store, id).entry is None
        wait_until(lambda: (submission(store, id).lease or now()) <= now())
    finish_work(store, id)
    assert submission(store, id).attempts == 3
    assert_scored_once(store, id)


@one_database
@pytest.mark.parametrize("behaviour", ["dies in the last transaction", "dies before it ranks"])
def test_a_worker_killed_while_it_publishes_leaves_all_of_it_or_nothing(
    store: Store, private_pack: Path, submitted: Path, behaviour: str
) -> None:
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    worker = start_worker(store, behaviour)
    assert worker.wait(120) == -signal.SIGKILL
    row = submission(store, id)
    assert (row.status == "scored") == (row.entry is not None) == (behaviour == "dies before it ranks")
    finish_work(store, id)
    assert_scored_once(store, id)


@one_database
def test_a_killed_child_is_the_boards_fault_and_tried_again(store: Store, private_pack: Path, submitted: Path) -> None:
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    worker = start_worker(store)
    wait_until(lambda: bool(children_of(store)))
    os.kill(children_of(store)[0], signal.SIGKILL)
    assert worker.wait(120) == 0
    assert submission(store, id).attempts == 2
    assert "scoring broke off, which is the board's fault, not the submission's" in log_of(store, id)
    assert_scored_once(store, id)


@one_database
def test_a_worker_that_is_told_to_stop_gives_back_what_it_has(
    store: Store, private_pack: Path, submitted: Path
) -> None:
    add_suite(store, private_pack, None, "hidden")
    id = deliver(store, submitted)
    worker = start_worker(store)
    wait_until(lambda: bool(children_of(store)))
    os.kill(worker.pid, signal.SIGINT)
    assert worker.wait(60) != 0
    row = submission(store, id)
    assert (row.status, row.attempts, row.worker, row.lease) == ("queued", 0, None, None)
    assert not children_of(store)


def waiting(store: Store, tmp_path: Path) -> str:
    (tmp_path / "file").write_bytes(b"something")
    return deliver(store, tmp_path / "file")


def test_who_lost_a_submission_to_somebody_else_writes_nothing_more_about_it(store: Store, tmp_path: Path) -> None:
    id = waiting(store, tmp_path)
    with store.transaction() as session:
        claim(session, "slow", -1, 3)  # its lease is over already
    with store.transaction() as session:
        taken = claim(session, "other", 60, 3)
        assert taken is not None
    for step in (
        lambda session: renew(session, id, "slow", 60),
        lambda session: finish(session, id, "slow", "scored"),
        lambda session: give_back(session, id, "slow", "why"),
    ):
        with pytest.raises(LeaseLost), store.transaction() as session:
            step(session)
    assert submission(store, id).worker == "other"


def test_what_was_withdrawn_while_it_was_scored_stays_withdrawn(store: Store, tmp_path: Path) -> None:
    id = waiting(store, tmp_path)
    with store.transaction() as session:
        claim(session, "worker", 60, 3)
    with store.transaction() as session:
        session.get_one(Submitted, id).status = "rejected"
    with pytest.raises(LeaseLost), store.transaction() as session:
        finish(session, id, "worker", "scored")
    assert submission(store, id).status == "rejected"


def test_a_lease_is_renewed_for_as_long_as_it_is_held_and_its_loss_is_noticed(store: Store, tmp_path: Path) -> None:
    id = waiting(store, tmp_path)
    with store.transaction() as session:
        claim(session, "worker", 0.5, 3)
    with held(store, id, "worker", 0.5) as lost:
        time.sleep(1)
        assert (submission(store, id).lease or now()) > now()
        assert not lost.is_set()
        with store.transaction() as session:
            session.get_one(Submitted, id).worker = "other"
        assert lost.wait(5)


def test_after_as_many_attempts_as_are_allowed_the_board_gives_up(store: Store, tmp_path: Path) -> None:
    id = waiting(store, tmp_path)
    for _ in range(2):
        with store.transaction() as session:
            assert claim(session, "dies", -1, 2) is not None
    with store.transaction() as session:
        assert claim(session, "lives", 60, 2) is None
    assert submission(store, id).status == "failed"


def test_what_killed_workers_left_on_the_disk_is_removed_and_what_is_in_hand_stays(
    store: Store, tmp_path: Path
) -> None:
    id = waiting(store, tmp_path)
    for name in (f"{id}-0123", "gone-0123"):
        (store.board.scratch / name).mkdir(parents=True)
    with store.transaction() as session:
        claim(session, "worker", 60, 3)
    work(store, "another", once=True)
    assert [path.name for path in store.board.scratch.iterdir()] == [f"{id}-0123"]
    with store.transaction() as session:
        session.get_one(Submitted, id).lease = now() - timedelta(seconds=1)
        session.get_one(Submitted, id).status = "rejected"
    work(store, "another", once=True)
    assert not list(store.board.scratch.iterdir())
