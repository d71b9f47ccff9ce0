"""Depth Anything V2 (Yang et al. 2024), the metric models for indoors: metres from one picture.

The models without a scale say which of two points is nearer, not how far it is; only the metric ones answer the task.
They were trained on Hypersim, whose distances along rays its authors turned into planar depth, which is ours too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

from baselines.experts.expert import Expert, ExpertFeatures, Session, tokens_to_map
from sim_envs.errors import UserError

NEAREST_M = 1e-3


@dataclass(frozen=True, eq=False)
class DepthAnything(Expert):
    """A DINOv2 backbone, which is the encoder, and a DPT decoder."""

    task = "depth"
    mean, std = IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
    trained_at, multiple = 518, 14

    def classes(self) -> tuple[type, type, type]:
        """Return those of Depth Anything; its pictures are prepared as DPT's are."""
        from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, DPTImageProcessor

        return DepthAnythingConfig, DepthAnythingForDepthEstimation, DPTImageProcessor

    def encoder(self, model: Any) -> BackboneFeatures:
        """Return the backbone."""
        return BackboneFeatures(model.backbone, int(model.config.patch_size))

    def answer(self, session: Session, rgb: np.ndarray) -> np.ndarray:
        """Return ln(metres) of each pixel, (N, 1, H, W) float32.

        Raises:
            UserError: the weights are of a model without a scale.
        """
        if session.model.config.depth_estimation_type != "metric":
            raise UserError(f"{session.folder} holds a depth model without a scale. Take a metric one for indoors.")
        metres = session.model(pixel_values=session.pixels(rgb)).predicted_depth[:, None]
        return F.interpolate(metres, rgb.shape[1:3], mode="bilinear").clamp(min=NEAREST_M).log().cpu().numpy()


class BackboneFeatures(ExpertFeatures):
    """The layers that the decoder reads, behind each other."""

    def __init__(self, backbone: Any, patch_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.patch_size = patch_size
        self.channels = sum(backbone.channels)
        backbone.embeddings.mask_token = None  # of DINOv2's own training; no frame passes through it

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, layers · C, H / 14, W / 14)."""
        rows, columns = rgb.shape[2] // self.patch_size, rgb.shape[3] // self.patch_size
        return torch.cat([tokens_to_map(t, rows, columns) for t in self.backbone(rgb).feature_maps], dim=1)
