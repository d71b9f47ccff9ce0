"""What an ablation says in words, no stronger than the intervals allow."""

from __future__ import annotations

import numpy as np

from benchmark.ablations.readings import Ablation, Reading, changes, crossing, spreads
from benchmark.report.findings import WHERE
from benchmark.report.tables import interval_text
from benchmark.statistics import Estimate


def sentences(ablation: Ablation) -> list[str]:
    """Return sentences about every line of an ablation, and what to doubt."""
    said = {"subsets": _subsets, "changes": _changes, "curve": _ends, "front": _ends, "spaces": _worth}
    found = said[ablation.kind.drawing](ablation)
    if ablation.missing:
        found.append(f"Not in here, because they have no result: {', '.join(ablation.missing)}.")
    if len(ablation.evidence.rows) > 1 and min(len(row.seeds) for row in ablation.evidence.rows) == 1:
        found.append("One training seed: the spread between training runs is in no interval.")
    return found


def _subsets(ablation: Ablation) -> list[str]:
    measure, found = ablation.evidence.measure, []
    for line, readings in ablation.lines.items():
        for role in ablation.roles:
            parts = [
                f"{spread.x:g}: {measure.text(spread.mean)}"
                + (f" ({measure.text(spread.low)} to {measure.text(spread.high)})" if spread.subsets > 1 else "")
                for spread in spreads(readings, role)
            ]
            found.append(f"{line} {WHERE[role]}, mean {measure.label} by number of modalities: {'; '.join(parts)}.")
        found += _last_against_first(ablation, readings, "all modalities", "RGB alone")
    return found


def _changes(ablation: Ablation) -> list[str]:
    found = []
    for line, readings in ablation.lines.items():
        for role in ablation.roles:
            for label, difference in changes(readings, role):
                found.append(f"{line} {label}, against {readings[0].point.label}: {_by(ablation, difference, role)}.")
    return found


def _ends(ablation: Ablation) -> list[str]:
    found = []
    for readings in ablation.lines.values():
        if len(readings) > 1:
            found += _last_against_first(ablation, readings, readings[-1].point.label, readings[0].point.label)
    return found


def _worth(ablation: Ablation) -> list[str]:
    """Return how many external spaces each specialist is worth, in the test space."""
    found, lines = [], ablation.lines
    measure = ablation.evidence.measure
    for specialist in ("tst", "tst-mae"):
        for family in ("tst-external", "mae-external"):
            if specialist not in lines or len(lines.get(family, ())) < 2:
                continue
            place = crossing(
                lines[specialist][0].by_role["test"],
                lines[family],
                "test",
                higher_is_better=measure.higher_is_better,
            )
            found.append(
                f"In the test space {specialist} is worth {place.text()} external spaces to {family} (95 % interval)."
            )
    return found


def _last_against_first(ablation: Ablation, readings: list[Reading], last: str, first: str) -> list[str]:
    line = readings[0].point.line
    return [
        f"{line}, {last} against {first}: "
        f"{_by(ablation, readings[-1].by_role[role] - readings[0].by_role[role], role)}."
        for role in ablation.roles
    ]


def _by(ablation: Ablation, difference: Estimate, role: str) -> str:
    measure = ablation.evidence.measure
    text = f"{interval_text(difference, measure, signed=True)}{measure.after_difference} {WHERE[role]}"
    low, high = difference.interval
    return text if not np.isfinite([low, high]).all() or low > 0 or high < 0 else f"{text}, not to be told from 0"
