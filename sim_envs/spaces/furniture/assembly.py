"""Turn solids and materials into one furniture model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from sim_envs.spaces.furniture.model import NO_TEXTURE, FurnitureModel
from sim_envs.spaces.furniture.solids import Solid


@dataclass(frozen=True, eq=False)
class Material:
    """What a surface looks like.

    Attributes:
        rgb: colour 0…255, multiplied with the texture.
        texture: (h, w, 3) uint8, or None for a plain colour.
        metres_per_repeat: edge of the square the texture covers; 1 for shapes whose uv fit one image.
    """

    rgb: tuple[float, float, float]
    texture: np.ndarray | None = None
    metres_per_repeat: float = 1.0

    def tinted(self, factor: float) -> Material:
        """Return the material made darker (below 1) or lighter."""
        red, green, blue = (min(255.0, channel * factor) for channel in self.rgb)
        return replace(self, rgb=(red, green, blue))


Part = tuple[Solid, Material]


def assemble(name: str, category: str, parts: Iterable[Part]) -> FurnitureModel:
    """Join parts into a model, centred over the origin and standing on y = 0."""
    vertices, faces, uv, colours, face_texture = [], [], [], [], []
    textures: list[np.ndarray] = []
    slots: dict[int, int] = {}
    count = 0
    for solid, material in parts:
        slot = NO_TEXTURE
        if material.texture is not None:
            slot = slots.setdefault(id(material.texture), len(textures))
            if slot == len(textures):
                textures.append(material.texture)
        vertices.append(solid.vertices)
        faces.append(solid.faces + count)
        uv.append(solid.uv / material.metres_per_repeat)
        colours.append(np.tile(np.clip(np.round(material.rgb), 0, 255), (len(solid.vertices), 1)))
        face_texture.append(np.full(len(solid.faces), slot))
        count += len(solid.vertices)
    return grounded(
        FurnitureModel(
            name=name,
            category=category,
            vertices=np.concatenate(vertices).astype(np.float32),
            faces=np.concatenate(faces).astype(np.int32),
            uv=np.concatenate(uv).astype(np.float32),
            vertex_rgb=np.concatenate(colours).astype(np.uint8),
            face_texture=np.concatenate(face_texture).astype(np.int32),
            textures=tuple(textures),
        )
    )


def grounded(model: FurnitureModel) -> FurnitureModel:
    """Return the model with its footprint centred at x = z = 0 and its underside at y = 0."""
    low, high = model.vertices.min(axis=0), model.vertices.max(axis=0)
    offset = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2], dtype=np.float32)
    return replace(model, vertices=model.vertices - offset)


def shrunk_to(model: FurnitureModel, limit: tuple[float, float, float]) -> FurnitureModel:
    """Return the model with every extent that exceeds ``limit`` (width, height, depth) reduced to it."""
    factors = [min(1.0, bound / extent) if extent > 0 else 1.0 for bound, extent in zip(limit, model.size, strict=True)]
    if min(factors) == 1.0:
        return model
    return grounded(replace(model, vertices=model.vertices * np.array(factors, dtype=np.float32)))
