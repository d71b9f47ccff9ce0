"""Place recognition: what counts as the same place, what is searched, and recall against a brute-force count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from benchmark.forms import Frames, concatenate
from benchmark.tasks import TASKS, Task
from benchmark.tasks.retrieval import RETRIEVAL
from sim_envs.errors import UserError
from tests.benchmark.places_kit import poses, recording, walks

AHEAD = Rotation.identity()


def turned(degrees: float) -> Rotation:
    return Rotation.from_euler("Y", degrees, degrees=True)


def two_walks(position: list[float], turn: Rotation, **about: object) -> Any:
    """A query at the origin on trajectory 0, and one frame of trajectory 1."""
    turns = Rotation.concatenate([AHEAD, turn])
    return recording(poses(np.array([[0, 0, 0], position], float), turns), np.array([0, 1]), **about)


def answers(source: Any) -> list[int]:
    return RETRIEVAL.targets(source, np.array([0])).matches(0).tolist()


def ranking(*rows: list[int]) -> np.ndarray:
    return np.array([row + [-1] * (10 - len(row)) for row in rows], np.int32)


def score(source: Any, ranked: np.ndarray) -> dict[str, float]:
    rows = np.arange(len(ranked))
    statistics = RETRIEVAL.statistics(ranked, RETRIEVAL.targets(source, rows), source.trajectory_ids[rows])
    found = RETRIEVAL.metrics(statistics.total, RETRIEVAL.scope(statistics.total, ()))
    return {key: float(value) for key, value in found.items()}


def test_it_fulfils_the_contract_and_needs_no_labels() -> None:
    assert isinstance(TASKS["retrieval"], Task)
    assert RETRIEVAL.needs == ()
    assert RETRIEVAL.measures[0].key == "recall_1"


@pytest.mark.parametrize(
    ("position", "turn", "right"),
    [
        ([0.99, 0, 0], AHEAD, True),
        ([1.01, 0, 0], AHEAD, False),
        ([0.6, 0.6, 0.6], AHEAD, False),  # heights count
        ([0, 0, 0], turned(29.9), True),
        ([0, 0, 0], turned(-30.1), False),
        ([0, 0, 0], Rotation.from_euler("X", 29.9, degrees=True), True),
        ([0, 0, 0], Rotation.from_euler("Z", 90, degrees=True), True),  # the direction counts, not the roll
        ([0, 0, 0], turned(180), False),
        ([0.99, 0, 0], turned(29.9), True),
        ([0.99, 0, 0], turned(30.1), False),
    ],
)
def test_a_right_answer_is_within_1_m_and_30_degrees(position: list[float], turn: Rotation, right: bool) -> None:
    assert answers(two_walks(position, turn)) == ([1] if right else [])


def test_frames_of_the_own_trajectory_of_another_split_and_invalid_ones_are_no_answers() -> None:
    assert answers(two_walks([0, 0, 0], AHEAD)) == [1]
    assert answers(two_walks([0, 0, 0], AHEAD, split=["test", "train"])) == []
    assert answers(two_walks([0, 0, 0], AHEAD, valid=[True, False])) == []
    own = recording(poses(np.zeros((2, 3)), Rotation.concatenate([AHEAD, AHEAD])), np.array([3, 3]))
    assert answers(own) == []


def test_answers_come_nearest_camera_first() -> None:
    turns = Rotation.concatenate([AHEAD] * 4)
    source = recording(
        poses(np.array([[0.0, 0, 0], [0.9, 0, 0], [0.1, 0, 0], [0.5, 0, 0]]), turns), np.array([0, 1, 1, 2])
    )
    assert answers(source) == [2, 3, 1]


def a_row_of_frames() -> Any:
    """Twelve frames of twelve trajectories: 0 and 11 are at one place, all others far apart."""
    positions = np.zeros((12, 3))
    positions[:, 0] = 5.0 * np.arange(12)
    positions[11, 0] = 0.5
    return recording(poses(positions, Rotation.concatenate([AHEAD] * 12)), np.arange(12))


@pytest.mark.parametrize(("rank", "at_1", "at_5", "at_10"), [(1, 1, 1, 1), (2, 0, 1, 1), (6, 0, 0, 1), (10, 0, 0, 1)])
def test_recall_looks_at_so_many_of_the_best(rank: int, at_1: float, at_5: float, at_10: float) -> None:
    others = list(range(1, 11))
    ranked = ranking([*others[: rank - 1], 11, *others[rank - 1 : 9]], *[[0]] * 11)
    found = score(a_row_of_frames(), ranked)
    # Frames 0 and 11 have an answer, and 11 finds its own at once; ten others have none and do not count.
    assert found["recall_1"] == (at_1 + 1) / 2
    assert found["recall_5"] == (at_5 + 1) / 2
    assert found["recall_10"] == (at_10 + 1) / 2


def test_how_many_frames_do_not_count_is_said() -> None:
    source = a_row_of_frames()
    target = RETRIEVAL.targets(source, np.arange(12))
    assert RETRIEVAL.has_truth(target).tolist() == [True, *[False] * 10, True]
    statistics = RETRIEVAL.statistics(ranking(*[[0]] * 12), target, source.trajectory_ids)
    assert statistics.frames.sum() == 2
    assert list(RETRIEVAL.scope(statistics.total, ()).left_out) == ["10 of 12 frames"]


def test_the_right_trajectory_is_found_by_any_of_its_frames() -> None:
    positions = np.array([[0.0, 0, 0], [0.1, 0, 0], [9, 0, 0], [9, 0, 0]])
    source = recording(poses(positions, Rotation.concatenate([AHEAD] * 4)), np.array([0, 1, 1, 2]))
    target = RETRIEVAL.targets(source, np.array([0]))
    for best, expected in ((1, [1, 1]), (2, [0, 1]), (3, [0, 0])):
        total = RETRIEVAL.statistics(ranking([best]), target, np.array([0])).total
        found = RETRIEVAL.metrics(total, RETRIEVAL.scope(total, ()))
        assert [found["recall_1"], found["trajectory"]] == expected


def test_nothing_can_be_measured_where_no_frame_has_an_answer() -> None:
    assert np.isnan(score(two_walks([9, 0, 0], AHEAD), ranking([1], [0]))["recall_1"])


def reference(source: Any, ranked: np.ndarray) -> dict[str, float]:
    """Recall, and that of chance, counted frame by frame without any of the benchmark's code."""
    turns = Rotation.from_matrix(source.poses[:, :3, :3])
    looks = turns.apply([0, 0, -1])
    counted, found, chance = 0, {1: 0, 5: 0, 10: 0}, 0.0
    for query, its in enumerate(source.trajectory_ids):
        right = set()
        for other, trajectory in enumerate(source.trajectory_ids):
            angle = np.arccos(np.clip(looks[query] @ looks[other], -1, 1))
            distance = np.sqrt(((source.poses[query, :3, 3] - source.poses[other, :3, 3]) ** 2).sum())
            if trajectory != its and distance <= 1 and angle <= np.pi / 6:
                right.add(other)
        if right:
            counted += 1
            chance += len(right) / (source.trajectory_ids != its).sum()
            for k in found:
                found[k] += bool(right & set(ranked[query, :k].tolist()))
    totals = {f"recall_{k}": float(hits) for k, hits in found.items()} | {"chance": chance}
    return {key: total / counted if counted else np.nan for key, total in totals.items()}


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 40), size_m=st.floats(0.5, 6))
def test_recall_equals_a_brute_force_count(seed: int, count: int, size_m: float) -> None:
    rng = np.random.default_rng(seed)
    source = walks(rng, count, size_m)
    ranked = RETRIEVAL.conclude(rng.normal(size=(count, 4)).astype(np.float32), np.arange(count), source.trajectory_ids)
    found = score(source, ranked)
    for key, expected in reference(source, ranked).items():
        assert found[key] == pytest.approx(expected, abs=1e-12, nan_ok=True)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_sums_of_parts_add_up_and_the_order_of_frames_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = walks(rng)
    rows = rng.permutation(40)
    descriptors = rng.normal(size=(40, 4)).astype(np.float32)
    ranked = RETRIEVAL.conclude(descriptors, np.arange(40), source.trajectory_ids)
    shuffled = RETRIEVAL.conclude(descriptors[rows], rows, source.trajectory_ids[rows])
    np.testing.assert_array_equal(shuffled, ranked[rows])
    whole = RETRIEVAL.statistics(ranked, RETRIEVAL.targets(source, np.arange(40)), source.trajectory_ids).total
    parts = [
        RETRIEVAL.statistics(ranked[part], RETRIEVAL.targets(source, part), source.trajectory_ids[part]).total
        for part in np.split(rows, 4)
    ]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-12)


