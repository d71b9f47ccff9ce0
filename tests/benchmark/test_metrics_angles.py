"""Angular errors equal plain formulas and torchmetrics to 1e-6, on random and on adversarial input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.metrics.angles import (
    ANGLE_SUMS,
    BIN_DEG,
    angle_metrics,
    angle_sums,
    angles_deg,
    histogram_median,
    is_direction,
)
from benchmark.tasks.normals import NORMALS

anything = arrays(np.uint8, (2, 2, 3, 3))  # any bytes at all: what lies on disk need not be a unit vector


def encoded(vectors: np.ndarray) -> np.ndarray:
    """Return (..., 3) vectors of any length in the encoding of recordings."""
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.round((unit + 1) * 127.5).astype(np.uint8)


def some(seed: int, *shape: int) -> np.ndarray:
    return encoded(np.random.default_rng(seed).normal(size=(*shape, 3)))


def measured(prediction: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    return angle_metrics(angle_sums(prediction, target, np.zeros(len(target), int), 1)[0])


def plain_angle(one: np.ndarray, two: np.ndarray) -> float:
    """Return the angle between two encoded vectors in degrees, by Kahan's formula, in plain Python."""
    a, b = ([float(v) / 127.5 - 1 for v in vector] for vector in (one, two))
    a, b = ([v / math.sqrt(sum(w * w for w in x)) for v in x] for x in (a, b))
    apart = math.dist(a, b)
    together = math.dist(a, [-v for v in b])
    return math.degrees(2 * math.atan2(apart, together))


@given(prediction=anything, target=anything, ignored=arrays(np.bool_, (2, 2, 3)))
@settings(deadline=None)
def test_every_measure_is_its_formula(prediction: np.ndarray, target: np.ndarray, ignored: np.ndarray) -> None:
    target = np.where(ignored[..., None], 0, target)
    ours = measured(prediction, target)
    pairs = zip(prediction.reshape(-1, 3), target.reshape(-1, 3), strict=True)
    errors = np.array([plain_angle(guess, true) for guess, true in pairs if true.any()])
    if not errors.size:
        assert all(np.isnan(value) for value in ours.values())
        return
    for key, limit in (("within_11", 11.25), ("within_22", 22.5), ("within_30", 30)):
        if not np.isclose(errors, limit, atol=1e-9).any():
            assert ours[key] == pytest.approx(np.mean(errors < limit), abs=1e-12)
    assert ours["mean_deg"] == pytest.approx(errors.mean(), abs=1e-6)
    lower_median = np.sort(errors)[(errors.size - 1) // 2]
    assert abs(ours["median_deg"] - lower_median) <= BIN_DEG + 1e-9


@pytest.mark.slow
def test_the_mean_cosine_of_the_angles_agrees_with_torchmetrics() -> None:
    import torch
    from torchmetrics.functional import cosine_similarity

    prediction, target = some(0, 500), some(1, 500)
    pair = (torch.from_numpy(v / 127.5 - 1) for v in (prediction, target))
    theirs = cosine_similarity(*pair, reduction="none").numpy()
    np.testing.assert_allclose(np.cos(np.radians(angles_deg(prediction, target))), theirs, atol=1e-6)


def test_equal_vectors_are_exactly_0_apart_and_opposite_ones_180() -> None:
    vectors = some(2, 100)
    assert (angles_deg(vectors, vectors) == 0).all()
    np.testing.assert_allclose(angles_deg(vectors, 255 - vectors), 180, atol=1e-9)


def test_right_angles_are_90() -> None:
    axes = encoded(np.eye(3))
    np.testing.assert_allclose(angles_deg(axes, np.roll(axes, 1, axis=0)), 90, atol=0.5)  # 0 is between two levels


@given(st.lists(st.integers(0, 20), min_size=1, max_size=9))
def test_the_median_of_a_histogram_is_where_its_distribution_reaches_one_half(counts: list[int]) -> None:
    found = histogram_median(np.array(counts, float))
    if not sum(counts):
        assert np.isnan(found)
        return
    distribution = np.concatenate([[0], np.cumsum(counts)]) / sum(counts)
    assert np.interp(found, np.arange(len(distribution)), distribution) == pytest.approx(0.5)
    assert distribution[max(0, math.ceil(found) - 1)] < 0.5


def test_the_median_of_many_angles_is_the_exact_one_to_a_bin() -> None:
    prediction, target = some(3, 4, 30, 30), some(4, 4, 30, 30)
    exact = np.median(angles_deg(prediction, target))
    assert measured(prediction, target)["median_deg"] == pytest.approx(exact, abs=BIN_DEG)


def test_a_single_pixel_has_every_measure() -> None:
    target = np.zeros((1, 2, 2, 3), np.uint8)
    target[0, 1, 0] = encoded(np.array([0, 0, 1]))
    ours = measured(np.broadcast_to(encoded(np.array([0, 1, 1])), target.shape), target)
    assert (ours["within_11"], ours["within_22"], ours["within_30"]) == (0, 0, 0)
    assert ours["mean_deg"] == pytest.approx(45, abs=0.5)
    assert ours["median_deg"] == pytest.approx(45, abs=1)


def test_sums_of_trajectories_add_up_to_the_whole() -> None:
    prediction, target = some(5, 9, 4, 4), some(6, 9, 4, 4)
    group = np.array([0, 2, 1, 0, 2, 2, 1, 0, 1])
    parts = angle_sums(prediction, target, group, 3)
    assert parts.shape == (3, ANGLE_SUMS)
    np.testing.assert_allclose(parts.sum(axis=0), angle_sums(prediction, target, 0 * group, 1)[0])


def test_measures_run_over_leading_axes() -> None:
    sums = np.random.default_rng(0).integers(0, 50, (3, 2, ANGLE_SUMS))
    together, alone = angle_metrics(sums), angle_metrics(sums[2, 1])
    assert {key: value[2, 1] for key, value in together.items()} == alone


def test_every_unit_vector_is_a_direction_and_no_measurement_is_none() -> None:
    assert is_direction(some(7, 5000)).all()
    assert not is_direction(np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255]], np.uint8)).any()


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_a_network_says_that_is_not_finite_is_refused(strange: float) -> None:
    output = np.ones((1, 3, 2, 2), np.float32)
    output[0, 1, 0, 0] = strange
    assert NORMALS.form.flaw(NORMALS.encode_prediction(output)).startswith("1 values are no unit vectors")


def test_a_network_may_say_vectors_of_any_length() -> None:
    output = np.zeros((1, 3, 1, 3), np.float32)
    output[0, :, 0, 0] = (0, 3e4, 0)
    output[0, :, 0, 1] = (1e-20, 0, 0)
    stored = NORMALS.encode_prediction(output)
    assert stored.tolist() == [[[[128, 255, 128], [255, 128, 128], [128, 128, 255]]]]
    assert NORMALS.form.flaw(stored) == ""
