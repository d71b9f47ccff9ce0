"""Figures of scores and training: specialization against generalization, and losses."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.report.evidence import Evidence, Row
from benchmark.report.style import INK, Drawing, legend_beside, new_figure, style_of
from benchmark.statistics import Estimate
from benchmark.tasks import Measure

__all__ = ["curves_drawing", "front", "interval_bars", "read_curve", "style_of", "tradeoff_drawing"]


def tradeoff_drawing(evidence: Evidence, styles: Mapping[str, Mapping[str, Any]], name: str) -> Drawing | None:
    """Draw specialization against generalization with 95 % error bars, the front, and the line where they are equal.

    Returns:
        None when there are no held-out spaces, or no row has a score in both.
    """
    measure = evidence.measure
    if "held_out" not in evidence.roles:
        return None
    placed = [
        (row, row.estimates["held_out"][measure.key], row.estimates["test"][measure.key]) for row in evidence.rows
    ]
    placed = [(row, x, y) for row, x, y in placed if np.isfinite([x.value, y.value]).all()]
    if not placed:
        return None
    figure, (axes,) = new_figure(5.2, 4.6)
    leading = front(evidence)
    for row, x, y in placed:
        style = styles[row.model]
        axes.errorbar(
            x.value * measure.scale,
            y.value * measure.scale,
            xerr=interval_bars(x, measure),
            yerr=interval_bars(y, measure),
            fmt=style["marker"],
            color=style["color"],
            markersize=8,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            elinewidth=1.3,
            capsize=2.5,
            label=f"{row.model} †" if row.flags else row.model,
        )
    axes.set_xlabel(f"generalization: {measure.label} in held-out spaces{measure.in_brackets}")
    axes.set_ylabel(f"specialization: {measure.label} in the test space{measure.in_brackets}")
    low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=INK, alpha=0.45, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    points = np.array(
        [[row.estimates[role][measure.key].value for role in ("held_out", "test")] for row in leading]
    ).reshape(-1, 2)
    if len(points) > 1:
        line = points.T * measure.scale
        axes.plot(*line, color=INK, alpha=0.6, linewidth=1.2, linestyle=":", label="front", zorder=1)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.annotate(
        "equal in both",
        (high, high),
        (-4, -8),
        textcoords="offset points",
        ha="right",
        va="top",
        rotation=45,
        rotation_mode="anchor",
        fontsize=8,
        color=INK,
        alpha=0.7,
    )
    legend_beside(axes)
    summary = "; ".join(
        f"{row.model}: {_plain(row.estimates['test'][measure.key], measure)} in the test space, "
        f"{_plain(row.estimates['held_out'][measure.key], measure)} in held-out spaces"
        for row in evidence.rows
    )
    named = ", ".join(row.model for row in leading) or "none"
    return Drawing(
        name,
        figure,
        f"Scatter of {measure.label}, specialization against generalization. {summary}. On the front: {named}.",
        "Specialization against generalization, bars are 95 % intervals; on the dashed line both are equal. The dotted "
        f"front joins the rows that no ranked row beats in both ({named}); by value, so ties may be on it or off it. "
        f"{evidence.rests_on}",
    )


def front(evidence: Evidence) -> list[Row]:
    """Return the ranked rows that no other ranked row beats in the test space and in held-out spaces, by the latter."""
    key, sign = evidence.measure.key, 1 if evidence.measure.higher_is_better else -1
    rows = [row for row in evidence.rows if row.ranked]
    points = {
        row.model: sign * np.array([row.estimates[role][key].value for role in ("held_out", "test")]) for row in rows
    }
    leading = [
        row
        for row in rows
        if np.isfinite(points[row.model]).all()
        and not any(
            (other >= points[row.model]).all() and (other > points[row.model]).any() for other in points.values()
        )
    ]
    return sorted(leading, key=lambda row: (points[row.model][0], -points[row.model][1]))


def curves_drawing(
    curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    styles: Mapping[str, Mapping[str, Any]],
    name: str,
    title: str,
    caption: str,
) -> Drawing | None:
    """Draw training losses: the mean over seeds, smoothed, one line a model.

    Args:
        curves: model → (steps, losses) of each seed.

    Returns:
        None without curves.
    """
    shown = {model: [pair for pair in seeds if len(pair[0])] for model, seeds in curves.items()}
    shown = {model: seeds for model, seeds in shown.items() if seeds}
    if not shown:
        return None
    figure, (axes,) = new_figure(5.2, 3.2)
    for model, seeds in shown.items():
        style = styles[model]
        for steps, losses in seeds:
            smooth = _smoothed(losses)
            axes.plot(
                steps,
                smooth,
                color=style["color"],
                linestyle=style["linestyle"],
                linewidth=1.5,
                label=model if steps is seeds[0][0] else None,
            )
    axes.set(xlabel="optimiser step", ylabel="training loss", title=title)
    losses = np.concatenate([pair[1] for seeds in shown.values() for pair in seeds])
    if losses.min() > 0 and losses.max() / losses.min() > 20:
        axes.set_yscale("log")
    legend_beside(axes)
    ends = "; ".join(f"{model} ends at {seeds[0][1][-1]:.3g}" for model, seeds in shown.items())
    return Drawing(name, figure, f"{title}. {ends}.", caption)


def read_curve(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, losses) of a training log: a CSV with the columns ``step`` and ``loss``; empty cells skipped."""
    steps, losses = [], []
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if line.get("step") and line.get("loss"):
                steps.append(float(line["step"]))
                losses.append(float(line["loss"]))
    finite = np.isfinite(losses)
    return np.array(steps)[finite], np.array(losses)[finite]


def interval_bars(estimate: Estimate, measure: Measure) -> np.ndarray | None:
    """Return how far the interval reaches below and above the value, (2, 1) as printed, or None without one."""
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return None
    bounds = np.array([[estimate.value - low], [high - estimate.value]]) * measure.scale
    return np.maximum(bounds, 0)


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """Return a centred moving mean over about 3 % of the curve, shorter at the ends."""
    half = max(1, len(losses) // 60)
    total = np.concatenate([[0.0], np.cumsum(losses)])
    middle = np.arange(len(losses))
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(losses))
    return (total[high] - total[low]) / (high - low)


def _plain(estimate: Estimate, measure: Measure) -> str:
    return f"{measure.text(estimate.value)} {measure.unit}".strip()
