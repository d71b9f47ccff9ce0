"""Heads: the small network a task adds on an encoder, and the loss that trains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.encoder import encode_tokens
from sim_envs.errors import unknown

IGNORED = 0
"""Class id and depth value without a meaning: no loss, no score."""


class DenseHead(nn.Module):
    """Turn a grid of tokens into one value or one class score vector a pixel.

    Tokens are projected, upsampled by two and mixed with their neighbours by a 3×3 convolution; the result is
    upsampled by two again and classified, at a quarter of a token. Objects thinner than a token vanish in a head
    without this; a convolution at the finer stride too would cost more than the encoder.

    Args:
        token_width: channels of a token.
        channels: values a pixel.
        width: channels inside.
    """

    def __init__(self, token_width: int, channels: int, width: int = 64) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.project = nn.Linear(token_width, width)
        self.mix = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(8, width), nn.GELU())
        self.classify = nn.Conv2d(width, channels, 1)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """(B, h·w, token_width) tokens on a (h, w) grid → (B, channels, 4h, 4w)."""
        x = self.project(self.norm(tokens)).transpose(1, 2).unflatten(2, grid)
        x = self.mix(F.interpolate(x, scale_factor=2, mode="bilinear"))
        # Classifying first gives the same: both are linear, and a 1×1 convolution commutes with interpolation.
        return F.interpolate(self.classify(x), scale_factor=2, mode="bilinear")


class DenseModel(nn.Module):
    """An RGB encoder with a dense head: RGB in, prediction out."""

    def __init__(self, encoder: VisionTransformer, channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.grid: tuple[int, int] = tuple(encoder.patch_embed.grid_size)
        self.head = DenseHead(encoder.embed_dim, channels)

    @property
    def stride(self) -> int:
        """Pixels of a frame to one cell of :meth:`coarse`, along an axis."""
        return int(self.encoder.patch_embed.patch_size[0]) // 4

    def coarse(self, rgb: Tensor, *, train_encoder: bool) -> Tensor:
        """(B, 3, H, W) normalised RGB → (B, channels, H / stride, W / stride): what training looks at."""
        with torch.set_grad_enabled(train_encoder and torch.is_grad_enabled()):
            tokens = encode_tokens(self.encoder, rgb)
        return self.head(tokens, self.grid)

    def forward(self, rgb: Tensor) -> Tensor:
        """(B, 3, H, W) normalised RGB → (B, channels, H, W)."""
        return F.interpolate(self.coarse(rgb, train_encoder=False), size=rgb.shape[2:], mode="bilinear")


def cross_entropy(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Weighted cross-entropy over labelled pixels; class id k is channel k − 1.

    Args:
        output: (B, K, H, W) scores.
        target: (B, H, W) class ids 1…K, 0 = ignored.
        class_weights: (K,) weight of each class.
    """
    loss = F.cross_entropy(output, target.long() - 1, class_weights, ignore_index=IGNORED - 1, reduction="sum")
    return loss / class_weights.new_tensor(1e-6).add(_weight_sum(target, class_weights))


def _weight_sum(target: Tensor, class_weights: Tensor) -> Tensor:
    padded = torch.cat([class_weights.new_zeros(1), class_weights])
    return padded[target.long()].sum()


def log_l1(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Mean absolute error of log depth over measured pixels.

    Args:
        output: (B, 1, H, W) log metres.
        target: (B, H, W) metres, 0 = no measurement.
        class_weights: unused by a value; every loss has one signature.
    """
    measured = target > 0
    error = (output[:, 0] - target.clamp(min=1e-3).log()).abs()
    return torch.where(measured, error, 0).sum() / measured.sum().clamp(min=1)


def cosine(output: Tensor, target: Tensor, class_weights: Tensor) -> Tensor:
    """Mean of 1 − cos(angle) over pixels with a direction.

    Args:
        output: (B, 3, H, W) vectors of any length.
        target: (B, H, W, 3) uint8 unit vectors, round((n + 1) · 127.5); 0, 0, 0 = no direction.
        class_weights: unused by a direction; every loss has one signature.
    """
    known = (target != 0).any(dim=-1)
    truth = (target.to(output.dtype) / 127.5 - 1).movedim(-1, 1)
    error = 1 - F.cosine_similarity(output, truth, dim=1)
    return torch.where(known, error, 0).sum() / known.sum().clamp(min=1)


def mirror_map(target: Tensor) -> Tensor:
    """Mirror (B, H, W) ids or values left to right."""
    return target.flip(2)


def mirror_directions(target: Tensor) -> Tensor:
    """Mirror (B, H, W, 3) uint8 encoded vectors left to right: x changes its sign, 0, 0, 0 stays."""
    x, y, z = target.flip(2).unbind(-1)
    known = (x | y | z) != 0
    return torch.stack([torch.where(known, 255 - x, x), y, z], dim=-1)


LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
Mirror = Callable[[Tensor], Tensor]


class HeadLoss(NamedTuple):
    """One row: (output, target, class weights) → loss, and what a target becomes when its frame is mirrored."""

    function: LossFunction
    mirror: Mirror


LOSSES: dict[str, HeadLoss] = {
    "cross_entropy": HeadLoss(cross_entropy, mirror_map),
    "log_l1": HeadLoss(log_l1, mirror_map),
    "cosine": HeadLoss(cosine, mirror_directions),
}


def head_loss(name: str) -> HeadLoss:
    """Return the loss of a head specification."""
    if name not in LOSSES:
        raise unknown("head loss", name, LOSSES)
    return LOSSES[name]
