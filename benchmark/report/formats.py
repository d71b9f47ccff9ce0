"""The formats of a report: each writes its files into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.report.drawings import matrix_drawings, styles_of, table_drawings
from benchmark.report.evidence import Evidence
from benchmark.report.extremes import Extremes
from benchmark.report.findings import findings
from benchmark.report.grids import Grid, latex, latex_text, markdown
from benchmark.report.matrix import Matrix, matrix_finding, matrix_grid
from benchmark.report.page import heading, render_page
from benchmark.report.panels import Panel
from benchmark.report.provenance import provenance_grids
from benchmark.report.records import csv_text, records, write_parquet
from benchmark.report.style import save_drawing
from benchmark.report.tables import (
    categories_grid,
    differences_grid,
    left_out_grid,
    other_measures_grid,
    power_grid,
    scores_grid,
)
from sim_envs.storage import write_whole

LATEX_HEAD = r"""% Complete: pdflatex report.tex. To take a table elsewhere, copy its table environment.
\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[landscape,margin=1.5cm]{geometry}
\usepackage{booktabs,graphicx,textcomp}
\begin{document}
\section*{TST-Bench report}
"""


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a report is written from.

    Attributes:
        panels: :attr:`Evidence.key` → frames to show.
        extremes: :attr:`Evidence.key` → worst and best frames.
    """

    tables: Sequence[Evidence]
    matrices: Sequence[Matrix] = ()
    panels: Mapping[str, Sequence[Panel]] = field(default_factory=dict)
    extremes: Mapping[str, Extremes] = field(default_factory=dict)


def write_html(report: Report, folder: Path) -> list[Path]:
    """Write one page that needs nothing else."""
    page = render_page(report.tables, report.matrices, report.panels, report.extremes)
    return [_write(folder / "report.html", page)]


def write_markdown(report: Report, folder: Path) -> list[Path]:
    """Write everything but figures and pictures."""
    parts = ["# TST-Bench report\n"]
    for evidence in report.tables:
        parts.append(f"## {heading(evidence)}\n\nsuite {evidence.suite}, {evidence.variant}\n")
        parts.append("\n".join(f"- {sentence}" for sentence in findings(evidence)) + "\n")
        parts += [markdown(grid) for grid in _grids(evidence)]
    if report.matrices:
        parts.append("## Pre-trained in one test space, tested in another\n")
        parts.append("\n".join(f"- {matrix_finding(matrix)}" for matrix in report.matrices) + "\n")
        parts += [markdown(matrix_grid(matrix)) for matrix in report.matrices]
    parts.append("## Provenance\n")
    parts += [markdown(grid) for grid in provenance_grids(report.tables)]
    return [_write(folder / "report.md", "\n".join(parts))]


def write_latex(report: Report, folder: Path) -> list[Path]:
    """Write the tables for a paper, with booktabs, as a document that compiles."""
    parts = [LATEX_HEAD]
    for evidence in report.tables:
        parts.append(rf"\subsection*{{{latex_text(heading(evidence))}}}")
        parts += [latex(grid) for grid in _grids(evidence)]
        parts.append("\\clearpage\n")
    parts += [latex(matrix_grid(matrix)) for matrix in report.matrices]
    parts.append("\\end{document}\n")
    return [_write(folder / "report.tex", "\n".join(parts))]


def write_csv(report: Report, folder: Path) -> list[Path]:
    """Write every estimate, unrounded."""
    return [_write(folder / "report.csv", csv_text(records(report.tables, report.matrices)))]


def write_parquet_file(report: Report, folder: Path) -> list[Path]:
    """Write every estimate, unrounded and typed."""
    path = folder / "report.parquet"
    write_whole(path, lambda beside: write_parquet(records(report.tables, report.matrices), beside))
    return [path]


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure as SVG and as PNG, each with its caption beneath."""
    styles = styles_of(report.tables)
    drawings = [drawing for evidence in report.tables for drawing in table_drawings(evidence, styles)]
    drawings += matrix_drawings(report.matrices)
    return [path for drawing in drawings for path in save_drawing(drawing, folder / "figures")]


FORMATS: dict[str, Callable[[Report, Path], list[Path]]] = {
    "html": write_html,
    "markdown": write_markdown,
    "latex": write_latex,
    "csv": write_csv,
    "parquet": write_parquet_file,
    "figures": write_figures,
}


def _grids(evidence: Evidence) -> list[Grid]:
    makers = (scores_grid, differences_grid, power_grid, other_measures_grid, categories_grid, left_out_grid)
    return [grid for make in makers if (grid := make(evidence)) is not None]


def _write(path: Path, text: str) -> Path:
    write_whole(path, lambda beside: _write_text(beside, text))
    return path


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
