"""Reports: from result files to tables in the terminal, and to files in several formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.report.evidence import ROLE_TITLES, Evidence, gather
from benchmark.report.extremes import collect_extremes
from benchmark.report.findings import findings
from benchmark.report.formats import FORMATS, Report
from benchmark.report.grids import narrowed, terminal_table
from benchmark.report.matrix import Matrix, matrices, matrix_finding, matrix_grid
from benchmark.report.page import heading
from benchmark.report.panels import OpenRecording, collect_panels
from benchmark.report.tables import RANK_TITLES, differences_grid, scores_grid
from benchmark.results import Result
from sim_envs.errors import unknown

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["FORMATS", "Evidence", "ReportFiles", "build_report", "gather", "print_report"]

WIDTH_IN_FILES = 150  # columns of the tables when the output is not a terminal


@dataclass(frozen=True)
class ReportFiles:
    """What :func:`build_report` wrote, and the tables behind it.

    Attributes:
        written: format → its files.
    """

    written: Mapping[str, Sequence[Path]]
    tables: tuple[Evidence, ...]
    matrices: tuple[Matrix, ...]

    @property
    def html(self) -> Path:
        """The page."""
        return self.written["html"][0]

    @property
    def markdown(self) -> Path:
        """The Markdown file."""
        return self.written["markdown"][0]

    @property
    def csv(self) -> Path:
        """The CSV file."""
        return self.written["csv"][0]


def build_report(
    results: Sequence[Result],
    out: Path,
    *,
    open_recording: OpenRecording | None = None,
    frames_per_space: int = 3,
    formats: Sequence[str] = tuple(FORMATS),
) -> ReportFiles:
    """Write a report into ``out``, in all formats or in some.

    Args:
        open_recording: (space, digest) → recording, for panels of RGB, truth and predictions; without it the page
            has none.
        frames_per_space: frames shown of each space.
        formats: names in :data:`FORMATS`.

    Raises:
        UserError: no results; an unknown format; two results of the same model and seed; results that do not fit
            together; a prediction file that was damaged.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    tables = tuple(gather(results))
    report = Report(tables, matrices(tables))
    if open_recording is not None and "html" in formats:
        extremes = {table.key: collect_extremes(table, open_recording) for table in tables}
        report = replace(
            report,
            panels={table.key: collect_panels(table, open_recording, frames_per_space) for table in tables},
            extremes={key: found for key, found in extremes.items() if found is not None},
        )
    written = {name: FORMATS[name](report, out) for name in dict.fromkeys(formats)}
    return ReportFiles(written, tables, tuple(report.matrices))


def print_report(tables: Sequence[Evidence], console: Console | None = None) -> None:
    """Print main tables, differences, matrices and findings to the terminal."""
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
    for matrix in matrices(tables):
        grid = matrix_grid(matrix)
        title = f"{matrix.task.name}, {matrix.protocol}: {grid.title}"
        console.print(terminal_table(grid, title, console.width))
        console.print(f"• {matrix_finding(matrix)}\n", markup=False, highlight=False)
