"""Figures of comparisons: paired differences, categories, and test space × test space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, SIGNIFICANT, Evidence, Row
from benchmark.report.matrix import Matrix
from benchmark.report.plots import interval_bars
from benchmark.report.style import HATCHES, INK, Drawing, legend_beside, new_figure
from benchmark.report.tables import interval_text

CATEGORIES = 12
BARS = 5


def forest_drawing(evidence: Evidence, name: str) -> Drawing | None:
    """Draw every paired difference of the table with its 95 % interval, a panel a role, or None where none is known."""
    differences, measure = evidence.differences, evidence.measure
    if not any(np.isfinite(estimate.value) for d in differences for estimate in d.by_role.values()):
        return None
    height = 1.3 + 0.32 * len(differences)
    figure, every = new_figure(2.2 + 2.5 * len(evidence.roles), height, len(evidence.roles), sharey=True)
    for axes, role in zip(every, evidence.roles, strict=True):
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for place, difference in enumerate(differences):
            estimate = difference.by_role[role]
            if not np.isfinite(estimate.value):
                continue
            sure = difference.p_values[role] < SIGNIFICANT
            axes.errorbar(
                estimate.value * measure.scale,
                place,
                xerr=interval_bars(estimate, measure),
                fmt="o" if sure else "D",
                color=INK,
                markerfacecolor=INK if sure else "none",
                markersize=6,
                elinewidth=1.3,
                capsize=2.5,
            )
        axes.set_title(ROLE_TITLES[role])
        axes.set_xlabel(f"difference in {measure.label}{measure.difference_in_brackets}")
    every[0].set_yticks(range(len(differences)), [f"{d.better} − {d.reference}" for d in differences])
    every[0].set_ylim(len(differences) - 0.5, -0.5)
    summary = "; ".join(
        f"{d.better} less {d.reference}: "
        + ", ".join(f"{interval_text(e, measure, signed=True)} {ROLE_TITLES[role]}" for role, e in d.by_role.items())
        for d in differences
    )
    return Drawing(
        name,
        figure,
        f"Forest plot of paired differences in {measure.label}. {summary}.",
        "Paired differences with 95 % intervals. Filled circles: p below 0.05 after Holm's correction for all "
        f"comparisons of the table; open diamonds: not. {evidence.rests_on}",
    )


def categories_drawing(evidence: Evidence, styles: Mapping[str, Mapping[str, Any]], name: str) -> Drawing | None:
    """Draw the main metric of the categories with most truth in the test space, a bar a model; None without any."""
    task, space, measure = evidence.task, evidence.spaces[0], evidence.measure
    if not space.scored:
        return None
    rows = _shown(evidence)
    truth = task.category_truth(rows[0].results[0].spaces[0].statistics.unpack().total)
    order = sorted(space.scored, key=lambda i: -truth[i - 1])[:CATEGORIES]
    figure, (axes,) = new_figure(5.6, 1.0 + 0.22 * len(order) * max(2, len(rows)) ** 0.8)
    thickness = 0.8 / len(rows)
    said = []
    for number, row in enumerate(rows):
        totals = [result.spaces[0].statistics.unpack().total for result in row.results]
        of_each = np.mean([task.per_category(total, space.scope) for total in totals], axis=0)
        values = np.nan_to_num([of_each[i - 1] for i in order]) * measure.scale
        axes.barh(
            np.arange(len(order)) + (number - (len(rows) - 1) / 2) * thickness,
            values,
            thickness,
            color=styles[row.model]["color"],
            edgecolor=INK,
            linewidth=0.6,
            hatch=HATCHES[number],
            label=row.model,
        )
        listed = zip(order, values, strict=True)
        said.append(f"{row.model}: " + ", ".join(f"{task.categories[i - 1]} {value:.0f}" for i, value in listed))
    axes.set_yticks(range(len(order)), [task.categories[i - 1] for i in order])
    axes.invert_yaxis()
    axes.set_xlabel(f"{measure.label}, of each category{measure.in_brackets}")
    legend_beside(axes)
    left_out = len(space.scored) - len(order)
    fewer = f" The {left_out} with least truth are in the table only." if left_out > 0 else ""
    others = len(evidence.rows) - len(rows)
    alone = f" Of each track the row with the highest score, {BARS} at most." if others else ""
    return Drawing(
        name,
        figure,
        f"Bars of each category in {space.space}. {'; '.join(said)}.",
        f"Categories in {space.space}, those with most {task.category_unit} first; means over seeds, without intervals."
        f"{fewer}{alone} {evidence.roles_rest_on(['test'])}",
    )


def matrix_drawing(matrix: Matrix, name: str) -> Drawing:
    """Draw test space × test space as a heat map; darker is better, the diagonal is framed."""
    from matplotlib.patches import Rectangle

    measure, count = matrix.measure, len(matrix.spaces)
    values = np.array([[cell.value * measure.scale for cell in row] for row in matrix.scores])
    figure, (axes,) = new_figure(2.4 + 0.95 * count, 1.6 + 0.75 * count)
    axes.grid(visible=False)
    shades = "Greys" if measure.higher_is_better else "Greys_r"
    colours = axes.pcolormesh(values, cmap=shades, edgecolor=INK, linewidth=0.3)
    low, high = np.nanmin(values), np.nanmax(values)
    pad = 0.35 * (high - low) + 1e-9  # neither black nor white, so that figures can be read on them
    colours.set_clim(low - pad, high + pad)
    for row in range(count):
        for column in range(count):
            shade = np.mean(colours.cmap(colours.norm(values[row, column]))[:3])
            axes.text(
                column + 0.5,
                row + 0.5,
                measure.text(matrix.scores[row][column].value),
                ha="center",
                va="center",
                fontsize=10,
                color="black" if shade > 0.55 else "white",
                fontweight="bold" if row == column else "normal",
            )
        axes.add_patch(Rectangle((row, row), 1, 1, fill=False, edgecolor="#D55E00", linewidth=2.2, zorder=3))
    ticks = np.arange(count) + 0.5
    axes.set_xticks(ticks, matrix.spaces, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, matrix.spaces)
    axes.invert_yaxis()
    axes.set(xlabel="tested in", ylabel="pre-trained in", aspect="equal")
    axes.set_title(f"{matrix.model}: {measure.label}{measure.in_brackets}")
    for spine in axes.spines.values():
        spine.set_visible(False)
    said = "; ".join(
        f"pre-trained in {space}: "
        + ", ".join(f"{measure.text(cell.value)} in {other}" for cell, other in zip(cells, matrix.spaces, strict=True))
        for space, cells in zip(matrix.spaces, matrix.scores, strict=True)
    )
    gap = interval_text(matrix.gap, measure, signed=True)
    return Drawing(
        name,
        figure,
        f"Heat map of {measure.label} of {matrix.model}, {said}.",
        f"{matrix.task.name}, {matrix.protocol}: rows are pre-trained in, columns tested in; darker is better, framed: "
        f"the space itself. Diagonal less all other cells: {gap}. {matrix.rests_on}",
    )


def _shown(evidence: Evidence) -> list[Row]:
    """Return the rows that get bars: all, or where there are too many the highest of each track."""
    if len(evidence.rows) <= BARS:
        return list(evidence.rows)
    sign = 1 if evidence.measure.higher_is_better else -1
    value = lambda row: -sign * row.estimates["test"][evidence.measure.key].value  # noqa: E731
    first: dict[str, Row] = {}
    for row in sorted(evidence.rows, key=value):
        first.setdefault(row.track, row)
    return sorted(sorted(first.values(), key=value)[:BARS], key=evidence.rows.index)
