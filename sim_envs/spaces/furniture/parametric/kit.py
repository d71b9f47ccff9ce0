"""What one pool of parametric furniture is made of: its share of the styles, its colours, its materials.

Spaces of different pools must not share looks, so every list of options and every palette is dealt out to
the pools: pool p owns the options p, p + 4, p + 8, … of each list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sim_envs.spaces.furniture import textures
from sim_envs.spaces.furniture.assembly import Material

T = TypeVar("T")
Rgb = tuple[float, float, float]
POOLS = 4

# Each palette holds the same number of colours for pool 0, 1, 2 and 3, row by row.
WOODS: tuple[tuple[Rgb, ...], ...] = (
    ((214, 178, 128), (196, 158, 108), (232, 204, 160)),  # oak, pine
    ((112, 74, 48), (136, 92, 60), (88, 60, 42)),  # walnut, teak
    ((226, 212, 190), (188, 178, 164), (242, 236, 224)),  # birch, driftwood, whitewashed
    ((142, 66, 42), (62, 46, 42), (168, 96, 56)),  # mahogany, wenge, cherry
)
FABRICS: tuple[tuple[Rgb, ...], ...] = (
    ((70, 96, 140), (128, 140, 156), (40, 56, 92), (168, 186, 204)),  # blues and slate
    ((96, 116, 70), (196, 164, 84), (60, 84, 62), (206, 200, 160)),  # olive, ochre, moss
    ((172, 82, 60), (212, 186, 156), (130, 50, 52), (226, 158, 128)),  # terracotta, sand, wine
    ((92, 76, 112), (60, 62, 66), (58, 128, 128), (222, 216, 208)),  # plum, charcoal, teal, cream
)
ACCENTS: tuple[tuple[Rgb, ...], ...] = (
    ((44, 108, 190), (232, 232, 236), (240, 190, 60), (120, 180, 220)),
    ((60, 140, 80), (244, 226, 170), (210, 120, 40), (150, 180, 90)),
    ((200, 50, 50), (250, 236, 224), (230, 130, 120), (120, 40, 60)),
    ((140, 80, 160), (40, 40, 48), (40, 160, 160), (236, 200, 220)),
)
PAINTS: tuple[tuple[Rgb, ...], ...] = (
    ((238, 240, 244), (176, 196, 216)),
    ((240, 236, 220), (170, 184, 154)),
    ((246, 240, 234), (214, 178, 160)),
    ((226, 226, 230), (74, 76, 84)),
)
CERAMICS: tuple[tuple[Rgb, ...], ...] = (
    ((240, 243, 246), (230, 236, 242)),
    ((244, 241, 230), (236, 232, 214)),
    ((248, 240, 236), (240, 228, 220)),
    ((224, 226, 228), (206, 212, 212)),
)
METALS: tuple[tuple[Rgb, ...], ...] = (
    ((178, 182, 188), (206, 210, 214)),  # steel
    ((150, 122, 70), (108, 92, 66)),  # brass, bronze
    ((214, 208, 200), (186, 120, 92)),  # nickel, copper
    ((52, 52, 56), (92, 94, 98)),  # black steel
)
LEAVES: tuple[tuple[Rgb, ...], ...] = (
    ((58, 112, 54), (92, 140, 72)),
    ((104, 138, 52), (70, 100, 40)),
    ((44, 92, 66), (120, 150, 96)),
    ((76, 108, 84), (48, 76, 46)),
)


@dataclass(frozen=True, eq=False)
class Kit:
    """The share of one pool and the generator that draws from it.

    Attributes:
        pool: 0…3.
        rng: every choice comes from here.
    """

    pool: int
    rng: np.random.Generator

    def style(self, options: Sequence[T]) -> T:
        """Return one of this pool's options; ``options`` must hold at least one for each pool."""
        mine = options[self.pool % POOLS :: POOLS]
        return mine[int(self.rng.integers(len(mine)))]

    def between(self, low: float, high: float) -> float:
        """Return a number from the range, uniformly."""
        return float(self.rng.uniform(low, high))

    def maybe(self, chance: float) -> bool:
        """Return True with the given probability."""
        return bool(self.rng.random() < chance)

    def colour(self, palette: Sequence[Sequence[Rgb]]) -> Rgb:
        """Return one of this pool's colours, a little varied."""
        mine = palette[self.pool]
        red, green, blue = mine[int(self.rng.integers(len(mine)))]
        light = self.between(0.92, 1.06)
        shift = self.rng.uniform(-5, 5, size=3)
        return (
            float(np.clip(red * light + shift[0], 8, 252)),
            float(np.clip(green * light + shift[1], 8, 252)),
            float(np.clip(blue * light + shift[2], 8, 252)),
        )

    def accents(self) -> list[Rgb]:
        """Return this pool's accent colours in a drawn order."""
        mine = ACCENTS[self.pool]
        return [mine[i] for i in self.rng.permutation(len(mine))]

    def wood(self) -> Material:
        """Return wood with this pool's grain; u is along the grain."""
        rings, contrast = ((5, 0.34), (10, 0.42), (16, 0.2), (7, 0.5))[self.pool]
        return Material(self.colour(WOODS), textures.wood(self.rng, rings, contrast), 0.5)

    def board(self) -> Material:
        """Return what cabinets are made of: wood, or paint."""
        return self.wood() if self.maybe(0.6) else self.paint()

    def paint(self) -> Material:
        """Return a lacquered surface."""
        return Material(self.colour(PAINTS), textures.plaster(self.rng, 0.05, 64), 0.6)

    def fabric(self) -> Material:
        """Return upholstery with this pool's weave."""
        colour = self.colour(FABRICS)
        if self.pool == 0:
            texture, repeat = textures.weave(self.rng, 24, 0.3), 0.16
        elif self.pool == 1:
            texture, repeat = textures.herringbone(self.rng, 8, 0.3), 0.2
        elif self.pool == 2:
            texture, repeat = textures.pile(self.rng, 0.3), 0.25
        else:
            texture, repeat = textures.leather(self.rng, 0.16), 0.35
        return Material(colour, texture, repeat)

    def patterned(self) -> Material:
        """Return patterned fabric for bedding, curtains, pillows and towels."""
        ground, ink = self.colour(FABRICS), self.accents()[0]
        white = self.colour(PAINTS)
        if self.pool == 0:
            texture = textures.stripes([white, ground], [3, 2], vertical=self.maybe(0.5))
        elif self.pool == 1:
            texture = textures.leaves(self.rng, white, ground)
        elif self.pool == 2:
            texture = textures.checks(white, ground) if self.maybe(0.5) else textures.dots(ground, white)
        else:
            texture = textures.damask(ground, ink if self.maybe(0.5) else white)
        return Material((255, 255, 255), texture, self.between(0.25, 0.45))

    def linen(self) -> Material:
        """Return plain light cloth: sheets, shades."""
        return Material(self.colour(PAINTS[:3] + CERAMICS[3:]), textures.weave(self.rng, 32, 0.12, 64), 0.1)

    def metal(self) -> Material:
        """Return metal for legs, handles and taps."""
        return Material(self.colour(METALS))

    def steel(self) -> Material:
        """Return brushed sheet metal for appliances."""
        return Material(self.colour(METALS), textures.brushed(self.rng), 0.5)

    def ceramic(self) -> Material:
        """Return glazed ceramic or enamel."""
        return Material(self.colour(CERAMICS))

    def stone(self) -> Material:
        """Return a worktop: marble, terrazzo, granite or slate."""
        if self.pool == 0:
            texture = textures.marble(self.rng, (236, 236, 234), (150, 156, 164))
        elif self.pool == 1:
            texture = textures.wood(self.rng, 8, 0.4)
            return Material(self.colour(WOODS), texture, 0.6)
        elif self.pool == 2:
            texture = textures.terrazzo(self.rng, (222, 212, 202), [(170, 120, 100), (120, 110, 104), (240, 236, 230)])
        else:
            texture = textures.marble(self.rng, (54, 56, 60), (120, 120, 122))
        return Material((255, 255, 255), texture, 0.8)

    def plastic(self) -> Material:
        """Return plain coloured plastic."""
        return Material(self.colour(ACCENTS))

    def glass(self) -> Material:
        """Return pale opaque glass (models have no transparency)."""
        return Material(((206, 220, 226), (204, 218, 206), (224, 222, 214), (176, 188, 194))[self.pool])

    def mirror(self) -> Material:
        """Return a mirror's surface, bright and bluish."""
        red, green, blue = ((196, 210, 220), (200, 212, 208), (208, 212, 218), (186, 198, 208))[self.pool]
        return Material((red, green, blue), textures.plaster(self.rng, 0.12, 64), 1.0)

    def leaf(self) -> Material:
        """Return foliage."""
        return Material(self.colour(LEAVES), textures.plaster(self.rng, 0.3, 64), 0.2)

    def black(self) -> Material:
        """Return dark plastic or glass, as on screens and hobs."""
        level = (26.0, 34.0, 20.0, 42.0)[self.pool]
        return Material((level, level, level + 3))
