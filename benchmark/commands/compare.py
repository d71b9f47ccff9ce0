"""What ``tst-bench compare`` does."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from benchmark.commands.finding import runs_of
from benchmark.report import WIDTH_IN_FILES
from benchmark.report.comparison import Comparison, compare_models, compare_results, comparison_grid, in_words
from benchmark.report.grids import terminal_table
from benchmark.report.page import heading
from benchmark.results import SUFFIX, collect, load_result
from sim_envs.errors import UserError


def compare(first: str, second: str, suite: str | None, scene: str | None, home: Path) -> None:
    """Print how two models of a run, or two result files, differ."""
    files = [name.endswith(SUFFIX) for name in (first, second)]
    if any(files) and not all(files):
        raise UserError(f"Compare two models of a run, or two files that end in {SUFFIX}; not one of each.")
    if all(files):
        found = [compare_results(load_result(Path(first)), load_result(Path(second)))]
    else:
        results = [result for run in runs_of(suite, scene, home) for result in collect(run / "results")]
        found = compare_models(results, first, second)
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_IN_FILES
    for comparison in found:
        _print(comparison, console)


def _print(comparison: Comparison, console: Console) -> None:
    grid = comparison_grid(comparison)
    console.print(terminal_table(grid, f"{heading(comparison.evidence)}: {grid.title}", console.width))
    for sentence in in_words(comparison):
        console.print(f"• {sentence}", markup=False, highlight=False)
    console.print()
