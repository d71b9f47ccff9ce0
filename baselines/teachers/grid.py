"""From a teacher's grid to the patches of an encoder, under the flip and shift that the frame itself is given.

A shift of a few pixels is a fraction of a cell, so maps are read where a patch's centre lies in the frame as it was
recorded: features between four cells, ids from the cell they are in. The grids may be of any two sizes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def read_cells(
    stored: Tensor, cells: int, image_size: int, flipped: Tensor, shift: Tensor, *, mode: str
) -> tuple[Tensor, Tensor]:
    """Read maps at the centres of an encoder's cells.

    Args:
        stored: (B, h, w[, C]), the whole frame whatever the size of the grid.
        cells: of the encoder along a side, over the whole frame.
        image_size: pixels of a side of the frames that are shifted.
        flipped: (B,) bool, mirrored left to right, before the shift.
        shift: (2, B) pixels down and right that a frame is read off at.
        mode: ``bilinear`` for quantities, ``nearest`` for ids.

    Returns:
        (B, C, cells, cells) float32 values, and (B, cells, cells) bool: whether the centre is in the recorded frame.
        Values outside repeat the border.
    """
    maps = stored.unsqueeze(1) if stored.ndim == 3 else stored.permute(0, 3, 1, 2)
    centres = (torch.arange(cells, device=stored.device) + 0.5) * (image_size / cells)
    y, x = (centres + offset[:, None] for offset in shift.to(centres))  # (B, cells) pixels
    inside = ((y >= 0) & (y < image_size))[:, :, None] & ((x >= 0) & (x < image_size))[:, None, :]
    x = torch.where(flipped.to(x.device)[:, None], image_size - x, x)
    places = torch.stack(
        [x[:, None, :].expand(-1, cells, -1), y[:, :, None].expand(-1, -1, cells)], dim=-1
    )  # grid_sample's order, −1…1 over the whole frame
    values = F.grid_sample(
        maps.float(), places * (2 / image_size) - 1, mode=mode, padding_mode="border", align_corners=False
    )
    return values, inside


def unmoved(count: int) -> tuple[Tensor, Tensor]:
    """Return the ``flipped`` and ``shift`` of frames that are left as they are."""
    return torch.zeros(count, dtype=torch.bool), torch.from_numpy(np.zeros((2, count), dtype=np.int64))
