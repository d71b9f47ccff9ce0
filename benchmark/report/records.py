"""Every estimate of a report as one long table, unrounded, for programs: CSV and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from benchmark.report.evidence import SCORED_ROLES, Evidence, Row
from benchmark.report.matrix import Matrix
from benchmark.results import SpaceResult
from benchmark.statistics import Estimate

COLUMNS: dict[str, type] = {
    "suite": str,
    "test_space": str,
    "variant": str,
    "task": str,
    "protocol": str,
    "model": str,
    "track": str,
    "seeds": str,
    "flags": str,
    "measure": str,
    "role": str,
    "tested_in": str,
    "value": float,
    "low": float,
    "high": float,
    "rank_best": int,
    "rank_worst": int,
    "trajectories": int,
    "frames": int,
    "parameters": int,
    "pretrain_steps": int,
    "pretrain_frames": int,
    "pretrain_seconds": float,
    "transfer_seconds": float,
    "commit": str,
    "dirty": str,
}
"""Column → type; any number may be missing. ``role`` is test, held_out, gap, or other: a cell of the space × space
matrix off its diagonal, pre-trained in ``test_space`` and scored in ``tested_in``."""

Record = dict[str, object]


def records(tables: Sequence[Evidence], matrices: Sequence[Matrix]) -> list[Record]:
    """Return one record for every estimate, in the order of the tables, then those of the matrices."""
    found = [record for evidence in tables for row in evidence.rows for record in _of_row(evidence, row)]
    return found + [record for matrix in matrices for record in _of_matrix(matrix)]


def csv_text(rows: Sequence[Record], columns: Mapping[str, type] = COLUMNS) -> str:
    """Return records as CSV; what is missing is an empty field."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = [row.get(column) for column in columns]
        writer.writerow(["" if v is None else repr(v) if isinstance(v, float) else v for v in values])
    return file.getvalue()


def write_parquet(rows: Sequence[Record], path: Path | BinaryIO, columns: Mapping[str, type] = COLUMNS) -> None:
    """Write records as Parquet, with the types of the columns."""
    import pyarrow
    from pyarrow import parquet

    types = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(column, types[kind]) for column, kind in columns.items()])
    values = {column: [row.get(column) for row in rows] for column in columns}
    parquet.write_table(pyarrow.table(values, schema=schema), path)


def _of_row(evidence: Evidence, row: Row) -> Iterator[Record]:
    compute, code = row.results[0].compute, row.results[0].environment.code
    shared: Record = {
        "suite": evidence.suite,
        "test_space": evidence.test_space,
        "variant": evidence.variant,
        "task": evidence.task.name,
        "protocol": evidence.protocol,
        "model": row.model,
        "track": row.track,
        "seeds": " ".join(str(seed) for seed in row.seeds),
        "flags": "; ".join(row.flags),
        "parameters": compute.parameters,
        "pretrain_steps": compute.pretrain_steps,
        "pretrain_frames": compute.pretrain_frames,
        "pretrain_seconds": _mean(result.compute.pretrain_seconds for result in row.results),
        "transfer_seconds": _mean(result.compute.transfer_seconds for result in row.results),
        "commit": code.commit,
        "dirty": "" if code.dirty is None else str(code.dirty).lower(),
    }
    for role in evidence.roles:
        parts = [part for part in evidence.spaces if part.role == role or (role == "gap" and part.role in SCORED_ROLES)]
        where = evidence.test_space if role == "test" else ""
        for measure in evidence.task.measures:
            ranks = evidence.ranks(role, measure).get(row.model) if role in SCORED_ROLES else None
            best, worst = ranks or (None, None)
            estimate = row.estimates[role][measure.key]
            yield shared | _said(estimate, measure.key, role, where, parts) | {"rank_best": best, "rank_worst": worst}


def _of_matrix(matrix: Matrix) -> Iterator[Record]:
    shared: Record = {
        "suite": matrix.suite,
        "variant": matrix.variant,
        "task": matrix.task.name,
        "protocol": matrix.protocol,
        "model": matrix.model,
        "track": matrix.track,
        "flags": "; ".join(matrix.flags),
    }
    for space, cells in zip(matrix.spaces, matrix.scores, strict=True):
        for column, estimate in zip(matrix.columns, cells, strict=True):
            if column.space != space:
                yield (
                    shared
                    | {"test_space": space}
                    | _said(estimate, matrix.measure.key, "other", column.space, [column])
                )


def _said(estimate: Estimate, measure: str, role: str, where: str, parts: Sequence[SpaceResult]) -> Record:
    low, high = estimate.interval
    numbers = {"value": estimate.value, "low": low, "high": high}
    return {
        "measure": measure,
        "role": role,
        "tested_in": where,
        **{name: float(number) if np.isfinite(number) else None for name, number in numbers.items()},
        "trajectories": sum(len(part.statistics.trajectories) for part in parts),
        "frames": sum(t.frames for part in parts for t in part.statistics.trajectories),
    }


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 1)
