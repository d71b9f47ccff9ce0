"""The tables of a report: scores, differences, power, other measures, categories."""

from __future__ import annotations

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, Evidence, Row
from benchmark.report.grids import BEST, TIED, Cell, Grid, terminal_table
from benchmark.statistics import Estimate
from benchmark.tasks import Measure

__all__ = ["Cell", "Grid", "interval_text", "p_text", "score_cell", "scores_grid", "terminal_table"]

RANK_TITLES = {"test": "rank, test space", "held_out": "rank, held-out"}
MARKS_SAY = (
    "Bold: ahead of every other row of its track by a paired 95 % interval that excludes 0. "
    "≈: shares the lead of its track, cannot be told apart from the highest value there."
)
RANKS_SAY = (
    "Rank: among all ranked rows, 95 % intervals from paired differences with each of the others; rows with the same "
    "ranks are tied."
)


def scores_grid(evidence: Evidence) -> Grid:
    """Return model × {test space, held-out, gap} in the main measure, with track, seeds and compute."""
    measure = evidence.measure
    columns = ["model", "track", "seeds"]
    for role in evidence.roles:
        columns += [ROLE_TITLES[role]] if role == "gap" else [ROLE_TITLES[role], RANK_TITLES[role]]
    scored = [role for role in evidence.roles if role != "gap"]
    leaders = {role: evidence.best_in_track(role, measure) for role in scored}
    ranks = {role: evidence.ranks(role, measure) for role in scored}
    rows = []
    for row in evidence.rows:
        cells = [Cell(_name(row), row.model), Cell(row.track, row.track), Cell(str(len(row.seeds)), len(row.seeds))]
        for role in evidence.roles:
            mark = _mark(evidence, row, leaders.get(role, ()))
            cells.append(score_cell(row.estimate(role, measure.key), measure, role == "gap", mark))
            if role in ranks:
                cells.append(rank_cell(ranks[role].get(row.model)))
        rows.append((*cells, *_compute_cells(row)))
    return Grid(
        title=f"{measure.label}{measure.in_brackets} with 95 % intervals",
        columns=(*columns, "parameters (M)", "steps", "frames", "pre-train s", "transfer s"),
        rows=tuple(rows),
        groups=tuple(row.track for row in evidence.rows),
        note=f"{evidence.rests_on} {MARKS_SAY} {RANKS_SAY} Steps and frames: of pre-training.{_flag_notes(evidence)}",
        numeric=2,
    )


def other_measures_grid(evidence: Evidence) -> Grid | None:
    """Return the remaining measures in the test space and in held-out spaces, or None when there are none."""
    measures = evidence.task.measures[1:]
    roles = [role for role in evidence.roles if role != "gap"]
    if not measures:
        return None
    columns, keys = [], []
    for measure in measures:
        arrow = "↑" if measure.higher_is_better else "↓"
        columns += [f"{measure.label}{measure.in_brackets} {arrow}, {ROLE_TITLES[role]}" for role in roles]
        keys += [(measure, role, evidence.best_in_track(role, measure)) for role in roles]
    return Grid(
        title="Other measures",
        columns=("model", *columns),
        rows=tuple(
            (
                Cell(_name(row), row.model),
                *(score_cell(row.estimate(r, m.key), m, False, _mark(evidence, row, best)) for m, r, best in keys),
            )
            for row in evidence.rows
        ),
        groups=tuple(row.track for row in evidence.rows),
        note=f"{'; '.join(f'{m.label}: {m.meaning}' for m in measures)}. {evidence.rests_on}",
    )


def differences_grid(evidence: Evidence) -> Grid | None:
    """Return paired differences with intervals and Holm-corrected p, or None without a reference row."""
    if not evidence.differences:
        return None
    measure = evidence.measure
    columns = ["difference"]
    for role in evidence.roles:
        columns += [f"{ROLE_TITLES[role]}{measure.difference_in_brackets}", "p (Holm)"]
    rows = []
    for difference in evidence.differences:
        cells = [Cell(f"{difference.better} − {difference.reference}", difference.better + difference.reference)]
        for role, estimate in difference.by_role.items():
            p_value = difference.p_values[role]
            known = np.isfinite(estimate.interval).all()
            cells.append(score_cell(estimate, measure, True, ""))
            cells.append(Cell(p_text(p_value) if known else "–", p_value))
        rows.append(tuple(cells))
    return Grid(
        title=f"Paired differences in {measure.label}",
        columns=tuple(columns),
        rows=tuple(rows),
        groups=tuple(difference.reference for difference in evidence.differences),
        note=(
            "Same trajectories and resamples on both sides. p: two-sided, corrected for all "
            f"{len(evidence.differences) * len(evidence.roles)} comparisons of this table. {evidence.rests_on}"
        ),
    )


def power_grid(evidence: Evidence) -> Grid | None:
    """Return the smallest differences that the table can show, a row a column of scores, or None without pairs."""
    if not evidence.power:
        return None
    measure = evidence.measure
    rows = tuple(
        (
            Cell(ROLE_TITLES[power.role], power.role),
            Cell(measure.text(power.median), power.median),
            Cell(f"{measure.text(power.least)} to {measure.text(power.most)}", power.least),
            Cell(measure.text(power.corrected), power.corrected),
        )
        for power in evidence.power
    )
    return Grid(
        title=f"Smallest differences in {measure.label}{measure.difference_in_brackets} that this table can show",
        columns=("where", "median pair", "all pairs", "median pair, corrected"),
        rows=rows,
        groups=("",) * len(rows),
        note=(
            "A true difference of this size between two ranked rows is found four times in five (power 80 %) by a "
            "paired two-sided test at level 0.05; corrected: in the hardest step of Holm's correction for the "
            f"{evidence.power[0].comparisons} comparisons of this table. From the spread of paired differences alone. "
            f"{evidence.rests_on}"
        ),
    )


