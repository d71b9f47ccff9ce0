"""The colour of points on a space's surface."""

from __future__ import annotations

import numpy as np

from sim_envs.engines.texels import Texels, blend, pack
from sim_envs.space import NO_TEXTURE, Space
from sim_envs.triangles import blocks

WHITE = np.full((1, 1, 3), 255, np.uint8)


class Appearance:
    """Looks up colours by face and barycentric weights. Everything per face is laid out for gathering.

    The tables have one row more than there are faces: face −1 (no hit) reads that last row and is black.
    A face without texture has a white one, so that one formula serves all.
    """

    def __init__(self, space: Space) -> None:
        corners = pack(space.vertex_rgb)[space.faces]
        self._corner_rgb = np.ascontiguousarray(np.vstack([corners, np.zeros((1, 3), np.uint32)]).T)

        self._textured = bool((space.face_texture != NO_TEXTURE).any())
        if not self._textured:
            return  # what follows is not looked up then, and is the larger part of all tables
        self._texels = Texels((*space.textures, WHITE))
        texture = np.append(space.face_texture, NO_TEXTURE).astype(np.intp)
        self._texture = np.where(texture == NO_TEXTURE, len(space.textures), texture)
        count = len(space.faces)
        self._uv = np.zeros((2, 3, count + 1), np.float32)
        self._texels_per_metre = np.zeros(count + 1, np.float32)
        for part in blocks(count):
            corner_uv = space.uv[space.faces[part]].astype(np.float64)
            # Textures repeat, so every face may as well lie near the origin, where floats are finest.
            corner_uv -= np.floor(corner_uv.min(axis=1, keepdims=True))
            corner_uv[:, 1:] -= corner_uv[:, :1]
            self._uv[:, :, :count][:, :, part] = corner_uv.transpose(2, 1, 0)
            self._texels_per_metre[:count][part] = _texels_per_metre(space, part, corner_uv[:, 1:])

    def colour(self, face: np.ndarray, u: np.ndarray, v: np.ndarray, footprint: np.ndarray) -> np.ndarray:
        """Return texture · vertex colour / 255, or the vertex colour alone where a face has no texture.

        Args:
            face: (N,) intp; −1 for none.
            u, v: (N,) float32 barycentric weights of the second and third corner.
            footprint: (N,) float32, metres of surface that a pixel spans.

        Returns:
            (3, N) float32, red, green and blue in 0…255; 0 where there is no face.
        """
        colour = blend([table.take(face) for table in self._corner_rgb], (1 - u - v, u, v))
        if not self._textured:
            return colour
        across, up = (at.take(face) + u * by_u.take(face) + v * by_v.take(face) for at, by_u, by_v in self._uv)
        texels = footprint * self._texels_per_metre.take(face)
        return colour * self._texels.sample(self._texture.take(face), across, up, texels) / np.float32(255)


def _texels_per_metre(space: Space, part: slice, sides: np.ndarray) -> np.ndarray:
    """Return (n,) float32: how densely a face's texture lies on it, in the direction where it lies densest.

    It is the larger singular value of the map from the face's plane (metres) to the texture (texels).

    Args:
        part: the n faces of ``space`` that are meant.
        sides: (n, 2, 2) uv of the second and of the third corner, less that of the first.
    """
    sizes = np.array([texture.shape[1::-1] for texture in space.textures] + [(0, 0)], np.float64)
    size = sizes[space.face_texture[part]]  # NO_TEXTURE is −1, the last row
    corner = space.vertices[space.faces[part]].astype(np.float64)
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    length = np.maximum(np.linalg.norm(first, axis=1), 1e-9)
    along = np.einsum("ij,ij->i", first, second) / length
    across = np.maximum(np.linalg.norm(second - first * (along / length)[:, None], axis=1), 1e-9)
    by_x = sides[:, 0] * size / length[:, None]
    by_y = (sides[:, 1] * size - by_x * along[:, None]) / across[:, None]
    square = (by_x**2 + by_y**2).sum(axis=1)
    determinant = by_x[:, 0] * by_y[:, 1] - by_x[:, 1] * by_y[:, 0]
    largest = np.sqrt((square + np.sqrt(np.maximum(square**2 - 4 * determinant**2, 0))) / 2)
    return largest.astype(np.float32)