def test_a_ranking_holds_the_most_alike_frames_of_other_trajectories_best_first() -> None:
    source = recording(np.tile(np.eye(4), (5, 1, 1)), np.array([0, 0, 1, 1, 2]))
    angles = np.radians([0, 1, 50, 10, 10])
    descriptors = RETRIEVAL.encode_prediction(7 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    ranked = RETRIEVAL.conclude(descriptors, np.arange(5), source.trajectory_ids)
    np.testing.assert_array_equal(ranked, ranking([3, 4, 2], [3, 4, 2], [4, 1, 0], [4, 1, 0], [3, 1, 0, 2]))
    assert RETRIEVAL.form.check(ranked, Frames(np.arange(5), 2, 2)) == ""


def test_queries_of_several_recordings_are_answered_within_their_own() -> None:
    near = two_walks([0.5, 0, 0], AHEAD)
    both = concatenate([RETRIEVAL.targets(near, np.array([0, 1])) for _ in range(2)])
    assert both.space.tolist() == [0, 0, 1, 1]
    assert [both.matches(i).tolist() for i in range(4)] == [[1], [0], [3], [2]]
    picked = both[np.array([3])]
    assert picked.matches(0).tolist() == [2]
    assert picked.ranked(ranking([0, 1]))[0, :3].tolist() == [2, 3, -1]


def test_a_descriptor_that_is_not_finite_is_refused() -> None:
    with pytest.raises(UserError, match="NaN or infinite"):
        RETRIEVAL.encode_prediction(np.array([[np.nan, 1]]))


def test_a_frame_is_shown_by_what_was_ranked_first_and_told_in_metres_and_degrees() -> None:
    source = recording(
        poses(np.array([[0.0, 0, 0], [3, 0, 0], [0.5, 0, 0]]), Rotation.concatenate([AHEAD, turned(90), turned(10)])),
        np.array([0, 1, 2]),
    )
    target, rgb = RETRIEVAL.targets(source, np.array([0])), np.zeros((2, 2, 3), np.uint8)
    wrong, right = ranking([1, 2]), ranking([2, 1])
    assert RETRIEVAL.in_words(wrong, target) == "wrong: 3.0 m and 90° away; right at rank 2"
    assert RETRIEVAL.in_words(right, target) == "right: 0.5 m and 10° away"
    shown = [int(RETRIEVAL.display(values, target, rgb, rgb[0])[0, 0, 0]) for values in (wrong, right, target)]
    assert shown == [1, 2, 2]
