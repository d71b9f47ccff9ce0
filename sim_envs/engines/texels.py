"""All textures of a space in one flat buffer, each with its mip-maps, and how to sample them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


class Texels:
    """Samples many textures at once: each point has its own texture, place and level of detail.

    A level halves the one before it, by area averages of the sRGB bytes, down to one texel. Within a level
    the sample is bilinear; between levels the nearest is taken. Textures repeat outside 0…1.

    Args:
        textures: (h, w, 3) uint8 sRGB arrays, row 0 on top.
    """

    def __init__(self, textures: Sequence[np.ndarray]) -> None:
        chains = [_mip_chain(texture) for texture in textures]
        self._levels = max((len(chain) for chain in chains), default=1)
        shape = (len(chains), self._levels)
        width, height, start = (
            np.ones(shape, np.float32),
            np.ones(shape, np.float32),
            np.zeros(shape, np.intp),
        )
        flat: list[np.ndarray] = []
        end = 0
        for index, chain in enumerate(chains):
            for level in range(self._levels):
                image = chain[min(level, len(chain) - 1)]  # past its last level a texture stays one texel
                height[index, level], width[index, level] = image.shape[:2]
                if level < len(chain):
                    start[index, level] = end
                    flat.append(pack(image).ravel())
                    end += flat[-1].size
                else:
                    start[index, level] = start[index, level - 1]
        self._width, self._height, self._start = width.ravel(), height.ravel(), start.ravel()
        self._texels = np.concatenate(flat) if flat else np.zeros(0, np.uint32)

    def sample(self, texture: np.ndarray, u: np.ndarray, v: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Return the filtered colours at N points.

        Args:
            texture: (N,) intp, index of the texture.
            u, v: (N,) float32; u to the right, v up.
            footprint: (N,) float32 ≥ 0, how many texels of the full texture a pixel spans.

        Returns:
            (3, N) float32, red, green and blue in 0…255.
        """
        entry = texture * self._levels + self._level(footprint)
        width, height, start = self._width.take(entry), self._height.take(entry), self._start.take(entry)
        left, right, across = _neighbours(u, width)
        upper, lower, down = _neighbours(1 - v, height)
        stride = width.astype(np.intp)
        upper = upper * stride + start
        lower = lower * stride + start
        corners = (upper + left, upper + right, lower + left, lower + right)
        above, beside = 1 - down, 1 - across
        return blend(
            [self._texels.take(corner) for corner in corners],
            (above * beside, above * across, down * beside, down * across),
        )

    def _level(self, footprint: np.ndarray) -> np.ndarray:
        """Round log2 of the footprint, read off the exponent bits: the same integer on every machine."""
        exponent = (footprint * np.float32(np.sqrt(2))).view(np.int32) >> 23
        return np.clip(exponent - 127, 0, self._levels - 1)


def pack(rgb: np.ndarray) -> np.ndarray:
    """Return (...,) uint32 that hold (..., 3) uint8 colours: one gather then fetches a whole colour."""
    wide = rgb.astype(np.uint32)
    return wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16


def blend(packed: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    """Return (3, N) float32: the sum of packed colours, (N,) each, times their weights, (N,) float32 each."""
    colour = np.zeros((3, len(packed[0])), np.float32)
    for texels, weight in zip(packed, weights, strict=True):
        for channel in range(3):
            colour[channel] += (texels >> np.uint32(8 * channel) & np.uint32(255)).astype(np.float32) * weight
    return colour


def _mip_chain(texture: np.ndarray) -> list[np.ndarray]:
    chain = [texture]
    while max(chain[-1].shape[:2]) > 1:
        height, width = (max(1, size // 2) for size in chain[-1].shape[:2])
        chain.append(cv2.resize(chain[-1], (width, height), interpolation=cv2.INTER_AREA))
    return chain


def _neighbours(place: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two texels beside a place in a repeated row (both intp), and the weight of the second."""
    position = (place - np.floor(place)) * size - np.float32(0.5)
    first = np.floor(position)
    weight = position - first
    second = first + 1
    second *= second < size
    first += size * (first < 0)
    return first.astype(np.intp), second.astype(np.intp), weight
