"""A report says what the numbers support, carries everything inside, and marks ties as ties."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmark.environment import environment
from benchmark.estimates import scores
from benchmark.predictions import SpacePrediction, save_predictions, score_prediction
from benchmark.report import ReportFiles, build_report, gather, print_report
from benchmark.report.charts import forest_drawing
from benchmark.report.drawings import styles_of
from benchmark.report.evidence import Row
from benchmark.report.findings import findings
from benchmark.report.grids import BEST, TIED, markdown
from benchmark.report.plots import read_curve, tradeoff_drawing
from benchmark.report.tables import power_grid, scores_grid
from benchmark.results import Compute, Result, SpaceResult, StoredStatistics, save_result
from benchmark.tasks import TASKS, Task
from benchmark.tasks.semseg import SEMSEG
from sim_envs.errors import UserError

SIZE = 48
ROOM = ("wall", "floor", "ceiling", "bed", "chair", "table", "window", "lamp")
SPACES = {"builtin/flat-01": "test", "builtin/flat-21": "held_out", "builtin/flat-22": "held_out"}
# Share of patches that a model gets right, in the test space and in held-out spaces.
SKILL = {
    "scratch": ("scratch", 0.62, 0.60),
    "tst-mae": ("sensors-only", 0.70, 0.62),
    "tst": ("sensors-only", 0.82, 0.63),
    "tst-external": ("external", 0.70, 0.68),
}


def make_recording(space: str, trajectories: int = 8, frames: int = 4) -> Any:
    """Return a small recording in memory: rooms of boxes, seen by (N,) frames of several trajectories."""
    rng = np.random.default_rng(sum(space.encode()))
    count = trajectories * frames
    semantic = np.zeros((count, SIZE, SIZE), np.uint16)
    depth = np.zeros((count, SIZE, SIZE), np.uint16)
    facing = np.eye(3)[rng.integers(0, 3, 9)]
    ground = np.arange(SIZE)[:, None]
    for i in range(count):
        semantic[i] = np.where(ground < 10, 3, np.where(ground < 30, 1, 2))
        depth[i] = (1500 + 2500 * np.exp(-np.abs(ground - 28) / 15)).astype(np.uint16)
        for category in rng.choice(np.arange(4, 9), 3, replace=False):
            y, x, h, w = rng.integers(6, 34), rng.integers(0, 34), rng.integers(6, 14), rng.integers(6, 14)
            semantic[i, y : y + h, x : x + w] = category
            depth[i, y : y + h, x : x + w] = rng.integers(700, 2500)
        depth[i, :2] = semantic[i, :2] = 0
    palette = rng.integers(60, 230, (9, 3))
    shade = rng.normal(0, 8, (count, SIZE, SIZE, 1))
    rgb = np.clip(palette[semantic] + shade, 0, 255).astype(np.uint8)
    normals = np.round((facing[semantic] + 1) * 127.5).astype(np.uint8)
    arrays = {"rgb": rgb, "semantic": semantic, "depth": depth, "normals": normals}
    return SimpleNamespace(
        array=arrays.__getitem__,
        meta=SimpleNamespace(categories=ROOM),
        trajectory_ids=np.repeat(np.arange(trajectories), frames),
        digest=f"{sum(space.encode()):064x}",
    )


RECORDINGS = {space: make_recording(space) for space in SPACES}


def open_recording(space: str, digest: str) -> Any:
    recording = RECORDINGS.get(space)
    return recording if recording and recording.digest == digest else None


def predict(task: Task, target: np.ndarray, skill: float, rng: np.random.Generator) -> np.ndarray:
    """Return the truth with errors in whole 6 × 6 patches, as a model of tokens makes them."""
    per_trajectory = np.repeat(rng.normal(skill, 0.03, len(target) // 4), 4)
    right = rng.uniform(size=(len(target), SIZE // 6, SIZE // 6)) < per_trajectory[:, None, None]
    right = right.repeat(6, axis=1).repeat(6, axis=2)
    if task.categories:
        other = rng.choice(np.unique(target[target > 0]), right[:, ::6, ::6].shape)
        wrong = other.repeat(6, axis=1).repeat(6, axis=2)
        return np.where(right & (target > 0), target, wrong).astype(np.uint8)
    if task.name == "normals":
        noise = rng.normal(0, np.where(right, 0.1, 1)[..., None], target.shape)
        return task.encode_prediction(np.moveaxis(target / 127.5 - 1 + noise, -1, 1))
    noise = rng.normal(0, np.where(right, 0.08, 0.4))
    return np.maximum(0.1, np.where(target > 0, target, 2) * np.exp(noise)).astype(np.float16)


def make_result(
    folder: Path,
    model: str,
    *,
    task: str = "semseg",
    protocol: str = "finetune",
    seed: int = 0,
    skill: tuple[str, float, float] | None = None,
    **changes: Any,
) -> Result:
    """Predict, write, score from disk and save one result, as a run does."""
    track, in_space, elsewhere = skill or SKILL[model]
    its = TASKS[task]
    rng = np.random.default_rng([seed, *model.encode(), *task.encode(), *protocol.encode()])
    stem = f"{model}-{task}-{protocol}-{seed}"
    rows = np.arange(len(RECORDINGS["builtin/flat-01"].trajectory_ids))
    drift = rng.normal(0, 0.004)
    parts = []
    for space, role in SPACES.items():
        target = its.targets(RECORDINGS[space], rows)
        values = predict(its, target, (in_space if role == "test" else elsewhere) + drift, rng)
        parts.append(SpacePrediction(space, RECORDINGS[space].digest, rows, values, (SIZE, SIZE)))
    manifest = save_predictions(folder / stem, parts, task=its, model=model, protocol=protocol, seed=seed)
    spaces = []
    for (space, role), stored in zip(SPACES.items(), manifest.spaces, strict=True):
        recording = RECORDINGS[space]
        statistics = score_prediction(
            folder / stem,
            space,
            task=its,
            target=its.targets(recording, rows),
            frames=rows,
            trajectory=recording.trajectory_ids,
            recording=recording.digest,
            shape=(SIZE, SIZE),
        )
        scope = its.scope(statistics.total, tuple(SEMSEG.taxonomy.lookup(ROOM)[1:-1].tolist()))
        spaces.append(
            SpaceResult(
                space=space,
                role=role,  # type: ignore[arg-type]
                recording=recording.digest,
                predictions=stored.sha256,
                scored=scope.scored,
                left_out=dict(scope.left_out),
                lacking=("bathtub", "toilet") if its.categories else (),
                statistics=StoredStatistics.pack(statistics),
            )
        )
    steps = np.arange(0, 1200, 10)
    with (folder / stem / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "validation"])
        for step in steps:
            writer.writerow([step, 1.2 * np.exp(-step / 400) + 0.4 + rng.normal(0, 0.03), ""])
    pretrained = model != "scratch"
    fields: dict[str, Any] = {
        "suite": "demo v1",
        "test_space": "builtin/flat-01",
        "variant": "inductive",
        "model": model,
        "track": track,
        "task": task,
        "task_version": its.version,
        "protocol": protocol,
        "seed": seed,
        "created": "2026-01-01T00:00:00+00:00",
        "configuration": {"pretrain": {"steps": 1200, "lr": 1e-3}},
        "ledger": {"entries": [{"role": "test", "source": "builtin/flat-01", "frames": 3000}] if pretrained else []},
        "environment": environment(),
        "inputs": {"suite": "ab" * 32},
        "compute": Compute(
            parameters=1_900_000,
            pretrain_steps=1200 * pretrained,
            pretrain_frames=3000 * pretrained,
            pretrain_seconds=140.0 * pretrained,
            transfer_steps=600,
            transfer_frames=1800,
            transfer_seconds=60,
            predict_frames_per_second=850,
        ),
        "timings": {"pretrain": 140.0 * pretrained, "transfer": 60.0, "predict": 2.1},
        "spaces": tuple(spaces),
        "scores": scores(spaces, its, seed),
        "curves": {"transfer": f"{stem}/log.csv"} | ({"pretrain": f"{stem}/log.csv"} if pretrained else {}),
        "prediction_folder": stem,
    }
    result = Result(**(fields | changes))
    save_result(folder, result)
    return result


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    folder = tmp_path_factory.mktemp("results")
    return [make_result(folder, model, seed=seed) for model in SKILL for seed in range(3)]


@pytest.fixture(scope="module")
def files(results: list[Result], tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return build_report(results, tmp_path_factory.mktemp("report"), open_recording=open_recording)


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., Result]:
    return lambda model, **options: make_result(tmp_path, model, **options)


def page_of(results: list[Result], folder: Path) -> str:
    """Return the page of a report with panels."""
    return build_report(results, folder, open_recording=open_recording, formats=("html",)).html.read_text()


def test_a_clear_leader_is_bold_and_flagged_rows_are_not_ranked(results: list[Result], one: Any) -> None:
    expert = one("oracle", skill=("oracle", 0.95, 0.95))
    (table,) = gather([*results, expert])
    grid = scores_grid(table)
    test_space = grid.columns.index("test space")
    marks = {row[0].value: row[test_space].mark for row in grid.rows}
    assert marks == {"scratch": "", "tst-mae": "", "tst": BEST, "tst-external": "", "oracle": ""}
    assert "oracle †" in [row[0].text for row in grid.rows]
    assert "oracle: learned from labels of the test space" in grid.note
    assert not any("oracle" in (d.better, d.reference) for d in table.differences)


def test_models_that_cannot_be_told_apart_share_the_lead(one: Any) -> None:
    (table,) = gather([one("tst", skill=("sensors-only", 0.7, 0.6)), one("tst-mae", skill=("sensors-only", 0.7, 0.6))])
    column = scores_grid(table).columns.index("test space")
    assert [row[column].mark for row in scores_grid(table).rows] == [TIED, TIED]
    said = " ".join(findings(table))
    assert "share the lead" in said
    assert "tst cannot be told apart from tst-mae in the test space" in said


def test_rows_are_grouped_by_track(results: list[Result]) -> None:
    (table,) = gather(results)
    assert [row.track for row in table.rows] == ["scratch", "sensors-only", "sensors-only", "external"]


def test_findings_name_the_paired_difference_with_its_interval(results: list[Result]) -> None:
    (table,) = gather(results)
    difference = next(d for d in table.differences if (d.better, d.reference) == ("tst", "tst-mae"))
    estimate = difference.by_role["test"]
    low, high = estimate.interval
    assert low > 0
    expected = f"tst is above tst-mae by {100 * estimate.value:.1f} [{100 * low:.1f}, {100 * high:.1f}] points"
    assert any(sentence.startswith(expected) for sentence in findings(table))


def test_the_gap_is_compared_too(results: list[Result]) -> None:
    (table,) = gather(results)
    sentence = next(s for s in findings(table) if s.startswith("tst ") and "tst-external by" in s)
    assert "is below tst-external" in sentence
    assert "; its gap is larger (difference +" in sentence


def test_a_loss_is_said_as_plainly_as_a_win(one: Any) -> None:
    (table,) = gather([one("scratch"), one("tst", skill=("sensors-only", 0.4, 0.4))])
    assert any(sentence.startswith("tst is below scratch by") for sentence in findings(table))


def test_one_seed_is_confessed(one: Any, results: list[Result]) -> None:
    (single,) = gather([one("tst"), one("scratch")])
    assert any("one training seed" in sentence for sentence in findings(single))
    (several,) = gather(results)
    assert not any("one training seed" in sentence for sentence in findings(several))
    assert "3 training seeds" in several.rests_on


def test_p_values_are_corrected_for_the_whole_table(results: list[Result]) -> None:
    (table,) = gather(results)
    for difference in table.differences:
        for role, estimate in difference.by_role.items():
            assert difference.p_values[role] >= estimate.p_value


def test_rows_scored_on_other_frames_do_not_stand_in_one_table(one: Any) -> None:
    whole = one("tst")
    cut = one("scratch")
    spaces = tuple(
        part.model_copy(
            update={"statistics": part.statistics.model_copy(update={"trajectories": part.statistics.trajectories[:4]})}
        )
        for part in cut.spaces
    )
    assert len(gather([whole, cut.model_copy(update={"spaces": spaces})])) == 2


def test_two_results_of_one_model_and_seed_are_refused(one: Any) -> None:
    with pytest.raises(UserError, match="Two results of tst"):
        gather([one("tst"), one("tst")])


def test_nothing_to_report_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no results"):
        build_report([], tmp_path)


def test_the_page_needs_nothing_from_outside(files: ReportFiles) -> None:
    page = files.html.read_text()
    links = re.findall(r'(?:src|href)="([^"]*)"', page) + re.findall(r"url\(([^)]*)\)", page)
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page


class Page(HTMLParser):
    """Collect ids, pictures and headings, and check that elements close in order."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(str(attributes["id"]))
        if tag == "img":
            self.images.append(attributes)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_readable_by_a_screen_reader(tmp_path: Path, one: Any) -> None:
    results = [one(model) for model in ("tst", "scratch")]
    others = [one(model, task=task) for task in ("depth", "normals") for model in ("tst", "scratch")]
    text = page_of([*results, *others], tmp_path)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.images
    assert all(image["alt"] for image in page.images)
    assert page.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert all('aria-label="' in svg for svg in re.findall(r"<svg [^>]*>", text))


