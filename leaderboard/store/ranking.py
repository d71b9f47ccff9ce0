"""Rank the rows of tables among each other, each time a row came, went or changed; otherwise nothing is done.

A ranking takes seconds for a table of a thousand rows. :func:`rank_tables` computes it while nobody is kept from
writing, and writes it in a transaction of its own. Were the rows to change in between, nothing would be written: who
changed them ranks them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from benchmark.report.evidence import SCORED_ROLES
from benchmark.tasks import TASKS
from leaderboard.standings.estimates_file import read_estimates
from leaderboard.standings.ranking import ranks
from leaderboard.store.database import Store
from leaderboard.store.files import Files
from leaderboard.store.listing import visible
from leaderboard.store.tables import Ranking, Standing, Submitted
from sim_envs.storage import digest_json


@dataclass(frozen=True)
class _Table:
    """A table as it is: (submission, file of its estimates, what it was scored on) of every row, by submission."""

    suite: str
    version: int
    task: str
    protocol: str
    space: str
    scored_on: str
    rows: tuple[tuple[str, str, str], ...]

    @property
    def digest(self) -> str:
        """Return what its ranks rest on."""
        return digest_json([self.scored_on, self.rows])


@dataclass(frozen=True)
class _Ranks:
    """The ranks of a table: role → submission → (best, worst); rows that are not ranked have none."""

    table: _Table
    by_role: dict[str, dict[str, tuple[int, int]]]


def rerank(session: Session, files: Files, suite: str, version: int) -> int:
    """Rank the tables of one suite that changed since they were; return how many.

    All of it happens in the transaction of the caller, which is seconds for a large board: see :func:`rank_tables`.

    Only rows of submissions that are shown and that were scored on the same recordings, trajectories and categories as
    the one scored last are ranked. After a pack has changed, older rows have no ranks until they are scored again.
    """
    changed = _changed(session, suite, version)
    return sum(_write(session, _rank(table, files)) for table in changed)


def rank_tables(store: Store, enough: Callable[[], bool] = lambda: False) -> int:
    """Rank all tables of a board that changed since they were, means first; return how many. See :func:`rerank`.

    Args:
        enough: asked after each table; where it says so the others are left for the next call. A worker stops when a
            submission waits to be scored, so that a large board ranks when it has the time to.
    """
    with store.reading() as session:
        suites = session.execute(select(Ranking.suite, Ranking.suite_version).distinct()).all()
        changed = [table for suite, version in suites for table in _changed(session, suite, version)]
    written = 0
    for table in sorted(changed, key=lambda table: table.space):
        found = _rank(table, store.files)
        with store.transaction() as session:
            written += _write(session, found)
        if enough():
            break
    return written


def _changed(session: Session, suite: str, version: int) -> list[_Table]:
    this = (Ranking.suite == suite, Ranking.suite_version == version)
    known = session.scalars(select(Ranking).where(*this).order_by(Ranking.task, Ranking.protocol, Ranking.space))
    return [table for ranking in known.all() if (table := _now(session, ranking)).digest != ranking.ranked]


def _now(session: Session, ranking: Ranking) -> _Table:
    rows = (
        select(
            Standing.submission_id,
            Standing.estimates,
            Standing.scored_on,
            func.coalesce(Submitted.finished, Submitted.received),
        )
        .join(Submitted, Submitted.id == Standing.submission_id)
        .where(
            Standing.suite == ranking.suite,
            Standing.suite_version == ranking.suite_version,
            Standing.task == ranking.task,
            Standing.protocol == ranking.protocol,
            Standing.space == ranking.space,
            *visible(),
        )
    )
    found = sorted(((id, file, digest, scored) for id, file, digest, scored in session.execute(rows)))
    newest = max(found, key=lambda row: (row[3], row[0]), default=None)
    return _Table(
        ranking.suite,
        ranking.suite_version,
        ranking.task,
        ranking.protocol,
        ranking.space,
        newest[2] if newest else ranking.scored_on,
        tuple(row[:3] for row in found),
    )


def _rank(table: _Table, files: Files) -> _Ranks:
    measure = TASKS[table.task].measures[0]
    rows = [
        (id, read_estimates(files.read(estimates)))
        for id, estimates, scored_on in table.rows
        if scored_on == table.scored_on
    ]
    by_role = {}
    for role in SCORED_ROLES:
        having = [(id, estimates[role]) for id, estimates in rows if role in estimates]
        found = ranks([estimate for _, estimate in having], measure.higher_is_better)
        by_role[role] = {id: both for (id, _), both in zip(having, found, strict=True) if both is not None}
    return _Ranks(table, by_role)


def _write(session: Session, found: _Ranks) -> bool:
    """Write ranks, unless the table has changed since it was read; tell whether they were written."""
    table = found.table
    key = (table.suite, table.version, table.task, table.protocol, table.space)
    ranking = session.get_one(Ranking, key, with_for_update=True, populate_existing=True)
    if _now(session, ranking).digest != table.digest:
        return False
    columns = [f"{role}_{end}" for role in SCORED_ROLES for end in ("best", "worst")]
    rows = [_values(found, id) for id, _, _ in table.rows]
    _update(session, table, columns, rows)
    ranking.rows, ranking.scored_on, ranking.ranked = len(table.rows), table.scored_on, table.digest
    return True


def _values(found: _Ranks, id: str) -> dict[str, object]:
    values: dict[str, object] = {"row": id}
    for role, by_id in found.by_role.items():
        best, worst = by_id.get(id, (None, None))
        values |= {f"new_{role}_best": best, f"new_{role}_worst": worst}
    return values


def _update(session: Session, table: _Table, columns: Sequence[str], rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        return
    standings = Standing.__table__
    changing = (
        update(standings)  # type: ignore[arg-type]
        .where(
            standings.c.submission_id == bindparam("row"),
            standings.c.task == table.task,
            standings.c.protocol == table.protocol,
            standings.c.space == table.space,
        )
        .values({column: bindparam(f"new_{column}") for column in columns})
    )
    session.flush()
    session.connection().execute(changing, list(rows))
    session.expire_all()
