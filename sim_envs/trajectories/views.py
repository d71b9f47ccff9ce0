"""Judge views before they are rendered: is there something to see, and not just a bare wall?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim_envs.engines.geometry import RayCaster
from sim_envs.rig import Rig
from sim_envs.space import Space
from sim_envs.triangles import blocks, face_crosses

MIN_CLEARANCE = 0.15  # metres from a camera to any geometry
CLOSED_HITS = 0.6  # share of rays that must meet something in a closed space
MAX_PLANE = 0.8  # share of rays on one plane above which a view shows a bare wall
MIN_MEDIAN = 0.6  # metres; what fills a view from nearer than that hides the room

YAWS = 36
ELEVATIONS = np.radians(np.arange(-84.0, 84.1, 12.0))
_GRID = 24
_PLANE_TOLERANCE = 0.06


@dataclass(frozen=True, eq=False)
class Scene:
    """What planning asks of a space: where rays end, and which way the surface faces there."""

    caster: RayCaster
    normals: np.ndarray

    @classmethod
    def of(cls, space: Space) -> Scene:
        """Prepare a space for ray casting."""
        normals = np.empty(space.faces.shape, np.float32)
        for part in blocks(len(normals)):
            cross, length = face_crosses(space.vertices, space.faces[part])
            normals[part] = cross / np.maximum(length, 1e-20)
        return cls(RayCaster(space.vertices, space.faces), normals)

    def look(self, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (…,) distance in metres (inf = nothing) and (…, 3) face normals along (…, 3) unit directions."""
        shape = directions.shape[:-1]
        flat = np.broadcast_to(origins, directions.shape).reshape(-1, 3)
        distance, face = self.caster.cast(flat, directions.reshape(-1, 3))
        return distance.reshape(shape), self.normals[np.maximum(face, 0)].reshape(*shape, 3)


@dataclass(frozen=True, eq=False)
class Content:
    """What views show, one value a view.

    Attributes:
        hits: share of rays that meet something.
        nearest: metres to the nearest thing met.
        median: metres, over the rays that meet something (inf where none does).
        plane: share of rays that end on the view's dominant plane.
        spread: standard deviation of log distance.
    """

    hits: np.ndarray
    nearest: np.ndarray
    median: np.ndarray
    plane: np.ndarray
    spread: np.ndarray

    def score(self, min_hits: float) -> np.ndarray:
        """Return how much there is to see, 0 (nothing, or a bare wall) to 1."""
        varied = np.clip((1 - self.plane) / (1 - 0.3), 0, 1)
        deep = np.clip(self.spread / 0.5, 0, 1)
        roomy = np.clip(self.median / 1.2, 0, 1)
        return np.where(self.usable(min_hits), self.hits * (0.5 * varied + 0.25 * deep + 0.25 * roomy), 0.0)

    def usable(self, min_hits: float) -> np.ndarray:
        """Return whether the view may be kept at all: not inside something, not a hole of the scan."""
        return (self.hits >= min_hits) & (self.nearest >= MIN_CLEARANCE)

    def bare(self) -> np.ndarray:
        """Return whether the view shows one surface and little else."""
        return (self.plane > MAX_PLANE) | ((self.median < MIN_MEDIAN) & (self.hits > MAX_PLANE))


