"""Heads: the small network a task adds on an encoder, and the loss that trains it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.frame_encoder import FrameEncoder
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

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, h, w, token_width) tokens → (B, channels, 4h, 4w)."""
        x = self.project(self.norm(tokens)).permute(0, 3, 1, 2)
        x = self.mix(F.interpolate(x, scale_factor=2, mode="bilinear"))
        # Classifying first gives the same: both are linear, and a 1×1 convolution commutes with interpolation.
        return F.interpolate(self.classify(x), scale_factor=2, mode="bilinear")


class DenseModel(nn.Module):
    """An RGB encoder with a dense head: RGB in, prediction out."""

    def __init__(self, encoder: FrameEncoder, channels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = DenseHead(encoder.channels, channels)

    def coarse(self, rgb: Tensor, *, train_encoder: bool) -> Tensor:
        """(B, 3, H, W) frames in −1…1 → (B, channels, H / s, W / s): what training looks at.

        s is a whole number of pixels, see :func:`cell_stride`.
        """
        output = self._head_output(rgb, train_encoder)
        stride = cell_stride((rgb.shape[2], rgb.shape[3]), (output.shape[2], output.shape[3]))
        size = (rgb.shape[2] // stride, rgb.shape[3] // stride)
        return output if tuple(output.shape[2:]) == size else F.interpolate(output, size, mode="bilinear")

    def forward(self, rgb: Tensor) -> Tensor:
        """(B, 3, H, W) frames in −1…1 → (B, channels, H, W)."""
        return F.interpolate(self._head_output(rgb, False), size=rgb.shape[2:], mode="bilinear")

    def _head_output(self, rgb: Tensor, train_encoder: bool) -> Tensor:
        with torch.set_grad_enabled(train_encoder and torch.is_grad_enabled()):
            tokens = self.encoder(rgb)
        output: Tensor = self.head(tokens)
        return output


def cell_stride(frame: tuple[int, int], output: tuple[int, int]) -> int:
    """Return how many pixels of a frame make one cell of training, along both axes.

    The largest whole number that divides both sides and gives no fewer cells than the head has outputs; 1 where
    there is none, as for small frames that an encoder enlarges.

    Args:
        frame, output: (height, width).
    """
    limit = min(frame[0] // output[0], frame[1] // output[1])
    common = math.gcd(*frame)
    return max((s for s in range(1, limit + 1) if common % s == 0), default=1)


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