def test_every_task_of_pixels_shows_its_frames_in_pictures_and_words(one: Any, tmp_path: Path) -> None:
    tasks = ("depth", "normals", "semseg")
    text = page_of([one("tst", task=task) for task in tasks], tmp_path)
    frames = 3 * len(SPACES)
    extremes = 4  # two worst and two best
    assert text.count("<img") == 3 * (frames + extremes) * len(tasks)
    assert len(re.findall(r"\d+ % of pixels right<", text)) == frames + extremes
    assert len(re.findall(r"median error \d+ cm<", text)) == frames + extremes
    assert len(re.findall(r"median error \d+°<", text)) == frames + extremes


def test_text_from_result_files_cannot_inject_markup(one: Any, tmp_path: Path) -> None:
    evil = one("tst", flags=("<script>alert(1)</script>",))
    page = page_of([evil], tmp_path)
    assert "<script>alert" not in page


def test_what_every_figure_rests_on_stands_under_it(files: ReportFiles) -> None:
    page = files.html.read_text()
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, flags=re.DOTALL)
    assert len(captions) == 5
    for caption in captions[:3]:
        assert "trajectories" in caption
        assert "Conditional on" in caption


def test_the_csv_holds_unrounded_numbers(files: ReportFiles) -> None:
    rows = list(csv.DictReader(io.StringIO(files.csv.read_text())))
    assert len(rows) == len(SKILL) * 3 * len(SEMSEG.measures)
    wanted = next(r for r in rows if (r["model"], r["role"], r["measure"]) == ("tst", "test", "miou"))
    (table,) = files.tables
    estimate = next(row for row in table.rows if row.model == "tst").estimates["test"]["miou"]
    assert float(wanted["value"]) == estimate.value
    assert float(wanted["low"]) == estimate.interval[0]
    assert wanted["seeds"] == "0 1 2"


