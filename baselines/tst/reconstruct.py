"""Pictures of what a masked model saw, what it predicted and what was there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from baselines.batches import Batch
from baselines.tst.adapters import cut, unpatchify
from baselines.tst.masking import MaskPlan, sample_masks
from baselines.tst.model import MaskedModel
from baselines.tst.objective import patch_statistics
from baselines.values import to_stored
from sim_envs.modalities import modality

HIDDEN_GREY = 128


@dataclass(frozen=True)
class Panels:
    """(B, H, W, 3) uint8 pictures of one modality.

    Attributes:
        seen: the visible patches, the others grey.
        predicted: the visible patches, the others as the model fills them in.
        truth: what was measured.
    """

    seen: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray


@torch.no_grad()
def reconstruct(model: MaskedModel, batch: Batch, plan: MaskPlan, rng: np.random.Generator) -> dict[str, Panels]:
    """Mask a batch, predict all that is masked, and return modality → pictures.

    RGB is predicted up to each patch's mean and contrast, which the pictures borrow from the truth.
    """
    device = batch.values["rgb"].device
    masks = sample_masks(rng, len(batch.rows), replace(plan, decoded=plan.tokens)).to(device)
    patches = cut(batch, model.config.patch_size)
    predictions = model(patches, masks)
    frame = torch.arange(len(batch.rows), device=device)[:, None]
    panels = {}
    for index, name in enumerate(model.modalities):
        truth = patches.values[name]
        prediction = torch.empty_like(truth)
        prediction[frame, masks.decoded[:, index]] = predictions[name].float()
        prediction = _to_values(name, prediction, truth, patches.measured[name])
        hidden = torch.zeros(truth.shape[:2], dtype=torch.bool, device=device)
        hidden[frame, masks.decoded[:, index]] = masks.scored[:, index]
        filled = torch.where(hidden[:, :, None, None], prediction, truth)
        hidden_pixels = _pixels(hidden, model.config.patch_size)
        unmeasured = ~batch.measured[name].cpu().numpy()
        true_picture = _picture(name, batch.values[name], unmeasured)
        panels[name] = Panels(
            seen=np.where(hidden_pixels[..., None], np.uint8(HIDDEN_GREY), true_picture),
            predicted=_picture(name, unpatchify(filled, model.config.patch_size), unmeasured & ~hidden_pixels),
            truth=true_picture,
        )
    return panels


def sheet(panels: dict[str, Panels]) -> np.ndarray:
    """Lay panels out as one picture: a row a modality; for each frame what was seen, predicted and true."""
    frames = len(next(iter(panels.values())).truth)
    rows = [
        np.concatenate([part[i] for i in range(frames) for part in (p.seen, p.predicted, p.truth)], axis=1)
        for p in panels.values()
    ]
    return np.concatenate(rows, axis=0)


def _to_values(name: str, prediction: Tensor, truth: Tensor, measured: Tensor) -> Tensor:
    """Turn (B, T, C, P) raw predictions into values, as the modality's loss reads them."""
    loss = modality(name).loss
    if loss == "patch_mse":
        mean, std = patch_statistics(truth.flatten(0, 1), measured.flatten(0, 1))
        return prediction * std.view(*truth.shape[:2], 1, 1) + mean.view(*truth.shape[:2], 1, 1)
    return prediction.sigmoid() if loss == "bce" else prediction


def _pixels(of_patch: Tensor, patch_size: int) -> np.ndarray:
    """Spread (B, T) flags over the pixels of their patches: (B, H, W)."""
    spread = of_patch[:, :, None, None].expand(-1, -1, 1, patch_size**2)
    return unpatchify(spread, patch_size)[:, 0].cpu().numpy()


def _picture(name: str, values: Tensor, unmeasured: np.ndarray) -> np.ndarray:
    stored = to_stored(name, values)
    stored[unmeasured] = 0
    return np.stack([modality(name).display(frame) for frame in stored])
