"""Names of colours: what a surface looks like in a room, from its mean colour."""

from __future__ import annotations

import numpy as np

COLOURS = (
    "black",
    "white",
    "grey",
    "red",
    "orange",
    "brown",
    "beige",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
)
SHADES = ("dark", "light")
"""Said before the names of colours that are often seen both dark and light."""

_SHADED = {
    "grey": (32, 58),
    "red": (30, 60),
    "brown": (32, 50),
    "green": (32, 70),
    "blue": (30, 55),
    "purple": (30, 60),
}
"""Colour → lightness below which it is dark and above which it is light."""

_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_D65 = np.array([0.950456, 1.0, 1.088754])


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D65) of sRGB values 0…255, (..., 3) float64."""
    value = np.asarray(rgb, np.float64) / 255
    linear = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    xyz = linear @ _TO_XYZ.T / _D65
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def colour_name(rgb: np.ndarray) -> str:
    """Return one of ``COLOURS``, with a shade where it is far from the middle: ``light blue``.

    Args:
        rgb: (3,) one sRGB value, 0…255.

    Lightness, chroma and hue are cut where the colours that people gave these names to (xkcd colour survey, 2010)
    leave gaps, with two departures, because the light of a room is in the value: white begins at the lightness of a
    white wall in the shade, and a wall lit by a warm lamp is still white.
    """
    lightness, a, b = (float(v) for v in lab(rgb))
    name = _hue_name(lightness, float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360))
    dark, light = _SHADED.get(name, (0, 100))
    return f"dark {name}" if lightness < dark else f"light {name}" if lightness > light else name


def _hue_name(lightness: float, chroma: float, hue: float) -> str:
    if lightness < 8 or chroma < _neutral_chroma(lightness, hue):
        return "black" if lightness < 20 else "grey" if lightness < 64 else "white"
    if 20 <= hue < 110:
        return _warm(lightness, chroma, hue)
    if 110 <= hue < 190:
        return "green"
    if 190 <= hue < 308:
        return "blue"
    if 308 <= hue < 340:
        return "purple"
    return "pink" if lightness >= 46 else "red" if chroma >= 20 else "brown"


def _neutral_chroma(lightness: float, hue: float) -> float:
    """Return the chroma below which a colour has no hue: lamps are yellowish, hardly ever blue."""
    if 190 <= hue < 308:
        return 5
    return 15 if lightness >= 92 else 10 if lightness >= 64 else 8


def _warm(lightness: float, chroma: float, hue: float) -> str:
    """Name what lies between red and yellow, whose pale and dark tones have names of their own."""
    if (chroma >= 45 and hue < 42) or (chroma >= 30 and hue < 32):
        return "red"
    if chroma >= 50:
        return "orange" if hue < 82 else "yellow"
    if lightness >= 64:
        return "beige"
    return "brown" if hue < 100 else "green"
