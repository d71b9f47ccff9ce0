"""What networks see: stored arrays to floating-point values, and back to pictures.

A row of the modality table names its reconstruction loss, and the loss fixes the values: colours for
``patch_mse``, standardised log-depth for ``depth_l1``, unit vectors for ``cosine``, 0 or 1 for ``bce``.
A new sensor that names one of them needs nothing here.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from baselines.encoder import RGB_MEAN, RGB_STD, normalise_rgb
from sim_envs.errors import UserError
from sim_envs.modalities import modality

LOG_DEPTH_MEAN = math.log(1.5)  # of metres, indoors; fixed, so that a value means one distance everywhere
LOG_DEPTH_STD = 0.6

MEASURED_WITH_DEPTH = ("depth_l1", "cosine")  # these have a value only where depth was measured


def require_sensed(names: tuple[str, ...]) -> None:
    """Refuse names that are no modality, and labels.

    Raises:
        UserError: says which name and why.
    """
    for name in names:
        if not modality(name).sensed:
            raise UserError(f"'{name}' is a label: pre-training sees only what a device senses. Leave it out.")


def needs_depth(names: tuple[str, ...]) -> bool:
    """Tell whether depth must be read to know where these modalities are measured."""
    return any(modality(name).loss in MEASURED_WITH_DEPTH for name in names)


def to_values(name: str, stored: Tensor, measured: Tensor) -> Tensor:
    """Return (B, C, H, W) float32 values of stored (B, H, W[, C]) frames; 0 where nothing was measured.

    Args:
        stored: integers; 16 unsigned bits as the signed number of the same bits.
        measured: (B, H, W) bool, on the same device.
    """
    row = modality(name)
    raw = stored.to(torch.int32) & 0xFFFF if stored.dtype == torch.int16 else stored
    # Channels are put in front as bytes: what follows then runs on contiguous memory, three times as fast.
    channels = raw.unsqueeze(1) if row.channels == 1 else raw.permute(0, 3, 1, 2).contiguous()
    if row.loss == "patch_mse":
        return normalise_rgb(channels.permute(0, 2, 3, 1))
    if row.loss == "depth_l1":
        values = (torch.log(channels.clamp(min=1) / 1000) - LOG_DEPTH_MEAN) / LOG_DEPTH_STD
    elif row.loss == "cosine":
        values = _unit(channels / 127.5 - 1)
    elif row.loss == "bce":
        values = (channels > 127).to(torch.float32)
    else:
        raise UserError(f"Modality '{name}' names the loss '{row.loss}', which has no values defined.")
    return torch.where(measured.unsqueeze(1), values, 0.0)


def to_stored(name: str, values: Tensor) -> np.ndarray:
    """Return (B, H, W[, C]) arrays of the stored type from (B, C, H, W) values, for display."""
    row = modality(name)
    if row.loss == "patch_mse":
        mean, std = (torch.tensor(v, device=values.device).view(3, 1, 1) for v in (RGB_MEAN, RGB_STD))
        scaled = (values * std + mean) * 255
    elif row.loss == "depth_l1":
        scaled = torch.exp(values * LOG_DEPTH_STD + LOG_DEPTH_MEAN) * 1000
    elif row.loss == "cosine":
        scaled = (_unit(values) + 1) * 127.5
    else:
        scaled = values * 255
    limit = float(np.iinfo(row.dtype).max)
    rounded = scaled.detach().float().clamp(0, limit).round().permute(0, 2, 3, 1).cpu().numpy()
    array: np.ndarray = rounded.astype(row.dtype)
    return array[..., 0] if row.channels == 1 else array


def _unit(vectors: Tensor) -> Tensor:
    """Return (B, 3, H, W) vectors at length 1 (five times faster than ``torch.nn.functional.normalize``)."""
    return vectors * (vectors.square().sum(dim=1, keepdim=True) + 1e-12).rsqrt()