def content(distance: np.ndarray, normals: np.ndarray, directions: np.ndarray, probes: int) -> Content:
    """Measure views from a spread of rays through each.

    Args:
        distance: (N, R) metres, inf = nothing met.
        normals: (N, R, 3) of the faces met, either side.
        directions: (N, R, 3) unit; the camera is at the origin.
        probes: how many of the rays are asked "who else is on your plane?".
    """
    met = np.isfinite(distance)
    reach = np.where(met, distance, 0).astype(np.float32)
    points = directions.astype(np.float32) * reach[..., None]
    offset = np.einsum("nrk,nrk->nr", normals, points)
    plane = np.zeros(len(distance), np.float32)
    for probe in np.linspace(0, distance.shape[1] - 1, probes + 2).round().astype(int)[1:-1]:
        normal = normals[:, probe]
        beside = np.abs(np.einsum("nrk,nk->nr", points, normal) - offset[:, [probe]]) < _PLANE_TOLERANCE
        aligned = np.abs(np.einsum("nrk,nk->nr", normals, normal)) > 0.85
        share = (beside & aligned & met).mean(axis=1)
        plane = np.maximum(plane, np.where(met[:, probe], share, 0))
    ordered = np.sort(distance, axis=1)
    count = met.sum(axis=1)
    middle = np.maximum(count - 1, 0) // 2
    median = np.where(count > 0, ordered[np.arange(len(ordered)), middle], np.inf)
    log = np.where(met, np.log(np.maximum(reach, 1e-3)), 0)
    mean = log.sum(axis=1) / np.maximum(count, 1)
    variance = (log**2).sum(axis=1) / np.maximum(count, 1) - mean**2
    return Content(met.mean(axis=1), distance.min(axis=1), median, plane, np.sqrt(np.maximum(variance, 0)))


def view_content(scene: Scene, rig: Rig, camera_to_world: np.ndarray) -> Content:
    """Measure (N, 4, 4) views through a 24×24 grid of rays over the rig's frustum."""
    half = np.tan(np.radians(rig.hfov) / 2)
    across = ((np.arange(_GRID) + 0.5) / _GRID * 2 - 1) * half
    x, y = rig.distortion.undistort(*np.meshgrid(across, -across * rig.height / rig.width))
    rays = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    directions = np.einsum("nij,rj->nri", camera_to_world[:, :3, :3], rays)
    distance, normals = scene.look(camera_to_world[:, None, :3, 3], directions)
    return content(distance, normals, directions, probes=16)


@dataclass(frozen=True, eq=False)
class Panorama:
    """What can be seen around (N, 3) positions, in steps of 10° of yaw and 12° of elevation.

    Attributes:
        distance: (N, E, Y) metres.
        normals: (N, E, Y, 3).
        directions: (E, Y, 3) unit; yaw 0 looks along −z, positive yaw turns left.
    """

    distance: np.ndarray
    normals: np.ndarray
    directions: np.ndarray

    def content(self, rig: Rig, pitch: np.ndarray) -> Content:
        """Measure the (N, Y) views at every yaw, at each position's pitch (N,), radians; fields are (N, Y)."""
        half, half_up = rig.half_angles
        columns = _span(half, 2 * np.pi / YAWS)
        rows = _span(half_up, float(ELEVATIONS[1] - ELEVATIONS[0]))
        row = np.abs(ELEVATIONS[None] - pitch[:, None]).argmin(axis=1)
        e = np.clip(row[:, None] + rows, 0, len(ELEVATIONS) - 1)[:, None, :, None]
        y = ((np.arange(YAWS)[:, None] + columns) % YAWS)[None, :, None, :]
        n = np.arange(len(pitch))[:, None, None, None]
        views, rays = len(pitch) * YAWS, len(rows) * len(columns)
        directions = np.broadcast_to(self.directions[e, y], (len(pitch), YAWS, len(rows), len(columns), 3))
        found = content(
            self.distance[n, e, y].reshape(views, rays),
            self.normals[n, e, y].reshape(views, rays, 3),
            directions.reshape(views, rays, 3),
            probes=5,
        )
        return Content(*(getattr(found, name).reshape(-1, YAWS) for name in Content.__dataclass_fields__))


def look_around(scene: Scene, positions: np.ndarray) -> Panorama:
    """Cast a coarse panorama from each of (N, 3) positions."""
    yaw = np.arange(YAWS) * (2 * np.pi / YAWS)
    elevation = ELEVATIONS[:, None]
    directions = np.stack(
        np.broadcast_arrays(-np.sin(yaw) * np.cos(elevation), np.sin(elevation), -np.cos(yaw) * np.cos(elevation)),
        axis=-1,
    )
    around = np.broadcast_to(directions, (len(positions), *directions.shape))
    return Panorama(*scene.look(positions[:, None, None], around), directions)


def _span(half: float, step: float) -> np.ndarray:
    count = int(half / step)
    return np.arange(-count, count + 1)
