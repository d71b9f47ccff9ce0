"""Cast rays at a triangle mesh: the one place that talks to Embree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

NO_FACE = -1


class Hits(NamedTuple):
    """Where N rays first meet a mesh.

    Attributes:
        distance: (N,) float32, in lengths of the ray's direction; inf where it meets nothing.
        face: (N,) int32; ``NO_FACE`` where it meets nothing.
        u, v: (N,) float32, barycentric weights of the face's second and third corner
            (the first has 1 − u − v); 0 where there is no face.
    """

    distance: np.ndarray
    face: np.ndarray
    u: np.ndarray
    v: np.ndarray


class RayCaster:
    """Finds the first face along a ray. Both sides of a face count; a shared edge lets no ray through.

    Works in float32: within a flat, points are right to about 10 µm. Nothing keeps a ray that starts on a
    surface from meeting it at distance 0, so start secondary rays a millimetre or so off their surface.

    Args:
        vertices: (V, 3), metres.
        faces: (F, 3) indices into ``vertices``; faces without area are never met.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        # Robust mode tests a shared edge by one rule for both of its faces: nothing leaks between them.
        self._scene = EmbreeScene(robust=True)
        TriangleMesh(
            self._scene,
            np.ascontiguousarray(vertices, dtype=np.float32),
            np.ascontiguousarray(faces, dtype=np.int32),
        )

    def cast(self, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far each ray goes, and the face it meets.

        Args:
            origins: (N, 3), or (3,) for rays from one point.
            directions: (N, 3), of any length above 0.

        Returns:
            distance: (N,) float32, in lengths of the direction (metres for unit vectors); inf where the ray
                meets nothing.
            face: (N,) int32; −1 where the ray meets nothing.
        """
        hits = self.hits(origins, directions)
        return hits.distance, hits.face

    def hits(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Like :meth:`cast`, with the place within the face as well."""
        directions = np.ascontiguousarray(directions, dtype=np.float32)
        origins = np.asarray(origins, dtype=np.float32)
        if origins.ndim == 1:
            origins = np.repeat(origins[None], len(directions), axis=0)
        found = self._scene.run(np.ascontiguousarray(origins), directions, output=True)
        distance, face, u, v = (found[name] for name in ("tfar", "primID", "u", "v"))
        missed = face == NO_FACE
        distance[missed] = np.inf
        u[missed] = v[missed] = 0  # Embree leaves them as they were in memory
        return Hits(distance, face, u, v)
