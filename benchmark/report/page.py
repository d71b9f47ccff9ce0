"""One self-contained HTML page: style, script, figures and pictures are all inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from benchmark.report.evidence import ROLE_TITLES, Evidence
from benchmark.report.findings import findings
from benchmark.report.panels import Panel, category_colours, data_uri, legend, picture, right_share
from benchmark.report.plots import curves_figure, read_curve, style_of, tradeoff_figure
from benchmark.report.provenance import code_text, details, provenance_grids
from benchmark.report.tables import (
    Grid,
    categories_grid,
    differences_grid,
    left_out_grid,
    other_measures_grid,
    scores_grid,
)

STAGES = {"pretrain": "Pre-training", "transfer": "Transfer"}


@dataclass(frozen=True)
class FigurePart:
    """An inline SVG and what it rests on."""

    svg: str
    caption: str


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
class Section:
    """Everything the page says about one table."""

    anchor: str
    title: str
    subtitle: str
    findings: list[str]
    scores: Grid
    differences: Grid | None
    other: Grid | None
    categories: Grid | None
    left_out: Grid | None
    figures: list[FigurePart]
    models: list[str]
    frames: list[FrameRow]
    frames_note: str
    legend: list[tuple[str, str]]


def heading(evidence: Evidence) -> str:
    """Return ``semseg, finetune, in builtin/flat-01``."""
    return f"{evidence.task.name}, {evidence.protocol}, in {evidence.test_space}"


def render_page(tables: Sequence[Evidence], panels: Mapping[str, Sequence[Panel]]) -> str:
    """Return the HTML of a report.

    Args:
        panels: :attr:`Evidence.key` → frames to show.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    files = resources.files("benchmark.report")
    read = lambda name: (files / name).read_text(encoding="utf-8")  # noqa: E731
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    models = sorted({row.model for evidence in tables for row in evidence.rows})
    styles = style_of(models)
    newest = max((r for e in tables for row in e.rows for r in row.results), key=lambda result: result.created)
    return environment.from_string(read("page.html")).render(
        title="TST-Bench report",
        subtitle=f"{code_text(newest.environment)}; newest result of {newest.created[:16].replace('T', ' ')}",
        style=Markup(read("page.css")),  # our own files, not data
        script=Markup(read("page.js")),
        sections=[_section(evidence, panels.get(evidence.key, ()), styles) for evidence in tables],
        provenance=provenance_grids(tables),
        details=details(tables),
    )


def _section(evidence: Evidence, panels: Sequence[Panel], styles: Mapping[str, Mapping[str, str]]) -> Section:
    anchor = re.sub(r"[^a-z0-9]+", "-", evidence.key.lower()).strip("-")
    models = [row.model for row in evidence.rows]
    colours = category_colours(panels, evidence.task)
    return Section(
        anchor=anchor,
        title=heading(evidence),
        subtitle=f"suite {evidence.suite}, {evidence.variant}; scored on {evidence.scored_on[:12]}",
        findings=findings(evidence),
        scores=scores_grid(evidence),
        differences=differences_grid(evidence),
        other=other_measures_grid(evidence),
        categories=categories_grid(evidence),
        left_out=left_out_grid(evidence),
        figures=_figures(evidence, styles, anchor),
        models=models,
        frames=[_frame_row(panel, models, evidence, colours) for panel in panels],
        frames_note=(
            "Frames are evenly spaced over the scored ones, not chosen by result; each model's lowest seed. "
            f"{evidence.task.display_note}"
        ),
        legend=legend(panels, evidence.task, colours),
    )


def _figures(evidence: Evidence, styles: Mapping[str, Mapping[str, str]], anchor: str) -> list[FigurePart]:
    found = [
        FigurePart(
            tradeoff_figure(evidence, styles, f"{anchor}-tradeoff"),
            "Specialization against generalization, bars are 95 % intervals; on the dashed line both are equal. "
            f"{evidence.rests_on}",
        )
    ]
    for stage, title in STAGES.items():
        curves = {}
        for row in evidence.rows:
            paths = [result.file(result.curves.get(stage, "")) for result in row.results]
            curves[row.model] = [read_curve(path) for path in paths if path is not None]
        name = f"{title} loss"
        found.append(
            FigurePart(
                curves_figure(curves, styles, f"{anchor}-{stage}", name),
                f"{name}, one line a seed, smoothed over 3 % of the steps. Losses of models with different "
                "objectives are not comparable with each other."
                if stage == "pretrain"
                else f"{name}, one line a seed, smoothed over 3 % of the steps.",
            )
        )
    return [figure for figure in found if figure.svg]


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
