"""The masked model with modalities coarser than pixels: features on patches, ids in cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.batches import Batch, FramePool
from baselines.encoder import EncoderConfig
from baselines.tst.adapters import Patches, cut
from baselines.tst.masking import MaskPlan, Masks, sample_masks
from baselines.tst.model import DecoderConfig, MaskedModel
from baselines.tst.objective import objective
from baselines.tst.reconstruct import reconstruct, sheet
from sim_envs.errors import UserError
from sim_envs.modalities import COCO_PANOPTIC, COMPONENTS
from sim_envs.recordings.sensed import SensedFrames

CPU = torch.device("cpu")
FEATURES, IDS = "features:timm:some.net", "seg-masks"  # a full stop is no part of a module's name in torch
NAMES = ("rgb", "depth", FEATURES, IDS, "sam-edges")
PLAN = MaskPlan(5, 16, visible=20, decoded=6)


class Taught:
    """Forty frames with made-up answers of three teachers."""

    def __init__(self, planes: SensedFrames, grid: int = 3) -> None:
        rng = np.random.default_rng(0)
        self.planes = planes
        self.answers = {
            FEATURES: rng.normal(size=(40, grid, grid, COMPONENTS)).astype(np.float16),
            IDS: rng.integers(0, COCO_PANOPTIC, (40, 32, 32)).astype(np.uint8),
            "sam-edges": rng.integers(0, 256, (40, 32, 32)).astype(np.uint8),
        }

    @property
    def modalities(self) -> tuple[str, ...]:
        return (*self.planes.modalities, *self.answers)

    def __len__(self) -> int:
        return 40

    def get(self, name: str, rows: np.ndarray) -> np.ndarray:
        return self.answers[name][rows] if name in self.answers else self.planes.get(name, rows)


@pytest.fixture(scope="module")
def batch(planes: SensedFrames) -> Batch:
    return FramePool([Taught(planes)], NAMES, 32, patches=4).batch(np.arange(6), CPU)


@pytest.fixture(scope="module")
def patches(batch: Batch) -> Patches:
    return cut(batch, 8)


@pytest.fixture(scope="module")
def model(small_shape: EncoderConfig) -> MaskedModel:
    return MaskedModel(small_shape, NAMES, DecoderConfig(width=24, heads=2), seed=0).eval()


@pytest.fixture(scope="module")
def masks() -> Masks:
    return sample_masks(np.random.default_rng(0), 6, PLAN)


def test_every_modality_has_as_many_patches_whatever_a_patch_holds(patches: Patches) -> None:
    assert {name: tuple(values.shape) for name, values in patches.values.items()} == {
        "rgb": (6, 16, 3, 64),
        "depth": (6, 16, 1, 64),
        FEATURES: (6, 16, COMPONENTS, 1),
        IDS: (6, 16, 1, 16),
        "sam-edges": (6, 16, 1, 64),
    }


def test_a_feature_is_predicted_once_a_patch_and_an_id_by_scores_of_all_categories(
    model: MaskedModel, patches: Patches, masks: Masks
) -> None:
    predictions = model(patches, masks)
    assert predictions[FEATURES].shape == (6, 6, COMPONENTS, 1)
    assert predictions[IDS].shape == (6, 6, COCO_PANOPTIC, 16)


def test_what_is_masked_is_out_of_sight_and_what_is_visible_is_seen(
    model: MaskedModel, patches: Patches, masks: Masks
) -> None:
    seen = torch.zeros(6, 5 * 16, dtype=torch.bool).scatter(1, masks.visible, True)
    for index, name in enumerate(NAMES):
        shown = seen[:, 16 * index : 16 * (index + 1)]
        original = patches.values[name]
        other = (original + 1) % COCO_PANOPTIC if name == IDS else 1 - original
        before = model(patches, masks)["depth"]
        for where, changes in ((~shown, False), (shown, True)):
            values = torch.where(where[:, :, None, None], other, original)
            poisoned = Patches(patches.values | {name: values}, patches.measured)
            assert torch.equal(model(poisoned, masks)["depth"], before) != changes, (name, changes)


def test_ids_where_nothing_was_measured_have_no_influence(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    unmeasured = patches.measured | {IDS: torch.zeros_like(patches.measured[IDS])}
    others = patches.values | {IDS: torch.full_like(patches.values[IDS], 7)}
    one, two = (model(Patches(values, unmeasured), masks)["depth"] for values in (patches.values, others))
    assert torch.equal(one, two)


def test_losses_of_all_kinds_reach_the_weights(model: MaskedModel, patches: Patches, masks: Masks) -> None:
    losses = objective(model(patches, masks), patches, masks, {})
    assert set(losses.parts) == set(NAMES)
    losses.total.backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    model.zero_grad(set_to_none=True)
    assert silent == []


def test_pictures_of_coarse_modalities_are_as_large_as_the_others(model: MaskedModel, batch: Batch) -> None:
    panels = reconstruct(model, batch, PLAN, np.random.default_rng(0))
    assert all(panels[name].predicted.shape == (6, 32, 32, 3) for name in NAMES)
    assert sheet(panels).shape == (5 * 32, 6 * 3 * 32, 3)


def test_recordings_whose_answers_lie_on_other_grids_are_not_pooled(planes: SensedFrames) -> None:
    with pytest.raises(UserError, match="on another grid"):
        FramePool([Taught(planes), Taught(planes, grid=5)], NAMES, 32, patches=4)


def test_other_modalities_begin_with_the_same_weights_with_and_without_teachers(
    model: MaskedModel, small_shape: EncoderConfig
) -> None:
    plain = MaskedModel(replace(small_shape), ("rgb", "depth"), DecoderConfig(width=24, heads=2), seed=0)
    ours, theirs = model.state_dict(), plain.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if name.startswith("encoder."))
