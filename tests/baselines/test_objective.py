"""Losses equal their formulas, count measured pixels only, and stay finite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cosine as scipy_cosine

from baselines.tst.adapters import Patches
from baselines.tst.masking import MaskPlan, Masks, sample_masks
from baselines.tst.objective import EDGE_WEIGHT, FLAT_PATCH_STD, LOSSES, SCALE, masked_mean, objective
from sim_envs.modalities import MODALITIES, SENSED

KIND_OF = {"patch_mse": 3, "depth_l1": 1, "cosine": 3, "bce": 1}  # loss → channels


def example(kind: str, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a (5, C, 16) prediction and target and a (5, 16) mask; the last patch has no measurement."""
    rng = torch.Generator().manual_seed(seed)
    prediction, target = torch.randn(2, 5, KIND_OF[kind], 16, generator=rng)
    if kind == "cosine":
        target = torch.nn.functional.normalize(target, dim=1)
    if kind == "bce":
        target = (target > 0.7).float()
    measured = torch.rand(5, 16, generator=rng) < 0.7
    measured[4] = False
    return prediction, target, measured


def test_every_sensed_modality_names_a_loss_that_exists() -> None:
    assert {MODALITIES[name].loss for name in SENSED} <= set(LOSSES)
    assert set(LOSSES) == set(SCALE)


def test_rgb_is_compared_after_normalising_each_patch() -> None:
    prediction, target, measured = example("patch_mse")
    errors = []
    for p, t, m in zip(prediction.numpy(), target.numpy(), measured.numpy(), strict=True):
        if m.any():
            seen = t[:, m].astype(np.float64)
            normal = (seen - seen.mean()) / np.sqrt(seen.var() + FLAT_PATCH_STD**2)
            errors.extend(((p[:, m] - normal) ** 2).mean(axis=0))
    assert float(masked_mean("patch_mse", prediction, target, measured)) == pytest.approx(np.mean(errors), rel=1e-5)


def test_depth_is_compared_by_absolute_difference() -> None:
    prediction, target, measured = example("depth_l1")
    expected = np.abs(prediction.numpy() - target.numpy())[:, 0][measured.numpy()].mean()
    assert float(masked_mean("depth_l1", prediction, target, measured)) == pytest.approx(expected, rel=1e-5)


def test_normals_are_compared_by_cosine_distance() -> None:
    prediction, target, measured = example("cosine")
    pairs = [(prediction[n, :, p], target[n, :, p]) for n, p in measured.nonzero().tolist()]
    expected = np.mean([scipy_cosine(a.double().numpy(), b.double().numpy()) for a, b in pairs])
    assert float(masked_mean("cosine", prediction, target, measured)) == pytest.approx(expected, rel=1e-5)


def test_edges_are_compared_by_weighted_cross_entropy() -> None:
    prediction, target, measured = example("bce")
    p = 1 / (1 + np.exp(-prediction.double().numpy()))
    t = target.numpy()
    expected = -(EDGE_WEIGHT * t * np.log(p) + (1 - t) * np.log(1 - p))[:, 0][measured.numpy()].mean()
    assert float(masked_mean("bce", prediction, target, measured)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("garbage", [1e6, float("nan"), float("inf")])
def test_what_stands_in_unmeasured_pixels_changes_neither_loss_nor_gradient(kind: str, garbage: float) -> None:
    prediction, target, measured = example(kind)
    results = []
    for value in (0.0, garbage):
        leaf = prediction.clone().requires_grad_()
        poisoned = torch.where(measured.unsqueeze(1), target, value)
        loss = masked_mean(kind, leaf, poisoned, measured)
        loss.backward()
        assert leaf.grad is not None
        assert not leaf.grad.permute(0, 2, 1)[~measured].any()
        results.append((loss.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("kind", LOSSES)
def test_a_batch_without_any_measurement_gives_zero_with_a_gradient(kind: str) -> None:
    prediction, target, measured = example(kind)
    leaf = prediction.clone().requires_grad_()
    loss = masked_mean(kind, leaf, target, torch.zeros_like(measured))
    loss.backward()
    assert float(loss.detach()) == 0
    assert leaf.grad is not None
    assert not leaf.grad.any()


@pytest.mark.parametrize("kind", LOSSES)
def test_a_perfect_prediction_scores_nothing(kind: str) -> None:
    _, target, measured = example(kind)
    perfect = target * 100 - 50 if kind == "bce" else target
    if kind == "patch_mse":
        weight = measured.unsqueeze(1).float()
        count = (weight.sum(dim=(1, 2), keepdim=True) * 3).clamp(min=1)
        mean = (target * weight).sum(dim=(1, 2), keepdim=True) / count
        perfect = (target - mean) / (((target - mean).square() * weight).sum((1, 2), True) / count + 0.0016).sqrt()
    assert float(masked_mean(kind, perfect, target, measured)) == pytest.approx(0, abs=1e-5)


def test_a_prediction_of_length_zero_has_a_finite_gradient() -> None:
    leaf = torch.zeros(1, 3, 4, requires_grad=True)
    target = torch.nn.functional.normalize(torch.ones(1, 3, 4), dim=1)
    masked_mean("cosine", leaf, target, torch.ones(1, 4, dtype=torch.bool)).backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()


def whole_batch() -> tuple[dict[str, torch.Tensor], Patches, Masks]:
    """Return predictions, truth and masks of RGB and depth, of which half is measured."""
    rng = torch.Generator().manual_seed(1)
    masks = sample_masks(np.random.default_rng(0), 4, MaskPlan(2, 9, visible=8, decoded=5))
    channels = {"rgb": 3, "depth": 1}
    values = {name: torch.randn(4, 9, c, 16, generator=rng) for name, c in channels.items()}
    predictions = {name: torch.randn(4, 5, c, 16, generator=rng) for name, c in channels.items()}
    measured = {name: torch.rand(4, 9, 16, generator=rng) < 0.5 for name in channels}
    return predictions, Patches(values, measured), masks


def test_only_hidden_patches_are_scored() -> None:
    predictions, patches, masks = whole_batch()
    errors = [
        (predictions["depth"][b, q, 0, p] - patches.values["depth"][b, masks.decoded[b, 1, q], 0, p]).abs().item()
        for b in range(4)
        for q in range(5)
        for p in range(16)
        if masks.scored[b, 1, q] and patches.measured["depth"][b, masks.decoded[b, 1, q], p]
    ]
    assert not masks.scored.all()
    parts = objective(predictions, patches, masks, {}).parts
    assert float(parts["depth"]) == pytest.approx(np.mean(errors), rel=1e-5)


def test_the_total_is_the_weighted_mean_of_scaled_losses() -> None:
    predictions, patches, masks = whole_batch()
    losses = objective(predictions, patches, masks, {"rgb": 3.0})
    rgb, depth = (float(losses.parts[name]) for name in ("rgb", "depth"))
    expected = (3 * rgb / SCALE["patch_mse"] + depth / SCALE["depth_l1"]) / 4
    assert float(losses.total) == pytest.approx(expected, rel=1e-5)


def test_a_modality_without_any_measurement_leaves_the_others_as_they_are() -> None:
    predictions, patches, masks = whole_batch()
    blind = patches.measured | {"depth": torch.zeros(4, 9, 16, dtype=torch.bool)}
    losses = objective(predictions, replace(patches, measured=blind), masks, {})
    assert float(losses.parts["depth"]) == 0
    assert float(losses.parts["rgb"]) == float(objective(predictions, patches, masks, {}).parts["rgb"])
