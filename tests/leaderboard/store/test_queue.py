"""Each submission is worked on by one worker at a time and ends exactly once, whatever happens to workers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import func, select

from leaderboard.board import open_board
from leaderboard.store import queue
from leaderboard.store.database import Store, open_store
from leaderboard.store.queue import LeaseLost, advance, again, claim, enqueue, finish, give_back, is_waiting, renew
from leaderboard.store.tables import WAITING, LogLine, Submitted
from leaderboard.store.teams import team_named

ATTEMPTS = 2
LEASE_SECONDS = 60
ENDS = ("scored", "rejected", "failed")


@dataclass(frozen=True)
class Work:
    """What a worker believes to hold."""

    worker: str
    submission: str


class _Killed(Exception):
    """The end of a worker."""


class Workers(RuleBasedStateMachine):
    """Workers that claim, go on, end, are killed and come too late, in any order, with a clock of our own."""

    held = Bundle("held")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(open_board(Path(self.folder.name)))
        self.time = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.clock = patch.object(queue, "now", lambda: self.time)
        self.clock.start()
        with self.store.transaction() as session:
            self.team = team_named(session, "flat earthers").id
        self.names = 0
        self.leases: dict[str, tuple[str, datetime]] = {}  # submission → who holds it and until when
        self.ends: Counter[str] = Counter()
        self.owed: Counter[str] = Counter()  # how often each is to end
        self.tried: Counter[str] = Counter()
        self.submit()

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.stop()
            self.store.engine.dispose()
            self.folder.cleanup()

    def _holds(self, work: Work) -> bool:
        """Nobody took it over: a lease that ran out is still good when nobody noticed."""
        return self.leases.get(work.submission, ("", None))[0] == work.worker

    @contextmanager
    def _only_if_held(self, work: Work) -> Iterator[None]:
        if self._holds(work):
            yield
        else:
            with pytest.raises(LeaseLost):
                yield

    @rule()
    def submit(self) -> None:
        self.names += 1
        self.time += timedelta(seconds=1)
        with self.store.transaction() as session:
            self.owed[enqueue(session, self.team, f"{self.names:064x}", 7).id] += 1

    @rule(target=held)
    def claim(self) -> object:
        return self._claim()

    def _claim(self) -> object:
        self.names += 1
        worker = f"worker-{self.names}"
        with self.store.transaction() as session:
            claimed = claim(session, worker, LEASE_SECONDS, ATTEMPTS)
        with self.store.reading() as session:
            given_up = session.scalars(
                select(Submitted.id).where(Submitted.status == "failed", Submitted.reason == "worker")
            )
            for submission in given_up:
                if self.ends[submission] < self.owed[submission]:
                    assert self.tried[submission] == ATTEMPTS
                    self.leases.pop(submission, None)
                    self.ends[submission] += 1
        if claimed is None:
            return multiple()
        _, until = self.leases.get(claimed.id, ("", self.time - timedelta(1)))
        assert until < self.time, "taken from somebody whose lease has not run out"
        self.leases[claimed.id] = (worker, self.time + timedelta(seconds=LEASE_SECONDS))
        self.tried[claimed.id] += 1
        return Work(worker, claimed.id)

    @rule(work=held)
    def renew(self, work: Work) -> None:
        with self._only_if_held(work), self.store.transaction() as session:
            renew(session, work.submission, work.worker, LEASE_SECONDS)
        if self._holds(work):
            self.leases[work.submission] = (work.worker, self.time + timedelta(seconds=LEASE_SECONDS))

    @rule(work=held)
    def advance(self, work: Work) -> None:
        with self._only_if_held(work), self.store.transaction() as session:
            advance(session, work.submission, work.worker)

    @rule(work=consumes(held), status=st.sampled_from(["scored", "rejected"]))
    def finish(self, work: Work, status: str) -> None:
        with self._only_if_held(work), self.store.transaction() as session:
            finish(session, work.submission, work.worker, status)
        if self._holds(work):
            del self.leases[work.submission]
            self.ends[work.submission] += 1

    @rule(work=held)
    def be_killed_while_finishing(self, work: Work) -> None:
        with pytest.raises((_Killed, LeaseLost)):
            self._finish_and_be_killed(work)

    def _finish_and_be_killed(self, work: Work) -> None:
        with self.store.transaction() as session:
            finish(session, work.submission, work.worker, "scored")
            raise _Killed

    @rule(work=consumes(held))
    def give_back(self, work: Work) -> None:
        with self._only_if_held(work), self.store.transaction() as session:
            give_back(session, work.submission, work.worker, "stopped", tried=False)
        if self._holds(work):
            del self.leases[work.submission]
            self.tried[work.submission] -= 1

    @rule(seconds=st.sampled_from([LEASE_SECONDS // 2, LEASE_SECONDS + 1]))
    def wait(self, seconds: int) -> None:
        """Whoever was killed meanwhile just does not come back; others come too late."""
        self.time += timedelta(seconds=seconds)

    @rule(target=held)
    def wait_and_take_over(self) -> object:
        self.time += timedelta(seconds=LEASE_SECONDS + 1)
        return self._claim()

    @rule(data=st.data())
    def have_one_scored_again(self, data: st.DataObject) -> None:
        with self.store.transaction() as session:
            ended = select(Submitted).where(Submitted.status.in_(ENDS), Submitted.again.is_(None))
            found = session.scalars(ended.order_by(Submitted.sha256)).all()
            if found:
                submitted = data.draw(st.sampled_from(found))
                again(session, submitted)
                self.owed[submitted.id] += 1
                self.tried[submitted.id] = 0

    @invariant()
    def each_has_ended_as_often_as_it_was_to_or_waits(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as session:
            found = session.execute(select(Submitted.id, Submitted.status, Submitted.again)).all()
        for submission, status, since in found:
            waits = status in WAITING or since is not None
            assert self.owed[submission] - self.ends[submission] == int(waits), (submission, status)
            assert self.tried[submission] <= ATTEMPTS


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

WORKER = """
import sys
from pathlib import Path
from leaderboard.board import open_board
from leaderboard.store.database import open_store
from leaderboard.store.queue import claim, finish, say
store = open_store(open_board(Path(sys.argv[1]), sys.argv[2] or None))
while True:
    with store.transaction() as session:
        claimed = claim(session, sys.argv[3], 60, 3)
    if claimed is None:
        break
    with store.transaction() as session:
        finish(session, claimed.id, sys.argv[3], "scored", message=f"by {sys.argv[3]}")
