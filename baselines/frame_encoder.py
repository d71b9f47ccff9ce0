"""What every model of the zoo is to a head: RGB frames in, a grid of tokens out, whatever network is inside.

Frames come as :func:`baselines.encoder.normalise_rgb` leaves them, −1…1. The encoder brings them to the size and
the normalisation that its weights were trained with, so that heads, augmentation and tasks need not know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.encoder import RGB_MEAN, RGB_STD
from baselines.sensor_inputs import RGB_ALONE
from sim_envs.errors import UserError

SMALLEST_SIDE = 224
"""Pixels to which small frames are enlarged, at most: nearly every pre-trained network saw this size."""


class FrameEncoder(nn.Module):
    """A network with the size and the normalisation of its input.

    The network stays in evaluation mode also while it learns: batch statistics remain those of its own training,
    which the few frames of a transfer batch would spoil, and nothing is dropped at random.

    Args:
        network: normalised (B, 3, height, width) RGB → (B, ``channels``, rows, columns) features.
        channels: width of a token.
        mean, std: of sRGB in 0…1, as the network was trained with.
        size: (height, width) pixels that frames are resized to; None leaves them as they are.
        reads: sensors that the frames are of; with others than RGB they are taken as they are.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        channels: int,
        *,
        mean: Sequence[float] = RGB_MEAN,
        std: Sequence[float] = RGB_STD,
        size: tuple[int, int] | None = None,
        reads: tuple[str, ...] = RGB_ALONE,
    ) -> None:
        super().__init__()
        self.network = network
        self.reads = reads
        self.channels = channels
        self.size = size
        own_mean, own_std, from_mean, from_std = (
            torch.tensor(tuple(v), dtype=torch.float32).view(3, 1, 1) for v in (mean, std, RGB_MEAN, RGB_STD)
        )
        self.mean, self.std = tuple(mean), tuple(std)
        self.as_it_is = self.mean == RGB_MEAN and self.std == RGB_STD
        self.register_buffer("scale", from_std / own_std, persistent=False)
        self.register_buffer("shift", (from_mean - own_mean) / own_std, persistent=False)
        self.train(False)

    def train(self, mode: bool = True) -> FrameEncoder:
        """Stay in evaluation mode, whatever is asked (see the class)."""
        del mode
        super().train(False)
        return self

    @property
    def parameter_count(self) -> int:
        """Weights that can learn, all of which a frame passes through."""
        return sum(parameter.numel() for parameter in self.parameters())

    def prepare(self, rgb: Tensor) -> Tensor:
        """Return the network's input for (B, 3, H, W) frames in −1…1."""
        if self.size is not None and tuple(rgb.shape[2:]) != self.size:
            # Antialiasing also chooses the cubic kernel of PIL, which prepared the images of most networks.
            rgb = F.interpolate(rgb, self.size, mode="bicubic", antialias=True)
        return rgb if self.as_it_is else torch.addcmul(self.shift, rgb, self.scale)

    def forward(self, rgb: Tensor) -> Tensor:
        """(B, 3, H, W) frames in −1…1 → (B, rows, columns, channels) tokens from the top left, no others."""
        features: Tensor = self.network(self.prepare(rgb))
        return features.permute(0, 2, 3, 1)


class TimmFeatures(nn.Module):
    """The feature map of one layer of a timm network; what comes after that layer is taken off.

    Transformers give their patch tokens without class and register tokens.

    Args:
        model: a timm network without classifier.
        stride: pixels of its input to one token; None takes the last layer.
        norm: whether features go through the network's final norm, as they do for its own classifier.

    Raises:
        UserError: the network has no feature maps, or none of this stride.
    """

    def __init__(self, model: nn.Module, stride: int | None = None, *, norm: bool = True) -> None:
        super().__init__()
        layers = layers_of(model)
        strides = [stride_of_layer for stride_of_layer, _ in layers]
        if stride is not None and stride not in strides:
            raise UserError(f"{type(model).__name__} has features of strides {sorted(set(strides))}, not {stride}.")
        self.layer = max(i for i, s in enumerate(strides) if stride in (None, s))
        self.stride, self.channels = layers[self.layer]
        self.norm = norm
        self.model = model
        _timm(model).prune_intermediate_layers([self.layer], prune_norm=False, prune_head=True)

    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, channels, H / stride, W / stride)."""
        maps: list[Tensor] = _timm(self.model).forward_intermediates(
            rgb, indices=[self.layer], norm=self.norm, output_fmt="NCHW", intermediates_only=True
        )
        return maps[0]


def layers_of(model: Any) -> list[tuple[int, int]]:
    """Return (stride in pixels, channels) of every layer whose features a timm network gives.

    Raises:
        UserError: it gives none.
    """
    if not (hasattr(model, "forward_intermediates") and hasattr(model, "feature_info")):
        raise UserError(f"{type(model).__name__} of timm gives no feature maps. Take another model.")
    return [(int(info["reduction"]), int(info["num_chs"])) for info in model.feature_info]


def plain_encoder(vit: VisionTransformer, reads: tuple[str, ...] = RGB_ALONE) -> FrameEncoder:
    """Return the encoder of a ViT of our own (:mod:`baselines.encoder`), which takes frames as they are."""
    return FrameEncoder(TimmFeatures(vit), vit.embed_dim, reads=reads)


def is_plain_vit(model: nn.Module) -> bool:
    """Tell whether a network is timm's ViT with learned positions, whose patches can be taken one by one."""
    return type(model) is VisionTransformer and getattr(model, "pos_embed", None) is not None


def working_size(height: int, width: int, trained_at: int, multiple: int) -> tuple[int, int]:
    """Return (height, width) pixels at which a network works on frames of a benchmark.

    Frames whose shorter side is below what the network was trained at, or below 224 where that is more, are
    enlarged to it: a patch of 16 pixels of a 64-pixel frame would hold half a chair. Larger frames keep their
    size. Sides are rounded up to whole tokens.

    Args:
        trained_at: pixels, of a side.
        multiple: pixels to which both sides must be a multiple.
    """
    scale = max(1.0, min(trained_at, SMALLEST_SIDE) / min(height, width))
    rows, columns = (max(1, math.ceil(side * scale / multiple - 1e-6)) for side in (height, width))
    return rows * multiple, columns * multiple


def _timm(model: nn.Module) -> Any:
    """Return a network for calls that torch's modules do not have and timm's do."""
    return model
