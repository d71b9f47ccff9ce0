"""Depth measures equal plain per-pixel formulas and torchmetrics to 1e-6, on random and on adversarial input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.metrics.depth import DEPTH_SUMS, depth_metrics, depth_sums

# Float16 from its smallest step to its largest number, metres from a millimetre to the 65 m that uint16 holds.
guesses = st.floats(2.0**-14, 65504, width=16)
truths = st.one_of(st.just(0.0), st.floats(2.0**-10, 65, width=32))
pairs = st.integers(1, 3).flatmap(
    lambda n: st.tuples(arrays(np.float16, (n, 2, 3), elements=guesses), arrays(np.float32, (n, 2, 3), elements=truths))
)


def measured(prediction: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    return depth_metrics(depth_sums(prediction, target, np.zeros(len(target), int), 1)[0])


def plain(prediction: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Return every measure as the papers write it, pixel by pixel in Python."""
    pixels, scaled, spreads = [], [], []
    for guessed, true in zip(prediction, target, strict=True):
        frame = [(float(g), float(t)) for g, t in zip(guessed.ravel(), true.ravel(), strict=True) if t > 0]
        if not frame:
            continue
        scale = np.median([t for _, t in frame]) / np.median([g for g, _ in frame])
        logs = [np.log(g) - np.log(t) for g, t in frame]
        mean = sum(logs) / len(logs)
        spreads.append(np.sqrt(sum((log - mean) ** 2 for log in logs) / len(logs)))
        pixels += frame
        scaled += [(g * scale, t) for g, t in frame]

    def share(values: list[tuple[float, float]], limit: float) -> float:
        return sum(max(g / t, t / g) < limit for g, t in values) / len(values)

    return {
        "delta1": share(pixels, 1.25),
        "delta2": share(pixels, 1.25**2),
        "delta3": share(pixels, 1.25**3),
        "rmse": np.sqrt(sum((g - t) ** 2 for g, t in pixels) / len(pixels)),
        "abs_rel": sum(abs(g - t) / t for g, t in pixels) / len(pixels),
        "silog": sum(spreads) / len(spreads),
        "scaled_delta1": share(scaled, 1.25),
        "scaled_abs_rel": sum(abs(g - t) / t for g, t in scaled) / len(scaled),
    }


@given(pairs=pairs)
@settings(deadline=None)
def test_every_measure_is_its_formula(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    ours = measured(*pairs)
    if not pairs[1].any():
        assert all(np.isnan(value) for value in ours.values())
        return
    expected = plain(*pairs)
    assert set(ours) == set(expected)
    for key, value in expected.items():
        assert ours[key] == pytest.approx(value, rel=1e-6, abs=1e-6), key


def test_a_single_pixel_has_every_measure() -> None:
    target = np.zeros((1, 3, 3), np.float32)
    target[0, 1, 1] = 2
    ours = measured(np.full((1, 3, 3), 3, np.float16), target)
    assert (ours["rmse"], ours["abs_rel"], ours["delta1"], ours["delta2"]) == (1, 0.5, 0, 1)
    assert (ours["silog"], ours["scaled_abs_rel"], ours["scaled_delta1"]) == (0, 0, 1)


@pytest.mark.slow
def test_rmse_and_abs_rel_agree_with_torchmetrics() -> None:
    import torch
    from torchmetrics.regression import MeanAbsolutePercentageError, MeanSquaredError

    rng = np.random.default_rng(2)
    target = rng.uniform(0.3, 8, (4, 8, 8)).astype(np.float32)
    prediction = (target * rng.uniform(0.7, 1.4, target.shape)).astype(np.float16)
    pair = torch.from_numpy(prediction.astype(np.float64)), torch.from_numpy(target.astype(np.float64))
    ours = measured(prediction, target)
    rmse = MeanSquaredError(squared=False).set_dtype(torch.float64)(*pair).item()
    abs_rel = MeanAbsolutePercentageError().set_dtype(torch.float64)(*pair).item()
    assert (ours["rmse"], ours["abs_rel"]) == pytest.approx((rmse, abs_rel), abs=1e-6)


def test_a_factor_of_exactly_1_25_is_not_within_it() -> None:
    ours = measured(np.full((1, 1, 1), 2.5), np.full((1, 1, 1), 2.0))
    assert (ours["delta1"], ours["delta2"]) == (0, 1)


def test_a_scale_for_each_frame_costs_nothing_in_the_scaled_measures() -> None:
    target = np.random.default_rng(0).uniform(1, 5, (3, 4, 4))
    ours = measured(target * np.array([0.5, 1, 4])[:, None, None], target)
    assert ours["delta1"] == pytest.approx(1 / 3)
    assert ours["scaled_delta1"] == 1
    assert ours["scaled_abs_rel"] == pytest.approx(0, abs=1e-12)
    assert ours["silog"] == pytest.approx(0, abs=1e-12)


def test_sums_of_trajectories_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    target = rng.uniform(0.5, 5, (9, 4, 4)) * (rng.uniform(size=(9, 4, 4)) < 0.8)
    prediction, group = rng.uniform(0.5, 5, target.shape), rng.integers(0, 3, 9)
    parts = depth_sums(prediction, target, group, 3)
    assert parts.shape == (3, len(DEPTH_SUMS))
    np.testing.assert_allclose(parts.sum(axis=0), depth_sums(prediction, target, 0 * group, 1)[0])
