"""From an entry to its tables: what each holds, and what the mean over test spaces is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from benchmark.estimates import estimates
from benchmark.results import Score
from benchmark.tasks import TASKS
from leaderboard.entries import results_of
from leaderboard.scoring import score_submission
from leaderboard.standings import MEAN, estimates_bytes, place, read_estimates
from leaderboard.standings.details import details
from leaderboard.truth import Truth
from sim_envs.errors import UserError
from tests.leaderboard.standings_kit import HELD_OUT, TEST_SPACES, an_entry


def test_an_entry_stands_in_a_table_for_each_task_and_test_space_and_for_their_mean() -> None:
    placed = place(an_entry(tasks=("semseg", "depth")))
    assert [(one.task.name, one.space) for one in placed] == [
        (task, space) for task in ("depth", "semseg") for space in (MEAN, *TEST_SPACES)
    ]


def test_scores_in_one_space_are_those_that_the_board_found() -> None:
    entry = an_entry(tasks=("semseg",))
    for one in place(entry)[1:]:
        result = next(result for result in entry.results if result.test_space == one.space)
        for measure, roles in result.scores.items():
            assert {role: Score.of(one.estimates[role][measure]) for role in roles} == roles


def test_with_one_test_space_the_mean_is_what_that_space_has() -> None:
    mean, own = place(an_entry(spaces=TEST_SPACES[:1]))
    assert mean.estimates == own.estimates
    assert mean.scored_on == own.scored_on


def test_the_mean_takes_the_mean_of_what_the_models_of_each_space_score() -> None:
    mean, *own = place(an_entry())
    for role in ("test", "held_out"):
        values = [one.estimates[role]["delta1"].value for one in own]
        assert mean.estimates[role]["delta1"].value == pytest.approx(np.mean(values), abs=1e-12)
        draws = [one.estimates[role]["delta1"].draws for one in own]  # space by space drawn alike, so means agree too
        np.testing.assert_allclose(mean.estimates[role]["delta1"].draws, np.mean(draws, axis=0), atol=1e-12)


def test_the_mean_gap_is_the_difference_of_the_mean_scores_resample_by_resample() -> None:
    mean = place(an_entry())[0].estimates
    np.testing.assert_array_equal(
        mean["gap"]["rmse"].draws, mean["test"]["rmse"].draws - mean["held_out"]["rmse"].draws
    )


def test_held_out_trajectories_that_all_test_spaces_share_count_once() -> None:
    """Two test spaces whose models answer alike elsewhere say no more about held-out spaces than one of them."""
    entry = an_entry()
    first = entry.results[0]
    second = entry.results[1]
    same = second.model_copy(update={"spaces": (second.spaces[0], *first.spaces[1:])})
    mean, *own = place(entry.model_copy(update={"results": (first, same)}))
    assert mean.estimates["held_out"]["delta1"].interval == pytest.approx(
        own[0].estimates["held_out"]["delta1"].interval
    )


def test_without_held_out_spaces_there_is_no_gap() -> None:
    assert all(set(one.estimates) == {"test"} for one in place(an_entry(held_out=())))


def test_a_row_says_what_it_scored_in_each_space() -> None:
    entry = an_entry()
    own = place(entry)[1]
    assert [(part.space, part.role) for part in own.spaces] == [
        (TEST_SPACES[0], "test"),
        *((space, "held_out") for space in HELD_OUT),
    ]
    assert own.spaces[0].score == entry.results[0].scores["delta1"]["test"]
    for part, result in zip(own.spaces, entry.results[0].spaces, strict=True):
        total = result.statistics.unpack().total
        assert part.score.value == pytest.approx(float(TASKS["depth"].metrics(total, result.scope)["delta1"]))


def test_seeds_that_were_scored_on_other_recordings_are_refused() -> None:
    entry, other = an_entry(seeds=2), an_entry(seeds=2, recording="12" * 32)
    mixed = entry.model_copy(update={"results": (entry.results[0], other.results[1], *entry.results[2:])})
    with pytest.raises(UserError, match="seed 1 was not scored in builtin/flat-01 as seed 0"):
        place(mixed)


def test_rows_agree_in_what_they_were_scored_on_exactly_where_the_truth_does() -> None:
    one, other, elsewhere = (
        place(an_entry(n, recording=r)) for n, r in ((1, "ab" * 32), (2, "ab" * 32), (3, "9" * 64))
    )
    assert [a.scored_on for a in one] == [b.scored_on for b in other]
    assert not {a.scored_on for a in one} & {b.scored_on for b in elsewhere}


@pytest.mark.parametrize("seeds", [1, 3])
def test_estimates_come_out_of_their_file_to_the_last_bit(seeds: int) -> None:
    for one in place(an_entry(seeds=seeds, tasks=("semseg",))):
        found = read_estimates(estimates_bytes(one))
        assert set(found) == {"test", "held_out", "gap"}
        for role, estimate in found.items():
            original = one.estimates[role]["miou"]
            assert (estimate.value, estimate.seeds) == (original.value, original.seeds)
            np.testing.assert_array_equal(estimate.draws, original.draws)
            np.testing.assert_array_equal(estimate.fixed, original.fixed)
            assert estimate.interval == original.interval
            assert estimate.p_value == original.p_value
            assert {space: list(moved) for space, moved in estimate.influence.items()} == {
                space: list(moved) for space, moved in original.influence.items()
            }


def test_equal_estimates_make_equal_files_of_a_few_dozen_kilobytes() -> None:
    one, same = (place(an_entry())[0] for _ in range(2))
    assert estimates_bytes(one) == estimates_bytes(same)
    assert len(estimates_bytes(one)) < 40_000


def test_a_file_that_holds_no_estimates_is_refused() -> None:
    whole = estimates_bytes(place(an_entry())[0])
    pickled = io.BytesIO()
    np.savez(pickled, **{"test.numbers": np.array([print], dtype=object)})  # type: ignore[arg-type]
    for content in (b"", b"PK\x03\x04", whole[:-100], whole[: len(whole) // 2], pickled.getvalue()):
        with pytest.raises(UserError, match="no estimates of a board"):
            read_estimates(content)


def test_categories_are_those_that_the_sums_say() -> None:
    entry = an_entry(tasks=("semseg", "depth"))
    found = {(part.task, part.space): part for part in details(entry)}
    assert len(found) == 4
    assert found["depth", TEST_SPACES[0]].categories is None
    grid = found["semseg", TEST_SPACES[0]].categories
    assert grid is not None
    result = next(result for result in entry.results if result.task == "semseg")
    task, part = TASKS["semseg"], result.spaces[0]
    per_category = task.per_category(part.statistics.unpack().total, part.scope)
    assert {row[0].text: row[2].value for row in grid.rows} == {
        task.categories[i - 1]: pytest.approx(per_category[i - 1]) for i in part.scored
    }


def test_a_real_submission_stands_with_the_scores_of_its_run(submitted: Path, truth: Truth, tmp_path: Path) -> None:
    submission, rows = score_submission(submitted, truth, tmp_path)
    results = results_of(submission, truth.suite, rows, "2026-05-04T12:00:00+00:00")
    entry = an_entry().model_copy(update={"results": results, "model": submission.model, "track": submission.track})
    placed = {(one.task.name, one.space): one for one in place(entry)}
    assert len(placed) == 4 * 3  # tasks × (test spaces and their mean)
    for result in results:
        own = placed[result.task, result.test_space]
        for measure, roles in result.scores.items():
            for role in ("test", "held_out", "gap"):
                assert Score.of(own.estimates[role][measure]) == roles[role]
        assert {part.role for part in own.spaces} == {"test", "held_out", "other"}


def test_an_estimate_equals_what_a_report_of_the_same_results_says() -> None:
    entry = an_entry(seeds=3)
    own = place(entry)[1]
    report = estimates([result for result in entry.results if result.test_space == own.space])
    for role, measures in own.estimates.items():
        for key in ("delta1", "rmse"):
            assert measures[key].value == report[role][key].value
            assert measures[key].interval == pytest.approx(report[role][key].interval, rel=1e-11)
