"""Two models, or two results, are compared in pairs, in every measure, and in words that say which is better."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.estimates import estimates, scores
from benchmark.report.comparison import compare_models, compare_results, comparison_grid, in_words
from benchmark.results import Result, SpaceResult, StoredStatistics, save_result
from benchmark.statistics import holm
from benchmark.tasks.depth import DEPTH
from sim_envs.errors import UserError
from tests.benchmark.test_results import a_result


def depth_result(model: str, factor: float, spread: float, seed: int = 0, first_trajectory: int = 0) -> Result:
    """Return a result of depths that are off by a factor, with some spread over frames."""
    spaces = []
    for number, (space, role) in enumerate((("builtin/flat-01", "test"), ("builtin/flat-21", "held_out"))):
        target = np.random.default_rng(number).uniform(1, 5, (40, 4, 4)).astype(np.float32)
        noise = np.random.default_rng([number, seed]).normal(0, spread, (40, 1, 1))
        trajectory = first_trajectory + np.repeat(np.arange(10), 4)
        statistics = DEPTH.statistics((target * factor * np.exp(noise)).astype(np.float16), target, trajectory)
        spaces.append(
            SpaceResult(
                space=space,
                role=role,  # type: ignore[arg-type]
                recording="ab" * 32,
                predictions="cd" * 32,
                statistics=StoredStatistics.pack(statistics),
            )
        )
    fields = {"task": "depth", "task_version": DEPTH.version, "model": model, "spaces": tuple(spaces)}
    return a_result(seed, **fields, scores=scores(spaces, DEPTH, seed))


CLOSE = [depth_result("tst", 1.02, 0.01, seed) for seed in (0, 1)]
FAR = [depth_result("scratch", 1.2, 0.01, seed) for seed in (0, 1)]


def test_every_measure_and_role_has_the_paired_difference_of_the_two_estimates() -> None:
    (found,) = compare_models([*CLOSE, *FAR], "tst", "scratch")
    close, far = estimates(CLOSE), estimates(FAR)
    assert [(part.measure.key, part.role) for part in found.parts] == [
        (measure.key, role) for measure in DEPTH.measures for role in ("test", "held_out", "gap")
    ]
    for part in found.parts:
        expected = close[part.role][part.measure.key] - far[part.role][part.measure.key]
        assert part.difference.value == expected.value
        np.testing.assert_array_equal(part.difference.interval, expected.interval)
    assert [part.p_value for part in found.parts] == holm([part.difference.p_value for part in found.parts])


def test_exchanging_the_two_turns_every_sign() -> None:
    (one,) = compare_models([*CLOSE, *FAR], "tst", "scratch")
    (other,) = compare_models([*CLOSE, *FAR], "scratch", "tst")
    assert [part.difference.value for part in one.parts] == [-part.difference.value for part in other.parts]


def test_the_smaller_error_is_called_better() -> None:
    (found,) = compare_models([*CLOSE, *FAR], "tst", "scratch")
    rel = next(sentence for sentence in in_words(found) if sentence.startswith("AbsRel:"))
    assert "tst is better than scratch in the test space (−0.1" in rel
    (turned,) = compare_models([*CLOSE, *FAR], "scratch", "tst")
    assert any("scratch is worse than tst in the test space" in sentence for sentence in in_words(turned))


def test_what_cannot_be_told_apart_is_said_so() -> None:
    twin = [depth_result("twin", 1.02, 0.01, seed) for seed in (2, 3)]
    (found,) = compare_models([*CLOSE, *twin], "tst", "twin")
    rmse = next(sentence for sentence in in_words(found) if sentence.startswith("RMSE:"))
    assert rmse.startswith("RMSE: tst and twin cannot be told apart (test space ")


def test_the_table_has_a_row_a_measure_and_two_columns_a_role() -> None:
    (found,) = compare_models([*CLOSE, *FAR], "tst", "scratch")
    grid = comparison_grid(found)
    assert grid.columns == ("measure", "test space", "p (Holm)", "held-out spaces", "p (Holm)", "gap", "p (Holm)")
    assert len(grid.rows) == len(DEPTH.measures)
    assert f"corrected for all {3 * len(DEPTH.measures)} comparisons" in grid.note


def test_two_results_of_one_model_are_told_by_their_seeds() -> None:
    found = compare_results(*CLOSE)
    assert (found.first, found.second) == ("tst (seed 0)", "tst (seed 1)")
    same = compare_results(CLOSE[0], CLOSE[0])
    assert (same.first, same.second) == ("tst (first)", "tst (second)")
    assert all(part.difference.value == 0 for part in same.parts)


def test_results_that_were_scored_on_other_trajectories_are_not_compared() -> None:
    with pytest.raises(UserError, match="other recordings, trajectories or categories"):
        compare_results(CLOSE[0], depth_result("scratch", 1.2, 0.01, first_trajectory=5))


def test_results_of_different_tasks_are_not_compared() -> None:
    with pytest.raises(UserError, match="task depth and semseg"):
        compare_results(CLOSE[0], a_result())


@pytest.mark.parametrize(
    ("first", "second", "message"), [("tst", "scrach", "Did you mean scratch"), ("tst", "tst", "with itself")]
)
def test_a_model_that_the_run_has_not_is_refused(first: str, second: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compare_models([*CLOSE, *FAR], first, second)


def test_a_flagged_row_is_compared_and_said_to_be_flagged() -> None:
    flagged = [result.model_copy(update={"flags": ("limited to 7 frames",)}) for result in CLOSE]
    (found,) = compare_models([*flagged, *FAR], "tst", "scratch")
    assert in_words(found)[-1] == "tst is not a regular row: limited to 7 frames."


def run(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tst-bench", "compare", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    return int(end.value.code or 0)


def test_the_command_takes_two_models_of_a_run_or_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs" / "demo" / "builtin__flat-01" / "results"
    files = [str(save_result(folder, result)) for result in (*CLOSE, *FAR)]
    assert run("tst", "scratch", "--home", str(tmp_path)) == 0
    assert "tst − scratch" in capsys.readouterr().out
    assert run(files[0], files[2]) == 0
    assert "tst is better than scratch" in capsys.readouterr().out.replace("\n", " ")
    assert run("tst", files[0], "--home", str(tmp_path)) == 2
