"""A table for programs: one long record for every score of every row, unrounded, as JSON, CSV and Parquet.

The columns are those of :mod:`benchmark.report.records` where they apply. Sums of single trajectories are not among
them: they would tell about hidden labels.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from benchmark.report import records as report
from benchmark.results import Score
from leaderboard.standings.rows import Ranked, TablePage, TableRow

COLUMNS: dict[str, type] = {
    "id": str,
    "team": str,
    "name": str,
    "submitted": str,
    "suite": str,
    "custody": str,
    "test_space": str,
    "task": str,
    "protocol": str,
    "model": str,
    "track": str,
    "seeds": int,
    "as_claimed": bool,
    "measure": str,
    "role": str,
    "value": float,
    "low": float,
    "high": float,
    "rank_best": int,
    "rank_worst": int,
    "parameters": int,
    "pretrain_steps": int,
    "pretrain_frames": int,
    "gpu_seconds": float,
    "cpu_seconds": float,
}
"""Column → type; any may be missing. ``test_space`` is missing for the mean over all test spaces. ``seeds`` is their
number. ``role`` is test, held_out or gap. Ranks are in the main measure."""

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_rows(page: TablePage) -> list[report.Record]:
    """Return one record for every measure and role of every row; what is missing is None."""
    return [{name: record.get(name) for name in COLUMNS} for row in page.rows for record in _of_row(page, row)]


def csv_text(page: TablePage) -> str:
    """Return records as CSV.

    Spreadsheets calculate whatever begins like a formula, and names are anybody's: those get an apostrophe in front.
    """
    return report.csv_text([_inert(record) for record in json_rows(page)], COLUMNS)


def parquet_bytes(page: TablePage) -> bytes:
    """Return records as Parquet, typed."""
    out = io.BytesIO()
    report.write_parquet(json_rows(page), out, COLUMNS)
    return out.getvalue()


def _of_row(page: TablePage, row: TableRow) -> Iterator[report.Record]:
    query = page.query
    shared: report.Record = {
        "id": row.id,
        "team": row.team,
        "name": row.name,
        "submitted": row.submitted.isoformat(timespec="seconds"),
        "suite": f"{query.suite} v{query.version}",
        "custody": page.custody,
        "test_space": query.space or None,
        "task": query.task,
        "protocol": query.protocol,
        "model": row.model,
        "track": row.track,
        "seeds": row.seeds,
        "as_claimed": row.as_claimed,
        "parameters": row.parameters,
        "pretrain_steps": row.steps,
        "pretrain_frames": row.frames,
        "gpu_seconds": row.gpu_seconds,
        "cpu_seconds": row.cpu_seconds,
    }
    ranked = {"test": row.test, "held_out": row.held_out}
    for number, measure in enumerate(page.measures):
        for role, score in row.measures.get(measure.key, {}).items():
            yield shared | _said(measure.key, role, score) | (_ranks(ranked.get(role)) if number == 0 else {})


def _said(measure: str, role: str, score: Score) -> report.Record:
    return {"measure": measure, "role": role, "value": score.value, "low": score.low, "high": score.high}


def _ranks(ranked: Ranked | None) -> report.Record:
    best, worst = ranked.ranks if ranked is not None and ranked.ranks is not None else (None, None)
    return {"rank_best": best, "rank_worst": worst}


def _inert(record: report.Record) -> report.Record:
    return {
        name: f"'{value}" if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA) else value
        for name, value in record.items()
    }
