"""Reports: from result files to a table in the terminal, Markdown, CSV and one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.report.evidence import ROLE_TITLES, Evidence, gather
from benchmark.report.findings import findings
from benchmark.report.page import heading, render_page
from benchmark.report.panels import OpenRecording, collect_panels
from benchmark.report.provenance import provenance_grids
from benchmark.report.tables import (
    RANK_TITLES,
    categories_grid,
    csv_text,
    differences_grid,
    left_out_grid,
    markdown,
    narrowed,
    other_measures_grid,
    power_grid,
    scores_grid,
    terminal_table,
)
from benchmark.results import Result
from sim_envs.storage import write_whole

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Evidence", "ReportFiles", "build_report", "gather", "print_report"]

WIDTH_IN_FILES = 150  # columns of the tables when the output is not a terminal


@dataclass(frozen=True)
class ReportFiles:
    """What :func:`build_report` wrote, and the tables behind it."""

    markdown: Path
    csv: Path
    html: Path
    tables: tuple[Evidence, ...]


def build_report(
    results: Sequence[Result],
    out: Path,
    *,
    open_recording: OpenRecording | None = None,
    frames_per_space: int = 3,
) -> ReportFiles:
    """Write ``report.md``, ``report.csv`` and ``report.html`` into ``out``.

    Args:
        open_recording: (space, digest) → recording, for panels of RGB, truth and predictions; without it the page
            has none.
        frames_per_space: frames shown of each space.

    Raises:
        UserError: no results; two results of the same model and seed; results that do not fit together; a
            prediction file that was damaged.
    """
    tables = gather(results)
    panels = {}
    if open_recording is not None:
        panels = {e.key: collect_panels(e, open_recording, frames_per_space) for e in tables}
    files = ReportFiles(out / "report.md", out / "report.csv", out / "report.html", tuple(tables))
    _write(files.markdown, markdown_text(tables))
    _write(files.csv, csv_text(tables))
    _write(files.html, render_page(tables, panels))
    return files


def print_report(tables: Sequence[Evidence], console: Console | None = None) -> None:
    """Print the main table, the differences and the findings of every setting to the terminal."""
    from rich.console import Console as RichConsole

    if console is None:
        console = RichConsole()
        if not console.is_terminal:
            console.width = WIDTH_IN_FILES
    for evidence in tables:
        shown = ("model", "track", *ROLE_TITLES.values(), *RANK_TITLES.values())
        scores = narrowed(scores_grid(evidence), shown)
        console.print(terminal_table(scores, heading(evidence), console.width))
        differences = differences_grid(evidence)
        if differences is not None:
            note = "Paired on trajectories and seeds; p corrected for all comparisons of this table."
            console.print(terminal_table(replace(differences, note=note), differences.title, console.width))
        for sentence in findings(evidence):
            console.print(f"• {sentence}", markup=False, highlight=False)
        console.print()


def markdown_text(tables: Sequence[Evidence]) -> str:
    """Return the report as Markdown: everything but figures and pictures."""
    parts = ["# TST-Bench report\n"]
    for evidence in tables:
        parts.append(f"## {heading(evidence)}\n\nsuite {evidence.suite}, {evidence.variant}\n")
        parts.append("\n".join(f"- {sentence}" for sentence in findings(evidence)) + "\n")
        grids = (scores_grid, differences_grid, power_grid, other_measures_grid, categories_grid, left_out_grid)
        parts += [markdown(grid) for make in grids if (grid := make(evidence)) is not None]
    parts.append("## Provenance\n")
    parts += [markdown(grid) for grid in provenance_grids(tables)]
    return "\n".join(parts)


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda beside: _write_text(beside, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
