"""What the numbers say, in plain words and no stronger than the intervals allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.report.evidence import SIGNIFICANT, Difference, Evidence
from benchmark.report.tables import interval_text, p_text

WHERE = {"test": "in the test space", "held_out": "in held-out spaces"}


def findings(evidence: Evidence) -> list[str]:
    """Return sentences about one table: who leads, how models compare in pairs, and what to doubt."""
    leads = [_lead(evidence, role) for role in evidence.roles if role in WHERE]
    pairs = [_pair(evidence, difference) for difference in evidence.differences]
    return [sentence for sentence in [*leads, *pairs, *_caveats(evidence)] if sentence]


def _lead(evidence: Evidence, role: str) -> str:
    measure = evidence.measure
    leaders = evidence.best(role, measure)
    if not leaders:
        unscored = all(np.isnan(row.estimates[role][measure.key].value) for row in evidence.rows)
        return f"Nothing could be scored {WHERE[role]}: see below what is not scored, and why." if unscored else ""
    if len(leaders) == 1:
        estimate = next(row for row in evidence.rows if row.model == leaders[0]).estimates[role][measure.key]
        unit = measure.unit.replace("%", " %")
        return f"{leaders[0]} has the highest {measure.label} {WHERE[role]}: {interval_text(estimate, measure)}{unit}."
    everyone = len(leaders) == sum(row.ranked for row in evidence.rows)
    who = "all models" if everyone else _listed(leaders)
    return f"{WHERE[role].capitalize()}, {who} share the lead: their {measure.label} cannot be told apart."


def _pair(evidence: Evidence, difference: Difference) -> str:
    """Return one sentence on two models: the test space, held-out spaces, and whose gap is larger."""
    clauses = [_clause(evidence, difference, role) for role in evidence.roles if role in WHERE]
    sentence = f"{difference.better} {' and '.join(clauses)}"
    if "gap" in difference.by_role and difference.better == "tst":
        sentence += f"; {_gap(evidence, difference)}"
    return sentence + "."


def _clause(evidence: Evidence, difference: Difference, role: str) -> str:
    estimate, p_value = difference.by_role[role], difference.p_values[role]
    reference, where, points = difference.reference, WHERE[role], evidence.measure.after_difference
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return f"cannot be compared with {reference} {where} (no interval)"
    if low <= 0 <= high:
        signed = interval_text(estimate, evidence.measure, signed=True)
        return f"cannot be told apart from {reference} {where} ({signed}{points})"
    amount = interval_text(estimate if estimate.value > 0 else -estimate, evidence.measure)
    said = f"is {'above' if estimate.value > 0 else 'below'} {reference} by {amount}{points} {where}"
    if p_value >= SIGNIFICANT:
        return f"{said} (but not after correction for {_family(evidence)} comparisons, p = {p_text(p_value)})"
    return f"{said} (p {_p_clause(p_value)})"


def _gap(evidence: Evidence, difference: Difference) -> str:
    estimate, p_value = difference.by_role["gap"], difference.p_values["gap"]
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return "their gaps cannot be compared (no interval)"
    amount = f"{interval_text(estimate, evidence.measure, signed=True)}{evidence.measure.after_difference}"
    if low <= 0 <= high or p_value >= SIGNIFICANT:
        return f"their gaps cannot be told apart (difference {amount})"
    return f"its gap is {'larger' if estimate.value > 0 else 'smaller'} (difference {amount})"


def _caveats(evidence: Evidence) -> list[str]:
    seeds = set(evidence.training_seeds)
    found = []
    if 1 in seeds:
        which = "There is" if seeds == {1} else "Some rows have"
        found.append(
            f"{which} one training seed: the spread between training runs is not in those intervals, and another "
            "seed could reverse an order that looks clear here."
        )
    elif seeds and max(seeds) < 3:
        found.append("Two training seeds say little about the spread between training runs.")
    text = evidence.measure.text
    sizes = [
        f"{text(p.median)}{evidence.measure.after_difference} {WHERE[p.role]}"
        for p in evidence.power
        if p.role in WHERE
    ]
    if sizes:
        found.append(
            f"Between a typical pair of rows, a difference smaller than {' and '.join(sizes)} would be missed more "
            "often than once in five times."
        )
    held_out = sum(part.role == "held_out" for part in evidence.spaces)
    others = f" and {held_out} held-out space{'s' if held_out != 1 else ''}" if held_out else ""
    found.append(f"All of it is conditional on one test space{others}.")
    flagged = [row.model for row in evidence.rows if not row.ranked]
    if flagged:
        verb = "is not a regular row" if len(flagged) == 1 else "are not regular rows"
        found.append(f"{_listed(flagged)} {verb} (†) and not compared.")
    return found


def _family(evidence: Evidence) -> int:
    return len(evidence.differences) * len(evidence.roles)


def _p_clause(p_value: float) -> str:
    return p_text(p_value) if p_value < 0.01 else f"= {p_text(p_value)}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
