"""BLIP (Li et al. 2022) for captions, trained on web texts and on COCO's captions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from baselines.experts.expert import Expert, ExpertFeatures, Session, tokens_to_map

BEAMS, SHORTEST, LONGEST = 3, 5, 20  # the last two in tokens
NOTHING = "nothing"  # is said where the tokens are no words
OPENAI_MEAN, OPENAI_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class Blip(Expert):
    """A ViT, which is the encoder, and a text decoder."""

    task = "captioning"
    files = ("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json")
    mean, std = OPENAI_MEAN, OPENAI_STD
    trained_at, multiple = 384, 16

    def classes(self) -> tuple[type, type, type]:
        """Return those of BLIP."""
        from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

        return BlipConfig, BlipForConditionalGeneration, BlipImageProcessor

    def encoder(self, model: Any) -> VisionFeatures:
        """Return the ViT."""
        return VisionFeatures(model.vision_model, int(model.config.vision_config.patch_size))

    def answer(self, session: Session, rgb: np.ndarray) -> np.ndarray:
        """Return a caption of each frame, (N,) str, by beam search as its authors evaluate it on COCO."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(session.folder, local_files_only=True)
        said = session.model.generate(
            pixel_values=session.pixels(rgb), num_beams=BEAMS, min_new_tokens=SHORTEST, max_new_tokens=LONGEST
        )
        texts = tokenizer.batch_decode(said, skip_special_tokens=True)
        return np.array([text.strip() or NOTHING for text in texts], np.str_)


class VisionFeatures(ExpertFeatures):
    """The patch tokens that the text decoder attends to."""

    def __init__(self, vit: Any, patch_size: int) -> None:
        super().__init__()
        self.vit = vit
        self.patch_size = patch_size
        self.channels = int(vit.config.hidden_size)

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, C, H / 16, W / 16)."""
        tokens = self.vit(pixel_values=rgb, interpolate_pos_encoding=True).last_hidden_state
        return tokens_to_map(tokens, rgb.shape[2] // self.patch_size, rgb.shape[3] // self.patch_size)
