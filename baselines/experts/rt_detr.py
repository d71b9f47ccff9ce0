"""RT-DETR (Zhao et al. 2024) for detection, trained on Objects365 and COCO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_convert

from baselines.experts.expert import STRIDE, Expert, ExpertFeatures, Session, on_one_grid
from baselines.experts.labels import COCO, meanings, unmapped

MOST_BOXES = 100
"""Of a frame; COCO's metric looks at no more."""


@dataclass(frozen=True, eq=False)
class RTDetr(Expert):
    """A convolutional backbone, a hybrid encoder and queries. The first two are the encoder."""

    task = "detection"
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    trained_at, multiple = 640, 32

    def classes(self) -> tuple[type, type, type]:
        """Return those of RT-DETR."""
        from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor

        return RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor

    def encoder(self, model: Any) -> HybridFeatures:
        """Return backbone and hybrid encoder."""
        return HybridFeatures(model.model)

    def without_meaning(self, session: Session) -> list[str]:
        """Look them up as :meth:`answer` does."""
        return unmapped(session.labels, session.categories, COCO)

    def answer(self, session: Session, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best boxes of each frame, (N, n, 4) pixels, their evaluation ids and scores, both (N, n).

        A query's box counts once for a category, with the highest of the scores of all classes that mean it. Classes
        that mean none of the categories count for none.
        """
        ids = torch.from_numpy(meanings(session.labels, session.categories, COCO)).to(session.device)
        output = session.model(pixel_values=session.pixels(rgb))
        scores = output.logits.sigmoid()
        count, queries = scores.shape[:2]
        by_category = scores.new_zeros(count, queries, len(session.categories) + 1)
        by_category.scatter_reduce_(2, ids.expand(count, queries, -1), scores, "amax")
        best, place = by_category[..., 1:].flatten(1).topk(min(MOST_BOXES, queries * len(session.categories)))
        query, category = place // len(session.categories), place % len(session.categories) + 1
        height, width = rgb.shape[1:3]
        corners = box_convert(output.pred_boxes, "cxcywh", "xyxy").clamp(0, 1)
        box = corners.gather(1, query[..., None].expand(-1, -1, 4)) * corners.new_tensor([width, height, width, height])
        return box.cpu().numpy(), category.cpu().numpy(), best.cpu().numpy()


class HybridFeatures(ExpertFeatures):
    """The three maps that the hybrid encoder hands to the decoder."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.channels = len(model.config.encoder_in_channels) * model.config.encoder_hidden_dim
        self.backbone, self.project, self.encoder = model.backbone, model.encoder_input_proj, model.encoder

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, 3 · 256, H / 16, W / 16)."""
        everywhere = torch.ones(len(rgb), *rgb.shape[2:], device=rgb.device)
        maps = [m for m, _ in self.backbone(rgb, everywhere)]
        maps = [project(m) for project, m in zip(self.project, maps, strict=True)]
        return on_one_grid(self.encoder(maps).last_hidden_state, (rgb.shape[2] // STRIDE, rgb.shape[3] // STRIDE))
