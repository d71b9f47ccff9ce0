"""A picture of tokens: what was seen, what the predicted codes show, what the true codes bring back, what was there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from baselines.batches import Batch
from baselines.tokens.model import TokenModel, as_codes
from baselines.tokens.tokenizer import Tokenizer
from baselines.tst.adapters import cut, unpatchify
from baselines.tst.masking import Masks
from baselines.tst.reconstruct import HIDDEN_GREY
from baselines.values import to_stored
from sim_envs.modalities import modality


@torch.no_grad()
def token_sheet(model: TokenModel, tokenizers: Mapping[str, Tokenizer], batch: Batch, masks: Masks) -> np.ndarray:
    """Return an (M · H, B · 4 · W, 3) uint8 sheet: a row a modality, four pictures a frame.

    Visible tokens keep their codes in the second picture; every other code of a frame is predicted.
    """
    size = model.config.patch_size
    patches = cut(batch, size)
    levels = {name: tokenizer.quantiser.to_levels(tokenizer.encode(patches)) for name, tokenizer in tokenizers.items()}
    tokens = model.config.tokens
    everywhere = torch.arange(tokens, device=batch.device).expand(len(batch.rows), len(levels), -1)
    predictions = model(as_codes(patches, levels, tokenizers), replace(masks, decoded=everywhere))
    shown = torch.zeros(len(batch.rows), len(levels) * tokens, dtype=torch.bool, device=batch.device)
    shown = shown.scatter(1, masks.visible, True).unflatten(1, (len(levels), tokens))
    rows = []
    for index, (name, tokenizer) in enumerate(tokenizers.items()):
        visible = shown[:, index]
        likely = tokenizer.quantiser.most_likely(model.logits(name, predictions))
        filled = torch.where(visible.unsqueeze(-1), levels[name], likely)
        pictures = [_frames(name, tokenizer, codes, size) for codes in (filled, levels[name])]
        stored = to_stored(name, batch.values[name])
        stored[~batch.measured[name].cpu().numpy()] = 0
        truth = np.stack([modality(name).display(frame) for frame in stored])
        spread = visible[:, :, None, None].expand(-1, -1, 1, size**2)
        seen = np.where(unpatchify(spread, size)[:, 0, :, :, None].cpu().numpy(), truth, np.uint8(HIDDEN_GREY))
        columns = [part[frame] for frame in range(len(truth)) for part in (seen, *pictures, truth)]
        rows.append(np.concatenate(columns, axis=1))
    return np.concatenate(rows)


def _frames(name: str, tokenizer: Tokenizer, levels: Tensor, patch_size: int) -> np.ndarray:
    """Return (B, H, W, 3) uint8 pictures of (B, T, D) codes."""
    raw = tokenizer.decode(tokenizer.quantiser.from_levels(levels))
    stored = to_stored(name, unpatchify(tokenizer.values(raw), patch_size))
    return np.stack([modality(name).display(frame) for frame in stored])
