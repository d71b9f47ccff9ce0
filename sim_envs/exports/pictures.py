"""Frames as pictures, without loss: what is stored is what the PNG holds."""

from __future__ import annotations

import cv2
import numpy as np

_COMPRESSION = 4  # of 9: two thirds of the time of 9, and files a few percent larger


def png(values: np.ndarray) -> bytes:
    """Encode one stored frame: (H, W) as a grey PNG, (H, W, 3) as an RGB one; 8 or 16 bits as stored.

    The same values give the same bytes wherever the same OpenCV runs.

    Args:
        values: (H, W) or (H, W, 3), uint8 or uint16.
    """
    picture = values if values.ndim == 2 else values[..., ::-1]  # OpenCV takes blue first
    encoded, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION])
    if not encoded:
        raise ValueError(f"{values.dtype}{values.shape} cannot be a PNG")
    return data.tobytes()
