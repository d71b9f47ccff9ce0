"""All figures of a report, drawn once and used by the page and as files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.report.charts import categories_drawing, forest_drawing, matrix_drawing
from benchmark.report.evidence import Evidence
from benchmark.report.matrix import Matrix
from benchmark.report.plots import curves_drawing, read_curve, tradeoff_drawing
from benchmark.report.style import Drawing, style_of

STAGES = {"pretrain": "Pre-training", "transfer": "Transfer"}


def styles_of(tables: Sequence[Evidence]) -> dict[str, dict[str, Any]]:
    """Return the look of every model, the same in all figures of a report."""
    return style_of(sorted({row.model for evidence in tables for row in evidence.rows}))


def anchor_of(key: str) -> str:
    """Return a name for links and files: lower case, no spaces."""
    return re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def table_drawings(evidence: Evidence, styles: Mapping[str, Mapping[str, Any]]) -> list[Drawing]:
    """Return the figures of one table."""
    anchor = anchor_of(evidence.key)
    found = [
        tradeoff_drawing(evidence, styles, f"{anchor}-tradeoff"),
        forest_drawing(evidence, f"{anchor}-differences"),
        categories_drawing(evidence, styles, f"{anchor}-categories"),
        *(_curves(evidence, styles, stage, f"{anchor}-{stage}") for stage in STAGES),
    ]
    return [drawing for drawing in found if drawing is not None]


def matrix_drawings(matrices: Sequence[Matrix]) -> list[Drawing]:
    """Return a heat map for every matrix."""
    return [matrix_drawing(matrix, f"matrix-{anchor_of(matrix.key)}") for matrix in matrices]


def _curves(evidence: Evidence, styles: Mapping[str, Mapping[str, Any]], stage: str, name: str) -> Drawing | None:
    curves = {}
    for row in evidence.rows:
        paths = [result.file(result.curves.get(stage, "")) for result in row.results]
        curves[row.model] = [read_curve(path) for path in paths if path is not None]
    title = f"{STAGES[stage]} loss"
    caption = f"{title}, one line a seed, smoothed over 3 % of the steps."
    if stage == "pretrain":
        caption += " Losses of models with different objectives are not comparable with each other."
    return curves_drawing(curves, styles, name, title, caption)
