"""A team makes so many submissions in 24 hours, whatever it does."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from leaderboard.board import Settings
from leaderboard.store.database import Store
from leaderboard.store.queue import enqueue, new_id, now
from leaderboard.store.quotas import QuotaSpent, check_quota
from leaderboard.store.tables import Submitted, Team
from leaderboard.store.teams import team_named

THREE = Settings(submissions_per_day=3)


def _team(store: Store, name: str = "flat earthers") -> Team:
    with store.transaction() as session:
        return team_named(session, name)


def _submit(store: Store, team: Team, hours_ago: float = 0, status: str = "queued") -> Submitted:
    with store.transaction() as session:
        submitted = enqueue(session, team.id, (new_id() + "0" * 64)[:64], 7)
        submitted.received -= timedelta(hours=hours_ago)
        submitted.status = status
        return submitted


def _check(store: Store, team: Team) -> None:
    with store.transaction() as session:
        check_quota(session, team, THREE)


def test_a_team_may_submit_up_to_its_quota(store: Store) -> None:
    team = _team(store)
    for _ in range(3):
        _check(store, team)
        _submit(store, team)
    with pytest.raises(QuotaSpent, match="3 submissions in the last 24 hours"):
        _check(store, team)


def test_who_has_to_wait_is_told_until_when(store: Store) -> None:
    team = _team(store)
    for hours_ago in (30, 23, 5, 2):
        _submit(store, team, hours_ago)
    with pytest.raises(QuotaSpent) as spent:
        _check(store, team)
    assert abs(spent.value.again - (now() + timedelta(hours=1))) < timedelta(minutes=1)


def test_with_more_than_the_quota_of_now_the_time_told_is_when_enough_of_them_are_a_day_old(store: Store) -> None:
    team = _team(store)
    for hours_ago in (23, 22, 5, 2, 1):  # the quota was larger then
        _submit(store, team, hours_ago)
    with pytest.raises(QuotaSpent) as spent:
        _check(store, team)
    assert abs(spent.value.again - (now() + timedelta(hours=19))) < timedelta(minutes=1)


def test_what_is_a_day_old_does_not_count(store: Store) -> None:
    team = _team(store)
    for hours_ago in (25, 24.1, 2, 1):
        _submit(store, team, hours_ago)
    _check(store, team)


def test_other_teams_do_not_count(store: Store) -> None:
    for _ in range(3):
        _submit(store, _team(store, "round earthers"))
    _check(store, _team(store))


def test_rejected_ones_count_and_those_that_the_board_failed_do_not(store: Store) -> None:
    team = _team(store)
    for status in ("rejected", "failed", "scored"):
        _submit(store, team, status=status)
    _check(store, team)
    _submit(store, team, status="rejected")
    with pytest.raises(QuotaSpent):
        _check(store, team)


def test_of_many_at_once_no_more_than_the_quota_get_through(store: Store) -> None:
    team = _team(store)
    spent: list[QuotaSpent] = []
    start = threading.Barrier(8)

    def submit(number: int) -> None:
        start.wait()
        try:
            with store.transaction() as session:
                check_quota(session, team, THREE)
                enqueue(session, team.id, f"{number:064x}", 7)
        except QuotaSpent as error:
            spent.append(error)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spent) == 5
