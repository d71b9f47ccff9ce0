"""Hold on to a submission for as long as the work on it takes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sqlalchemy.exc import SQLAlchemyError

from leaderboard.store.database import Store
from leaderboard.store.queue import LeaseLost, renew

_log = logging.getLogger(__name__)

RENEWALS = 4
"""In the time of a lease: so many may fail, or come late, before somebody else takes the submission up."""


@contextmanager
def held(store: Store, submission: str, worker: str, lease_seconds: float) -> Iterator[Event]:
    """Renew a lease in the background; what is yielded is set when the lease is lost."""
    done, lost = Event(), Event()
    thread = Thread(target=_renew, args=(store, submission, worker, lease_seconds, done, lost), daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()


def _renew(store: Store, submission: str, worker: str, lease_seconds: float, done: Event, lost: Event) -> None:
    while not done.wait(lease_seconds / RENEWALS):
        try:
            with store.transaction() as session:
                renew(session, submission, worker, lease_seconds)
        except LeaseLost:
            lost.set()
            return
        except SQLAlchemyError as error:  # it may be back in time for the next renewal
            _log.warning("lease of %s not renewed: %s", submission, error)
