"""One self-contained HTML page: style, script, figures and pictures are all inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from benchmark.report.drawings import anchor_of, matrix_drawings, styles_of, table_drawings
from benchmark.report.evidence import ROLE_TITLES, Evidence
from benchmark.report.extremes import Extremes
from benchmark.report.findings import findings
from benchmark.report.grids import Grid
from benchmark.report.matrix import Matrix, matrix_finding, matrix_grid
from benchmark.report.panels import Panel, category_colours, data_uri, legend, picture, right_share
from benchmark.report.provenance import code_text, details, provenance_grids
from benchmark.report.style import Drawing, inline_svg
from benchmark.report.tables import (
    categories_grid,
    differences_grid,
    left_out_grid,
    other_measures_grid,
    power_grid,
    scores_grid,
)

WIDE_INCHES = 6.0
"""Figures wider than that get the width of the page."""


@dataclass(frozen=True)
class FigurePart:
    """An inline SVG and what it rests on."""

    name: str
    svg: str
    caption: str
    wide: bool


@dataclass(frozen=True)
class Tile:
    """One picture of a panel; no ``uri`` means there is none."""

    uri: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class FrameRow:
    """One frame: RGB, truth and every model's prediction."""

    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class MatrixPart:
    """One space × space matrix."""

    grid: Grid
    where: str
    figure: FigurePart


@dataclass(frozen=True)
class Section:
    """Everything the page says about one table; ``subtitled`` is a title that no other section has."""

    anchor: str
    title: str
    subtitle: str
    subtitled: str
    findings: list[str]
    scores: Grid
    differences: Grid | None
    power: Grid | None
    other: Grid | None
    categories: Grid | None
    left_out: Grid | None
    figures: list[FigurePart]
    models: list[str]
    frames: list[FrameRow]
    frames_note: str
    extremes: list[FrameRow]
    extremes_note: str
    legend: list[tuple[str, str]]


def heading(evidence: Evidence) -> str:
    """Return ``semseg, finetune, in builtin/flat-01``."""
    return f"{evidence.task.name}, {evidence.protocol}, in {evidence.test_space}"


def render_page(
    tables: Sequence[Evidence],
    matrices: Sequence[Matrix],
    panels: Mapping[str, Sequence[Panel]],
    extremes: Mapping[str, Extremes],
) -> str:
    """Return the HTML of a report.

    Args:
        panels: :attr:`Evidence.key` → frames to show.
        extremes: :attr:`Evidence.key` → worst and best frames to show.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    files = resources.files("benchmark.report")
    read = lambda name: (files / name).read_text(encoding="utf-8")  # noqa: E731
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    styles = styles_of(tables)
    newest = max((r for e in tables for row in e.rows for r in row.results), key=lambda result: result.created)
    return environment.from_string(read("page.html")).render(
        title="TST-Bench report",
        subtitle=f"{code_text(newest.environment)}; newest result of {newest.created[:16].replace('T', ' ')}",
        style=Markup(read("page.css")),  # our own files, not data
        script=Markup(read("page.js")),
        sections=[_section(e, panels.get(e.key, ()), extremes.get(e.key), styles) for e in tables],
        matrices=[
            MatrixPart(matrix_grid(matrix), matrix.key, _figure(drawing))
            for matrix, drawing in zip(matrices, matrix_drawings(matrices), strict=True)
        ],
        matrix_findings=[matrix_finding(matrix) for matrix in matrices],
        provenance=provenance_grids(tables),
        details=details(tables),
    )


def _section(
    evidence: Evidence,
    panels: Sequence[Panel],
    extremes: Extremes | None,
    styles: Mapping[str, Mapping[str, Any]],
) -> Section:
    models = [row.model for row in evidence.rows]
    shown = [*panels, *(extreme.panel for extreme in extremes.frames)] if extremes else list(panels)
    colours = category_colours(shown, evidence.task)
    return Section(
        anchor=anchor_of(evidence.key),
        title=heading(evidence),
        subtitle=f"suite {evidence.suite}, {evidence.variant}; scored on {evidence.scored_on[:12]}",
        subtitled=f"{heading(evidence)}, {evidence.suite}, {evidence.scored_on[:8]}",
        findings=findings(evidence),
        scores=scores_grid(evidence),
        differences=differences_grid(evidence),
        power=power_grid(evidence),
        other=other_measures_grid(evidence),
        categories=categories_grid(evidence),
        left_out=left_out_grid(evidence),
        figures=[_figure(drawing) for drawing in table_drawings(evidence, styles)],
        models=models,
        frames=[_frame_row(panel, models, evidence, colours) for panel in panels],
        frames_note=(
            "Frames are evenly spaced over the scored ones, not chosen by result; each model's lowest seed. "
            f"{evidence.task.display_note}"
        ),
        extremes=_extreme_rows(extremes, models, evidence, colours),
        extremes_note=(
            f"Chosen by the {evidence.measure.label} that {extremes.model} has in each frame of the test space by "
            f"itself (its lowest seed); they show what can happen, not what is usual. {evidence.task.display_note}"
            if extremes
            else ""
        ),
        legend=legend(shown, evidence.task, colours),
    )


def _figure(drawing: Drawing) -> FigurePart:
    wide = drawing.figure.get_figwidth() > WIDE_INCHES
    return FigurePart(drawing.name, inline_svg(drawing, drawing.name), drawing.caption, wide)


def _extreme_rows(
    extremes: Extremes | None, models: Sequence[str], evidence: Evidence, colours: np.ndarray
) -> list[FrameRow]:
    if extremes is None:
        return []
    rows = []
    for extreme in extremes.frames:
        row = _frame_row(extreme.panel, models, evidence, colours)
        score = f"{evidence.measure.label} {evidence.measure.text(extreme.score)} {evidence.measure.unit}".strip()
        which = "among the worst" if extreme.worst else "among the best"
        rows.append(FrameRow(f"{which} ({score}): frame {extreme.panel.frame}", row.tiles))
    return rows


def _frame_row(panel: Panel, models: Sequence[str], evidence: Evidence, colours: np.ndarray) -> FrameRow:
    task = evidence.task
    where = f"{ROLE_TITLES[panel.role].removesuffix('s')} {panel.space}, frame {panel.frame}"
    tiles = [
        Tile(data_uri(panel.rgb), f"RGB, {where}"),
        Tile(data_uri(picture(panel.truth, panel, task, colours)), f"True {task.name}, {where}"),
    ]
    for model in models:
        if model not in panel.predictions:
            tiles.append(Tile("", ""))
            continue
        share = right_share(panel, model, task)
        pixels = picture(panel.predictions[model], panel, task, colours)
        tiles.append(Tile(data_uri(pixels), f"{task.name} by {model}, {where}: {share}", share))
    return FrameRow(where, tuple(tiles))
