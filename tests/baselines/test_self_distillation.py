"""Self-distillation equals its formulas, keeps its teacher a running mean, tells a collapse, and learns something."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from timm.layers import resample_abs_pos_embed

from baselines.batches import Batch
from baselines.encoder import EncoderConfig, build_encoder, encode_tokens
from baselines.optim import adamw
from baselines.pretraining.objective import Losses
from baselines.self_distillation.config import CropPlan, SelfDistillationConfig
from baselines.self_distillation.head import ProjectionHead
from baselines.self_distillation.loss import (
    distillation_loss,
    feature_spread,
    mean_entropy,
    teacher_momentum,
    teacher_targets,
    teacher_temperature,
)
from baselines.self_distillation.objective import SelfDistillation, mean_token, resampled_positions
from baselines.self_distillation.picture import principal_colours
from sim_envs.errors import UserError

CONFIG = SelfDistillationConfig(CropPlan(local_crops=2), outputs=64, frozen_share=0.2, momentum=0.9)


def batch_of(rgb: torch.Tensor) -> Batch:
    measured = torch.ones(len(rgb), *rgb.shape[2:], dtype=torch.bool)
    return Batch({"rgb": rgb}, {"rgb": measured}, np.arange(len(rgb)))


@pytest.fixture
def batch() -> Batch:
    return batch_of(torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1)


@pytest.fixture
def model(small_shape: EncoderConfig) -> SelfDistillation:
    return SelfDistillation(CONFIG, small_shape, steps=10)


def losses_of(model: SelfDistillation, batch: Batch, step: int = 0, seed: int = 0) -> Losses:
    drawn = model.draw(np.random.default_rng(seed), len(batch.rows))
    return model.losses(batch, drawn, step, model.counts(batch, drawn))


def take_step(model: SelfDistillation, batch: Batch, step: int, optimiser: torch.optim.Optimizer) -> float:
    losses = losses_of(model, batch, step, seed=step)
    optimiser.zero_grad()
    losses.total.backward()
    optimiser.step()
    model.after_step(step, model.steps)
    return float(losses.total.detach())


def test_the_loss_is_the_cross_entropy_of_every_teachers_view_with_every_other_view() -> None:
    rng = np.random.default_rng(0)
    teacher, student, centre = rng.normal(size=(2, 3, 7)), rng.normal(size=(5, 3, 7)), rng.normal(size=7)
    terms = [
        -(softmax((teacher[g, b] - centre) / 0.05) * log_softmax(student[v, b] / 0.1)).sum()
        for g in range(2)
        for v in range(5)
        for b in range(3)
        if g != v
    ]
    targets = teacher_targets(torch.from_numpy(teacher), torch.from_numpy(centre), 0.05)
    loss = distillation_loss(targets, torch.from_numpy(student), 0.1)
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-5)


def test_the_teachers_momentum_rises_to_one_along_half_a_cosine() -> None:
    rises = [teacher_momentum(step, 100, 0.9) for step in range(101)]
    assert (rises[0], rises[50], rises[100]) == pytest.approx((0.9, 0.95, 1.0))
    assert rises == pytest.approx(0.9 + 0.1 * np.sin(np.pi * np.arange(101) / 200) ** 2)


def test_the_teachers_temperature_rises_in_a_line_and_stays() -> None:
    values = [teacher_temperature(step, 100, (0.04, 0.07), 0.3) for step in (0, 15, 30, 99)]
    assert values == pytest.approx([0.04, 0.055, 0.07, 0.07])
    assert teacher_temperature(0, 100, (0.04, 0.07), 0.0) == 0.07


def test_the_centre_is_the_running_mean_of_what_the_teacher_said(model: SelfDistillation, batch: Batch) -> None:
    optimiser = adamw(model, 1e-3, 0.05)
    said: list[np.ndarray] = []
    model.teacher.head.register_forward_hook(lambda _m, _i, out: said.append(out.detach().numpy().mean(axis=0)))
    for step in range(4):
        take_step(model, batch, step, optimiser)
    expected = np.average(said, axis=0, weights=[CONFIG.centre_momentum ** (3 - step) for step in range(4)])
    np.testing.assert_allclose(model.centre.value.numpy(), expected, atol=1e-6)


def test_a_batch_in_parts_moves_the_centre_as_the_whole_does(model: SelfDistillation, batch: Batch) -> None:
    said: list[torch.Tensor] = []
    model.teacher.head.register_forward_hook(lambda _m, _i, out: said.append(out.detach()))
    for rows in (slice(0, 4), slice(4, 6)):
        losses_of(model, batch_of(batch.values["rgb"][rows]))
    model.after_step(0, model.steps)
    torch.testing.assert_close(model.centre.value, torch.cat(said).mean(dim=0))


def test_after_a_step_the_teacher_has_followed_the_student_and_never_learns_by_itself(
    model: SelfDistillation, batch: Batch
) -> None:
    before = copy.deepcopy(model.teacher.state_dict())
    take_step(model, batch, 0, adamw(model, 1e-3, 0.05))
    student = model.student.state_dict()
    stays = teacher_momentum(0, 10, 0.9)
    for name, value in model.teacher.state_dict().items():
        torch.testing.assert_close(value, stays * before[name] + (1 - stays) * student[name])
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())
    assert model.encoder() is model.teacher.encoder


def test_the_heads_last_layer_begins_to_learn_after_its_share_of_the_steps(
    model: SelfDistillation, batch: Batch
) -> None:
    start, optimiser = model.student.head.prototypes.detach().clone(), adamw(model, 1e-3, 0.05)
    for step in range(2):
        take_step(model, batch, step, optimiser)
    assert torch.equal(model.student.head.prototypes, start)
    take_step(model, batch, 2, optimiser)
    assert not torch.equal(model.student.head.prototypes, start)


def test_logits_are_cosines_with_prototypes() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(8, 16, 4, 5)
    features = torch.randn(3, 8)
    place = head.mlp(features)
    expected = torch.nn.functional.cosine_similarity(place[:, None], head.prototypes[None], dim=-1)
    torch.testing.assert_close(head(features), expected)


def test_a_view_of_the_encoders_size_is_encoded_as_timm_does_it(small_shape: EncoderConfig, batch: Batch) -> None:
    encoder, rgb = build_encoder(small_shape), batch.values["rgb"]
    torch.testing.assert_close(mean_token(encoder, rgb), encode_tokens(encoder, rgb).mean(dim=1))


def test_features_are_standardised_by_what_the_teacher_gave_in_the_steps_before(
    model: SelfDistillation, batch: Batch
) -> None:
    optimiser = adamw(model, 0.0, 0.0)
    take_step(model, batch, 0, optimiser)
    seen: list[torch.Tensor] = []
    model.teacher.head.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    losses_of(model, batch, 1, seed=0)  # the views of step 0 again
    torch.testing.assert_close(seen[0].mean(dim=0), torch.zeros(32), atol=1e-3, rtol=0)
    deviation = seen[0].std(dim=0, correction=0)
    torch.testing.assert_close(deviation, torch.ones(32), atol=0.1, rtol=0)


def test_positions_of_smaller_views_are_resampled_as_timm_does_it(small_shape: EncoderConfig) -> None:
    encoder = build_encoder(small_shape)
    expected = resample_abs_pos_embed(encoder.pos_embed, [2, 3])[0, 1:]
    torch.testing.assert_close(resampled_positions(encoder, 2, 3), expected)


def test_every_weight_of_the_student_gets_a_gradient(model: SelfDistillation, batch: Batch) -> None:
    losses_of(model, batch, 5).total.backward()
    without = [name for name, p in model.student.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not without


def test_equal_draws_give_equal_losses(model: SelfDistillation, batch: Batch) -> None:
    first, again, other = (float(losses_of(model, batch, seed=s).total.detach()) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_entropy_and_spread_tell_both_collapses_from_health() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(8), size=5)
    assert float(mean_entropy(torch.from_numpy(probabilities))) == pytest.approx(entropy(probabilities, axis=1).mean())
    assert float(mean_entropy(torch.eye(8))) == 0
    assert float(mean_entropy(torch.full((3, 8), 1 / 8))) == pytest.approx(math.log(8))
    assert float(feature_spread(torch.ones(9, 4) * torch.arange(1, 10)[:, None])) == pytest.approx(0, abs=1e-3)
    assert float(feature_spread(torch.cat([torch.eye(4), -torch.eye(4)]))) == pytest.approx(1)


def test_without_centring_and_with_flat_targets_the_monitor_shows_the_collapse(
    small_shape: EncoderConfig, batch: Batch
) -> None:
    flat = SelfDistillationConfig(CropPlan(local_crops=0), outputs=64, teacher_temperature=(10.0, 10.0))
    parts = losses_of(SelfDistillation(flat, small_shape, steps=10), batch).parts
    assert float(parts["teacher entropy"]) == pytest.approx(math.log(64), abs=0.01)


def pictures(count: int, seed: int) -> torch.Tensor:
    """Return (count, 3, 32, 32) pictures of soft colours, each other than all others."""
    blocks = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(blocks, (32, 32), mode="bicubic").clamp(0, 1) * 2 - 1


def test_views_come_to_agree_and_neither_collapse_happens(small_shape: EncoderConfig) -> None:
    crops = CropPlan(local_crops=0, global_area=(0.5, 1), jittered=0, grey=0, blurred=(0, 0, 0), solarised=(0, 0, 0))
    config = SelfDistillationConfig(crops, outputs=256, momentum=0.98, teacher_temperature=(0.04, 0.04), lr_scale=1.0)
    model = SelfDistillation(config, small_shape, steps=100)
    known, new = pictures(256, seed=1), pictures(32, seed=2)
    optimiser, rng = adamw(model, 2e-3, 0.05), np.random.default_rng(0)
    losses = [
        take_step(model, batch_of(known[rng.choice(256, 32, replace=False)]), step, optimiser) for step in range(100)
    ]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[1:11])
    parts = losses_of(model, batch_of(new), 99).parts
    assert 0.1 * math.log(256) < float(parts["teacher entropy"]) < 0.8 * math.log(256)
    assert float(parts["feature spread"]) > 0.1


def test_the_picture_shows_frames_above_their_features(model: SelfDistillation, batch: Batch) -> None:
    sheet = model.picture(batch)
    assert sheet.shape == (64, 6 * 32, 3)
    assert sheet.dtype == np.uint8
    shown = ((batch.values["rgb"][2].permute(1, 2, 0).numpy() * 0.5 + 0.5) * 255).round()
    np.testing.assert_allclose(sheet[:32, 64:96], shown, atol=1)


def test_components_give_equal_features_equal_colours_and_opposite_ones_opposite_ends() -> None:
    features = np.zeros((2, 50, 6))
    features[:, :25, 3], features[:, 25:, 3] = 1, -1
    colours = principal_colours(features)
    assert {tuple(c) for c in colours[:, :25].reshape(-1, 3)} == {tuple(colours[0, 0])}
    assert abs(int(colours[0, 0, 0]) - int(colours[0, 30, 0])) == 255


@pytest.mark.parametrize(
    "wrong",
    [
        {"outputs": 1},
        {"hidden": 0.0},
        {"student_temperature": 0.0},
        {"teacher_temperature": (0.0, 0.07)},
        {"momentum": 1.5},
        {"centre_momentum": 1.0},
        {"frozen_share": 1.0},
    ],
)
def test_configurations_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        SelfDistillationConfig(**wrong)  # type: ignore[arg-type]
