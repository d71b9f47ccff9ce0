"""A report in every format says the same, and what is published from it can be read without colour or fonts."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from benchmark.report import FORMATS, ReportFiles, build_report, gather
from benchmark.report.charts import categories_drawing, forest_drawing
from benchmark.report.extremes import collect_extremes, frame_scores
from benchmark.report.grids import Cell, Grid, latex, latex_text
from benchmark.report.plots import front, tradeoff_drawing
from benchmark.report.style import save_drawing, style_of
from benchmark.report.tables import scores_grid
from benchmark.tasks.semseg import SEMSEG
from sim_envs.errors import UserError
from tests.benchmark.test_report import RECORDINGS, SKILL, make_result, open_recording


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("results")
    return [make_result(folder, model, seed=seed) for model in SKILL for seed in range(2)]


@pytest.fixture(scope="module")
def files(results: list[Any], tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    formats = [name for name in FORMATS if name != "html"]
    return build_report(results, tmp_path_factory.mktemp("report"), formats=formats)


def test_a_format_that_does_not_exist_is_refused_with_the_near_ones(results: list[Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="latex"):
        build_report(results, tmp_path, formats=("latx",))
    assert not list(tmp_path.iterdir())


def test_only_what_was_asked_for_is_written(results: list[Any], tmp_path: Path) -> None:
    build_report(results, tmp_path, formats=("csv", "latex"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.csv", "report.tex"]


def test_parquet_holds_what_the_csv_holds_with_types(files: ReportFiles) -> None:
    table = parquet.read_table(files.written["parquet"][0]).to_pylist()
    with files.csv.open(newline="", encoding="utf-8") as file:
        texts = list(csv.DictReader(file))
    assert len(table) == len(texts) > 0
    for record, text in zip(table, texts, strict=True):
        assert record["value"] == float(text["value"])
        assert record["model"] == text["model"]
        assert (record["rank_best"] is None) == (text["rank_best"] == "") == (record["role"] == "gap")
    test = next(r for r in table if (r["model"], r["role"], r["measure"]) == ("tst", "test", "miou"))
    assert (test["tested_in"], test["rank_best"], test["rank_worst"]) == ("builtin/flat-01", 1, 1)


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of every line of a LaTeX tabular."""
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    return [re.split(r"(?<!\\)&", line.removesuffix(r" \\")) for line in body.splitlines() if line.endswith(r"\\")]


