"""Augmentation that keeps geometry true: all modalities of a frame are mirrored and shifted alike, colours of RGB vary.

Frames are flipped and shifted, never zoomed: a zoom without other intrinsics shows the same picture at another
distance, and would teach RGB → depth something false. What a shift brings in was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sim_envs.modalities import modality


@dataclass(frozen=True)
class Augmentation:
    """How far frames may be changed.

    Attributes:
        flip: probability of mirroring left to right.
        max_shift: pixels, along each axis.
        brightness, contrast, colour: largest log-gain of all channels, of the distance from mid-grey, and of
            single channels. RGB alone; it is one affine map a channel, so edges stay where they are. The
            defaults are strong on purpose: paint and light are what spaces differ in most, and a third of them
            left pixel accuracy in an unseen built-in flat at 36 % instead of 56 %.
    """

    flip: float = 0.5
    max_shift: int = 4
    brightness: float = 0.6
    contrast: float = 0.6
    colour: float = 0.3


UNCHANGED = Augmentation(flip=0.0, max_shift=0, brightness=0.0, contrast=0.0, colour=0.0)


@dataclass(frozen=True)
class Changes:
    """What happens to each of B frames; on the CPU, wherever the frames are.

    Attributes:
        flipped: (B,) bool, mirrored left to right.
        shift: (2, B) int64, pixels down and right that the window moves, after mirroring.
        gain, offset: (B, 3, 1, 1) float32 of the channels of normalised RGB.
    """

    flipped: Tensor
    shift: Tensor
    gain: Tensor
    offset: Tensor

    def __getitem__(self, frames: slice) -> Changes:
        """Return what happens to some of the frames."""
        return Changes(self.flipped[frames], self.shift[:, frames], self.gain[frames], self.offset[frames])


def draw_changes(augmentation: Augmentation, generator: torch.Generator, frames: int) -> Changes | None:
    """Draw how each frame is changed; None where nothing may be.

    Args:
        generator: on the CPU.
    """
    if augmentation == UNCHANGED:
        return None
    flipped = torch.rand(frames, generator=generator) < augmentation.flip
    limit = augmentation.max_shift
    shift = torch.randint(-limit, limit + 1, (2, frames, 1), generator=generator)[..., 0]
    return Changes(flipped, shift, *_draw_colours(augmentation, generator, frames))


def move(stored: dict[str, Tensor], rows: Tensor, changes: Changes) -> tuple[dict[str, Tensor], Tensor]:
    """Take frames out of stored ones, mirrored and shifted, all modalities alike, in one gather each.

    A border that a shift brings in repeats the last pixel, and is not in view.

    Args:
        stored: modality → (N, H, W[, C]) integers.
        rows: (B,) int64, which of the N frames; on the device of ``stored``.

    Returns:
        modality → (B, H, W[, C]), and the (B, H, W) bool pixels still in view.
    """
    height, width = next(iter(stored.values())).shape[1:3]
    y = torch.arange(height) + changes.shift[0, :, None]
    x = torch.arange(width) + changes.shift[1, :, None]
    inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None, :]
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    x = torch.where(changes.flipped[:, None], width - 1 - x, x)
    device = rows.device
    line = rows[:, None] * height + y.to(device, non_blocking=True)
    pixel = (line[:, :, None] * width + x.to(device, non_blocking=True)[:, None, :]).flatten()
    flipped = changes.flipped.nonzero().squeeze(1).to(device, non_blocking=True)
    moved = {}
    for name, frames in stored.items():
        taken = frames.flatten(0, 2).index_select(0, pixel).view(len(rows), height, width, *frames.shape[3:])
        moved[name] = _mirror_directions(taken, flipped) if modality(name).loss == "cosine" else taken
    return moved, inside.to(device, non_blocking=True)


def change_colours(rgb: Tensor, changes: Changes) -> Tensor:
    """Change brightness, contrast and colour of a normalised (B, 3, H, W) batch as drawn."""
    return torch.addcmul(changes.offset.to(rgb.device), rgb, changes.gain.to(rgb.device))


def jitter_colours(rgb: Tensor, generator: torch.Generator, augmentation: Augmentation = Augmentation()) -> Tensor:
    """Change brightness, contrast and colour of each (3, H, W) frame of a normalised batch.

    One affine map a channel: light above black (−1) is scaled, then the distance from mid-grey (0).

    Args:
        rgb: (B, 3, H, W), in −1…1.
        generator: on the CPU.
    """
    gain, offset = _draw_colours(augmentation, generator, len(rgb))
    return torch.addcmul(offset.to(rgb.device), rgb, gain.to(rgb.device))


def _draw_colours(augmentation: Augmentation, generator: torch.Generator, frames: int) -> tuple[Tensor, Tensor]:
    """Return (B, 3, 1, 1) gains and offsets."""

    def gain(limit: float, channels: int) -> Tensor:
        return torch.exp(limit * (2 * torch.rand(frames, channels, 1, 1, generator=generator) - 1))

    light = gain(augmentation.brightness, 1) * gain(augmentation.colour, 3)
    contrast = gain(augmentation.contrast, 1)
    return contrast * light, contrast * (light - 1)


def _mirror_directions(stored: Tensor, flipped: Tensor) -> Tensor:
    """Negate x of the directions in some frames: n_x → −n_x in the encoding round((n + 1) · 127.5)."""
    stored[flipped, ..., 0] = 255 - stored[flipped, ..., 0]
    return stored
