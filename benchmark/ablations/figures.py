"""Figures of ablations: one drawing a kind, each with what it rests on beneath it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.ablations.readings import Ablation, Reading, changes, crossing, spreads
from benchmark.report.evidence import ROLE_TITLES
from benchmark.report.plots import style_of
from benchmark.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_JITTER = 0.06
_LOG_FROM = 4.0
"""An axis whose ends differ by this factor is drawn in logarithms."""


def draw(ablation: Ablation) -> Figure:
    """Return the figure of an ablation: the test space on the left, held-out spaces on the right, if there are any."""
    from matplotlib.figure import Figure

    drawing = ablation.kind.drawing
    panels = ("front",) if drawing == "front" and len(ablation.roles) > 1 else ablation.roles
    figure = Figure(figsize=(1.4 + 4.4 * len(panels), 4.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=len(panels) > 1, squeeze=False)[0]
    styles = style_of(list(ablation.lines))
    for role, axis in zip(panels, axes, strict=True):
        if role == "front":
            _front(axis, ablation, styles)
            continue
        DRAWINGS["curve" if drawing == "front" else drawing](axis, ablation, role, styles)
        axis.set_title(ROLE_TITLES[role], fontsize=10)
    for axis in axes:
        axis.grid(alpha=0.2, linewidth=0.7)
        axis.spines[["top", "right"]].set_visible(False)
    evidence = ablation.evidence
    figure.suptitle(
        f"{ablation.kind.summary}: {evidence.task.name}, {evidence.protocol}, {evidence.test_space}", fontsize=11
    )
    figure.supxlabel(_wrapped(evidence.rests_on, 70 * len(panels)), fontsize=7, color="0.35")
    return figure


def _subsets(axis: Axes, ablation: Ablation, role: str, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Every subset as a mark, their mean as a line."""
    measure = ablation.evidence.measure
    for line, readings in ablation.lines.items():
        style = styles[line]
        xs = np.array([_x(r) for r in readings])
        ys = np.array([r.by_role[role].value for r in readings]) * measure.scale
        beside = np.zeros(len(xs))
        for x in np.unique(xs):  # side by side, so that equal scores do not hide each other
            here = np.flatnonzero(xs == x)
            beside[here] = (np.arange(len(here)) - (len(here) - 1) / 2) * _JITTER
        axis.scatter(
            xs + beside, ys, color=style["color"], marker=style["marker"], s=28, alpha=0.6, label=f"{line}, one subset"
        )
        means = spreads(readings, role)
        axis.plot(
            [s.x for s in means], [s.mean * measure.scale for s in means], color=style["color"], label=f"{line}, mean"
        )
    _label(axis, ablation)


