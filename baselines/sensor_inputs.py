"""What encoders read: RGB, as the protocol has it, or further sensors for controls that are shown apart.

Frames of several sensors travel as one array of integers, (N, H, W, channels in the order of their names), so that
whoever picks, mirrors and batches frames need not know. 16 unsigned bits are the signed number of the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from baselines.encoder import normalise_rgb
from baselines.values import require_sensed, to_values
from sim_envs.errors import UserError
from sim_envs.modalities import modality

RGB_ALONE = ("rgb",)


def network_channels(reads: Sequence[str]) -> int:
    """Return how many channels a network is given: those of every sensor, and for depth where it was measured."""
    return sum(modality(name).channels + (name == "depth") for name in reads)


def stacked(reads: Sequence[str], get: Callable[[str], np.ndarray]) -> np.ndarray:
    """Return frames of several sensors as one array.

    Args:
        reads: sensors; ``rgb`` is the first.
        get: name → (N, H, W[, C]) as stored.

    Returns:
        (N, H, W, 3) uint8 for RGB alone, else (N, H, W, C) int16.

    Raises:
        UserError: a label, RGB not first, or normals without the depth that says where they are measured.
    """
    require_sensed(tuple(reads))
    if reads[0] != "rgb" or ("normals" in reads and "depth" not in reads):
        raise UserError(f"An encoder cannot read {', '.join(reads)}: rgb comes first, and normals need depth.")
    if tuple(reads) == RGB_ALONE:
        return np.asarray(get("rgb"))
    return np.concatenate([_signed(get(name)) for name in reads], axis=-1)


def mirrored(stored: Tensor, reads: Sequence[str], which: Tensor) -> Tensor:
    """Mirror some of (B, H, W, C) stacked frames left to right, their normals with them.

    Args:
        which: (B,) bool.
    """
    turned = stored.flip(2)
    if "normals" in reads:
        x = _first_channel(reads, "normals")
        turned[..., x] = 255 - turned[..., x]
    return torch.where(which[:, None, None, None], turned, stored)


def network_input(stored: Tensor, reads: Sequence[str]) -> Tensor:
    """Return the (B, channels, H, W) float32 input of a network: RGB in −1…1 first, then the other sensors' values.

    Args:
        stored: (B, H, W, C) as :func:`stacked` gives it.
    """
    if tuple(reads) == RGB_ALONE:
        return normalise_rgb(stored)
    parts = {name: _part(stored, reads, name) for name in reads}
    everywhere = torch.ones(stored.shape[:3], dtype=torch.bool, device=stored.device)
    measured = parts["depth"] != 0 if "depth" in parts else everywhere
    channels = []
    for name, part in parts.items():
        channels.append(to_values(name, part, measured if name in ("depth", "normals") else everywhere))
        if name == "depth":
            channels.append(measured.unsqueeze(1).to(torch.float32))
    return torch.cat(channels, dim=1)


def _signed(stored: np.ndarray) -> np.ndarray:
    """Return (N, H, W, C) int16."""
    stored = np.asarray(stored)
    signed = stored.view(np.int16) if stored.dtype == np.uint16 else stored.astype(np.int16)
    return signed if signed.ndim == 4 else signed[..., None]


def _first_channel(reads: Sequence[str], name: str) -> int:
    return sum(modality(before).channels for before in reads[: list(reads).index(name)])


def _part(stored: Tensor, reads: Sequence[str], name: str) -> Tensor:
    """Return the (B, H, W[, C]) frames of one sensor."""
    first, count = _first_channel(reads, name), modality(name).channels
    return stored[..., first] if count == 1 else stored[..., first : first + count]
