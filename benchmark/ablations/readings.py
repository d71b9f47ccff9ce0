"""What an ablation says: its points with their scores, means over subsets, differences, and where two lines cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.ablations.kinds import Kind, Point
from benchmark.report.evidence import Evidence
from benchmark.statistics import Estimate, interval


@dataclass(frozen=True, eq=False)
class Reading:
    """A point with its scores in the main measure.

    Attributes:
        by_role: ``test``, ``held_out`` (where there are such spaces) and ``gap`` → estimate.
    """

    point: Point
    by_role: dict[str, Estimate]


@dataclass(frozen=True, eq=False)
class Ablation:
    """An ablation on one task and protocol.

    Attributes:
        missing: models of the grid that have no result.
    """

    kind: Kind
    evidence: Evidence
    readings: tuple[Reading, ...]
    missing: tuple[str, ...]

    @property
    def lines(self) -> dict[str, list[Reading]]:
        """Return the readings of each line, in the order of the grid."""
        found: dict[str, list[Reading]] = {}
        for reading in self.readings:
            found.setdefault(reading.point.line, []).append(reading)
        return found

    @property
    def roles(self) -> tuple[str, ...]:
        """``test``, and ``held_out`` where there are held-out spaces."""
        return tuple(role for role in ("test", "held_out") if role in self.evidence.roles)


def read(kind: Kind, points: Sequence[Point], evidence: Evidence) -> Ablation:
    """Look up the scores of a grid in a table of results."""
    rows = {row.model: row for row in evidence.rows}
    key = evidence.measure.key
    readings = tuple(
        Reading(point, {role: rows[point.model].estimates[role][key] for role in evidence.roles})
        for point in points
        if point.model in rows
    )
    return Ablation(kind, evidence, readings, tuple(p.model for p in points if p.model not in rows))


@dataclass(frozen=True)
class Spread:
    """Scores of all subsets of one size: their mean, and the least and the greatest."""

    x: float
    mean: float
    low: float
    high: float
    subsets: int


def spreads(readings: Sequence[Reading], role: str) -> list[Spread]:
    """Return mean and spread over the readings at each position, ascending."""
    found = []
    for x in sorted({r.point.x for r in readings if r.point.x is not None}):
        values = [r.by_role[role].value for r in readings if r.point.x == x]
        found.append(Spread(x, float(np.mean(values)), min(values), max(values), len(values)))
    return found


def changes(readings: Sequence[Reading], role: str) -> list[tuple[str, Estimate]]:
    """Return (label, paired difference from the first reading) of all others."""
    first, *others = readings
    return [(reading.point.label, reading.by_role[role] - first.by_role[role]) for reading in others]


@dataclass(frozen=True)
class Crossing:
    """Where a rising line reaches a level: a number of spaces, on a scale of logarithms.

    Attributes:
        value, low, high: the crossing and its 95 % interval; ``inf``: not reached within the line.
        least, most: ends of the line. A crossing at ``least`` means that its first point is above already.
    """

    value: float
    low: float
    high: float
    least: float
    most: float

    def text(self) -> str:
        """Say the crossing and its interval: ``3.2 [1.5, more than 6]``."""
        return f"{self._of(self.value)} [{self._of(self.low)}, {self._of(self.high)}]"

    def _of(self, spaces: float) -> str:
        if math.isinf(spaces):
            return f"more than {self.most:g}"
        return f"at most {self.least:g}" if spaces <= self.least else f"{spaces:.1f}"


def crossing(specialist: Estimate, line: Sequence[Reading], role: str, *, higher_is_better: bool = True) -> Crossing:
    """Return how many external spaces a line needs to reach a specialist, with its interval over the resamples.

    Between points the line is taken as straight over the logarithm of the number of spaces. In each resample the
    first place counts where it is at least as good as the specialist in the same resample, so that the two are
    paired.

    Args:
        line: two or more readings with ascending ``x``.
    """
    sign = 1.0 if higher_is_better else -1.0
    x = np.array([reading.point.x for reading in line], float)
    over = [reading.by_role[role] - specialist for reading in line]
    above = sign * np.stack([difference.corrected for difference in over], axis=1)
    at = sign * np.array([[difference.value for difference in over]])
    (value,) = first_crossing(x, at).tolist()
    low, high = _quantiles(first_crossing(x, above))
    # The first of several places is early rather than late in resamples, which may all be on one side of the scores'.
    return Crossing(value, min(low, value), max(high, value), float(x[0]), float(x[-1]))


def first_crossing(x: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return where piecewise straight lines over log x first reach 0, (R,); ``inf`` where they do not.

    Args:
        x: (K,) positions, ascending, above 0.
        above: (R, K) heights over 0.
    """
    found = np.full(len(above), np.inf)
    found[above[:, 0] >= 0] = x[0]
    for k in range(1, len(x)):
        here = np.isinf(found) & (above[:, k] >= 0)
        before, after = above[here, k - 1], above[here, k]
        share = -before / (after - before)
        found[here] = np.exp(np.log(x[k - 1]) + share * (np.log(x[k]) - np.log(x[k - 1])))
    return found


def _quantiles(draws: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of draws among which some may be infinite."""
    ordered = np.sort(draws)
    low, high = (ordered[round(q * (len(ordered) - 1))] for q in (0.025, 0.975))
    if np.isfinite(ordered).all():
        return interval(draws)
    return float(low), float(high)