def _changes(axis: Axes, ablation: Ablation, role: str, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """One bar a modality: the paired difference from the first row of its line."""
    measure, position, names = ablation.evidence.measure, 0, []
    for line, readings in ablation.lines.items():
        for label, difference in changes(readings, role):
            low, high = (value * measure.scale for value in difference.interval)
            value = difference.value * measure.scale
            bar = None if not np.isfinite([low, high]).all() else [[max(0, value - low)], [max(0, high - value)]]
            axis.barh(
                position,
                value,
                xerr=bar,
                color=styles[line]["color"],
                alpha=0.75,
                height=0.6,
                ecolor="black",
                capsize=3,
            )
            names.append(f"{line}\n{label}" if len(ablation.lines) > 1 else label)
            position += 1
    first = next(iter(ablation.lines.values()))[0].point.label
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlabel(f"{measure.label}{_unit(measure.unit)}, difference from {first}", fontsize=9)


def _curve(axis: Axes, ablation: Ablation, role: str, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """One line a row, with the 95 % interval of each point."""
    for line, readings in ablation.lines.items():
        _errors(axis, [r for r in readings if r.point.x is not None], role, ablation, styles[line], line)
    _label(axis, ablation)


def _spaces(axis: Axes, ablation: Ablation, role: str, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw external models as lines over the number of spaces, specialists as levels; mark where they cross."""
    scale = ablation.evidence.measure.scale
    _curve(axis, ablation, role, styles)
    for line, readings in ablation.lines.items():
        for reading in readings:
            if reading.point.x is not None:
                continue
            estimate, style = reading.by_role[role], styles[line]
            low, high = (bound * scale for bound in estimate.interval)
            level = estimate.value * scale
            name = f"{line}, {reading.point.label}"
            axis.axhline(level, color=style["color"], linestyle=style["linestyle"], label=name)
            if np.isfinite([low, high]).all():
                axis.axhspan(low, high, color=style["color"], alpha=0.1, linewidth=0)
            for spaces in _crossings(ablation, estimate) if role == "test" else ():
                axis.plot(spaces, level, "x", color="black", markersize=9)
                axis.annotate(f"{spaces:.1f}", (spaces, level), (4, 6), textcoords="offset points", fontsize=8)
    axis.legend(frameon=False, fontsize=8)


def _crossings(ablation: Ablation, specialist: Estimate) -> list[float]:
    """Return where lines over the number of spaces reach a specialist in the test space, within the axis."""
    better = ablation.evidence.measure.higher_is_better
    lines = [[r for r in readings if r.point.x is not None] for readings in ablation.lines.values()]
    places = [crossing(specialist, line, "test", higher_is_better=better) for line in lines if len(line) > 1]
    return [place.value for place in places if place.least < place.value < np.inf]


def _front(axis: Axes, ablation: Ablation, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Specialization over generalization, one path a row, from all external to all test space."""
    measure = ablation.evidence.measure
    for line, readings in ablation.lines.items():
        style = styles[line]
        x = [r.by_role["held_out"].value * measure.scale for r in readings]
        y = [r.by_role["test"].value * measure.scale for r in readings]
        axis.errorbar(
            x,
            y,
            xerr=_bars([r.by_role["held_out"] for r in readings], measure.scale),
            yerr=_bars([r.by_role["test"] for r in readings], measure.scale),
            color=style["color"],
            marker=style["marker"],
            linestyle=style["linestyle"],
            elinewidth=0.8,
            capsize=2,
            label=line,
        )
        for reading, a, b in zip(readings, x, y, strict=True):
            axis.annotate(reading.point.label, (a, b), (5, 5), textcoords="offset points", fontsize=8)
    axis.set_xlabel(f"generalization: {measure.label} in held-out spaces{_unit(measure.unit)}", fontsize=9)
    axis.set_ylabel(f"specialization: {measure.label} in the test space{_unit(measure.unit)}", fontsize=9)
    if len(ablation.lines) > 1:
        axis.legend(frameon=False, fontsize=8)


DRAWINGS: dict[str, Callable[[Axes, Ablation, str, Mapping[str, Mapping[str, Any]]], None]] = {
    "subsets": _subsets,
    "changes": _changes,
    "curve": _curve,
    "spaces": _spaces,
}


def _errors(
    axis: Axes, readings: list[Reading], role: str, ablation: Ablation, style: Mapping[str, Any], label: str
) -> None:
    if not readings:
        return
    measure = ablation.evidence.measure
    axis.errorbar(
        [_x(r) for r in readings],
        [r.by_role[role].value * measure.scale for r in readings],
        yerr=_bars([r.by_role[role] for r in readings], measure.scale),
        color=style["color"],
        marker=style["marker"],
        linestyle=style["linestyle"],
        elinewidth=1,
        capsize=2.5,
        label=label,
    )


def _bars(estimates: list[Any], scale: float) -> np.ndarray:
    """Return (2, N) lengths of error bars; 0 where there is no interval."""
    bounds = [(e.value - e.interval[0], e.interval[1] - e.value) for e in estimates]
    return np.maximum(np.nan_to_num(np.array(bounds).T * scale), 0)


def _label(axis: Axes, ablation: Ablation) -> None:
    measure = ablation.evidence.measure
    xs = sorted({r.point.x for r in ablation.readings if r.point.x is not None})
    if xs and xs[0] > 0 and xs[-1] / xs[0] >= _LOG_FROM and ablation.kind.drawing != "subsets":
        axis.set_xscale("log")
    axis.set_xticks(xs, [f"{x:,g}" for x in xs])
    axis.minorticks_off()
    axis.set_xlabel(ablation.kind.axis, fontsize=9)
    axis.set_ylabel(f"{measure.label}{_unit(measure.unit)}", fontsize=9)
    axis.legend(frameon=False, fontsize=8)


def _x(reading: Reading) -> float:
    assert reading.point.x is not None
    return reading.point.x


def _unit(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
