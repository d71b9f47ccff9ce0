"""The log of a run: a row every few steps, each the mean since the last, in ``log.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.storage import write_whole

LOG_FILE = "log.csv"


class Log:
    """Rows so far, and the sums of the row that is being gathered.

    Args:
        folder: where ``log.csv`` goes; None where another process writes it.
        names: columns between ``loss`` and ``lr``.
        state: of :meth:`state`, where a run goes on from a checkpoint.
    """

    def __init__(self, folder: Path | None, names: Sequence[str], state: Mapping[str, Any] | None = None) -> None:
        self.path = folder / LOG_FILE if folder else None
        self.names = tuple(names)
        self.rows: list[list[float]] = list(state["rows"]) if state else []
        self.sums = np.array(state["sums"]) if state else np.zeros(1 + len(self.names))
        self.seconds: float = state["seconds"] if state else 0.0
        self.frames: int = state["frames"] if state else 0
        if self.path:
            self._write(self.path)

    def add(self, values: Sequence[float]) -> None:
        """Count the losses of a step: that which is minimised, then the named ones."""
        self.sums += values

    def spend(self, frames: int, seconds: float) -> None:
        """Count the time that a step took."""
        self.frames += frames
        self.seconds += seconds

    def end_row(self, step: int, lr: float) -> None:
        """Append the mean since the last row to the file."""
        since = step - (int(self.rows[-1][0]) if self.rows else 0)
        self.rows.append([step, *(self.sums / since).tolist(), lr, self.frames / self.seconds])
        self.sums[:] = 0
        self.seconds, self.frames = 0.0, 0
        if self.path:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(_cells(self.rows[-1]))

    def last(self) -> dict[str, float]:
        """Return column → value of the last row, for the named columns."""
        return dict(zip(self.names, self.rows[-1][2:], strict=False))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"rows": self.rows, "sums": self.sums.tolist(), "seconds": self.seconds, "frames": self.frames}

    def _write(self, to: Path) -> None:
        """Write the rows up to the checkpoint: what a killed run had logged after it will be computed again."""

        def write(path: Path) -> None:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["step", "loss", *self.names, "lr", "samples_per_second"])
                writer.writerows(_cells(row) for row in self.rows)

        write_whole(to, write)


def _cells(row: list[float]) -> list[str]:
    return [str(int(row[0])), *(f"{value:.6g}" for value in row[1:])]
