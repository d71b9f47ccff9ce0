"""Masked token modelling as an objective of the pre-training loop: tokenizers and token model under one budget.

Both learn from the same frames in the same steps, whose number is that of every other row. In a first share of them
the tokenizers learn to bring patches back, and the token model already predicts the codes of the moment; then the
tokenizers stay as they are, and codes no longer change their meaning. No step is spent on tokenizers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.batches import Batch
from baselines.encoder import EncoderConfig, save_encoder
from baselines.precision import exactly
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.objective import Losses, Objective
from baselines.tokens.config import TokensConfig
from baselines.tokens.model import TokenModel, as_codes
from baselines.tokens.picture import token_sheet
from baselines.tokens.quantise import perplexity
from baselines.tokens.tokenizer import Tokenizer
from baselines.tst.adapters import Patches, cut
from baselines.tst.masked import masked_config
from baselines.tst.masking import Masks, sample_masks
from baselines.tst.start import LR_SCALE, Start, enlarged
from baselines.zoo.model import Model


def masked_tokens(model: Model, encoder: EncoderConfig, loop: LoopConfig, start: Start | None) -> MaskedTokens:
    """Build the objective of a row of the zoo, see :data:`~baselines.objectives.OBJECTIVES`."""
    config = TokensConfig(masked_config(model, encoder))
    return MaskedTokens(config, steps=loop.steps, seed=loop.seed, start=start)


class MaskedTokens(Objective):
    """Predict the codes of every modality's patches that the encoder did not see.

    The log has three columns a modality: ``tokens``, the share of a code's nats that its prediction leaves open (1 is a
    guess); ``error`` of the tokenizer (1 is a constant); ``codes``, how many are in use (perplexity, of one batch).

    Args:
        steps: of the whole run, of which the tokenizers learn in a share.
        seed: of the initial weights, and of the picture's masks.
        start: a trained ViT to go on from, of the shape ``config.masked.encoder``; None begins at random.
    """

    def __init__(self, config: TokensConfig, *, steps: int, seed: int = 0, start: Start | None = None) -> None:
        super().__init__()
        masked = config.masked
        self.config, self.seed, self.start = config, seed, start
        self.tokenizer_steps = max(1, round(config.tokenizer_share * steps))
        self.plan = masked.mask_plan()
        self.modalities = masked.modalities
        self.loss_names = tuple(f"{name} {column}" for column in COLUMNS for name in masked.modalities)
        self.shape = masked.encoder
        self.image_size = start.frame_size if start else masked.encoder.image_size
        self.augmentation = masked.augmentation
        self.identity = {"name": "tokens", **config.plain()} | ({"start": dict(start.identity)} if start else {})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 3)
            self.tokenizers = nn.ModuleDict(
                {name: Tokenizer(name, masked.encoder.patch_size, config.tokenizer) for name in masked.modalities}
            )
        codes = {name: sum(config.levels(name)) for name in masked.modalities}
        self.model = TokenModel(masked, codes, seed=seed, start=start)

    def draw(self, rng: np.random.Generator, frames: int) -> Masks:
        """Draw the masks of a batch."""
        return sample_masks(rng, frames, self.plan)

    def counts(self, batch: Batch, drawn: Masks) -> Tensor:
        """Return how many tokens of each modality are scored, and how many of its pixels are measured, (2 · M,)."""
        patches, masks = self._patches(batch), drawn.to(batch.device)
        tokens = [scored_tokens(patches, masks, name, i).sum() for i, name in enumerate(self.modalities)]
        return torch.stack([*tokens, *(patches.measured[name].sum() for name in self.modalities)])

    def losses(self, batch: Batch, drawn: Masks, step: int, counts: Tensor) -> Losses:
        """Return the weighted mean of all modalities' token losses, plus that of the tokenizers' errors."""
        patches, masks = self._patches(batch), drawn.to(batch.device)
        learning = step < self.tokenizer_steps
        levels: dict[str, Tensor] = {}
        parts: dict[str, Tensor] = {}
        error = torch.zeros((), device=batch.device)
        with torch.set_grad_enabled(learning and torch.is_grad_enabled()):
            for index, name in enumerate(self.modalities):
                tokenizer = self.tokenizer(name)
                quantised = tokenizer.encode(patches)
                raw = tokenizer.decode(quantised)
                with exactly(batch.device):
                    own = tokenizer.error(raw, patches, counts[len(self.modalities) + index])
                    levels[name] = tokenizer.quantiser.to_levels(quantised.detach())
                    used = perplexity(tokenizer.quantiser.to_index(levels[name]), tokenizer.quantiser.codes)
                error = error + self._weight(name) * own
                parts |= {f"{name} error": own.detach(), f"{name} codes": used}
        predictions = self.model(as_codes(patches, levels, self._tokenizers()), masks)
        tokens = torch.zeros((), device=batch.device)
        frame = torch.arange(len(batch.rows), device=batch.device)[:, None]
        with exactly(batch.device):
            for index, name in enumerate(self.modalities):
                truth = levels[name][frame, masks.decoded[:, index]]
                open_nats = self.tokenizer(name).quantiser.cross_entropy(self.model.logits(name, predictions), truth)
                scored, count = scored_tokens(patches, masks, name, index), counts[index]
                own = torch.where(scored, open_nats, 0.0).sum() / (count + (count == 0))
                tokens = tokens + self._weight(name) * own
                parts[f"{name} tokens"] = own.detach()
            weights = sum(self._weight(name) for name in self.modalities)
            return Losses((tokens + error) / weights, parts)

    def encoder(self) -> VisionTransformer:
        """Return the ViT."""
        return self.model.encoder

    def tokenizer(self, name: str) -> Tokenizer:
        """Return the tokenizer of a modality."""
        return cast(Tokenizer, self.tokenizers[name])

    def parameter_rates(self) -> Mapping[str, float]:
        """Let what knows something already learn slower."""
        return {"model.encoder": LR_SCALE} if self.start else {}

    def picture(self, batch: Batch) -> np.ndarray:
        """Draw what was seen, what the predicted tokens show, what the tokenizers bring back, and what was there."""
        batch = enlarged(batch, self.shape.image_size)
        masks = sample_masks(np.random.default_rng(self.seed), len(batch.rows), self.plan)
        return token_sheet(self.model, self._tokenizers(), batch, masks.to(batch.device))

    def save_encoder(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the ViT with the normalisation and the call of the network that it began as."""
        if self.start is None:
            super().save_encoder(path, provenance)
            return
        own, call = self.start.encoder, self.start.call
        save_encoder(self.encoder(), self.shape, path, provenance=provenance, call=call, mean=own.mean, std=own.std)

    def _patches(self, batch: Batch) -> Patches:
        return cut(enlarged(batch, self.shape.image_size), self.shape.patch_size)

    def _tokenizers(self) -> dict[str, Tokenizer]:
        return {name: self.tokenizer(name) for name in self.modalities}

    def _weight(self, name: str) -> float:
        return self.config.masked.loss_weights.get(name, 1.0)


COLUMNS = ("tokens", "error", "codes")


def scored_tokens(patches: Patches, masks: Masks, name: str, index: int) -> Tensor:
    """Return which (B, Q) decoded tokens count: those that were hidden, and are measured on half of their pixels."""
    decoded = masks.decoded[:, index]
    frame = torch.arange(len(decoded), device=decoded.device)[:, None]
    measured = patches.measured[name][frame, decoded].to(torch.float32).mean(dim=-1)
    return masks.scored[:, index] & (measured >= 0.5)
