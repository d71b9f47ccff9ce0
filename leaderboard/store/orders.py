"""By what a table can be sorted: one row a column, the same order on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, case
from sqlalchemy.orm import Session

from benchmark.report.evidence import TRACK_ORDER
from benchmark.tasks import Measure
from leaderboard.store.tables import Standing, Submitted, Team
from sim_envs.errors import unknown

_COLLATIONS = {"postgresql": "C", "sqlite": "BINARY"}


@dataclass(frozen=True)
class Order:
    """One way of sorting.

    Attributes:
        columns: what decides, the first column first.
        best: which end comes first unless asked otherwise; ``measure``: that of better scores.
        text: whether it is compared letter by letter.
        joined: whether a column is of the submission or its team, which then have to be joined to the standing.
    """

    columns: Callable[[], tuple[ColumnElement[Any], ...]]
    best: Literal["highest", "lowest", "measure"]
    text: bool = False
    joined: bool = True

    def descending(self, asked: bool | None, measure: Measure) -> bool:
        """Return whether high values come first."""
        if asked is not None:
            return asked
        return measure.higher_is_better if self.best == "measure" else self.best == "highest"

    def terms(self, session: Session, descending: bool) -> list[ColumnElement[Any]]:
        """Return what ``ORDER BY`` takes: rows without a value come last either way, of equal ones the newest first."""
        columns = self.columns()
        if self.text:
            columns = tuple(column.collate(_COLLATIONS[session.get_bind().dialect.name]) for column in columns)
        first = [(column.desc() if descending else column.asc()).nulls_last() for column in columns]
        return [*first, Standing.submitted.desc(), _of(Standing.submission_id)]


ORDERS: dict[str, Order] = {
    "test": Order(lambda: (_of(Standing.test),), "measure", joined=False),
    "held_out": Order(lambda: (_of(Standing.held_out),), "measure", joined=False),
    "gap": Order(lambda: (_of(Standing.gap),), "measure", joined=False),
    "rank": Order(lambda: (Standing.test_best + Standing.test_worst, _of(Standing.test_best)), "lowest", joined=False),
    "held_out_rank": Order(
        lambda: (Standing.held_out_best + Standing.held_out_worst, _of(Standing.held_out_best)), "lowest", joined=False
    ),
    "name": Order(lambda: (_of(Standing.title),), "lowest", text=True, joined=False),
    "model": Order(lambda: (_of(Submitted.model),), "lowest", text=True),
    "team": Order(lambda: (_of(Team.key),), "lowest", text=True),
    "track": Order(
        lambda: (case({t: n for n, t in enumerate(TRACK_ORDER)}, value=Standing.track, else_=len(TRACK_ORDER)),),
        "lowest",
        joined=False,
    ),
    "submitted": Order(lambda: (_of(Standing.submitted),), "highest", joined=False),
    "seeds": Order(lambda: (_of(Submitted.seeds),), "highest"),
    "parameters": Order(lambda: (_of(Submitted.parameters),), "lowest"),
    "frames": Order(lambda: (_of(Submitted.frames),), "lowest"),
    "steps": Order(lambda: (_of(Submitted.steps),), "lowest"),
    "gpu_seconds": Order(lambda: (_of(Submitted.gpu_seconds),), "lowest"),
    "cpu_seconds": Order(lambda: (_of(Submitted.cpu_seconds),), "lowest"),
}
"""Name → order. What costs less is better; tracks are in the order of reports."""


def order_named(name: str) -> Order:
    """Return an order.

    Raises:
        UserError: there is none of that name.
    """
    if name not in ORDERS:
        raise unknown("column to sort by", name, ORDERS)
    return ORDERS[name]


def _of(column: Any) -> ColumnElement[Any]:
    return column.expression
