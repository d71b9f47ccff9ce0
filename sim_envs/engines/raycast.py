"""The default engine: Embree ray casting on the CPU, one cast a frame for every modality."""

from __future__ import annotations

import numpy as np

from sim_envs.engines.geometry import NO_FACE, RayCaster
from sim_envs.engines.shading import Appearance
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.triangles import blocks, face_crosses

MAX_DEPTH_MM = 65535
# Beyond 84° from face on, textures are blurred no further: such pixels are few, and would turn to one colour.
GRAZING = 0.1
# One sample on an edge is off by a quarter of the edge's contrast (root mean square). Below 24 grey levels that
# is no more than the noise of a real camera, and rays are what a frame's time goes into.
EDGE_CONTRAST = 24
# Where in the pixel the further rays pass, (x, y) from its top left corner. With the centre they are five
# rooks: no two share a row or a column. The coverage of a pixel by a straight edge comes out with an error of
# 0.08; a grid of 2 × 2 has 0.09, and the centre alone 0.25 (root mean square over all edges).
EDGE_OFFSETS = ((0.1, 0.3), (0.3, 0.9), (0.7, 0.1), (0.9, 0.7))


class RaycastEngine:
    """Renders a space by casting one ray through the centre of every pixel.

    Depth, normals and labels are point samples. Normals are those of the flat faces. Colours are filtered:
    within a texture by mip-maps; where a pixel's neighbour sees a face that is not joined to its own in a
    colour that differs by ``EDGE_CONTRAST`` grey levels or more, by the mean of five rays. Where the centre
    ray meets nothing within 65.535 m, depth, ids and colour are 0 and the bytes of the normal 128.

    The same space, rig and pose give the same bytes in every process. On another kind of CPU Embree runs other
    kernels, and a ray through an edge may round to the other side.
    """

    name = "raycast"
    version = "1"
    traces_lenses = True

    def __init__(self, space: Space, rig: Rig) -> None:
        self._rig = rig
        self._caster = RayCaster(space.vertices, space.faces)
        self._appearance = Appearance(space)
        self._corners = np.ascontiguousarray(space.faces.T)
        # Each table has one row more than there are faces: face −1 (no hit) reads it.
        self._normals = np.hstack([_face_normals(space), np.zeros((3, 1), np.float32)])
        self._instance = np.append(space.face_instance, np.uint16(0))
        self._category = space.instance_category[self._instance]
        self._directions = np.ascontiguousarray(rig.directions().reshape(-1, 3).T)
        self._shifts = _shifts(rig)
        self._pixel = _pixel(rig)

    def render(self, camera_to_world: np.ndarray) -> dict[str, np.ndarray]:
        """Return one frame of every rendered modality; see :class:`sim_envs.engines.Engine`."""
        shape = (self._rig.height, self._rig.width)
        depth, face, normals, colour = self._trace(camera_to_world, self._directions, self._pixel)
        edges = self._edges(_bytes(colour).reshape(3, *shape), face.reshape(shape))
        colour[:, edges] = self._antialiased(camera_to_world, edges, colour[:, edges])
        return {
            "rgb": _picture(colour, shape),
            "depth": depth.reshape(shape),
            "normals": _picture((normals + 1) * np.float32(127.5), shape),
            "semantic": self._category.take(face).reshape(shape),
            "instance": self._instance.take(face).reshape(shape),
        }

    def close(self) -> None:
        """Free the geometry; the engine cannot render afterwards."""
        del self._caster, self._appearance

    def _trace(
        self, camera_to_world: np.ndarray, directions: np.ndarray, pixel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Cast N rays from the camera and say what each sees.

        Args:
            camera_to_world: (4, 4).
            directions: (3, N) float32, camera frame, z = −1.
            pixel: (N,) or (1,) float32, metres that a ray stands for a millimetre away.

        Returns:
            depth (N,) uint16 millimetres, face (N,) intp, normal (3, N) float32 in the camera frame and
            facing the camera, colour (3, N) float32 in 0…255.
        """
        rotation = camera_to_world[:3, :3].astype(np.float32)
        hits = self._caster.hits(camera_to_world[:3, 3], np.stack(rotation @ directions, axis=1))
        millimetres = np.rint(hits.distance * np.float32(1000))
        beyond = millimetres > MAX_DEPTH_MM
        millimetres[beyond] = 0
        face = hits.face.astype(np.intp)
        face[beyond] = NO_FACE

        normals = rotation.T @ np.stack([axis.take(face) for axis in self._normals])
        cosine = normals[0] * directions[0] + normals[1] * directions[1] + normals[2] * directions[2]
        normals *= np.where(cosine > 0, np.float32(-1), np.float32(1))
        # On an oblique surface a pixel spans more, along the tilt.
        span = millimetres * pixel / np.maximum(np.abs(cosine), GRAZING)
        colour = self._appearance.colour(face, hits.u, hits.v, span)
        return millimetres.astype(np.uint16), face, normals, colour

    def _edges(self, rgb: np.ndarray, face: np.ndarray) -> np.ndarray:
        """Return the flat indices of the pixels to antialias.

        They see a face, and beside them is a pixel of another colour whose face shares no vertex with it.
        Across a shared vertex colour is continuous; elsewhere there is an outline, or detail finer
        than pixels.

        Args:
            rgb: (3, H, W) uint8.
            face: (H, W) intp.
        """
        edges, pixel = np.zeros(face.size, bool), np.arange(face.size).reshape(face.shape)
        for first, second in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
            differ = face[first] != face[second]
            contrast = np.zeros(differ.shape, np.uint8)
            for channel in rgb:
                one, other = channel[first], channel[second]
                np.maximum(contrast, np.maximum(one, other) - np.minimum(one, other), out=contrast)
            differ &= contrast >= EDGE_CONTRAST
            ours, theirs = pixel[first][differ], pixel[second][differ]
            apart = ~self._joined(face.take(ours), face.take(theirs))
            edges[ours[apart]] = True
            edges[theirs[apart]] = True
        return np.flatnonzero(edges & (face.reshape(-1) != NO_FACE))

    def _joined(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """Return (N,) bool: whether two faces, (N,) each, share a vertex; ``NO_FACE`` shares none."""
        joined = np.zeros(len(ours), bool)
        others = [corner.take(theirs) for corner in self._corners]
        for corner in self._corners:
            mine = corner.take(ours)
            for other in others:
                joined |= mine == other
        return joined & (ours != NO_FACE) & (theirs != NO_FACE)

    def _antialiased(self, camera_to_world: np.ndarray, pixels: np.ndarray, colour: np.ndarray) -> np.ndarray:
        """Return (3, N) float32: the mean colour of what N pixels see through centre and ``EDGE_OFFSETS``.

        Rays that meet nothing do not count, so that holes have no dark rim.

        Args:
            camera_to_world: (4, 4).
            pixels: (N,) intp, flat indices.
            colour: (3, N) float32, seen through the centres.
        """
        count, size = len(EDGE_OFFSETS), self._directions.shape[1]
        shifts = np.broadcast_to(self._shifts, (3, size, count))[:, pixels]
        half = np.broadcast_to(self._pixel, size)[pixels] * np.float32(0.5)
        # The rays of a pixel follow one another: near rays find the same part of the mesh in the cache.
        rays = (self._directions[:, pixels, None] + shifts).reshape(3, -1)
        _, face, _, further = self._trace(camera_to_world, rays, np.repeat(half, count))
        total, met = colour, np.ones(len(pixels), np.float32)
        for k in range(count):
            total = total + further[:, k::count]
            met += face[k::count] != NO_FACE
        return total / met


def _shifts(rig: Rig) -> np.ndarray:
    """Return (3, H · W, K) float32: from the direction through a pixel's centre to those through ``EDGE_OFFSETS``.

    A pinhole's are the same in every pixel: (3, 1, K).
    """
    if rig.distortion:
        further = np.stack([rig.directions(offset) for offset in EDGE_OFFSETS]) - rig.directions()
        return np.ascontiguousarray(further.reshape(len(EDGE_OFFSETS), -1, 3).T)
    shifts = np.zeros((3, 1, len(EDGE_OFFSETS)), np.float32)
    shifts[:2, 0] = ((np.array(EDGE_OFFSETS) - 0.5) * (1, -1) / rig.focal).T
    return shifts


def _pixel(rig: Rig) -> np.ndarray:
    """Return (H · W,) float32: metres that a pixel spans on a surface a millimetre away, seen face on.

    A pinhole's are the same in every pixel: (1,).
    """
    width = np.float64(1 / 1000 / rig.focal)
    if rig.distortion:
        x, y, _ = rig.directions().reshape(-1, 3).T
        return (width * rig.distortion.stretch(x, y)).astype(np.float32)
    return np.array([width], np.float32)


def _face_normals(space: Space) -> np.ndarray:
    """Return (3, F) float32 unit normals of the faces, 0 for faces without area."""
    normals = np.empty((3, len(space.faces)), np.float32)
    for part in blocks(len(space.faces)):
        cross, length = face_crosses(space.vertices, space.faces[part])
        normals[:, part] = (cross / np.where(length > 0, length, 1)).T
    return normals


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values).astype(np.uint8)


def _picture(channels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return (H, W, 3) uint8 of three planes of values."""
    out = np.empty((*shape, 3), np.uint8)
    for channel, values in enumerate(channels):
        out[..., channel] = _bytes(values).reshape(shape)
    return out
