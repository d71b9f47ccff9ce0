"""Mask2Former (Cheng et al. 2022) for semantic segmentation: masks with classes, trained on ADE20K."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from baselines.experts.expert import STRIDE, Expert, ExpertFeatures, Session, on_one_grid
from baselines.experts.labels import ADE20K, meanings, unmapped


@dataclass(frozen=True, eq=False)
class Mask2Former(Expert):
    """A backbone, a pixel decoder and queries. The first two are the encoder."""

    task = "semseg"
    mean, std = IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
    trained_at, multiple = 640, 32

    def classes(self) -> tuple[type, type, type]:
        """Return those of Mask2Former."""
        from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

        return Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

    def encoder(self, model: Any) -> PixelFeatures:
        """Return backbone and pixel decoder."""
        return PixelFeatures(model.model.pixel_level_module, model.config)

    def without_meaning(self, session: Session) -> list[str]:
        """Look them up as :meth:`answer` does."""
        return unmapped(session.labels, session.categories, ADE20K)

    def answer(self, session: Session, rgb: np.ndarray) -> np.ndarray:
        """Return the score of each evaluation category in each pixel, (N, K, H, W) float32.

        A query's mask counts for the categories that its classes mean, by their probabilities; summed over
        queries, as the authors do for their own classes. Classes that mean none of the categories count for none.
        """
        ids = meanings(session.labels, session.categories, ADE20K)
        means = torch.zeros(len(ids), len(session.categories))
        means[np.flatnonzero(ids), ids[ids > 0] - 1] = 1
        output = session.model(pixel_values=session.pixels(rgb))
        classes = output.class_queries_logits.softmax(dim=-1)[..., :-1]  # the last is "no object"
        masks = output.masks_queries_logits.sigmoid()
        scores = torch.einsum("nqc,ck,nqhw->nkhw", classes, means.to(session.device), masks)
        return F.interpolate(scores, rgb.shape[1:3], mode="bilinear").cpu().numpy()


class PixelFeatures(ExpertFeatures):
    """All maps that the pixel decoder hands on: three of the deformable encoder, and the embeddings of pixels."""

    def __init__(self, module: Any, config: Any) -> None:
        super().__init__()
        self.channels = 3 * config.feature_size + config.mask_feature_size
        self.module = module
        swin = getattr(module.encoder, "swin", None)
        if swin is not None:
            swin.layernorm = nn.Identity()  # each map that is handed on has a norm of its own

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, 4 · 256, H / 16, W / 16)."""
        output = self.module(rgb)
        maps = (*output.decoder_hidden_states, output.decoder_last_hidden_state)
        return on_one_grid(maps, (rgb.shape[2] // STRIDE, rgb.shape[3] // STRIDE))
