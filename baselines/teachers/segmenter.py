"""Segmenter masks: for each pixel the category that a segmentation network gives it (Mask2Former, COCO panoptic)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from baselines.ledger import Entry
from baselines.teachers.checkpoint import Checkpoint
from baselines.teachers.labeller import Guesses, Labeller, pictures, require_categories
from baselines.teachers.teacher import Answers
from sim_envs.modalities import COCO_PANOPTIC

COCO = Entry(role="web", source="COCO 2017", modalities=("rgb",), frames=118_287, labels="task")
IMAGENET_1K = Entry(role="web", source="ImageNet-1k", modalities=("rgb",), frames=1_281_167, labels="classes")


class Segmenter(Labeller):
    """A universal segmentation network, asked for semantic masks."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Nothing to set."""
        return {}

    def answers(self, network: Any, processor: Any, device: torch.device) -> Answers:
        """Refuse a network of other categories."""
        require_categories(network, COCO_PANOPTIC, self.name, "the categories of COCO panoptic")
        return Masks(network, processor, device)


class Masks(Guesses):
    """Category of every pixel."""

    @torch.inference_mode()
    def ask(self, rgb: np.ndarray) -> np.ndarray:
        """Return (B, H, W) uint8 ids."""
        inputs = self.processor(images=pictures(rgb), return_tensors="pt").to(self.device)
        sizes = [rgb.shape[1:3]] * len(rgb)
        maps = self.processor.post_process_semantic_segmentation(self.network(**inputs), target_sizes=sizes)
        return np.stack([each.cpu().numpy() for each in maps]).astype(np.uint8)


SEG_MASKS = Segmenter(
    "seg-masks",
    "per pixel the id 0…132 of a category of COCO panoptic, in the order of the checkpoint's id2label",
    Checkpoint("facebook/mask2former-swin-small-coco-panoptic", ("mask2former", "maskformer", "oneformer")),
    "AutoModelForUniversalSegmentation",
    (IMAGENET_1K, COCO),
)
