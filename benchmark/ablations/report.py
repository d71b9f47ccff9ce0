"""Files of an ablation: figure (SVG, PNG), table (CSV) and words (Markdown), one set a task and protocol."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.ablations.figures import ablation_drawing
from benchmark.ablations.kinds import Kind, Point
from benchmark.ablations.readings import Ablation, read
from benchmark.ablations.words import sentences
from benchmark.report.evidence import ROLE_TITLES, gather
from benchmark.report.style import save_drawing
from benchmark.report.tables import interval_text
from benchmark.results import Result
from sim_envs.errors import UserError
from sim_envs.storage import write_whole

COLUMNS = (
    "ablation",
    "line",
    "x",
    "label",
    "model",
    "task",
    "protocol",
    "measure",
    "role",
    "value",
    "low",
    "high",
    "seeds",
)


@dataclass(frozen=True, eq=False)
class AblationFiles:
    """What was written for one ablation."""

    ablation: Ablation
    svg: Path
    png: Path
    csv: Path
    markdown: Path


def write_ablation(kind: Kind, points: Sequence[Point], results: Sequence[Result], folder: Path) -> list[AblationFiles]:
    """Read an ablation out of results and write its files, one set for each table that holds any of it.

    Raises:
        UserError: no result is of the grid.
    """
    found = [read(kind, points, evidence) for evidence in gather(results)]
    found = [ablation for ablation in found if ablation.readings]
    if not found:
        raise UserError("None of the grid has a result yet. Run it: tst-bench ablate.")
    return [_write(ablation, folder) for ablation in found]


def _write(ablation: Ablation, folder: Path) -> AblationFiles:
    evidence = ablation.evidence
    name = f"{ablation.kind.name}-{evidence.task.name}-{evidence.protocol}"
    svg, png = save_drawing(ablation_drawing(ablation, name), folder)
    files = AblationFiles(ablation, svg, png, folder / f"{name}.csv", folder / f"{name}.md")
    _write_text(files.csv, csv_of(ablation))
    _write_text(files.markdown, markdown_of(ablation, files.png.name))
    return files


def csv_of(ablation: Ablation) -> str:
    """Return one row a point and role, unscaled."""
    out, evidence = io.StringIO(), ablation.evidence
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for reading in ablation.readings:
        point = reading.point
        for role, estimate in reading.by_role.items():
            low, high = (f"{v:.6g}" if np.isfinite(v) else "" for v in estimate.interval)
            writer.writerow(
                [
                    ablation.kind.name,
                    point.line,
                    "" if point.x is None else f"{point.x:g}",
                    point.label,
                    point.model,
                    evidence.task.name,
                    evidence.protocol,
                    evidence.measure.key,
                    role,
                    f"{estimate.value:.6g}",
                    low,
                    high,
                    len(estimate.seeds),
                ]
            )
    return out.getvalue()


def markdown_of(ablation: Ablation, picture: str) -> str:
    """Return title, figure, table, sentences and what it rests on."""
    evidence, measure = ablation.evidence, ablation.evidence.measure
    titles = [f"{measure.label}{measure.in_brackets}, {ROLE_TITLES[role]}" for role in ablation.roles]
    lines = [
        f"# {ablation.kind.summary}",
        "",
        f"{evidence.task.name}, {evidence.protocol}, in {evidence.test_space}; suite {evidence.suite}.",
        "",
        f"![{ablation.kind.summary}]({picture})",
        "",
        f"| row | {' | '.join(titles)} |",
        f"|---|{'---:|' * len(ablation.roles)}",
    ]
    for reading in ablation.readings:
        cells = [interval_text(reading.by_role[role], measure) for role in ablation.roles]
        lines.append(f"| {reading.point.line}: {reading.point.label} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences(ablation)), "", evidence.rests_on, ""])


def _write_text(path: Path, text: str) -> None:
    def write(beside: Path) -> None:
        beside.write_text(text, encoding="utf-8")

    write_whole(path, write)
