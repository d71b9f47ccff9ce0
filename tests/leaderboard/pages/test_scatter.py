"""The picture: points where their scores are, on axes with round numbers, and no more of them than can be read."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.results import Score
from benchmark.tasks import TASKS
from leaderboard.pages.scales import axis, ticks
from leaderboard.pages.scatter import BOTTOM, CROSSES, LEFT, MOST, RIGHT, TOP, scatter
from leaderboard.pages.urls import LiveUrls
from leaderboard.standings import Dot

MIOU = TASKS["semseg"].measures[0]


def dot(number: int, test: float, held_out: float, name: str = "tst", track: str = "scratch") -> Dot:
    def score(value: float) -> Score:
        return Score(value=value, low=value - 0.02, high=value + 0.02)

    return Dot(f"made{number:04d}", name, "Lab", track, score(test), score(held_out))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(3, 12))
def test_ticks_are_few_round_evenly_spaced_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    marks = ticks(low, high, most)
    assert 0 < len(marks) <= most
    assert all(low - 1e-6 * span <= mark <= high + 1e-6 * span for mark in marks)
    steps = [after - before for before, after in pairwise(marks)]
    blur = 1e-9 * max(abs(low), abs(high), 1.0)  # of numbers that far from zero
    assert all(step == pytest.approx(steps[0], abs=blur) for step in steps)
    for step in steps[:1]:
        power = 10.0 ** math.floor(math.log10(step * (1 + 1e-6)))
        assert min(abs(step - factor * power) for factor in (1, 2, 5)) <= blur + 1e-6 * step


def test_an_axis_needs_a_span() -> None:
    with pytest.raises(ValueError, match="no axis"):
        ticks(1.0, 1.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_an_axis_keeps_the_order_of_values_and_all_of_them_inside(values: list[float]) -> None:
    scale = axis(values, 10, 90)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 10 <= places[0] <= places[-1] <= 90


def test_a_model_that_is_equal_in_both_lies_on_the_diagonal_and_a_specialist_below_it() -> None:
    plot = scatter([dot(1, 0.5, 0.5), dot(2, 0.6, 0.3)], 2, MIOU, LiveUrls())
    assert plot is not None
    equal, specialist = (next(p for p in plot.points if p.id == id) for id in ("made0001", "made0002"))
    up = lambda x: BOTTOM + (x - LEFT) / (RIGHT - LEFT) * (TOP - BOTTOM)  # noqa: E731
    assert equal.y == pytest.approx(up(equal.x), abs=0.2)
    assert specialist.y > up(specialist.x) + 20


def test_tick_labels_are_in_the_unit_of_the_measure() -> None:
    plot = scatter([dot(1, 0.1, 0.2), dot(2, 0.6, 0.3)], 2, MIOU, LiveUrls())
    assert plot is not None
    assert [tick.label for tick in plot.x_ticks] == ["10", "20", "30", "40", "50", "60"]


def test_intervals_are_drawn_while_points_are_few() -> None:
    few = scatter([dot(n, n / 100, n / 100) for n in range(CROSSES)], CROSSES, MIOU, LiveUrls())
    many = scatter([dot(n, n / 100, n / 100) for n in range(CROSSES + 1)], CROSSES + 1, MIOU, LiveUrls())
    assert few is not None
    assert many is not None
    assert all(point.cross for point in few.points)
    assert not any(point.cross for point in many.points)


def test_points_that_are_left_out_are_counted() -> None:
    plot = scatter([dot(n, 0.5, 0.4) for n in range(MOST)], 10_000, MIOU, LiveUrls())
    assert plot is not None
    assert (len(plot.points), plot.left_out) == (MOST, 10_000 - MOST)


def test_no_picture_where_nothing_has_both_scores() -> None:
    assert scatter([], 3, MIOU, LiveUrls()) is None


def test_a_point_says_who_it_is_and_both_scores() -> None:
    plot = scatter([dot(1, 0.5, 0.4, "Größe", "adapted")], 1, MIOU, LiveUrls())
    assert plot is not None
    assert plot.points[0].said.split("\n") == [
        "Größe",
        "Lab · adapted",
        "in the test space 50.0 [48.0, 52.0]",
        "held-out 40.0 [38.0, 42.0]",
    ]
