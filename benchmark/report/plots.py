"""Figures as inline SVG: they take the page's text colour, scale without blur and need nothing from outside.

Colours are Okabe and Ito's, safe for colour-blind readers; shapes and dashes tell the same apart in grey.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.report.evidence import Evidence
from benchmark.statistics import Estimate
from benchmark.tasks import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
_INK = "#010203"  # stands for the page's text colour until the SVG is embedded


def style_of(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, marker and dash of each name; the same order gives the same look in every figure."""
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "linestyle": DASHES[i % len(DASHES)],
        }
        for i, name in enumerate(names)
    }


def tradeoff_figure(evidence: Evidence, styles: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Draw specialization against generalization with 95 % error bars and the line where they are equal.

    Returns:
        An ``<svg>`` element, or "" when there are no held-out spaces.
    """
    measure = evidence.measure
    if "held_out" not in evidence.roles:
        return ""
    figure, axes = _figure(5.2, 4.6)
    for row in evidence.rows:
        style = styles[row.model]
        x, y = row.estimates["held_out"][measure.key], row.estimates["test"][measure.key]
        if not np.isfinite([x.value, y.value]).all():
            continue
        axes.errorbar(
            x.value * measure.scale,
            y.value * measure.scale,
            xerr=_bar(x, measure),
            yerr=_bar(y, measure),
            fmt=style["marker"],
            color=style["color"],
            markersize=8,
            markeredgecolor=_INK,
            markeredgewidth=0.6,
            elinewidth=1.3,
            capsize=2.5,
            label=f"{row.model} †" if row.flags else row.model,
        )
    unit = f" ({measure.unit})" if measure.unit else ""
    axes.set_xlabel(f"generalization: {measure.label} in held-out spaces{unit}")
    axes.set_ylabel(f"specialization: {measure.label} in the test space{unit}")
    low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=_INK, alpha=0.45, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
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
        color=_INK,
        alpha=0.7,
    )
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    summary = "; ".join(
        f"{row.model}: {_plain(row.estimates['test'][measure.key], measure)} in the test space, "
        f"{_plain(row.estimates['held_out'][measure.key], measure)} in held-out spaces"
        for row in evidence.rows
    )
    return _svg(figure, name, f"Scatter of {measure.label}, specialization against generalization. {summary}.")


def curves_figure(
    curves: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    styles: Mapping[str, Mapping[str, Any]],
    name: str,
    title: str,
) -> str:
    """Draw training losses: the mean over seeds, smoothed, one line a model.

    Args:
        curves: model → (steps, losses) of each seed.

    Returns:
        An ``<svg>`` element, or "" without curves.
    """
    shown = {model: [pair for pair in seeds if len(pair[0])] for model, seeds in curves.items()}
    shown = {model: seeds for model, seeds in shown.items() if seeds}
    if not shown:
        return ""
    figure, axes = _figure(5.2, 3.2)
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
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    ends = "; ".join(f"{model} ends at {seeds[0][1][-1]:.3g}" for model, seeds in shown.items())
    return _svg(figure, name, f"{title}. {ends}.")


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


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """Return a centred moving mean over about 3 % of the curve, shorter at the ends."""
    half = max(1, len(losses) // 60)
    total = np.concatenate([[0.0], np.cumsum(losses)])
    middle = np.arange(len(losses))
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half + 1, len(losses))
    return (total[high] - total[low]) / (high - low)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    for spine in ("left", "bottom"):
        axes.spines[spine].set_color(_INK)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    axes.title.set_color(_INK)
    axes.title.set_fontsize(10)
    axes.grid(color=_INK, alpha=0.1, linewidth=0.7)
    return figure, axes


def _svg(figure: Figure, name: str, description: str) -> str:
    """Return the figure as an element whose ids start with ``name`` and whose ink is the page's text colour."""
    import matplotlib
    from markupsafe import escape

    for axes in figure.axes:
        legend = axes.get_legend()
        for entry in legend.get_texts() if legend else ():
            entry.set_color(_INK)
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(
            file,
            format="svg",
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{name}-', text)
    text = text.replace(_INK, "currentColor")
    label = f'<svg role="img" aria-label="{escape(description)}" class="figure"'
    return text.replace("<svg", label, 1).strip()


def _bar(estimate: Estimate, measure: Measure) -> np.ndarray | None:
    low, high = estimate.interval
    if not np.isfinite([low, high]).all():
        return None
    bounds = np.array([[estimate.value - low], [high - estimate.value]]) * measure.scale
    return np.maximum(bounds, 0)


def _plain(estimate: Estimate, measure: Measure) -> str:
    return f"{measure.text(estimate.value)} {measure.unit}".strip()
