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
from baselines.values import patch_cells, to_stored
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
        prediction = truth.new_empty((*truth.shape[:2], *predictions[name].shape[2:]))
        prediction[frame, masks.decoded[:, index]] = predictions[name].float()
        prediction = _to_values(name, prediction, truth, patches.measured[name])
        hidden = torch.zeros(truth.shape[:2], dtype=torch.bool, device=device)
        hidden[frame, masks.decoded[:, index]] = masks.scored[:, index]
        filled = torch.where(hidden[:, :, None, None], prediction, truth)
        cells = patch_cells(name, model.config.patch_size)
        hidden_cells = _cells(hidden, cells)
        unmeasured = ~batch.measured[name].cpu().numpy()
        true_picture = _picture(name, batch.values[name], unmeasured)
        parts = (
            np.where(hidden_cells[..., None], np.uint8(HIDDEN_GREY), true_picture),
            _picture(name, unpatchify(filled, cells), unmeasured & ~hidden_cells),
            true_picture,
        )
        panels[name] = Panels(*(_enlarged(part, model.config.image_size) for part in parts))
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
    if loss == "categories":
        return prediction.argmax(dim=2, keepdim=True).to(truth.dtype)
    return prediction.sigmoid() if loss == "bce" else prediction


def _cells(of_patch: Tensor, cells: int) -> np.ndarray:
    """Spread (B, T) flags over the pixels or cells of their patches: (B, H, W)."""
    spread = of_patch[:, :, None, None].expand(-1, -1, 1, cells**2)
    return unpatchify(spread, cells)[:, 0].cpu().numpy()


def _enlarged(pictures: np.ndarray, size: int) -> np.ndarray:
    """Repeat the cells of (B, H, W, 3) square pictures until a side has ``size`` pixels."""
    nearest = (np.arange(size) * pictures.shape[1]) // size
    return pictures[:, nearest][:, :, nearest]


def _picture(name: str, values: Tensor, unmeasured: np.ndarray) -> np.ndarray:
    stored = to_stored(name, values)
    stored[unmeasured] = 0
    return np.stack([modality(name).display(frame) for frame in stored])
