"""From a teacher's grid to the patches of an encoder, under the flip and shift that the frame itself is given.

A shift of a few pixels is a fraction of a cell, so maps are read where a patch's centre lies in the frame as it was
recorded: features between four cells, ids from the cell they are in. The grids may be of any two sizes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.augmentation import Changes
from baselines.values import to_values
from sim_envs.modalities import modality


def on_patches(
    name: str, stored: Tensor, patches: int, image_size: int, changes: Changes | None
) -> tuple[Tensor, Tensor]:
    """Read a modality that is coarser than pixels at the centres of an encoder's cells.

    Args:
        stored: (B, h, w[, C]), of the whole frames whatever the size of the grid.
        patches: of the encoder along a side.
        image_size: pixels of a side of the frames that are shifted.
        changes: of each frame; None leaves them as they are.

    Returns:
        (B, C, cells, cells) float32 values, and (B, cells, cells) bool: whether the centre is in the recorded frame.
        Values outside repeat the border.
    """
    cells = patches * (modality(name).cells or 1)
    frames, device = len(stored), stored.device
    values = to_values(name, stored, torch.ones(stored.shape[:3], dtype=torch.bool, device=device))
    centre = (torch.arange(cells, device=device) + 0.5) * (image_size / cells)
    y, x = centre.expand(frames, -1), centre.expand(frames, -1)
    if changes is not None:
        shift = changes.shift.to(device, torch.float32)
        y, x = y + shift[0, :, None], x + shift[1, :, None]
    inside = ((y >= 0) & (y < image_size))[:, :, None] & ((x >= 0) & (x < image_size))[:, None, :]
    if changes is not None:
        x = torch.where(changes.flipped.to(device)[:, None], image_size - x, x)
    places = torch.stack([x[:, None, :].expand(-1, cells, -1), y[:, :, None].expand(-1, -1, cells)], dim=-1)
    mode = "nearest" if modality(name).categories else "bilinear"
    read = F.grid_sample(  # places are −1…1 over the whole frame
        values, places * (2 / image_size) - 1, mode=mode, padding_mode="border", align_corners=False
    )
    return read, inside
