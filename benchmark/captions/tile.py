"""Text as a picture, for panels that show pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

WIDTH_PX = 132
"""As wide as the panels of a report, so that letters are shown as they were drawn."""
SIZE_PX = 11
_MARGIN_PX = 4
_LINE_PX = 14
_GAP_PX = 5


def text_tile(texts: Sequence[str]) -> np.ndarray:
    """Return texts in dark letters on white, one below the other, broken at words, (h, ``WIDTH_PX``, 3) uint8."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(SIZE_PX)
    lines: list[tuple[int, str]] = []
    y = _MARGIN_PX
    for text in texts:
        for line in _broken(text, WIDTH_PX - 2 * _MARGIN_PX, font.getlength):
            lines.append((y, line))
            y += _LINE_PX
        y += _GAP_PX
    picture = Image.new("RGB", (WIDTH_PX, max(y - _GAP_PX, _LINE_PX) + _MARGIN_PX), "white")
    draw = ImageDraw.Draw(picture)
    for top, line in lines:
        draw.text((_MARGIN_PX, top), line, font=font, fill=(30, 30, 30))
    return np.asarray(picture)


def _broken(text: str, width_px: float, length_px: Callable[[str], float]) -> list[str]:
    """Return the lines of a text that fit a width; a longer word has a line for itself."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and length_px(longer) > width_px:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
