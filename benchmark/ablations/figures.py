"""Figures of ablations: one drawing a kind, each with what it rests on beneath it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.ablations.readings import Ablation, Reading, changes, crossing, spreads
from benchmark.ablations.words import sentences
from benchmark.report.evidence import ROLE_TITLES
from benchmark.report.plots import interval_bars
from benchmark.report.style import HATCHES, INK, Drawing, legend_beside, new_figure, style_of
from benchmark.statistics import Estimate
from benchmark.tasks import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_JITTER = 0.06
_LOG_FROM = 4.0
"""An axis whose ends differ by this factor is drawn in logarithms."""

Styles = Mapping[str, Mapping[str, Any]]


def ablation_drawing(ablation: Ablation, name: str) -> Drawing:
    """Draw an ablation: the test space on the left, held-out spaces on the right, if there are any."""
    kind, evidence = ablation.kind, ablation.evidence
    two = len(ablation.roles) > 1
    drawing = "curve" if kind.drawing == "front" and not two else kind.drawing
    look = LOOKS[drawing]
    panels = ("test",) if drawing == "front" else ablation.roles
    height = 1.6 + 0.45 * len(ablation.readings) if drawing == "changes" else 3.8
    figure, every = new_figure(1.6 + 4.0 * len(panels), height, len(panels), sharey=drawing != "front")
    styles = style_of(list(ablation.lines))
    for role, axes in zip(panels, every, strict=True):
        look.draw(axes, ablation, role, styles)
        if drawing != "front":
            axes.set_title(ROLE_TITLES[role])
    if drawing != "changes":
        for axes in every[1:]:
            axes.set_ylabel("")  # that of the first holds for all
        legend_beside(every[-1])
    where = f"{evidence.task.name}, {evidence.protocol}, in {evidence.test_space}"
    return Drawing(
        name,
        figure,
        f"Figure of an ablation: {kind.summary}; {where}. {' '.join(sentences(ablation))}",
        f"{kind.summary[0].upper()}{kind.summary[1:]}: {where}. {look.reading} {evidence.rests_on}",
    )


def _subsets(axes: Axes, ablation: Ablation, role: str, styles: Styles) -> None:
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
        axes.scatter(
            xs + beside, ys, color=style["color"], marker=style["marker"], s=28, alpha=0.7, label=f"{line}, a subset"
        )
        means = spreads(readings, role)
        axes.plot(
            [s.x for s in means],
            [s.mean * measure.scale for s in means],
            color=style["color"],
            linestyle=style["linestyle"],
            label=f"{line}, mean",
        )
    _label(axes, ablation)


def _changes(axes: Axes, ablation: Ablation, role: str, styles: Styles) -> None:
    """One bar a modality: the paired difference from the first row of its line."""
    measure, names = ablation.evidence.measure, list[str]()
    for hatch, (line, readings) in zip(cycle(HATCHES), ablation.lines.items(), strict=False):
        for label, difference in changes(readings, role):
            axes.barh(
                len(names),
                difference.value * measure.scale,
                xerr=interval_bars(difference, measure),
                color=styles[line]["color"],
                hatch=hatch,
                edgecolor=INK,
                linewidth=0.6,
                height=0.6,
                error_kw={"ecolor": INK, "elinewidth": 1.3, "capsize": 3},
            )
            names.append(f"{line} {label}" if len(ablation.lines) > 1 else label)
    first = next(iter(ablation.lines.values()))[0].point.label
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(f"{measure.label}, difference from {first}{measure.difference_in_brackets}")


def _curve(axes: Axes, ablation: Ablation, role: str, styles: Styles) -> None:
    """One line a row, with the 95 % interval of each point."""
    for line, readings in ablation.lines.items():
        _errors(axes, [r for r in readings if r.point.x is not None], role, ablation, styles[line], line)
    _label(axes, ablation)


def _spaces(axes: Axes, ablation: Ablation, role: str, styles: Styles) -> None:
    """Draw external models as lines over the number of spaces, specialists as levels; mark where they cross."""
    scale = ablation.evidence.measure.scale
    _curve(axes, ablation, role, styles)
    for line, readings in ablation.lines.items():
        for reading in readings:
            if reading.point.x is not None:
                continue
            estimate, style = reading.by_role[role], styles[line]
            low, high = (bound * scale for bound in estimate.interval)
            level = estimate.value * scale
            name = f"{line}, {reading.point.label}"
            axes.axhline(level, color=style["color"], linestyle=style["linestyle"], label=name)
            if np.isfinite([low, high]).all():
                axes.axhspan(low, high, facecolor=style["color"], alpha=0.12, edgecolor="none")
            for spaces in _crossings(ablation, estimate) if role == "test" else ():
                axes.plot(spaces, level, "x", color=INK, markersize=9)
                axes.annotate(f"{spaces:.1f}", (spaces, level), (4, 6), textcoords="offset points", fontsize=8)


def _crossings(ablation: Ablation, specialist: Estimate) -> list[float]:
    """Return where lines over the number of spaces reach a specialist in the test space, within the axes."""
    better = ablation.evidence.measure.higher_is_better
    lines = [[r for r in readings if r.point.x is not None] for readings in ablation.lines.values()]
    places = [crossing(specialist, line, "test", higher_is_better=better) for line in lines if len(line) > 1]
    return [place.value for place in places if place.least < place.value < np.inf]


def _front(axes: Axes, ablation: Ablation, role: str, styles: Styles) -> None:
    """Specialization over generalization, one path a row, from all external to all test space."""
    del role  # both are in the one panel
    measure = ablation.evidence.measure
    for line, readings in ablation.lines.items():
        pairs = [(r.by_role["held_out"], r.by_role["test"]) for r in readings]
        x, y = (np.array([pair[side].value for pair in pairs]) * measure.scale for side in (0, 1))
        across, up = (_bars([pair[side] for pair in pairs], measure) for side in (0, 1))
        axes.errorbar(x, y, xerr=across, yerr=up, label=line, **_look(styles[line]))
        for reading, a, b in zip(readings, x, y, strict=True):
            axes.annotate(reading.point.label, (a, b), (5, 5), textcoords="offset points", fontsize=8)
    axes.set_xlabel(f"generalization: {measure.label} in held-out spaces{measure.in_brackets}")
    axes.set_ylabel(f"specialization: {measure.label} in the test space{measure.in_brackets}")


@dataclass(frozen=True)
class Look:
    """How one kind of ablation is drawn.

    Attributes:
        draw: (axes, ablation, role, styles) → None.
        reading: how it is to be read, in a sentence.
    """

    draw: Callable[[Axes, Ablation, str, Styles], None]
    reading: str


INTERVALS = "Bars are 95 % intervals."
LOOKS: dict[str, Look] = {
    "subsets": Look(_subsets, "Marks are single subsets, without intervals; the line is their mean."),
    "changes": Look(_changes, "Paired differences with 95 % intervals."),
    "curve": Look(_curve, INTERVALS),
    "spaces": Look(
        _spaces, f"{INTERVALS} Level lines and bands: specialists. Crosses: where they are reached, in external spaces."
    ),
    "front": Look(_front, INTERVALS),
}


def _errors(
    axes: Axes, readings: list[Reading], role: str, ablation: Ablation, style: Mapping[str, Any], label: str
) -> None:
    if not readings:
        return
    measure, estimates = ablation.evidence.measure, [r.by_role[role] for r in readings]
    values = np.array([estimate.value for estimate in estimates]) * measure.scale
    axes.errorbar([_x(r) for r in readings], values, yerr=_bars(estimates, measure), label=label, **_look(style))


def _look(style: Mapping[str, Any]) -> dict[str, Any]:
    return {**style, "markeredgecolor": INK, "markeredgewidth": 0.6, "elinewidth": 1.3, "capsize": 2.5}


def _bars(estimates: Sequence[Estimate], measure: Measure) -> np.ndarray:
    """Return (2, N) lengths of error bars; 0 where there is no interval."""
    return np.concatenate([_or_none(interval_bars(estimate, measure)) for estimate in estimates], axis=1)


def _or_none(bars: np.ndarray | None) -> np.ndarray:
    return np.zeros((2, 1)) if bars is None else bars


def _label(axes: Axes, ablation: Ablation) -> None:
    measure = ablation.evidence.measure
    xs = sorted({r.point.x for r in ablation.readings if r.point.x is not None})
    if xs and xs[0] > 0 and xs[-1] / xs[0] >= _LOG_FROM and ablation.kind.drawing != "subsets":
        axes.set_xscale("log")
    axes.set_xticks(xs, [f"{x:,g}" for x in xs])
    axes.minorticks_off()
    axes.set_xlabel(ablation.kind.axis)
    axes.set_ylabel(f"{measure.label}{measure.in_brackets}")


def _x(reading: Reading) -> float:
    assert reading.point.x is not None
    return reading.point.x
