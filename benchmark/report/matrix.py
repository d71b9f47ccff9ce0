"""Space × space: what pre-training in one test space is worth in another, for every model that depends on its space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.estimates import mean_estimates
from benchmark.report.evidence import Evidence, Row
from benchmark.report.tables import Cell, Grid, interval_text, p_text, score_cell
from benchmark.results import Result, SpaceResult
from benchmark.statistics import Estimate, holm, rests_on
from benchmark.tasks import Measure, Task


@dataclass(frozen=True, eq=False)
class Matrix:
    """One model that was pre-trained in each of several test spaces and scored in all of them, in the main measure.

    Attributes:
        flags: what sets it apart, see :class:`~benchmark.report.evidence.Row`.
        spaces: the N test spaces.
        scores: N × N estimates: pre-trained in the space of the row, tested in that of the column.
        own_less_others: for each column, the score of the model of this space less the mean of the others' there.
        gap: mean of the diagonal less mean of all other cells, on the same resamples.
        p_value: of no gap, corrected for all models of the same task and protocol.
        columns: what each column was scored on.
        seeds: number of training seeds of every cell.
    """

    suite: str
    variant: str
    protocol: str
    task: Task
    model: str
    track: str
    flags: tuple[str, ...]
    spaces: tuple[str, ...]
    scores: tuple[tuple[Estimate, ...], ...]
    own_less_others: tuple[Estimate, ...]
    gap: Estimate
    p_value: float
    columns: tuple[SpaceResult, ...]
    seeds: int

    @property
    def key(self) -> str:
        """Name the matrix; no other matrix of a report has this name."""
        return f"{self.model} {self.task.name} {self.protocol} {self.suite} {self.variant}"

    @property
    def measure(self) -> Measure:
        """The main measure."""
        return self.task.measures[0]

    @property
    def rests_on(self) -> str:
        """What the intervals rest on, in words."""
        spaces = [
            (c.space, len(c.statistics.trajectories), sum(t.frames for t in c.statistics.trajectories))
            for c in self.columns
        ]
        return rests_on({"Test spaces": spaces}, [self.seeds])


def matrices(tables: Sequence[Evidence]) -> list[Matrix]:
    """Return a matrix for every model, task and protocol that was run in two test spaces at least and scored in both.

    Models whose weights do not depend on the test space are left out: their rows would be one row.
    """
    families: dict[tuple[str, str, str, str], list[Evidence]] = {}
    for table in tables:
        families.setdefault((table.suite, table.variant, table.task.name, table.protocol), []).append(table)
    found: list[Matrix] = []
    for family in families.values():
        models = dict.fromkeys(row.model for table in family for row in table.rows if _specialised(row))
        raw = [matrix for model in models if (matrix := _matrix(family, model)) is not None]
        corrected = holm([matrix.gap.p_value for matrix in raw]) if raw else []
        found += [replace(matrix, p_value=p_value) for matrix, p_value in zip(raw, corrected, strict=True)]
    return found


def matrix_grid(matrix: Matrix) -> Grid:
    """Return pre-trained in × tested in, with the difference that one's own space makes below each column."""
    measure = matrix.measure
    rows = [
        (Cell(space, space), *(score_cell(estimate, measure, False, "") for estimate in estimates))
        for space, estimates in zip(matrix.spaces, matrix.scores, strict=True)
    ]
    differences = (score_cell(estimate, measure, True, "") for estimate in matrix.own_less_others)
    rows.append((Cell("own space − others", "own space − others"), *differences))
    p_value = p_text(matrix.p_value)
    gap = f"{interval_text(matrix.gap, measure, signed=True)}, p {p_value if '<' in p_value else f'= {p_value}'}"
    flags = f" {matrix.model} is not a regular row: {'; '.join(matrix.flags)}." if matrix.flags else ""
    return Grid(
        title=(
            f"{matrix.model}: {measure.label}{measure.in_brackets}, pre-trained in the row's space, tested in the "
            "column's"
        ),
        columns=("pre-trained in", *matrix.spaces),
        rows=tuple(rows),
        groups=(*("",) * len(matrix.spaces), "difference"),
        note=(
            f"Diagonal less all other cells: {gap} (corrected for the models of this task). Same trajectories and "
            f"resamples in every row.{flags} {matrix.rests_on}"
        ),
    )


def matrix_finding(matrix: Matrix) -> str:
    """Say in a sentence what one's own space is worth, no stronger than the interval allows."""
    measure, count = matrix.measure, len(matrix.spaces)
    said = f"{interval_text(matrix.gap, measure, signed=True)}{measure.after_difference}, mean of {count} spaces"
    low, high = matrix.gap.interval
    if not matrix.gap.known:
        return f"What its own space is worth to {matrix.model} cannot be said: there is no interval."
    if low <= 0 <= high or matrix.p_value >= 0.05:
        told = f"cannot be told apart there from {matrix.model} pre-trained in another"
        return f"{matrix.model} pre-trained in a space {told} ({said})."
    better = (matrix.gap.value > 0) == measure.higher_is_better
    return (
        f"{matrix.model} pre-trained in a space is {'better' if better else 'worse'} there than pre-trained in another "
        f"({said})."
    )


def _specialised(row: Row) -> bool:
    """Tell whether any data of the test space reached the weights."""
    return any(entry.get("role") == "test" for entry in row.results[0].ledger.get("entries", ()))


def _matrix(family: Sequence[Evidence], model: str) -> Matrix | None:
    rows = {table.test_space: row for table in family for row in table.rows if row.model == model}
    first = next(iter(rows.values()))
    seeds = set.intersection(*(set(row.seeds) for row in rows.values()))
    settings = {
        space: [result for result in row.results if result.seed in seeds] for space, row in rows.items() if seeds
    }
    spaces = tuple(space for space in settings if _scored_alike(list(settings.values()), space))
    if len(spaces) < 2:
        return None
    task, key = family[0].task, family[0].measure.key
    scores = tuple(tuple(mean_estimates([(settings[a], b)])[key] for b in spaces) for a in spaces)
    elsewhere = {b: [(settings[a], b) for a in spaces if a != b] for b in spaces}
    diagonal = mean_estimates([(settings[b], b) for b in spaces])[key]
    rest = mean_estimates([part for parts in elsewhere.values() for part in parts])[key]
    gap = diagonal - rest
    own = tuple(scores[i][i] - mean_estimates(elsewhere[b])[key] for i, b in enumerate(spaces))
    columns = tuple(_part(settings[b][0], b) for b in spaces)
    return Matrix(
        family[0].suite,
        family[0].variant,
        family[0].protocol,
        task,
        model,
        first.track,
        first.flags,
        spaces,
        scores,
        own,
        gap,
        gap.p_value,
        tuple(column for column in columns if column is not None),
        len(seeds),
    )


def _part(result: Result, space: str) -> SpaceResult | None:
    return next((part for part in result.spaces if part.space == space), None)


def _scored_alike(settings: Sequence[Sequence[Result]], space: str) -> bool:
    """Tell whether all settings were scored in a space, on the same recording, trajectories and categories."""
    parts = [_part(results[0], space) for results in settings]
    facts = {
        (part.recording, part.scored, tuple(t.trajectory for t in part.statistics.trajectories)) if part else None
        for part in parts
    }
    return len(facts) == 1 and None not in facts
