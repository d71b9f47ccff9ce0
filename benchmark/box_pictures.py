"""Boxes drawn on a frame, each in the colour of its category and with its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_SIDE_PX = 320
"""Frames are enlarged by a whole factor until their shorter side has so many pixels: names must be readable."""


def draw_boxes(
    rgb: np.ndarray,
    box: np.ndarray,
    category: np.ndarray,
    names: Sequence[str],
    colours: np.ndarray,
    *,
    thin: np.ndarray,
) -> np.ndarray:
    """Return an (h, w, 3) uint8 picture.

    Args:
        rgb: (H, W, 3) uint8.
        box: (M, 4) x0 y0 x1 y1 in pixels of the frame.
        category: (M,) positions in ``names`` and ``colours``.
        thin: (M,) bool, drawn with a thin line and without a name.
    """
    from PIL import Image, ImageDraw, ImageFont

    factor = max(1, -(-LEAST_SIDE_PX // min(rgb.shape[:2])))
    picture = Image.fromarray(np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=13)
    # Large boxes first: a name on a large box must not hide a small one.
    for i in np.argsort(-np.prod(box[:, 2:] - box[:, :2], axis=1), kind="stable"):
        x0, y0, x1, y1 = (box[i] * factor).round().astype(int).tolist()
        colour = tuple(int(c) for c in colours[category[i]])
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=1 if thin[i] else 3)
        if thin[i]:
            continue
        name = names[category[i]]
        at = (max(3, min(x0 + 4, picture.width - 3 - int(pen.textlength(name, font=font)))), y0 + 2)
        left, top, right, bottom = pen.textbbox(at, name, font=font)
        pen.rectangle((left - 3, top - 2, right + 3, bottom + 2), fill=colour)
        bright = np.dot(colour, (0.299, 0.587, 0.114)) > 140
        pen.text(at, name, font=font, fill=(0, 0, 0) if bright else (255, 255, 255))
    return np.asarray(picture)