def categories_grid(evidence: Evidence) -> Grid | None:
    """Return the test-space metric of each scored category, largest first, or None without categories."""
    task = evidence.task
    space = evidence.spaces[0]
    if not task.categories:
        return None
    totals = {
        row.model: [result.spaces[0].statistics.unpack().total for result in row.results] for row in evidence.rows
    }
    truth = task.category_truth(next(iter(totals.values()))[0])
    values = {
        model: np.mean([task.per_category(total, space.scope) for total in sums], axis=0)
        for model, sums in totals.items()
    }
    order = sorted(space.scored, key=lambda i: -truth[i - 1])
    measure = evidence.measure
    rows = []
    for i in order:
        share = truth[i - 1] / truth.sum()
        cells = [Cell(task.categories[i - 1], task.categories[i - 1]), Cell(f"{100 * share:.1f}", float(share))]
        cells += [Cell(measure.text(v[i - 1]), float(v[i - 1])) for v in values.values()]
        rows.append(tuple(cells))
    return Grid(
        title=f"{measure.label}{measure.in_brackets}, of each category, in {space.space}",
        columns=("category", f"{task.category_unit} (%)", *values),
        rows=tuple(rows),
        groups=("",) * len(rows),
        note="Means over seeds, without intervals: for orientation, not for claims about a single category.",
    )


def left_out_grid(evidence: Evidence) -> Grid | None:
    """Return, for each space, what is not scored there and why, or None where everything is."""
    rows = []
    for part in evidence.spaces:
        reasons: dict[str, list[str]] = {}
        for category, reason in part.left_out.items():
            why = "the space has no such category" if category in part.lacking else reason
            reasons.setdefault(why, []).append(category)
        for reason, categories in reasons.items():
            names = ", ".join(categories)
            rows.append((Cell(part.space, part.space), Cell(reason, reason), Cell(names, names)))
    if not rows:
        return None
    return Grid(
        title="What is not scored, or a space lacks",
        columns=("space", "why", "what"),
        rows=tuple(rows),
        groups=tuple(row[0].text for row in rows),
        numeric=3,
    )


def score_cell(estimate: Estimate | None, measure: Measure, signed: bool, mark: str) -> Cell:
    """Return ``29.0 [27.5, 30.2]``, or the value alone where there is no interval."""
    if estimate is None or not np.isfinite(estimate.value):
        return Cell("–", "")
    return Cell(interval_text(estimate, measure, signed), estimate.value, mark)


def rank_cell(interval: tuple[int, int] | None) -> Cell:
    """Return ``2`` or ``1–3``; ``–`` for a row that is not ranked. Sorted by the middle, then by the best rank."""
    if interval is None:
        return Cell("–", "")
    low, high = interval
    return Cell(str(low) if low == high else f"{low}–{high}", (low + high) / 2 + low / 1000)


def interval_text(estimate: Estimate, measure: Measure, signed: bool = False) -> str:
    """Return the value and its 95 % interval in the measure's own format."""
    low, high = estimate.interval
    value = measure.text(estimate.value, signed)
    if not np.isfinite([low, high]).all():
        return f"{value} [no interval]"
    return f"{value} [{measure.text(low, signed)}, {measure.text(high, signed)}]"


def p_text(p_value: float) -> str:
    """Return a p-value with as many digits as a bootstrap of this size supports."""
    return "< 0.01" if p_value < 0.01 else f"{p_value:.2f}"


def _compute_cells(row: Row) -> tuple[Cell, ...]:
    compute = row.results[0].compute
    pretraining = _mean(result.compute.pretrain_seconds for result in row.results)
    transfer = _mean(result.compute.transfer_seconds for result in row.results)
    return (
        Cell(f"{compute.parameters / 1e6:.2f}" if compute.parameters else "–", compute.parameters),
        _number(compute.pretrain_steps),
        _number(compute.pretrain_frames),
        Cell(f"{pretraining:,.0f}" if pretraining else "–", pretraining),
        Cell(f"{transfer:,.0f}" if transfer else "–", transfer),
    )


def _number(value: int) -> Cell:
    return Cell(f"{value:,}" if value else "–", value)


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _mark(evidence: Evidence, row: Row, leaders: tuple[str, ...]) -> str:
    """Return the mark of a row in a column, given the models that lead it in their tracks."""
    if row.model not in leaders:
        return ""
    same = [other for other in evidence.rows if other.track == row.track and other.model in leaders]
    return BEST if len(same) == 1 else TIED


def _name(row: Row) -> str:
    return f"{row.model} †" if row.flags else row.model


def _flag_notes(evidence: Evidence) -> str:
    notes = [f"{row.model}: {'; '.join(row.flags)}" for row in evidence.rows if row.flags]
    return f" † takes no part in the marks: {'. '.join(notes)}." if notes else ""
