"""What the numbers say, in plain words and no stronger than the intervals allow."""

from __future__ import annotations

import numpy as np

from benchmark.report.evidence import SIGNIFICANT, Difference, Evidence
from benchmark.report.tables import interval_text, p_text

WHERE = {"test": "in the test space", "held_out": "in held-out spaces"}


def findings(evidence: Evidence) -> list[str]:
    """Return sentences about one table: who leads, what pre-training and the space were worth, what to doubt."""
    sentences = [_lead(evidence, role) for role in evidence.roles if role in WHERE]
    for difference in evidence.differences:
        sentences += [_compared(evidence, difference, role) for role in evidence.roles if role in WHERE]
    sentences += [_gap(evidence, d) for d in evidence.differences if "gap" in d.by_role and d.better == "tst"]
    return [sentence for sentence in [*sentences, *_caveats(evidence)] if sentence]


def _lead(evidence: Evidence, role: str) -> str:
    measure = evidence.measure
    leaders = evidence.best(role, measure)
    if not leaders:
        return ""
    rows = {row.model: row for row in evidence.rows}
    if len(leaders) == 1:
        estimate = rows[leaders[0]].estimates[role][measure.key]
        unit = measure.unit.replace("%", " %")
        return f"{leaders[0]} has the highest {measure.label} {WHERE[role]}: {interval_text(estimate, measure)}{unit}."
    everyone = len(leaders) == sum(row.ranked for row in evidence.rows)
    who = "all models" if everyone else _listed(leaders)
    return f"{WHERE[role].capitalize()}, {who} share the lead: their {measure.label} cannot be told apart."


def _compared(evidence: Evidence, difference: Difference, role: str) -> str:
    estimate, p_value = difference.by_role[role], difference.p_values[role]
    better, reference, where = difference.better, difference.reference, WHERE[role]
    amount = interval_text(estimate if estimate.value >= 0 else -estimate, evidence.measure)
    points = " points" if evidence.measure.unit == "%" else evidence.measure.unit
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return f"Between {better} and {reference} nothing can be said {where}: there is no interval."
    if low <= 0 <= high:
        signed = interval_text(estimate, evidence.measure, signed=True)
        return f"{better} and {reference} cannot be told apart {where} ({signed}{points})."
    verb = "above" if estimate.value > 0 else "below"
    if p_value >= SIGNIFICANT:
        return (
            f"{better} is {verb} {reference} by {amount}{points} {where}, but not after correcting for the number "
            f"of comparisons (p = {p_text(p_value)})."
        )
    return f"{better} is {verb} {reference} by {amount}{points} {where} (p {_p_clause(p_value)})."


def _gap(evidence: Evidence, difference: Difference) -> str:
    estimate = difference.by_role["gap"]
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return ""
    amount = interval_text(estimate, evidence.measure, signed=True)
    points = " points" if evidence.measure.unit == "%" else evidence.measure.unit
    told = (
        "specialises no more and no less, as far as can be told"
        if low <= 0 <= high
        else ("specialises more" if estimate.value > 0 else "specialises less")
    )
    return (
        f"Against {difference.reference}, {difference.better} {told}: the gap between test space and held-out spaces "
        f"differs by {amount}{points}."
    )


def _caveats(evidence: Evidence) -> list[str]:
    seeds = {len(row.seeds) for row in evidence.rows}
    held_out = [part.space for part in evidence.spaces if part.role == "held_out"]
    found = []
    if 1 in seeds:
        which = "There is" if seeds == {1} else "Some rows have"
        found.append(
            f"{which} one training seed: the spread between training runs is in none of these intervals, and "
            "another seed could reverse an order that looks clear here."
        )
    elif max(seeds) < 3:
        found.append("Two training seeds say little about the spread between training runs.")
    spaces = f"one test space and {len(held_out)} held-out space{'s' if len(held_out) != 1 else ''}"
    found.append(f"All of it is conditional on {spaces if held_out else 'one test space'}.")
    flagged = [row.model for row in evidence.rows if row.flags]
    if flagged:
        found.append(f"{_listed(flagged)} differ from regular rows (†) and take no part in the order.")
    return found


def _p_clause(p_value: float) -> str:
    return p_text(p_value) if p_value < 0.01 else f"= {p_text(p_value)}"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
