"""Ablations: their grids, what is read out of them, and one run from the command line to its figure."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baselines.zoo import ZOO
from benchmark.ablations.figures import ablation_drawing
from benchmark.ablations.kinds import KINDS, Point, Request, grid, kind_of
from benchmark.ablations.readings import Reading, changes, crossing, first_crossing, read, spreads
from benchmark.report import gather
from benchmark.results import collect
from benchmark.statistics import Estimate
from benchmark.suites import load_suite
from sim_envs.errors import UserError
from tests.command_line import run_command

DEMO = load_suite("demo")


def request(*models: str, **changes: object) -> Request:
    return Request(DEMO, tuple(ZOO[name] for name in models or ("tst",)), **changes)  # type: ignore[arg-type]


def estimate(value: float, draws: np.ndarray) -> Estimate:
    return Estimate(value, np.array([value]), (0,), draws, draws, {}, 0.0, 0.0, 1e6)


def readings(values: dict[float, float], draws: np.ndarray | None = None) -> list[Reading]:
    noise = np.zeros(50) if draws is None else draws
    return [
        Reading(Point(f"m{x:g}", "line", x, f"{x:g}"), {"test": estimate(value, value + noise)})
        for x, value in values.items()
    ]


def test_all_subsets_of_modalities_hold_rgb_and_each_comes_once() -> None:
    points = grid(KINDS["modalities"], request())
    assert len(points) == len({point.model for point in points}) == 8
    assert sorted(point.x for point in points) == [1, 2, 2, 2, 3, 3, 3, 4]
    assert all(ZOO[point.model].modalities[0] == "rgb" for point in points)


def test_a_sample_of_subsets_repeats_and_keeps_both_ends() -> None:
    first = grid(KINDS["modalities"], request(sample=4))
    again = grid(KINDS["modalities"], request(sample=4))
    assert [p.model for p in first] == [p.model for p in again]
    assert len(first) == 4
    assert (first[0].x, first[-1].x) == (1, 4)


def test_leave_one_out_and_add_one_change_one_modality_each() -> None:
    full, *without = grid(KINDS["leave-one-out"], request())
    assert ZOO[full.model].modalities == ZOO["tst"].modalities
    assert [set(ZOO["tst"].modalities) - set(ZOO[p.model].modalities) for p in without] == [
        {"depth"},
        {"normals"},
        {"edges"},
    ]
    alone, *added = grid(KINDS["add-one"], request())
    assert ZOO[alone.model].modalities == ("rgb",)
    assert [ZOO[p.model].modalities[1:] for p in added] == [("depth",), ("normals",), ("edges",)]


def test_spaces_double_up_to_all_that_the_suite_has() -> None:
    points = grid(KINDS["spaces"], request())
    assert [p.x for p in points if p.line == "tst-external"] == [1, 2, 4, 6]
    assert [p.model for p in points if p.x is None] == ["tst", "tst-mae"]


def test_values_of_the_user_replace_the_own_ones() -> None:
    assert [p.model for p in grid(KINDS["steps"], request(values=(10.0, 20.0)))] == ["tst@steps=10", "tst@steps=20"]


@pytest.mark.parametrize(
    ("kind", "asked", "said"),
    [
        ("spaces", {"values": (1.0, 99.0)}, "demo has 6"),
        ("spaces", {"values": (1.5,)}, "whole numbers"),
        ("steps", {"values": (20.0, 10.0)}, "ascending"),
        ("mask-ratio", {"values": (1.5,)}, "between 0 and 1"),
    ],
)
def test_values_that_do_not_fit_are_refused(kind: str, asked: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        grid(KINDS[kind], request(**asked))


def test_a_row_of_rgb_alone_has_no_modality_to_leave_out() -> None:
    with pytest.raises(UserError, match="tst-mae learns from RGB alone"):
        grid(KINDS["leave-one-out"], request("tst-mae"))


def test_an_unknown_ablation_lists_the_near_ones() -> None:
    with pytest.raises(UserError, match="modalities"):
        kind_of("modalitys")


@given(
    level=st.floats(0.05, 0.95),
    positions=st.lists(st.integers(1, 64), min_size=2, max_size=6, unique=True),
)
def test_a_line_straight_in_log_spaces_crosses_where_algebra_says(level: float, positions: list[int]) -> None:
    x = np.array(sorted(positions), float)
    heights = np.log(x / x[0]) / np.log(x[-1] / x[0])  # from 0 to 1
    found = first_crossing(x, heights[None] - level)[0]
    assert found == pytest.approx(np.exp(np.log(x[0]) + level * np.log(x[-1] / x[0])), rel=1e-9)


def test_a_line_that_stays_below_never_crosses_and_one_above_crosses_at_its_start() -> None:
    x = np.array([1.0, 2.0, 4.0])
    found = first_crossing(x, np.array([[-3.0, -2.0, -1.0], [0.5, 1.0, 2.0], [-1.0, 1.0, -1.0]]))
    assert np.isinf(found[0])
    assert found[1] == 1.0
    assert found[2] == pytest.approx(np.sqrt(2.0)), "the first crossing counts"


def test_the_worth_of_a_space_is_read_off_with_its_interval() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, 50)
    line = readings({1: 0.2, 4: 0.4, 16: 0.6})
    place = crossing(estimate(0.5, 0.5 + noise), line, "test")
    assert place.value == pytest.approx(8.0)
    assert 4 < place.low < 8 < place.high < 16
    assert "more than" not in place.text()
    beyond = crossing(estimate(0.9, 0.9 + noise), line, "test")
    assert beyond.text() == "more than 16 [more than 16, more than 16]"


def test_the_crossing_of_the_scores_is_in_its_interval_where_every_resample_crosses_earlier() -> None:
    rng = np.random.default_rng(1)
    line = [reading for x in range(1, 10) for reading in readings({x: 0.499}, rng.normal(0, 0.02, 50))]
    place = crossing(estimate(0.5, np.full(50, 0.5)), line, "test")
    assert np.isinf(place.value)
    assert place.text() == "more than 9 [at most 1, more than 9]"


def test_lower_is_better_measures_cross_from_above() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 50)
    place = crossing(estimate(0.5, 0.5 + noise), readings({1: 0.9, 4: 0.1}), "test", higher_is_better=False)
    assert place.value == pytest.approx(2.0)


def test_spread_is_over_subsets_of_one_size() -> None:
    both = readings({1: 0.1}) + readings({2: 0.3}) + readings({2: 0.5})
    assert [(s.x, s.mean, s.low, s.high, s.subsets) for s in spreads(both, "test")] == [
        (1, 0.1, 0.1, 0.1, 1),
        (2, 0.4, 0.3, 0.5, 2),
    ]


def test_changes_are_paired_with_the_first_row() -> None:
    noise = np.random.default_rng(0).normal(0, 1.0, 50)
    (label, difference), *_ = changes(readings({1: 0.2, 2: 0.5}, noise), "test")
    assert label == "2"
    assert difference.draws == pytest.approx(np.full(50, 0.3)), "what both share cancels"


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / "mini.yaml"
    values = {
        "name": "mini",
        "version": 1,
        "summary": "an ablation in seconds",
        "test_spaces": ["builtin/flat-01"],
        "transfer": ["builtin/flat-11"],
        "held_out": ["builtin/flat-21"],
        "rig": {"width": 32, "height": 32},
        "recordings": {
            "test": {"train": [4, 10], "test": [3, 4]},
            "transfer": {"train": [4, 10], "val": [2, 4]},
            "held_out": {"test": [3, 4]},
        },
        "models": ["tst"],
        "tasks": ["depth"],
        "pretrain": {"frames": 40, "steps": 4, "batch": 8},
        "transfer_budget": {"frames": 30, "steps": 4, "batch": 8, "evaluations": 1, "encoder_lrs": [1e-3]},
    }
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def test_an_ablation_runs_draws_and_is_kept(
    suite_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("ablate", "steps", "--suite", suite_file, "--values", "2,4", "--home", tmp_path, "--workers", "1")
    planned = run_command(capsys, *asked, "--dry-run")
    assert planned.code == 0
    assert "2 of 2 to do" in planned.out
    done = run_command(capsys, *asked)
    assert done.code == 0, done.err
    assert "4 steps against 2 steps" in done.out
    folder = tmp_path / "runs" / "mini-steps" / "builtin__flat-01" / "ablation"
    rows = list(csv.DictReader((folder / "steps-depth-finetune.csv").open(encoding="utf-8")))
    assert [(row["model"], row["role"]) for row in rows] == [
        (f"tst@steps={steps}", role) for steps in (2, 4) for role in ("test", "held_out", "gap")
    ]
    assert (folder / "steps-depth-finetune.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "steps-depth-finetune.svg").read_text(encoding="utf-8")
    (evidence,) = gather(collect(folder.parent / "results"))
    points = grid(KINDS["steps"], Request(load_suite(str(suite_file)), (ZOO["tst"],), (2.0, 4.0)))
    drawing = ablation_drawing(read(KINDS["steps"], points, evidence), "steps")
    assert drawing.caption.endswith(f"Bars are 95 % intervals. {evidence.rests_on}")
    assert "4 steps against 2 steps" in drawing.description
    again = run_command(capsys, *asked)
    assert again.code == 0
    assert len(list((tmp_path / "stages" / "pretrain").iterdir())) == 2, "nothing is done twice"


def test_a_sample_of_what_has_no_subsets_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(capsys, "ablate", "steps", "--sample", "3")
    assert done.code == 2
    assert "has no subsets" in done.err
