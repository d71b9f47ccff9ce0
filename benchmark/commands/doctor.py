"""What ``tst-bench doctor`` does."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from benchmark.commands.console import note, out
from benchmark.doctor.checks import diagnose
from benchmark.doctor.findings import Report

MARKS = {"ok": "[green]✓[/]", "absent": "[dim]–[/]", "warning": "[yellow]![/]", "failure": "[red]✗[/]"}


def examine(home: Path, as_json: bool) -> None:
    """Print what was found, and leave with code 1 when the main job cannot run here."""
    with note.status("Looking …"):
        report = diagnose(home)
    if as_json:
        print(report.anonymised().model_dump_json(indent=1))
    else:
        _print(report)
    if not report.main_job:
        sys.exit(1)


def _print(report: Report) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in report.findings:
        advice = f"\n[dim]→ {escape(finding.advice)}[/]" if finding.advice else ""
        table.add_row(MARKS[finding.status], finding.name, escape(finding.found) + advice)
    out.print(table)
    missing = ", ".join(finding.name for finding in report.findings if finding.status == "failure")
    out.print("The main job can run here." if report.main_job else f"The main job cannot run here: {missing}.")
