"""The default engine: Embree ray casting on the CPU, one cast a frame for every modality."""

from __future__ import annotations

import numpy as np

from sim_envs.engines.geometry import NO_FACE, RayCaster
from sim_envs.engines.shading import Appearance
from sim_envs.rig import Rig
from sim_envs.space import Space

MAX_DEPTH_MM = 65535
EDGE_CONTRAST = 12
# Beyond 84° from face on, textures are blurred no further: such pixels are few, and would turn to one colour.
GRAZING = 0.1
# Where in the pixel the extra rays pass: a rotated grid, whose four rows and columns all differ, so that
# edges near the horizontal and the vertical get four steps and not two.
EDGE_OFFSETS = ((0.375, 0.125), (0.875, 0.375), (0.125, 0.625), (0.625, 0.875))


class RaycastEngine:
    """Renders a space by casting one ray through the centre of every pixel.

    Depth, normals and labels are point samples. Normals are those of the flat faces. Colours are filtered:
    within a texture by mip-maps; across faces, where neighbouring pixels that see different faces differ by
    ``EDGE_CONTRAST`` grey levels or more, by the mean of four further rays. Where the centre ray meets
    nothing within 65.535 m, depth, ids and colour are 0 and the bytes of the normal 128.

    The same space, rig and pose give the same bytes, in every process.
    """

    name = "raycast"
    version = "1"

    def __init__(self, space: Space, rig: Rig) -> None:
        self._rig = rig
        self._caster = RayCaster(space.vertices, space.faces)
        self._appearance = Appearance(space)
        # Each table has one row more than there are faces: face −1 reads it.
        self._normals = np.vstack([_face_normals(space), np.zeros((1, 3), np.float32)])
        self._instance = np.append(space.face_instance, np.uint16(0))
        self._category = space.instance_category[self._instance]
        self._directions = rig.directions().reshape(-1, 3)

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality; see :class:`sim_envs.engines.Engine`."""
        rotation = camera_to_world[:3, :3].astype(np.float32)
        position = camera_to_world[:3, 3].astype(np.float32)
        directions = self._directions @ rotation.T
        depth, face, normals, colour = self._trace(position, directions, 1.0)

        shape = (self._rig.height, self._rig.width)
        rgb = _bytes(colour.T)
        edges = np.flatnonzero(_edges(rgb.reshape(*shape, 3), face.reshape(shape)))
        rgb[edges] = self._antialiased(position, rotation, directions.take(edges, axis=0), rgb[edges])
        return {
            "rgb": rgb.reshape(*shape, 3),
            "depth": depth.reshape(shape),
            "normals": _bytes((normals @ rotation + 1) * np.float32(127.5)).reshape(*shape, 3),
            "semantic": self._category.take(face).reshape(shape),
            "instance": self._instance.take(face).reshape(shape),
        }

    def _trace(
        self, position: np.ndarray, directions: np.ndarray, pixel: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Cast N rays and say what each sees.

        Args:
            position: (3,) float32, world.
            directions: (N, 3) float32, world, of planar depth 1.
            pixel: width of what a ray stands for, in pixels.

        Returns:
            depth (N,) uint16 millimetres, face (N,) intp, normal (N, 3) float32 facing the camera (world),
            colour (3, N) float32.
        """
        hits = self._caster.hits(position, directions)
        millimetres = np.rint(hits.distance * np.float32(1000))
        beyond = millimetres > MAX_DEPTH_MM
        millimetres[beyond] = 0
        face = hits.face.astype(np.intp)
        face[beyond] = NO_FACE
        normals = self._normals.take(face, axis=0)
        cosine = np.einsum("ij,ij->i", normals, directions)
        normals *= np.where(cosine > 0, np.float32(-1), np.float32(1))[:, None]
        # A pixel spans depth/focal metres on a surface seen face on, more along the tilt of an oblique one.
        span = millimetres * np.float32(pixel / 1000 / self._rig.focal) / np.maximum(np.abs(cosine), GRAZING)
        return (
            millimetres.astype(np.uint16),
            face,
            normals,
            self._appearance.colour(face, hits.u, hits.v, span),
        )

    def _antialiased(
        self, position: np.ndarray, rotation: np.ndarray, directions: np.ndarray, rgb: np.ndarray
    ) -> np.ndarray:
        """Return (N, 3) uint8: the mean colour of what N pixels see through ``EDGE_OFFSETS``.

        Rays that meet nothing do not count, so that holes have no dark rim; ``rgb`` (N, 3), the colours seen
        through the centres, stays where none counts.
        """
        offsets = (np.array(EDGE_OFFSETS) - 0.5) * (1, -1) / self._rig.focal
        shifts = offsets.astype(np.float32) @ rotation.T[:2]
        rays = (directions[None] + shifts[:, None]).reshape(-1, 3)
        _, face, _, colour = self._trace(position, rays, 0.5)
        count = (face != NO_FACE).reshape(len(EDGE_OFFSETS), -1).sum(axis=0)
        mean = colour.reshape(3, len(EDGE_OFFSETS), -1).sum(axis=1) / np.maximum(count, 1).astype(np.float32)
        return np.where(count[:, None] > 0, _bytes(mean.T), rgb)

    def close(self) -> None:
        """Free the geometry; the engine cannot render afterwards."""
        del self._caster, self._appearance


def _face_normals(space: Space) -> np.ndarray:
    """Return (F, 3) float32 unit normals of the faces, 0 for faces without area."""
    corner = space.vertices.astype(np.float64)[space.faces]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return (normal / np.where(length > 0, length, 1)).astype(np.float32)


def _bytes(values: np.ndarray) -> np.ndarray:
    """Round to uint8, in C order."""
    return np.ascontiguousarray(np.rint(values)).astype(np.uint8)


def _edges(rgb: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Return (H, W) bool: pixels that see a face, beside one that sees another face in another colour."""
    edges = np.zeros(face.shape, bool)
    for near, far in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        contrast = np.maximum(rgb[near], rgb[far]) - np.minimum(rgb[near], rgb[far])
        differ = (contrast >= EDGE_CONTRAST).any(axis=-1) & (face[near] != face[far])
        edges[near] |= differ
        edges[far] |= differ
    return edges & (face != NO_FACE)
