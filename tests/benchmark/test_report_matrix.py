"""Test space × test space: every specialist is scored in the other test spaces, and the diagonal is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmark.estimates import scores
from benchmark.report import gather
from benchmark.report.charts import matrix_drawing
from benchmark.report.matrix import Matrix, matrices, matrix_finding, matrix_grid
from benchmark.report.records import records
from benchmark.results import Result, SpaceResult, StoredStatistics
from benchmark.tasks.depth import DEPTH
from tests.benchmark.test_results import a_result

SPACES = ("builtin/flat-01", "builtin/flat-02", "builtin/flat-03")
HARD = dict(zip(SPACES, (1.0, 1.3, 0.8), strict=True))  # spaces differ in difficulty, far more than models do


def a_part(space: str, role: str, error: float, seed: int, trajectories: int = 8) -> SpaceResult:
    """Return depths with log errors of a spread, easier and harder trajectories being the same for every model."""
    place = SPACES.index(space)
    rng = np.random.default_rng(place)
    target = rng.uniform(1, 5, (4 * trajectories, 4, 4)).astype(np.float32)
    harder = np.repeat(rng.lognormal(0, 0.4, trajectories), 4)[:, None, None]
    noise = rng.normal(0, 0.3, target.shape) * harder * HARD[space]
    own = np.random.default_rng([place, seed, round(1000 * error)]).normal(0, 0.01, target.shape)
    statistics = DEPTH.statistics(
        (target * np.exp(error * noise + own)).astype(np.float16), target, np.repeat(np.arange(trajectories), 4)
    )
    return SpaceResult(
        space=space,
        role=role,  # type: ignore[arg-type]
        recording=f"{place:064x}",
        predictions="cd" * 32,
        statistics=StoredStatistics.pack(statistics),
    )


def a_run(test_space: str, own: float, others: float, seed: int, model: str = "tst", **changes: Any) -> Result:
    parts = [a_part(test_space, "test", own, seed)]
    parts += [a_part(space, "other", others, seed) for space in SPACES if space != test_space]
    fields: dict[str, Any] = {
        "test_space": test_space,
        "task": "depth",
        "task_version": DEPTH.version,
        "model": model,
        "ledger": {"entries": [{"role": "test", "source": test_space}] if model == "tst" else []},
        "spaces": tuple(parts),
        "scores": scores(parts, DEPTH, seed),
    }
    return a_result(seed, **(fields | changes))


def runs(own: float, others: float, model: str = "tst", seeds: int = 2) -> list[Result]:
    return [a_run(space, own, others, seed, model) for space in SPACES for seed in range(seeds)]


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    (found,) = matrices(gather([*runs(0.8, 1.0), *runs(1.1, 1.1, "scratch")]))
    return found


def test_a_matrix_has_the_score_of_every_model_in_every_test_space(matrix: Matrix) -> None:
    assert matrix.spaces == SPACES
    for i, row in enumerate(SPACES):
        for j, column in enumerate(SPACES):
            each = []
            for seed in range(2):
                part = next(p for p in a_run(row, 0.8, 1.0, seed).spaces if p.space == column)
                each.append(float(DEPTH.metrics(part.statistics.unpack().total, part.scope)[DEPTH.measures[0].key]))
            assert matrix.scores[i][j].value == pytest.approx(np.mean(each))


def test_the_gap_is_the_diagonal_less_the_rest_and_paired(matrix: Matrix) -> None:
    values = np.array([[cell.value for cell in row] for row in matrix.scores])
    off = values[~np.eye(3, dtype=bool)]
    assert matrix.gap.value == pytest.approx(values.diagonal().mean() - off.mean())
    low, high = matrix.gap.interval
    single = matrix.scores[0][0].interval
    assert 0 < low < high
    assert high - low < 0.5 * (single[1] - single[0])  # difficulty of spaces and trajectories cancels
    assert matrix.p_value < 0.01


def test_below_each_column_stands_what_ones_own_space_makes_there(matrix: Matrix) -> None:
    for j, difference in enumerate(matrix.own_less_others):
        others = [matrix.scores[i][j].value for i in range(3) if i != j]
        assert difference.value == pytest.approx(matrix.scores[j][j].value - np.mean(others))
    grid = matrix_grid(matrix)
    assert grid.columns == ("pre-trained in", *SPACES)
    assert [row[0].text for row in grid.rows] == [*SPACES, "own space − others"]
    assert "Diagonal less all other cells: +" in grid.note
    assert "24 trajectories in 3 spaces" in grid.note


def test_models_that_do_not_depend_on_the_space_have_no_matrix() -> None:
    assert matrices(gather(runs(1.1, 1.1, "scratch"))) == []


def test_no_worth_of_ones_own_space_is_said_as_plainly() -> None:
    (equal,) = matrices(gather(runs(1.0, 1.0)))
    assert "cannot be told apart there" in matrix_finding(equal)
    (worse,) = matrices(gather(runs(1.0, 0.8)))
    assert "is worse there than pre-trained in another" in matrix_finding(worse)


def test_the_finding_says_how_much_and_over_how_many_spaces(matrix: Matrix) -> None:
    said = matrix_finding(matrix)
    assert said.startswith("tst pre-trained in a space is better there than pre-trained in another (+")
    assert said.endswith("points, mean of 3 spaces).")


def test_a_setting_that_was_run_in_one_space_only_has_no_matrix() -> None:
    assert matrices(gather([a_run(SPACES[0], 0.8, 1.0, 0)])) == []


def test_a_space_that_was_recorded_anew_for_one_row_is_left_out() -> None:
    results = runs(0.8, 1.0, seeds=1)
    parts = list(results[0].spaces)
    parts[2] = parts[2].model_copy(update={"recording": "ff" * 32})
    (found,) = matrices(gather([results[0].model_copy(update={"spaces": tuple(parts)}), *results[1:]]))
    assert found.spaces == SPACES[:2]


def test_only_seeds_that_all_rows_have_are_compared() -> None:
    (found,) = matrices(gather([*runs(0.8, 1.0), a_run(SPACES[0], 0.8, 1.0, 2)]))
    assert found.seeds == 2


def test_the_heat_map_shows_every_cell_and_frames_the_diagonal(matrix: Matrix) -> None:
    drawing = matrix_drawing(matrix, "x")
    (axes,) = drawing.figure.axes
    shown = [text.get_text() for text in axes.texts]
    assert shown == [matrix.measure.text(cell.value) for row in matrix.scores for cell in row]
    assert len(axes.patches) == 3
    assert "Diagonal less all other cells" in drawing.caption


def test_cells_off_the_diagonal_are_records_of_their_own(matrix: Matrix) -> None:
    found = records([], [matrix])
    assert {(record["test_space"], record["tested_in"]) for record in found} == {
        (one, two) for one in SPACES for two in SPACES if one != two
    }
    assert all(record["role"] == "other" for record in found)


def test_the_main_table_does_not_count_other_test_spaces() -> None:
    (table,) = gather([a_run(SPACES[0], 0.8, 1.0, 0)])
    assert table.roles == ("test",)
    assert "32 frames of 8 trajectories in builtin/flat-01" in table.rests_on
    assert "Conditional on this space" in table.rests_on
