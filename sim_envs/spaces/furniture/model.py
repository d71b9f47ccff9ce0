"""What a furniture catalog hands out: models, surface finishes, and the contract of a catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

NO_TEXTURE = -1
FINISH_KINDS = ("floor", "wall", "ceiling", "tile", "door", "trim")


@dataclass(frozen=True, eq=False)
class FurnitureModel:
    """One piece: a coloured, textured triangle mesh in its own frame.

    Frame: metres, right-handed, x right, y up, the FRONT faces +z; the box's footprint is centred at
    x = z = 0 and its underside lies at y = 0. What hangs on a wall has its back at the lowest z; what
    hangs from a ceiling still has its underside at y = 0 (whoever places it aligns the top).

    Colours follow :class:`sim_envs.space.Space`: ``texture(uv) · vertex_rgb / 255``, or ``vertex_rgb``
    alone where a face has no texture. No light is baked in.

    Attributes:
        name: the model in the words of its maker; unique looks have unique names.
        category: one of :data:`sim_envs.spaces.furniture.categories.CATEGORIES`.
        vertices: (V, 3) float32, metres.
        faces: (F, 3) int32.
        uv: (V, 2) float32, v up, repeated outside 0…1.
        vertex_rgb: (V, 3) uint8.
        face_texture: (F,) int32, index into ``textures`` or ``NO_TEXTURE``.
        textures: (h, w, 3) uint8 sRGB arrays, row 0 on top.
    """

    name: str
    category: str
    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    vertex_rgb: np.ndarray
    face_texture: np.ndarray
    textures: tuple[np.ndarray, ...] = ()

    @property
    def size(self) -> tuple[float, float, float]:
        """Width (x), height (y) and depth (z) of the bounding box, metres."""
        width, height, depth = (float(extent) for extent in np.ptp(self.vertices, axis=0))
        return width, height, depth


@dataclass(frozen=True, eq=False)
class Finish:
    """The surface of a floor, wall, ceiling, door or skirting.

    Attributes:
        texture: (h, w, 3) uint8, tileable in both directions; None for a plain colour.
        metres_per_repeat: edge of the square the texture covers, metres.
        rgb: (3,) uint8, multiplied with the texture, or the plain colour.
    """

    texture: np.ndarray | None
    metres_per_repeat: float
    rgb: np.ndarray


class Catalog(Protocol):
    """Where a space takes its furniture from. The same generator state gives the same bytes."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """JSON-like: sources, digests, authors, licences, and the models picked so far."""

    def pick(
        self, category: str, rng: np.random.Generator, max_size: tuple[float, float, float] | None = None
    ) -> FurnitureModel | None:
        """Return one model, or None when the catalog has none of ``category`` within ``max_size``.

        Args:
            category: one of :data:`sim_envs.spaces.furniture.categories.CATEGORIES`.
            rng: decides the choice, and the shape where models are parametric.
            max_size: upper bounds of width, height and depth, metres.
        """

    def finish(self, kind: str, rng: np.random.Generator) -> Finish:
        """Return a surface finish; ``kind`` is one of ``FINISH_KINDS``."""