"""


def _submit_many(store: Store, count: int) -> None:
    with store.transaction() as session:
        team = team_named(session, "flat earthers").id
        for number in range(count):
            enqueue(session, team, f"{number:064x}", 7)


def test_of_two_processes_none_takes_what_the_other_has(store: Store, database: str | None) -> None:
    _submit_many(store, 200)
    command = [sys.executable, "-c", WORKER, str(store.board.folder), database or ""]
    workers = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    assert [worker.wait(240) for worker in workers] == [0, 0]
    with store.reading() as session:
        assert session.execute(select(Submitted.status, func.count()).group_by(Submitted.status)).all() == [
            ("scored", 200)
        ]
        ends = select(LogLine.submission_id).where(LogLine.text.startswith("by "))
        assert len(set(session.scalars(ends))) == len(session.scalars(ends).all()) == 200


def test_the_one_that_waits_longest_is_taken_first(store: Store) -> None:
    _submit_many(store, 3)
    with store.transaction() as session:
        first = session.scalars(select(Submitted.id).order_by(Submitted.received, Submitted.id)).all()
        assert [claim(session, f"worker {n}", 60, 3) for n in range(3)] == [session.get(Submitted, id) for id in first]
        assert claim(session, "worker 4", 60, 3) is None


def test_a_board_without_work_says_so_without_writing(store: Store) -> None:
    with store.reading() as session:
        assert not is_waiting(session)
    _submit_many(store, 1)
    with store.reading() as session:
        assert is_waiting(session)
