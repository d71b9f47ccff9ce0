"""A space rendered with Open3D's ``RaycastingScene``, as somebody would who has Open3D and NumPy."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from benchmark.bench.contest import package
from sim_envs.rig import Rig
from sim_envs.sensors.edges import edges_from_rgb
from sim_envs.space import NO_TEXTURE, Space

FARTHEST_MM = 65535


class Open3DScene:
    """Renders RGB, depth, normals, edges, semantic and instance in the stored types, on one thread.

    Rays are those of the rig, one a pixel. Open3D finds face, distance and place within the face; the rest is NumPy:
    tables looked up by face, textures sampled bilinearly from their full size. Nothing is antialiased and there are no
    mip-maps, which is less than :class:`~sim_envs.engines.raycast.RaycastEngine` does for RGB.

    Raises:
        PeerMissing: Open3D is not installed.
    """

    def __init__(self, space: Space, rig: Rig) -> None:
        self.name = package("open3d")
        open3d: Any = import_module("open3d")  # a plain import would bring its stubs, which know no arrays
        self._tensor = open3d.core.Tensor
        self._rig = rig
        self._scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(self._tensor(space.vertices), self._tensor(space.faces.astype(np.uint32)))
        self._directions = rig.directions().reshape(-1, 3)
        # Tables have one row more than there are faces, for rays that meet none.
        self._corner_rgb = np.concatenate([space.vertex_rgb[space.faces], np.zeros((1, 3, 3), np.uint8)])
        self._instance = np.append(space.face_instance, np.uint16(0))
        self._category = space.instance_category[self._instance]
        self._corner_uv = np.concatenate([space.uv[space.faces], np.zeros((1, 3, 2), np.float32)])
        textures = (*space.textures, np.full((1, 1, 3), 255, np.uint8))
        texture = np.append(space.face_texture, NO_TEXTURE)
        self._texture = np.where(texture == NO_TEXTURE, len(space.textures), texture)
        self._textured = bool(space.textures)
        self._texels = np.concatenate([texture.reshape(-1, 3) for texture in textures])
        sizes = np.array([texture.shape[:2] for texture in textures])
        self._height, self._width = sizes.T
        self._start = np.cumsum([0, *sizes.prod(axis=1)])[:-1]

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every modality; see :class:`sim_envs.engines.Engine`, and edges."""
        shape = (self._rig.height, self._rig.width)
        rotation = camera_to_world[:3, :3].astype(np.float32)
        rays = np.empty((len(self._directions), 6), np.float32)
        rays[:, :3] = camera_to_world[:3, 3]
        rays[:, 3:] = self._directions @ rotation.T
        hits = self._scene.cast_rays(self._tensor(rays), nthreads=1)
        millimetres = np.rint(hits["t_hit"].numpy() * np.float32(1000))
        face = hits["primitive_ids"].numpy().astype(np.intp)
        missed = millimetres > FARTHEST_MM  # also those that meet nothing, at an infinite distance
        millimetres[missed], face[missed] = 0, len(self._instance) - 1
        normals = hits["primitive_normals"].numpy() @ rotation
        normals *= np.where((normals * self._directions).sum(axis=1) > 0, np.float32(-1), np.float32(1))[:, None]
        normals[missed] = 0
        rgb = self._colour(face, hits["primitive_uvs"].numpy()).reshape(*shape, 3)
        return {
            "rgb": rgb,
            "depth": millimetres.astype(np.uint16).reshape(shape),
            "normals": np.rint((normals + 1) * np.float32(127.5)).astype(np.uint8).reshape(*shape, 3),
            "semantic": self._category[face].reshape(shape),
            "instance": self._instance[face].reshape(shape),
            "edges": edges_from_rgb(rgb),
        }

    def _colour(self, face: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """Return (N, 3) uint8: texture times vertex colour at places (N, 2) within faces (N,)."""
        u, v = uv[:, :1], uv[:, 1:]
        weights = np.stack([1 - u - v, u, v], axis=1)
        colour = (self._corner_rgb[face] * weights).sum(axis=1)
        if self._textured:
            place = (self._corner_uv[face] * weights).sum(axis=1)
            colour = colour * self._sample(self._texture[face], place) / np.float32(255)
        return np.rint(colour).astype(np.uint8)

    def _sample(self, texture: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Return (N, 3) float32: textures (N,) at places (N, 2), bilinearly, repeated outside 0…1."""
        height, width = self._height[texture], self._width[texture]
        x = (place[:, 0] % 1) * width.astype(np.float32) - np.float32(0.5)
        y = ((1 - place[:, 1]) % 1) * height.astype(np.float32) - np.float32(0.5)
        left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
        across, down = (x - left)[:, None], (y - top)[:, None]
        rows = [self._start[texture] + (top + step) % height * width for step in (0, 1)]
        columns = [(left + step) % width for step in (0, 1)]
        (a, b), (c, d) = ([self._texels[row + column].astype(np.float32) for column in columns] for row in rows)
        return (a * (1 - across) + b * across) * (1 - down) + (c * (1 - across) + d * across) * down
