"""Hide submissions and show them, have them scored anew, take their entries along: for those who run a board."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from leaderboard.entries import SUFFIX, Custody, read_entry, write_entry
from leaderboard.store.database import Store
from leaderboard.store.listing import visible
from leaderboard.store.queue import again, say
from leaderboard.store.ranking import rank_tables
from leaderboard.store.suites import board_suite
from leaderboard.store.tables import WAITING, Submitted
from sim_envs.errors import UserError

LONGEST_REASON = 500
OPEN: Custody = "open"


def hide(store: Store, submission: str, why: str) -> Submitted:
    """Show a submission to nobody but its team, which is told why, and rank the others without it.

    Raises:
        UserError: it is not there, or the reason is empty, too long, or cannot be printed.
    """
    reason = " ".join(why.split())
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise UserError(f"{why[:80]!r} is no reason: give 1 to {LONGEST_REASON} printable characters.")
    with store.transaction() as session:
        (submitted,) = _named(session, [submission])
        submitted.hidden = reason
        say(session, submitted.id, f"hidden: {reason}")
    rank_tables(store)
    return submitted


def show(store: Store, submission: str) -> Submitted:
    """Show a submission again that was hidden, and rank it with the others.

    Raises:
        UserError: it is not there, or not hidden.
    """
    with store.transaction() as session:
        (submitted,) = _named(session, [submission])
        if submitted.hidden is None:
            raise UserError(f"{submission} is not hidden.")
        submitted.hidden = None
        say(session, submitted.id, "shown again")
    rank_tables(store)
    return submitted


def rescore(store: Store, submissions: Sequence[str]) -> list[Submitted]:
    """Have submissions scored once more; those that have scores keep them until the new ones are there.

    Raises:
        UserError: one of them is not there; then nothing is done.
    """
    with store.transaction() as session:
        return _put_back(session, _named(session, submissions))


def rescore_suite(store: Store, name: str) -> list[Submitted]:
    """Have all that was scored in any version of a suite scored once more; see :func:`rescore`.

    Raises:
        UserError: nothing was.
    """
    with store.transaction() as session:
        found = session.scalars(_in_order(Submitted.suite == name, Submitted.status == "scored")).all()
        if not found:
            raise UserError(f"No submission was scored in a suite {name}.")
        return _put_back(session, found)


def export_entries(store: Store, out: Path, custodies: Collection[Custody] = (OPEN,)) -> list[Path]:
    """Write the entry of each submission that is shown; all that is shown can be made from them again.

    Entries hold sums for each trajectory, which tell something about its labels.

    Args:
        custodies: of the labels that may be told about.

    Raises:
        UserError: some are of suites of another custody, or the folder holds entries that are not shown here; nothing
            is written.
    """
    with store.reading() as session:
        shown = session.scalars(_in_order(*visible())).all()
        kept_back = sorted({_said(found) for found in shown if _custody(session, found) not in custodies})
    if kept_back:
        raise UserError(
            f"The labels of {', '.join(kept_back)} are hidden, and entries hold sums for each trajectory that tell "
            "about them. With --hidden-labels they are written all the same; keep them where the labels are."
        )
    names = {f"{submitted.id}{SUFFIX}" for submitted in shown}
    if strangers := sorted(path.name for path in out.glob(f"*{SUFFIX}") if path.name not in names):
        raise UserError(
            f"{out} holds entries that this board does not show: {', '.join(strangers[:3])}"
            f"{', …' if len(strangers) > 3 else ''}. Remove them, or name another folder."
        )
    return [_write_entry(store, submitted, out) for submitted in shown]


def _write_entry(store: Store, submitted: Submitted, out: Path) -> Path:
    assert submitted.entry is not None
    return write_entry(out, read_entry(store.files.read(submitted.entry), submitted.entry))


def _put_back(session: Session, submissions: Sequence[Submitted]) -> list[Submitted]:
    finished = [submitted for submitted in submissions if submitted.status not in WAITING and submitted.again is None]
    for submitted in finished:
        again(session, submitted)
    return finished


def _named(session: Session, ids: Sequence[str]) -> list[Submitted]:
    """Return submissions, each once, and keep others from changing them meanwhile."""
    wanted = list(dict.fromkeys(ids))
    known = session.scalars(_in_order(Submitted.id.in_(wanted)).with_for_update(of=Submitted)).all()
    found = {submitted.id: submitted for submitted in known}
    for id in wanted:
        if id not in found:
            raise UserError(f"There is no submission {id[:40]!r} on this board. Its page and its log name its id.")
    return [found[id] for id in wanted]


def _in_order(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(Submitted).where(*conditions).order_by(Submitted.received, Submitted.id)


def _custody(session: Session, submitted: Submitted) -> str:
    assert submitted.suite is not None
    assert submitted.suite_version is not None
    suite = board_suite(session, submitted.suite, submitted.suite_version)
    return "hidden" if suite is None else suite.custody


def _said(submitted: Submitted) -> str:
    return f"{submitted.suite} v{submitted.suite_version}"
