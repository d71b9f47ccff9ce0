"""SAM edges: where the masks of Segment Anything end (Kirillov et al. 2023, section 7.2).

A grid of points is asked for masks. Those that the network itself thinks good are kept; the gradient of each mask's
probability is its outline, and the strongest outline of all masks is the edge of a pixel. Edges of objects, not of
texture: the opposite of what Canny finds in the same frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.ledger import Entry
from baselines.teachers.checkpoint import Checkpoint
from baselines.teachers.labeller import Guesses, Labeller, pictures
from baselines.teachers.teacher import Answers

POINTS_A_SIDE = 16
GOOD_IOU = 0.88
"""Predicted overlap from which a mask counts; both numbers are those of the paper's own mask generator."""

POINTS_AT_ONCE = 64

SA_1B = Entry(role="web", source="SA-1B", modalities=("rgb",), frames=11_000_000, labels="task")
IMAGENET_1K_MAE = Entry(role="web", source="ImageNet-1k", modalities=("rgb",), frames=1_281_167)


class Sam(Labeller):
    """Segment Anything."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which points are asked, and which masks count."""
        return {"points_a_side": POINTS_A_SIDE, "good_iou": GOOD_IOU}

    def answers(self, network: Any, processor: Any, device: torch.device) -> Answers:
        """Any image encoder will do."""
        return Outlines(network, processor, device)


class Outlines(Guesses):
    """Outlines of all good masks."""

    batch = 4

    @torch.inference_mode()
    def ask(self, rgb: np.ndarray) -> np.ndarray:
        """Return (B, H, W) uint8 strength of edges, 0…255."""
        inputs = self.processor(images=pictures(rgb), return_tensors="pt").to(self.device)
        embeddings = self.network.get_image_embeddings(inputs["pixel_values"])
        places = [
            self._edges(*each, rgb.shape[1:3]) for each in zip(embeddings, inputs["reshaped_input_sizes"], strict=True)
        ]
        return np.stack(places)

    def _edges(self, embedding: Tensor, fitted: Tensor, size: tuple[int, int]) -> np.ndarray:
        """Return the (H, W) edges of one frame.

        Args:
            fitted: (2,) height and width of the frame in the network's square input, at its top left.
        """
        height, width = (int(side) for side in fitted)
        side = (torch.arange(POINTS_A_SIDE) + 0.5) / POINTS_A_SIDE
        points = torch.stack(torch.meshgrid(side * width, side * height, indexing="xy"), dim=-1).reshape(-1, 1, 2)
        strongest = torch.zeros(size, device=self.device)
        for some in points.split(POINTS_AT_ONCE):
            found = self.network(
                image_embeddings=embedding[None], input_points=some[None].to(self.device), multimask_output=True
            )
            logits, iou = found.pred_masks[0].flatten(0, 1).float(), found.iou_scores[0].flatten()
            good = logits[iou > GOOD_IOU]
            if len(good):
                strongest = torch.maximum(strongest, outline(good, (height, width), self._side(), size).amax(dim=0))
        return (255 * strongest).round().to(torch.uint8).cpu().numpy()

    def _side(self) -> int:
        """Return the pixels of a side of the network's input."""
        return int(self.network.config.vision_config.image_size)


def outline(logits: Tensor, fitted: tuple[int, int], side: int, size: tuple[int, int]) -> Tensor:
    """Return (M, H, W) outlines in 0…1 of masks: 1 where a mask's probability goes from 0 to 1 within a pixel.

    Args:
        logits: (M, h, h) low-resolution masks over the network's whole square input.
        fitted: height and width of the frame in that input of ``side`` pixels, at its top left.
        size: (H, W) of the outlines.
    """
    whole = F.interpolate(logits[:, None], (side, side), mode="bilinear", align_corners=False)
    frame = F.interpolate(whole[..., : fitted[0], : fitted[1]], size, mode="bilinear", antialias=True)
    probability = F.pad(frame.sigmoid(), (1, 1, 1, 1), mode="replicate")
    across = probability[..., 1:-1, 2:] - probability[..., 1:-1, :-2]
    down = probability[..., 2:, 1:-1] - probability[..., :-2, 1:-1]
    return torch.hypot(across, down)[:, 0].clamp(max=1)


SAM_EDGES = Sam(
    "sam-edges",
    "per pixel the strength 0…255 of the strongest outline of a mask",
    Checkpoint("facebook/sam-vit-base", ("sam",)),
    "SamModel",
    (IMAGENET_1K_MAE, SA_1B),
)
