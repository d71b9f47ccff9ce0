"""Masked modelling as an objective of pre-training: the rows ``tst``, ``tst-mae`` and their controls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from baselines.batches import Batch
from baselines.encoder import EncoderConfig, save_encoder
from baselines.precision import exactly
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.objective import Losses, Objective
from baselines.tst.adapters import cut
from baselines.tst.config import MaskedConfig
from baselines.tst.masking import Masks, sample_masks
from baselines.tst.model import MaskedModel
from baselines.tst.objective import objective, scored_pixels
from baselines.tst.reconstruct import reconstruct, sheet
from baselines.tst.start import LR_SCALE, Start, enlarged
from baselines.zoo.model import Model


def masked_modelling(model: Model, encoder: EncoderConfig, loop: LoopConfig, start: Start | None) -> MaskedModelling:
    """Build the objective of a row of the zoo, see :data:`~baselines.objectives.OBJECTIVES`."""
    return MaskedModelling(masked_config(model, encoder), seed=loop.seed, start=start)


def masked_config(model: Model, encoder: EncoderConfig) -> MaskedConfig:
    """Return what a row of the zoo reads, learns from and hides."""
    visible = None
    if model.mask_ratio is not None:
        visible = max(1, round((1 - model.mask_ratio) * encoder.tokens * len(model.modalities)))
    return MaskedConfig(encoder=encoder, modalities=model.modalities, visible_tokens=visible)


class MaskedModelling(Objective):
    """Predict the patches of every modality that the encoder did not see.

    Args:
        seed: of the initial weights, and of the picture's masks.
        start: a trained ViT to go on from, of the shape ``config.encoder``; None begins at random.
    """

    all_learn = True

    def __init__(self, config: MaskedConfig, *, seed: int = 0, start: Start | None = None) -> None:
        super().__init__()
        self.config, self.seed, self.start = config, seed, start
        self.plan = config.mask_plan()
        self.modalities = self.loss_names = config.modalities
        self.shape = config.encoder
        self.image_size = start.frame_size if start else config.encoder.image_size
        self.augmentation = config.augmentation
        self.identity = {"name": "masked", **config.plain()} | ({"start": dict(start.identity)} if start else {})
        self.model = MaskedModel(config.encoder, config.modalities, config.decoder, seed=seed, start=start)

    def draw(self, rng: np.random.Generator, frames: int) -> Masks:
        """Draw the masks of a batch."""
        return sample_masks(rng, frames, self.plan)

    def counts(self, batch: Batch, drawn: Masks) -> Tensor:
        """Return the pixels that each modality's mean is taken over."""
        measured = Batch({}, enlarged(batch, self.shape.image_size).measured, batch.rows)
        return scored_pixels(cut(measured, self.shape.patch_size), drawn.to(batch.device), self.modalities)

    def losses(self, batch: Batch, drawn: Masks, step: int, counts: Tensor) -> Losses:
        """Return the weighted mean of all modalities' losses, and each by itself."""
        masks = drawn.to(batch.device)
        patches = cut(enlarged(batch, self.shape.image_size), self.shape.patch_size)
        predictions = self.model(patches, masks)
        with exactly(batch.device):
            return objective(predictions, patches, masks, self.config.loss_weights, counts)

    def encoder(self) -> VisionTransformer:
        """Return the ViT."""
        return self.model.encoder

    def parameter_rates(self) -> Mapping[str, float]:
        """Let what knows something already learn slower."""
        return {"model.encoder": LR_SCALE} if self.start else {}

    def picture(self, batch: Batch) -> np.ndarray:
        """Draw what was seen, what is predicted and what was there."""
        batch = enlarged(batch, self.shape.image_size)
        return sheet(reconstruct(self.model, batch, self.plan, np.random.default_rng(self.seed)))

    def save_encoder(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the ViT with the normalisation and the call of the network that it began as."""
        if self.start is None:
            super().save_encoder(path, provenance)
            return
        own = self.start.encoder
        save_encoder(
            self.encoder(), self.shape, path, provenance=provenance, call=self.start.call, mean=own.mean, std=own.std
        )
