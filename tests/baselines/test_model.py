"""The masked model: with all of RGB visible its encoder is timm's; masked patches are out of its sight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.batches import Batch, FramePool
from baselines.encoder import EncoderConfig, encode_tokens
from baselines.precision import autocast, fit_attention
from baselines.tst.adapters import Patches, cut, patchify, unpatchify
from baselines.tst.masking import MaskPlan, Masks, sample_masks
from baselines.tst.model import DecoderConfig, MaskedModel
from baselines.tst.reconstruct import HIDDEN_GREY, reconstruct, sheet
from sim_envs.errors import UserError
from sim_envs.modalities import MODALITIES, SENSED
from sim_envs.recordings.sensed import SensedFrames

CPU = torch.device("cpu")
PLAN = MaskPlan(4, 16, visible=12, decoded=6)


@pytest.fixture(scope="module")
def batch(planes: SensedFrames) -> Batch:
    return FramePool([planes], SENSED, 32).batch(np.arange(6), CPU)


@pytest.fixture(scope="module")
def patches(batch: Batch) -> Patches:
    return cut(batch, 8)


@pytest.fixture(scope="module")
def model(small_shape: EncoderConfig) -> MaskedModel:
    return MaskedModel(small_shape, SENSED, DecoderConfig(width=24, depth=2, heads=2), seed=0).eval()


@pytest.fixture(scope="module")
def masks() -> Masks:
    return sample_masks(np.random.default_rng(0), 6, PLAN)


def test_patches_put_together_are_the_image() -> None:
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(unpatchify(patchify(images, 8), 8), images)


def test_a_patch_is_a_square_of_the_image() -> None:
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(patchify(images, 8)[:, 6].unflatten(-1, (8, 8)), images[:, :, 8:16, 16:24])


def test_each_modality_is_predicted_in_its_own_shape(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    predictions = model(patches, masks)
    assert {name: tuple(p.shape) for name, p in predictions.items()} == {
        name: (6, 6, MODALITIES[name].channels, 64) for name in SENSED
    }


def test_with_all_of_rgb_visible_the_encoder_is_timms(
    model: MaskedModel, batch: Batch, patches: Patches, masks: Masks
) -> None:
    all_rgb = replace(masks, visible=torch.arange(16).expand(6, -1))
    encoded = model.encode(model.adapters(patches, all_rgb, model.encoder))
    torch.testing.assert_close(encoded, model.encoder.forward_features(batch.values["rgb"]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoded[:, 1:], encode_tokens(model.encoder, batch.values["rgb"]), atol=1e-5, rtol=1e-4)


def test_a_visible_token_holds_its_own_patch(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    tokens = model.adapters(patches, masks, model.encoder)
    position = model.encoder.pos_embed[0, 1:]
    number = int(masks.visible[3, -1])
    name, place = SENSED[number // 16], number % 16
    value = patches.values[name][3, place].flatten()
    expected = model.adapters.project[name](value) + model.adapters.modality_embedding[name] + position[place]
    torch.testing.assert_close(tokens[3, -1], expected)


def test_masked_patches_have_no_influence(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    shown = torch.zeros(6, 64, dtype=torch.bool).scatter_(1, masks.visible, True).view(6, 4, 16)
    poisoned = {
        name: torch.where(shown[:, m, :, None, None], patches.values[name], torch.nan) for m, name in enumerate(SENSED)
    }
    clean, other = model(patches, masks), model(replace(patches, values=poisoned), masks)
    assert all(torch.equal(clean[name], other[name]) for name in SENSED)


def test_a_prediction_does_not_depend_on_what_else_is_decoded(
    model: MaskedModel, patches: Patches, masks: Masks
) -> None:
    few = replace(masks, decoded=masks.decoded[:, :, :2])
    for name, prediction in model(patches, few).items():
        torch.testing.assert_close(prediction, model(patches, masks)[name][:, :2])


def test_rgb_alone_is_a_masked_autoencoder_of_the_same_code(small_shape: EncoderConfig, patches: Patches) -> None:
    model = MaskedModel(small_shape, ("rgb",), DecoderConfig(width=24, heads=2))
    masks = sample_masks(np.random.default_rng(0), 6, MaskPlan(1, 16, visible=4, decoded=6))
    assert list(model(patches, masks)) == ["rgb"]
    assert list(model.adapters.parameters()) == []


def test_the_seed_alone_decides_the_weights(small_shape: EncoderConfig) -> None:
    first = MaskedModel(small_shape, SENSED, DecoderConfig(), seed=2).state_dict()
    torch.rand(3)
    second = MaskedModel(small_shape, SENSED, DecoderConfig(), seed=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_encoder_starts_the_same_with_and_without_further_modalities(small_shape: EncoderConfig) -> None:
    alone = MaskedModel(small_shape, ("rgb",), DecoderConfig(), seed=2).encoder
    among = MaskedModel(small_shape, SENSED, DecoderConfig(), seed=2).encoder
    assert all(torch.equal(a, b) for a, b in zip(alone.parameters(), among.parameters(), strict=True))


def test_every_parameter_learns(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    sum(p.square().sum() for p in model(patches, masks).values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    model.zero_grad(set_to_none=True)


def test_bfloat16_predicts_nearly_the_same(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    exact = model(patches, masks)
    fit_attention(model, CPU, torch.bfloat16)
    with autocast(CPU, torch.bfloat16):
        rough = model(patches, masks)
    fit_attention(model, CPU, torch.float32)
    for name in SENSED:
        assert (rough[name].float() - exact[name]).abs().mean() < 0.05 * exact[name].std()


@pytest.mark.parametrize("wrong", [{"width": 30}, {"width": 96, "heads": 5}, {"depth": 0}])
def test_decoders_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="decoder"):
        DecoderConfig(**wrong)  # type: ignore[arg-type]


def test_reconstruction_shows_visible_patches_as_they_are(model: MaskedModel, batch: Batch) -> None:
    panels = reconstruct(model, batch, PLAN, np.random.default_rng(1))
    hidden_patches = 0
    for name in SENSED:
        panel = panels[name]
        assert panel.seen.shape == panel.predicted.shape == panel.truth.shape == (6, 32, 32, 3)
        shown = ~(panel.seen == HIDDEN_GREY).all(axis=-1)
        assert np.array_equal(panel.predicted[shown], panel.truth[shown])
        grey = (panel.seen == HIDDEN_GREY).all(axis=-1).reshape(6, 4, 8, 4, 8).all(axis=(2, 4))
        hidden_patches += int(grey.sum())
    assert hidden_patches == 6 * (64 - 12)
    picture = sheet(panels)
    assert picture.shape == (len(SENSED) * 32, 6 * 3 * 32, 3)
    assert np.array_equal(picture[:32, 64:96], panels["rgb"].truth[0])