def test_latex_tables_have_booktabs_rules_and_as_many_cells_as_columns(files: ReportFiles) -> None:
    text = files.written["latex"][0].read_text(encoding="utf-8")
    tables = re.findall(r"\\begin{table}.*?\\end{table}", text, flags=re.DOTALL)
    assert len(tables) >= 5
    for table in tables:
        (align,) = re.findall(r"\\begin{tabular}{([lr]+)}", table)
        assert {len(row) for row in rows_of(table)} == {len(align)}
        assert [table.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
        assert "|" not in align
    assert r"\textbf{" in tables[0]
    assert text.isascii()
    stripped = re.sub(r"\\[{}]", "", text)
    assert stripped.count("{") == stripped.count("}")


def test_latex_escapes_what_it_would_take_for_commands() -> None:
    assert latex_text("a_b & 5 % {x} #1 ~ ^ \\ −2 ≈ <") == (
        r"a\_b \& 5 \% \{x\} \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} $-$2 $\approx$ $<$"
    )
    assert latex_text("漢") == "[U+6F22]"
    grid = Grid("50 %", ("model", "a_b"), ((Cell("x & y"), Cell("−1", -1, "tied")),), ("",))
    assert rows_of(latex(grid)) == [["model ", r" a\_b"], [r"x \& y ", r" $\approx$ $-$1"]]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_the_latex_document_compiles(files: ReportFiles, tmp_path: Path) -> None:
    (source,) = files.written["latex"]
    arguments = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={tmp_path}", str(source)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]


def test_every_figure_is_an_svg_and_a_png_with_its_caption(files: ReportFiles) -> None:
    paths = files.written["figures"]
    names = {path.stem.rsplit("-", 1)[1] for path in paths}
    assert names == {"tradeoff", "differences", "categories", "pretrain", "transfer"}
    assert {path.suffix for path in paths} == {".svg", ".png"}
    for path in paths:
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        else:
            opened = Image.open(path).convert("RGBA")
            assert opened.getextrema()[3] == (255, 255)
            pixels = np.asarray(opened.convert("L"))
            assert pixels[0].mean() == 255
            assert pixels.min() < 60


def test_figures_are_the_same_bytes_every_time(results: list[Any], tmp_path: Path) -> None:
    (table,) = gather(results)
    for folder in ("one", "two"):
        drawing = forest_drawing(table, "forest")
        assert drawing is not None
        save_drawing(drawing, tmp_path / folder)
    for name in ("forest.svg", "forest.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_sixty_four_models_look_different_without_two_of_one_colour_and_marker() -> None:
    styles = style_of([str(i) for i in range(64)])
    assert len({(style["color"], style["marker"]) for style in styles.values()}) == 64
    first = list(styles.values())[:8]
    assert len({style["marker"] for style in first}) == len({style["color"] for style in first}) == 8


def test_the_front_holds_the_rows_that_none_beats_in_both(results: list[Any]) -> None:
    (table,) = gather(results)
    assert [row.model for row in front(table)] == ["tst", "tst-external"]
    drawing = tradeoff_drawing(table, style_of(list(SKILL)), "x")
    assert drawing is not None
    assert "On the front: tst, tst-external." in drawing.description


def test_the_forest_has_a_line_for_every_difference_and_a_panel_a_role(results: list[Any]) -> None:
    (table,) = gather(results)
    drawing = forest_drawing(table, "x")
    assert drawing is not None
    axes = drawing.figure.axes
    assert [ax.get_title() for ax in axes] == ["test space", "held-out spaces", "gap"]
    assert len(axes[0].get_yticklabels()) == len(table.differences)
    assert "tst less tst-mae" in drawing.description


def test_bars_tell_models_apart_by_hatches(results: list[Any]) -> None:
    (table,) = gather(results)
    drawing = categories_drawing(table, style_of(list(SKILL)), "x")
    assert drawing is not None
    assert len({container[0].get_hatch() for container in drawing.figure.axes[0].containers}) == len(SKILL)


def test_the_worst_and_best_frames_are_those_of_the_leading_row(results: list[Any]) -> None:
    (table,) = gather(results)
    found = collect_extremes(table, open_recording, count=3)
    assert found is not None
    assert found.model == "tst"
    scores = [extreme.score for extreme in found.frames]
    assert [extreme.worst for extreme in found.frames] == [True] * 3 + [False] * 3
    assert scores == sorted(scores)
    leader = next(row for row in table.rows if row.model == "tst").results[0]
    folder = leader.file(leader.prediction_folder)
    assert folder is not None
    recording = RECORDINGS["builtin/flat-01"]
    truth = SEMSEG.targets(recording, np.arange(32))
    said = found.frames[0].panel.predictions["tst"]
    alone = frame_scores(SEMSEG, said, truth[[found.frames[0].panel.frame]], table.spaces[0].scope)
    assert alone[0] == scores[0]


def test_scores_of_frames_are_those_of_each_by_itself(results: list[Any]) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 5, (300, 6, 6)).astype(np.uint8)
    truth[7] = 0
    said = np.where(rng.uniform(size=truth.shape) < 0.5, np.maximum(truth, 1), 3).astype(np.uint8)
    scope = SEMSEG.scope(SEMSEG.statistics(said, truth, np.zeros(300, int)).total, (1, 2, 3, 4))
    scores = frame_scores(SEMSEG, said, truth, scope)
    assert np.isnan(scores[7])
    for frame in (0, 150, 299):
        total = SEMSEG.statistics(said[[frame]], truth[[frame]], np.zeros(1, int)).total
        assert scores[frame] == SEMSEG.metrics(total, scope)["miou"]


def test_markdown_and_latex_show_the_same_cells(files: ReportFiles) -> None:
    grid = scores_grid(files.tables[0])
    text = files.written["latex"][0].read_text(encoding="utf-8")
    for row in grid.rows:
        for cell in row:
            assert latex_text(cell.text) in text
