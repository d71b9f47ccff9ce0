"""The light a flat is seen in: time of day, colour of lamps, and what the windows show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Mood:
    """How a space is lit.

    Attributes:
        name: time of day.
        sky: linear colour and strength of the light that windows give.
        lamp: linear colour of lamps.
        lamp_power: strength of lamps against windows.
        brightness: mean sRGB value of surfaces aimed at, 0…255.
        zenith, horizon: sRGB colours of the sky seen through the windows.
        ground: brightness of what stands outside, 0…1.
    """

    name: str
    sky: Rgb
    lamp: Rgb
    lamp_power: float
    brightness: float
    zenith: Rgb
    horizon: Rgb
    ground: float


# Daylight by hour: sky light, how much the lamps add, and the picture of the sky.
_HOURS: tuple[tuple[str, Rgb, float, float, Rgb, Rgb, float], ...] = (
    ("morning", (1.00, 0.95, 0.86), 0.35, 126, (150, 190, 235), (250, 236, 214), 0.85),
    ("noon", (0.97, 1.00, 1.03), 0.15, 130, (120, 175, 238), (226, 240, 252), 1.0),
    ("overcast", (0.80, 0.88, 0.96), 0.55, 122, (205, 213, 222), (238, 241, 244), 0.8),
    ("afternoon", (1.05, 0.90, 0.72), 0.4, 126, (140, 180, 225), (252, 226, 180), 0.85),
    ("evening", (0.95, 0.70, 0.52), 0.9, 118, (120, 130, 185), (248, 186, 128), 0.55),
    ("dusk", (0.30, 0.38, 0.62), 1.3, 112, (44, 58, 104), (138, 124, 156), 0.25),
)
# From old bulbs (about 2700 K) to neutral white (about 4500 K), linear.
_BULBS: tuple[Rgb, ...] = ((1.0, 0.66, 0.36), (1.0, 0.74, 0.48), (1.0, 0.83, 0.64), (1.0, 0.90, 0.78))


def draw_mood(rng: np.random.Generator) -> Mood:
    """Return a mood drawn at random."""
    name, sky, power, brightness, zenith, horizon, ground = _HOURS[rng.integers(len(_HOURS))]
    lamp = _BULBS[rng.integers(len(_BULBS))]
    return Mood(
        name, sky, lamp, power * float(rng.uniform(0.8, 1.25)), brightness * float(rng.uniform(0.96, 1.05)),
        zenith, horizon, ground,
    )  # fmt: skip


def outside(mood: Mood, rng: np.random.Generator, height: int = 96, width: int = 128) -> np.ndarray:
    """Return (height, width, 3) uint8: sky with soft clouds over trees, hills and perhaps houses."""
    y = np.linspace(0, 1, height)[:, None, None]
    image = np.array(mood.zenith) * (1 - y**0.7) + np.array(mood.horizon) * y**0.7
    image = np.repeat(image, width, axis=1)
    x = np.linspace(0, 2 * np.pi, width)
    clouds = np.zeros((height, width))
    for octave in range(1, 6):
        phase = rng.uniform(0, 2 * np.pi, 3)
        clouds += np.sin(octave * x + phase[0])[None] * np.sin(octave * 5 * y[..., 0] + phase[1]) / octave
    image += np.clip(clouds, 0, 1)[..., None] * (np.array([250, 250, 252]) - image) * 0.35
    row = np.arange(height)[:, None]
    layers = int(rng.integers(2, 5))
    for layer in range(layers):
        near = (layer + 1) / layers
        line = height * (0.45 + 0.33 * near) + sum(
            rng.uniform(0.5, 2.5) / k**0.5 * np.sin(k * x + rng.uniform(0, 6.28)) for k in (1, 2, 3, 5, 8, 13)
        )
        green = np.array([95, 125, 70]) + rng.uniform(-22, 22, 3)
        colour = (1 - near * 0.7) * np.array(mood.horizon) * 0.8 + near * 0.7 * green * mood.ground
        image[row >= line[None]] = colour
        if layer < layers - 1 and rng.random() < 0.5:
            _houses(image, int(line.mean()), near, mood, rng)
    grain = rng.normal(0, 3.0, (height, width, 1)) * (row >= height * 0.5)[..., None]
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def _houses(image: np.ndarray, base: int, near: float, mood: Mood, rng: np.random.Generator) -> None:
    """Draw a few house fronts with windows standing on row ``base``, in place."""
    width = image.shape[1]
    for _ in range(int(rng.integers(2, 6))):
        left, w, h = int(rng.integers(0, width - 12)), int(rng.integers(8, 22)), int(rng.uniform(10, 16 + 22 * near))
        wall = np.array([200, 180, 160]) * mood.ground + rng.uniform(-25, 25, 3)
        top = max(0, base - h)
        image[top : base + 3, left : left + w] = wall
        lit = np.array([250, 215, 140]) if mood.ground < 0.6 else wall * 0.6
        for row in range(top + 3, base - 2, 6):
            for column in range(left + 2, min(left + w, width) - 2, 5):
                image[row : row + 3, column : column + 2] = lit
