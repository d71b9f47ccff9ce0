"""The head of pixel maps: one value, vector or score vector a pixel."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.heads import HeadSpec, Strength
from baselines.heads.dense_losses import dense_loss
from baselines.heads.head import Head

FINER = 4
"""Outputs along a token: training looks at so many, the answer is interpolated from them."""


class LinearDecoder(nn.Module):
    """Normalise every token and map it to the channels: what the encoder knows of a place, and nothing is added."""

    def __init__(self, token_width: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.classify = nn.Linear(token_width, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, h, w, token_width) tokens → (B, channels, 4h, 4w)."""
        x = self.classify(self.norm(tokens)).permute(0, 3, 1, 2)
        return F.interpolate(x, scale_factor=FINER, mode="bilinear")


class ConvolutionalDecoder(nn.Module):
    """Project tokens, upsample them by two and mix them with their neighbours by a 3×3 convolution, then classify.

    The result is upsampled by two again. Objects thinner than a token vanish without this; a convolution at the finer
    stride too would cost more than the encoder.
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
        return F.interpolate(self.classify(x), scale_factor=FINER // 2, mode="bilinear")


DECODERS: dict[Strength, type[nn.Module]] = {"linear": LinearDecoder, "strong": ConvolutionalDecoder}


class DenseHead(Head):
    """Turn a grid of tokens into (channels, H, W).

    Losses are those of :mod:`baselines.heads.dense_losses`: ``cross_entropy`` (channel c scores id c + 1), ``log_l1``
    (channel 0 is ln(value)) and ``cosine`` (channels are x, y, z of a vector in the camera's frame, of any length).
    """

    class_weights: Tensor

    def __init__(self, spec: HeadSpec, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__(spec, token_width, grid)
        self.function, self.mirror = dense_loss(spec.loss)
        self.decoder = DECODERS[spec.strength](token_width, spec.channels)
        self.register_buffer("class_weights", torch.ones(spec.channels), persistent=False)

    def prepare(self, target: np.ndarray) -> None:
        """Weigh classes by how rare they are in training."""
        self.class_weights.copy_(class_weights(target, self.spec.channels))

    def truth(self, target: np.ndarray, mirrored: Tensor, frame: tuple[int, int]) -> Tensor:
        """Return (B, H, W, …) ids, values or encoded vectors."""
        maps = torch.from_numpy(target).to(mirrored.device)
        return torch.where(mirrored.view(-1, *[1] * (maps.ndim - 1)), self.mirror(maps), maps)

    def loss(self, tokens: Tensor, frame: tuple[int, int], truth: Tensor, generator: torch.Generator) -> Tensor:
        """Compare the output with one pixel of each of its cells."""
        output = self.coarse(tokens, frame)
        cells = _one_of_each_cell(truth, frame[0] // output.shape[2], generator)
        return self.function(output.float(), cells, self.class_weights)

    def answer(self, tokens: Tensor, frame: tuple[int, int]) -> np.ndarray:
        """Return (B, channels, H, W) float32."""
        output: np.ndarray = F.interpolate(self.decoder(tokens), size=frame, mode="bilinear").float().cpu().numpy()
        return output

    def coarse(self, tokens: Tensor, frame: tuple[int, int]) -> Tensor:
        """Return what training looks at, (B, channels, H / s, W / s).

        s is a whole number of pixels, see :func:`cell_stride`.
        """
        output: Tensor = self.decoder(tokens)
        stride = cell_stride(frame, (output.shape[2], output.shape[3]))
        size = (frame[0] // stride, frame[1] // stride)
        return output if tuple(output.shape[2:]) == size else F.interpolate(output, size, mode="bilinear")


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


def class_weights(target: np.ndarray, channels: int) -> Tensor:
    """Return (channels,) weights ∝ frequency^−¼, mean 1 over the classes that occur, at most 5.

    Unweighted, a model does well by never naming anything small. Values and directions have no classes: all ones.
    """
    if target.ndim > 3 or not np.issubdtype(target.dtype, np.integer):
        return torch.ones(channels)
    counts = np.bincount(target.reshape(-1), minlength=channels + 1)[1 : channels + 1].astype(np.float64)
    present = counts > 0
    weights = np.zeros(channels)
    weights[present] = (counts[present] / counts.sum()) ** -0.25
    weights[present] = np.minimum(weights[present] / weights[present].mean(), 5.0)
    return torch.from_numpy(weights.astype(np.float32))


def _one_of_each_cell(target: Tensor, stride: int, generator: torch.Generator) -> Tensor:
    """Return (B, H / stride, W / stride, …): the same pixel of every stride × stride cell, another one each step.

    Scoring every pixel of a step costs more than the encoder; over the steps every pixel has its turn.
    """
    y, x = torch.randint(stride, (2,), generator=generator).tolist()
    return target[:, y::stride, x::stride]
