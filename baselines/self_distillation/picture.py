"""A picture of what patch features tell apart: their first three principal components as colours."""

from __future__ import annotations

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from baselines.encoder import encode_tokens
from baselines.values import to_stored


@torch.no_grad()
def feature_sheet(encoder: VisionTransformer, rgb: Tensor) -> np.ndarray:
    """Return (2 · H, B · W, 3) uint8: normalised (B, 3, H, W) frames above their features."""
    tokens = encode_tokens(encoder, rgb).float()
    grid = round(tokens.shape[1] ** 0.5)
    colours = principal_colours(tokens.cpu().numpy()).reshape(len(rgb), grid, grid, 3)
    cell = rgb.shape[-1] // grid
    features = colours.repeat(cell, axis=1).repeat(cell, axis=2)
    return np.concatenate([np.concatenate([*row], axis=1) for row in (to_stored("rgb", rgb), features)])


def principal_colours(features: np.ndarray) -> np.ndarray:
    """Return (B, T, 3) uint8 colours of (B, T, D) features: equal colours are near features, over all frames.

    Each component is stretched from its 2nd to its 98th percentile, so that single tokens do not flatten the rest.
    """
    flat = features.reshape(-1, features.shape[-1]).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    values = centred @ directions[:3].T
    low, high = np.percentile(values, [2, 98], axis=0)
    scaled = (values - low) / np.maximum(high - low, 1e-12)
    return (255 * scaled.clip(0, 1)).round().astype(np.uint8).reshape(*features.shape[:2], 3)
