"""The loop of a worker: claim what waits longest, have it scored in a process under limits, write down what came of it.

The worker may be killed at any moment: everything that is shown of a submission is written in one transaction at the
end, and until then somebody else can take it up. What it writes before (files by their content, log lines, what the
submission says of itself) is the same however often it is written. Ranks rest on all rows of a table: they are brought
up to date after that transaction, and by whichever worker comes next where one dies in between.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from leaderboard.store.database import Store
from leaderboard.store.queue import LeaseLost, claim, give_back, is_waiting, now
from leaderboard.store.ranking import rank_tables
from leaderboard.store.tables import Submitted
from leaderboard.worker.lease import held
from leaderboard.worker.messages import Refused
from leaderboard.worker.outcomes import publish, reject
from leaderboard.worker.supervision import Attempt, Crashed, supervise

_log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_TROUBLE_SECONDS = 5.0


def work(store: Store, name: str, once: bool = False, lease_seconds: float = LEASE_SECONDS) -> None:
    """Score submissions as they come, for ever; with ``once`` until none waits.

    Args:
        name: to tell workers apart in logs; a few random characters are added, so that no two have the same.
        lease_seconds: how long after the death of a worker somebody else takes up what it worked on.
    """
    worker = f"{name[:50]}-{secrets.token_hex(4)}"
    _sweep(store)
    _rank(store)
    _log.info("worker %s looks for submissions in %s", worker, store.board.folder)
    while True:
        try:
            if not _work_on_one(store, worker, lease_seconds):
                if once:
                    return
                time.sleep(_LOOK_SECONDS)
        except SQLAlchemyError:
            if once:
                raise
            _log.exception("the database refuses; next attempt in %g s", _TROUBLE_SECONDS)
            time.sleep(_TROUBLE_SECONDS)


def _work_on_one(store: Store, worker: str, lease_seconds: float) -> bool:
    """Take one submission to its end; False when none waits."""
    if not _something_waits(store):
        return False
    with store.transaction() as session:
        submitted = claim(session, worker, lease_seconds, store.board.settings.attempts)
    if submitted is None:
        return False
    _log.info("%s: attempt %d", submitted.id, submitted.attempts)
    scratch = store.board.scratch / f"{submitted.id}-{secrets.token_hex(4)}"
    attempt = Attempt(submitted.id, worker, submitted.sha256, scratch)
    try:
        with held(store, submitted.id, worker, lease_seconds) as lost:
            _try(store, attempt, lost.is_set)
    except LeaseLost:
        _log.warning("%s: somebody else took it over", submitted.id)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _rank(store)
    return True


def _something_waits(store: Store) -> bool:
    with store.reading() as session:
        return is_waiting(session)


def _try(store: Store, attempt: Attempt, is_lost: Callable[[], bool]) -> None:
    """Score a submission; where that fails by a fault of the board, let it wait for the next attempt."""
    try:
        found = supervise(store, attempt, is_lost)
        if isinstance(found, Refused):
            reject(store, attempt, found)
        else:
            publish(store, attempt, found)
        _log.info("%s: %s", attempt.submission, found.reason if isinstance(found, Refused) else "scored")
    except (KeyboardInterrupt, SystemExit):
        with store.transaction() as session:
            text = "the worker was stopped; it waits for another"
            give_back(session, attempt.submission, attempt.worker, text, tried=False)
        raise
    except (LeaseLost, SQLAlchemyError):
        raise
    except Exception as error:
        if isinstance(error, Crashed):
            _log.error("%s: the process that scores ended: %s", attempt.submission, error)
        else:
            _log.exception("%s: not scored", attempt.submission)
        with store.transaction() as session:
            text = "scoring broke off, which is the board's fault, not the submission's"
            give_back(session, attempt.submission, attempt.worker, text)


def _rank(store: Store) -> None:
    """Bring ranks up to date unless somebody waits; where that fails scores stand without until the next submission."""
    try:
        rank_tables(store, enough=lambda: _something_waits(store))
    except SQLAlchemyError:
        raise
    except Exception:
        _log.exception("tables not ranked")


def _sweep(store: Store) -> None:
    """Remove what killed workers left in the scratch folder; what is in somebody's hands stays."""
    folders = [path for path in store.board.scratch.glob("*-*") if path.is_dir()]
    if folders:
        with store.reading() as session:
            held_now = set(session.scalars(select(Submitted.id).where(Submitted.lease > now())))
        for folder in folders:
            if folder.name.partition("-")[0] not in held_now:
                shutil.rmtree(folder, ignore_errors=True)