def test_markdown_tables_are_rectangular(files: ReportFiles) -> None:
    text = files.markdown.read_text()
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert markdown(scores_grid(files.tables[0])) in text


def test_the_terminal_shows_table_differences_and_findings(results: list[Result]) -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=200)
    print_report(gather(results), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "semseg, finetune, in builtin/flat-01" in text
    assert "tst − tst-mae" in text
    assert "conditional on" in text


def test_the_same_results_give_the_same_page(results: list[Result], files: ReportFiles, tmp_path: Path) -> None:
    again = build_report(list(reversed(results)), tmp_path, open_recording=open_recording, formats=("html", "csv"))
    assert again.html.read_bytes() == files.html.read_bytes()
    assert again.csv.read_bytes() == files.csv.read_bytes()


def test_a_report_without_recordings_has_no_panels(one: Any, tmp_path: Path) -> None:
    assert "<img" not in build_report([one("tst")], tmp_path, formats=("html",)).html.read_text()


def test_curves_skip_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss,validation\n0,1.5,\n1,,0.3\n2,0.5,\n")
    steps, losses = read_curve(path)
    assert steps.tolist() == [0, 2]
    assert losses.tolist() == [1.5, 0.5]


def test_ranks_are_intervals_and_flagged_rows_have_none(results: list[Result], one: Any) -> None:
    (table,) = gather([*results, one("oracle", skill=("oracle", 0.95, 0.95))])
    grid = scores_grid(table)
    column = grid.columns.index("rank, test space")
    shown = {row[0].value: row[column].text for row in grid.rows}
    assert shown == {"scratch": "4", "tst": "1", "tst-mae": "2–3", "tst-external": "2–3", "oracle": "–"}


def test_where_nothing_could_be_scored_no_row_is_ranked_or_drawn_and_it_is_said(results: list[Result]) -> None:
    (table,) = gather(results)
    unscored = dataclasses.replace(table, rows=tuple(without_scores(row) for row in table.rows))
    assert unscored.ranks("test", unscored.measure) == {}
    assert tradeoff_drawing(unscored, styles_of([unscored]), "tradeoff") is None
    assert forest_drawing(unscored, "forest") is None
    said = " ".join(findings(unscored))
    assert "Nothing could be scored in the test space" in said
    assert "Nothing could be scored in held-out spaces" in said


def without_scores(row: Row) -> Row:
    """Return a row none of whose frames had a truth."""
    estimates = {
        role: {
            key: dataclasses.replace(of, value=np.nan, draws=np.full_like(of.draws, np.nan))
            for key, of in measures.items()
        }
        for role, measures in row.estimates.items()
    }
    return dataclasses.replace(row, estimates=estimates)


def test_the_best_of_a_track_is_marked_whatever_other_tracks_have(one: Any) -> None:
    skills = {"tst": ("sensors-only", 0.7), "tst-mae": ("sensors-only", 0.5), "tst-external": ("external", 0.9)}
    (table,) = gather([one(model, skill=(track, skill, 0.6)) for model, (track, skill) in skills.items()])
    grid = scores_grid(table)
    column = grid.columns.index("test space")
    assert {row[0].value: row[column].mark for row in grid.rows} == {"tst": BEST, "tst-mae": "", "tst-external": ""}


def test_the_smallest_difference_that_can_be_seen_is_said(results: list[Result], one: Any) -> None:
    (table,) = gather(results)
    (pair,) = [d for d in table.differences if (d.better, d.reference) == ("tst", "tst-external")]
    power = {row.role: row for row in table.power}
    low, high = pair.by_role["test"].interval
    assert power["test"].least <= 1.5 * (high - low)
    assert power["test"].median < power["test"].corrected
    assert power["test"].comparisons == len(table.differences) * 3
    grid = power_grid(table)
    assert grid is not None
    assert [row[0].text for row in grid.rows] == ["test space", "held-out spaces", "gap"]
    said = table.measure.text(power["test"].median)
    assert any(f"a difference smaller than {said} points in the test space" in sentence for sentence in findings(table))
    (lone,) = gather([one("tst")])
    assert power_grid(lone) is None
