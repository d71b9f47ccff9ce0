"""Detector boxes: the boxes of a detection network as a map of categories (RT-DETR, COCO).

Boxes are painted in the order of their size, the largest first, so that a cup on a table is seen: each pixel has the
category of the smallest box that holds it. Which of two boxes of one category a pixel is in is lost, and how sure the
network was; a list of boxes would need a decoder of another kind than all other modalities have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from baselines.ledger import Entry
from baselines.teachers.checkpoint import Checkpoint
from baselines.teachers.labeller import Guesses, Labeller, pictures, require_categories
from baselines.teachers.segmenter import COCO, IMAGENET_1K
from baselines.teachers.teacher import Answers
from sim_envs.modalities import COCO_THINGS

SURE = 0.5
"""Score from which a box counts, as in the demonstrations of its authors."""

OBJECTS365 = Entry(role="web", source="Objects365", modalities=("rgb",), frames=1_742_289, labels="task")


class Detector(Labeller):
    """A detection network."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Which boxes count."""
        return {"threshold": SURE}

    def answers(self, network: Any, processor: Any, device: torch.device) -> Answers:
        """Refuse a network of other categories."""
        require_categories(network, COCO_THINGS, self.name, "the categories of COCO's boxes")
        return BoxMaps(network, processor, device)


class BoxMaps(Guesses):
    """Boxes, painted."""

    @torch.inference_mode()
    def ask(self, rgb: np.ndarray) -> np.ndarray:
        """Return (B, H, W) uint8 ids: 0 is no box, k + 1 the network's category k."""
        inputs = self.processor(images=pictures(rgb), return_tensors="pt").to(self.device)
        sizes = torch.tensor([rgb.shape[1:3]] * len(rgb), device=self.device)
        found = self.processor.post_process_object_detection(self.network(**inputs), threshold=SURE, target_sizes=sizes)
        height, width = rgb.shape[1:3]
        return np.stack(
            [paint(one["boxes"].float().cpu().numpy(), one["labels"].cpu().numpy() + 1, height, width) for one in found]
        )


def paint(boxes: np.ndarray, ids: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return an (H, W) uint8 map of the ids of boxes, the smallest on top; 0 where there is none.

    Args:
        boxes: (M, 4) x0, y0, x1, y1 in pixels from the top left corner of the picture.
        ids: (M,) from 1. Of boxes of one size the earlier is on top.
    """
    painted = np.zeros((height, width), dtype=np.uint8)
    columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for index in np.argsort(area, kind="stable")[::-1]:
        x0, y0, x1, y1 = boxes[index]
        inside = ((rows >= y0) & (rows < y1))[:, None] & ((columns >= x0) & (columns < x1))
        painted[inside] = ids[index]
    return painted


DET_BOXES = Detector(
    "det-boxes",
    "per pixel the smallest box around it: 0 none, k + 1 the checkpoint's category k of COCO's 80",
    Checkpoint("PekingU/rtdetr_r50vd_coco_o365", ("rt_detr", "rt_detr_v2", "detr", "conditional_detr", "d_fine")),
    "AutoModelForObjectDetection",
    (IMAGENET_1K, OBJECTS365, COCO),
)
