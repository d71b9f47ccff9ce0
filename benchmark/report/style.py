"""How all figures look, and how they are written: inline in the page, and as SVG and PNG files.

Colours are Okabe and Ito's, safe for colour-blind readers; shapes, dashes and hatches tell the same apart in grey.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim_envs.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\", "++", "oo")
INK = "#010203"  # stands for the page's text colour until an SVG is embedded
DPI = 200


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure with what a reader needs besides.

    Attributes:
        name: of its files.
        figure: drawn in :data:`INK` on nothing, see :func:`new_figure`.
        description: what it shows, in full, for who cannot see it.
        caption: what stands under it: how to read it, and what it rests on.
    """

    name: str
    figure: Figure
    description: str
    caption: str


def style_of(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour, marker and dash of each name; the same order gives the same look in every figure.

    No two of the first 64 names look the same.
    """
    return {
        name: {
            "color": COLOURS[(i + i // len(MARKERS)) % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "linestyle": DASHES[i % len(DASHES)],
        }
        for i, name in enumerate(names)
    }


def new_figure(width: float, height: float, columns: int = 1, **shared: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many inches with a row of empty axes.

    Args:
        shared: as of :meth:`matplotlib.figure.Figure.subplots`, e.g. ``sharey=True``.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    every = list(figure.subplots(1, columns, squeeze=False, **shared)[0])
    figure.patch.set_alpha(0)
    for axes in every:
        axes.patch.set_alpha(0)
        for spine in ("top", "right"):
            axes.spines[spine].set_visible(False)
        for spine in ("left", "bottom"):
            axes.spines[spine].set_color(INK)
        axes.tick_params(colors=INK, labelsize=9)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(INK)
        axes.title.set_fontsize(10)
        axes.grid(color=INK, alpha=0.1, linewidth=0.7)
    return figure, every


def legend_beside(axes: Axes) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    legend = axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for entry in legend.get_texts():
        entry.set_color(INK)


def inline_svg(drawing: Drawing, prefix: str) -> str:
    """Return an ``<svg>`` element that takes the page's text colour.

    Args:
        prefix: what its ids begin with; another one for every figure of a page.
    """
    from markupsafe import escape

    text = _svg_text(drawing.figure, prefix, "none", transparent=True)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}-', text)
    text = text.replace(INK, "currentColor")
    label = f'<svg role="img" aria-label="{escape(drawing.description)}" class="figure"'
    return text.replace("<svg", label, 1).strip()


def save_drawing(drawing: Drawing, folder: Path) -> list[Path]:
    """Write ``NAME.svg`` and ``NAME.png``, on white and with the caption beneath; the same bytes every time."""
    svg, png = folder / f"{drawing.name}.svg", folder / f"{drawing.name}.png"
    columns = max(40, round(drawing.figure.get_figwidth() * 17))
    caption = drawing.figure.text(
        0.0, -0.02, textwrap.fill(drawing.caption, columns), fontsize=7, va="top", ha="left", color=INK
    )
    drawing.figure.patch.set_alpha(1)
    try:
        text = _svg_text(drawing.figure, drawing.name, "path", transparent=False)
        write_whole(svg, lambda beside: _write_text(beside, text))
        write_whole(png, lambda beside: _write_png(drawing.figure, beside))
    finally:
        caption.remove()
        drawing.figure.patch.set_alpha(0)
    return [svg, png]


def _svg_text(figure: Figure, salt: str, fonts: str, transparent: bool) -> str:
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": fonts, "svg.hashsalt": salt, "font.family": "sans-serif"}):
        figure.savefig(
            file,
            format="svg",
            bbox_inches="tight",
            facecolor="none" if transparent else "white",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return file.getvalue()


def _write_png(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", dpi=DPI, bbox_inches="tight", facecolor="white", metadata={"Software": None})


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
