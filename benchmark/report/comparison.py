"""Two models, or two results, against each other: the paired difference in every measure and role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, SIGNIFICANT, Evidence, gather
from benchmark.report.findings import WHERE
from benchmark.report.tables import Cell, Grid, interval_text, p_text, score_cell
from benchmark.results import Result
from benchmark.statistics import Estimate, holm
from benchmark.tasks import Measure
from sim_envs.errors import UserError, unknown


@dataclass(frozen=True, eq=False)
class Compared:
    """The first less the second, in one measure and role; ``p_value`` is corrected over the whole comparison."""

    measure: Measure
    role: str
    difference: Estimate
    p_value: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return bool(np.isfinite(self.difference.interval).all())

    @property
    def told_apart(self) -> bool:
        """Whether the interval excludes 0."""
        low, high = self.difference.interval
        return self.known and not low <= 0 <= high


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two rows of one table."""

    evidence: Evidence
    first: str
    second: str
    parts: tuple[Compared, ...]


def compare_models(results: Sequence[Result], first: str, second: str) -> list[Comparison]:
    """Compare two models in every table that has both.

    Raises:
        UserError: one of them is not among the results, they are the same, or share no table.
    """
    for name in (first, second):
        if all(result.model != name for result in results):
            raise unknown("model", name, {result.model for result in results}, "These are what this run has.")
    if first == second:
        raise UserError(f"{first} is compared with itself; name two models.")
    tables = gather([result for result in results if result.model in (first, second)])
    both = [evidence for evidence in tables if len(evidence.rows) == 2]
    if not both:
        raise UserError(f"{first} and {second} were never scored on the same task, protocol and frames.")
    return [_compare(evidence, first, second) for evidence in both]


def compare_results(one: Result, two: Result) -> Comparison:
    """Compare two results, which may be of the same model.

    Raises:
        UserError: they were not scored on the same frames of the same task.
    """
    for field in ("task", "protocol", "test_space", "variant", "suite"):
        if getattr(one, field) != getattr(two, field):
            what = f"{field.replace('_', ' ')} {getattr(one, field)} and {getattr(two, field)}"
            raise UserError(f"Results of {what} cannot be compared.")
    if one.model == two.model:
        numbered = one.seed == two.seed
        one, two = (
            result.model_copy(update={"model": f"{result.model} ({which if numbered else f'seed {result.seed}'})"})
            for result, which in ((one, "first"), (two, "second"))
        )
    tables = gather([one, two])
    if len(tables) != 1:
        raise UserError(
            f"{one.model} and {two.model} were scored on other recordings, trajectories or categories, so they cannot "
            "be compared frame by frame."
        )
    return _compare(tables[0], one.model, two.model)


def _compare(evidence: Evidence, first: str, second: str) -> Comparison:
    rows = {row.model: row.estimates for row in evidence.rows}
    pairs = [(measure, role) for measure in evidence.task.measures for role in evidence.roles]
    differences = [rows[first][role][measure.key] - rows[second][role][measure.key] for measure, role in pairs]
    corrected = holm([difference.p_value for difference in differences])
    parts = zip(pairs, differences, corrected, strict=True)
    return Comparison(evidence, first, second, tuple(Compared(m, role, d, p) for (m, role), d, p in parts))


def comparison_grid(comparison: Comparison) -> Grid:
    """Return measure × role with differences, intervals and corrected p."""
    roles = comparison.evidence.roles
    rows = []
    for measure in comparison.evidence.task.measures:
        cells = [Cell(f"{measure.label}{f' ({measure.unit})' if measure.unit else ''}", measure.key)]
        for part in (part for part in comparison.parts if part.measure == measure):
            cells.append(score_cell(part.difference, measure, True, ""))
            cells.append(Cell(p_text(part.p_value) if part.known else "–", part.p_value))
        rows.append(tuple(cells))
    return Grid(
        title=f"{comparison.first} − {comparison.second}",
        columns=("measure", *(column for role in roles for column in (ROLE_TITLES[role], "p (Holm)"))),
        rows=tuple(rows),
        groups=("",) * len(rows),
        note=(
            "Paired differences with 95 % intervals: same trajectories and resamples on both sides. p: two-sided, "
            f"corrected for all {len(comparison.parts)} comparisons of this table. {comparison.evidence.rests_on}"
        ),
    )


def in_words(comparison: Comparison) -> list[str]:
    """Return a sentence a measure, no stronger than the intervals allow, and what sets a row apart."""
    said = []
    for measure in comparison.evidence.task.measures:
        parts = {part.role: part for part in comparison.parts if part.measure == measure}
        said.append(f"{measure.label}: {sentence(comparison.first, comparison.second, parts)}.")
    flagged = [row for row in comparison.evidence.rows if row.flags]
    return said + [f"{row.model} is not a regular row: {'; '.join(row.flags)}." for row in flagged]


def sentence(first: str, second: str, parts: Mapping[str, Compared]) -> str:
    """Say how the first compares with the second in one measure, without a full stop.

    Args:
        parts: role → the difference there.
    """
    if all(part.known and not part.told_apart for part in parts.values()):
        amounts = ", ".join(f"{ROLE_TITLES[role]} {_signed(part)}" for role, part in parts.items())
        return f"{first} and {second} cannot be told apart ({amounts})"
    clauses = [_clause(second, part) for role, part in parts.items() if role in WHERE]
    gap = f"; {_gap(parts['gap'])}" if "gap" in parts else ""
    return f"{first} {' and '.join(clauses)}{gap}"


def _clause(second: str, part: Compared) -> str:
    """Say which is better, which is not always the higher one."""
    where = WHERE[part.role]
    if not part.known:
        return f"cannot be compared with {second} {where} (no interval)"
    signed = _signed(part)
    if not part.told_apart:
        return f"cannot be told apart from {second} {where} ({signed})"
    better = (part.difference.value > 0) == part.measure.higher_is_better
    return f"is {'better' if better else 'worse'} than {second} {where} ({signed}, {_p(part)})"


def _gap(part: Compared) -> str:
    if not part.known:
        return "their gaps cannot be compared (no interval)"
    signed = _signed(part)
    if not part.told_apart:
        return f"their gaps cannot be told apart ({signed})"
    return f"its gap is {'higher' if part.difference.value > 0 else 'lower'} ({signed}, {_p(part)})"


def _p(part: Compared) -> str:
    text = p_text(part.p_value)
    p_value = f"p {text}" if text.startswith("<") else f"p = {text}"
    return p_value if part.p_value < SIGNIFICANT else f"but not after correction, {p_value}"


def _signed(part: Compared) -> str:
    return interval_text(part.difference, part.measure, signed=True) + part.measure.after_difference
