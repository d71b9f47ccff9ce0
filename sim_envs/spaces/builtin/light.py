"""Bake light into vertex colours: daylight from windows, lamps, one bounce, and what corners keep dark.

Light is computed in linear RGB at every vertex, on the side people see. Sample directions and points are the
same for all vertices: neighbours differ by what they see and not by chance, and the same space gives the same
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim_envs.engines.geometry import RayCaster
from sim_envs.spaces.builtin.floorplan import Rect
from sim_envs.spaces.builtin.meshing import Mesh
from sim_envs.spaces.builtin.mood import Mood

OFFSET = 0.004
"""How far off a surface rays start, metres."""

GATHER_RAYS = 20
_CHUNK = 400_000
_GAMMA = 2.2
_FAINT = 0.004


@dataclass(frozen=True, eq=False)
class WindowLight:
    """A pane that lets daylight in: corner and two edges, metres; ``inward`` is a unit vector."""

    corner: np.ndarray
    across: np.ndarray
    up: np.ndarray
    inward: np.ndarray


@dataclass(frozen=True, eq=False)
class LampLight:
    """A lamp: where its bulb is, how strong it shines (1: a ceiling lamp), and how large it is, metres."""

    position: np.ndarray
    power: float
    radius: float = 0.1


@dataclass(frozen=True, eq=False)
class Lit:
    """What light falls on.

    Attributes:
        mesh: all of the space.
        owner: (F,) instance of each face.
        trusted: (F,) bool; the face is wound to look at people (walls are; furniture may not be).
        solid: (F,) bool; the face casts shadows (lamps do not: their light comes from within).
        cloth: (F,) bool; daylight comes through it (curtains).
        glow: (V,) bool; shines by itself.
    """

    mesh: Mesh
    owner: np.ndarray
    trusted: np.ndarray
    solid: np.ndarray
    cloth: np.ndarray
    glow: np.ndarray


def bake(
    scene: Lit, windows: Sequence[WindowLight], lamps: Sequence[LampLight], rooms: Sequence[Rect], mood: Mood
) -> np.ndarray:
    """Return (V, 3) uint8 vertex colours: those of the mesh under the light of the mood."""
    mesh = scene.mesh
    caster = RayCaster(mesh.vertices, mesh.faces[scene.solid])
    owner = scene.owner[scene.solid]
    normals = _facing_people(scene, caster, owner)
    inside = mesh.vertices + _pull(mesh)
    starts = inside + OFFSET * normals
    direct = np.zeros((len(starts), 3))
    opaque = RayCaster(mesh.vertices, mesh.faces[scene.solid & ~scene.cloth])
    for window in windows:
        direct += _from_window(window, starts, normals, opaque)[:, None] * np.array(mood.sky)
    for lamp in lamps:
        direct += _from_lamp(lamp, starts, normals, caster)[:, None] * (np.array(mood.lamp) * mood.lamp_power)
    direct[scene.glow] = 0.0
    albedo = _face_albedo(mesh)
    sent = (direct[mesh.faces].mean(axis=1) * albedo)[scene.solid]
    bounced, openness = _gather(starts, normals, caster, sent)
    place = _room_of(mesh.vertices, rooms)
    area = _face_area(mesh)
    weight = np.bincount(mesh.faces.ravel(), np.repeat(area / 3, 3), len(starts)) + 1e-12
    light = direct + bounced + openness[:, None] * _ambient(bounced, weight, place, len(rooms))
    light = _uncovered(light, scene, caster, inside + 0.0004 * normals, normals)
    light = _balanced(light, weight, place, len(rooms))
    shown = _exposed(light, mesh, albedo, area * openness[mesh.faces].mean(axis=1), mood.brightness)
    shown = np.maximum(shown, _bulb_glow(scene, lamps, mood))
    shown[scene.glow] = 1.0
    return np.clip(np.round(mesh.rgb * shown), 0, 255).astype(np.uint8)


def vertex_normals(mesh: Mesh) -> np.ndarray:
    """Return (V, 3) unit normals, the faces' weighted by area; up where a vertex has no face."""
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = mesh.faces.ravel()
    total = np.stack([np.bincount(index, np.repeat(normal[:, k], 3), len(mesh.vertices)) for k in range(3)], axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-12, total / np.maximum(length, 1e-12), [0.0, 1.0, 0.0])


def _pull(mesh: Mesh) -> np.ndarray:
    """Return (V, 3) small steps from each vertex into the middle of its faces, metres.

    A vertex in the corner of a room lies on other walls as well; a little inside its own it sees what its faces see.
    """
    index, area = mesh.faces.ravel(), np.repeat(_face_area(mesh) + 1e-12, 3)
    centres = np.repeat(mesh.vertices[mesh.faces].mean(axis=1), 3, axis=0)
    total = np.bincount(index, area, len(mesh.vertices))
    mean = np.stack([np.bincount(index, area * centres[:, k], len(total)) for k in range(3)], axis=1)
    step = np.where(total[:, None] > 0, mean / np.maximum(total, 1e-12)[:, None] - mesh.vertices, 0.0) * 0.3
    return step * np.minimum(1.0, 0.03 / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9))


def _facing_people(scene: Lit, caster: RayCaster, owner: np.ndarray) -> np.ndarray:
    """Return vertex normals turned to the outside of the piece: where fewer rays meet the piece itself."""
    mesh = scene.mesh
    normals = vertex_normals(mesh)
    instance = np.zeros(len(mesh.vertices), dtype=owner.dtype)
    instance[mesh.faces.ravel()] = np.repeat(scene.owner, 3)
    doubtful = np.zeros(len(mesh.vertices), bool)
    doubtful[mesh.faces[~scene.trusted].ravel()] = True
    index = np.flatnonzero(doubtful)
    own = []
    fan = np.vstack([[0.0, 0.0, 1.0], _hemisphere(4)])
    for sign in (1.0, -1.0):
        n = sign * normals[index]
        tangent, other = _frame(n)
        hits = np.zeros(len(index))
        for a, b, c in fan:
            _, face = caster.cast(mesh.vertices[index] + OFFSET * n, a * tangent + b * other + c * n)
            hits += (face >= 0) & (owner[face] == instance[index])
        own.append(hits)
    normals[index[own[0] - own[1] > 0.4 * len(fan)]] *= -1
    return normals


def _hemisphere(count: int) -> np.ndarray:
    """Return (count, 3) directions about +z, spread like the cosine (Vogel's spiral on the disc)."""
    k = np.arange(count) + 0.5
    radius, angle = np.sqrt(k / count), k * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], axis=1)


def _frame(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors square to each normal and to each other."""
    helper = np.where(np.abs(normals[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    tangent = np.cross(helper, normals)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return tangent, np.cross(normals, tangent)


def _visible(caster: RayCaster, starts: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Whether a point is seen from each start; what is within 5 cm of it does not hide it."""
    towards = target - starts
    seen = np.empty(len(starts), bool)
    for k in range(0, len(starts), _CHUNK):
        part = slice(k, k + _CHUNK)
        distance, _ = caster.cast(starts[part], towards[part])
        seen[part] = distance * np.linalg.norm(towards[part], axis=1) > np.linalg.norm(towards[part], axis=1) - 0.05
    return seen


def _from_window(window: WindowLight, starts: np.ndarray, normals: np.ndarray, caster: RayCaster) -> np.ndarray:
    """Return (V,) irradiance from a pane of radiance 1, by form factors to a grid of points on it."""
    width, height = np.linalg.norm(window.across), np.linalg.norm(window.up)
    nx, ny = max(2, round(width / 0.5)), max(2, round(height / 0.6))
    total = np.zeros(len(starts))
    for i in range(nx):
        for j in range(ny):
            point = window.corner + (i + 0.5) / nx * window.across + (j + 0.5) / ny * window.up
            towards = point - starts
            squared = (towards**2).sum(axis=1)
            distance = np.sqrt(squared)
            here = (normals * towards).sum(axis=1) / distance
            there = -(towards @ window.inward) / distance
            # Half a sample's area keeps the form factor of a point very near the pane finite.
            patch = width * height / (nx * ny)
            factor = np.clip(here, 0, None) * np.clip(there, 0, None) * patch / (np.pi * squared + patch / 2)
            index = np.flatnonzero(factor > _FAINT / (nx * ny))
            total[index] += factor[index] * _visible(caster, starts[index], point + 0.06 * window.inward)
    return total * 4.0


def _from_lamp(lamp: LampLight, starts: np.ndarray, normals: np.ndarray, caster: RayCaster) -> np.ndarray:
    """Return (V,) irradiance from a small sphere of light, by three points on it."""
    total = np.zeros(len(starts))
    offsets = lamp.radius * np.array([[1.0, 0.0, 0.0], [-0.5, 0.0, 0.87], [-0.5, 0.0, -0.87]])
    for offset in offsets:
        point = lamp.position + offset
        towards = point - starts
        squared = (towards**2).sum(axis=1)
        here = (normals * towards).sum(axis=1) / np.sqrt(squared)
        # Softened near the lamp: a real one is larger than a point.
        factor = lamp.power * np.clip(here, 0, None) / (squared + 0.35) / len(offsets)
        index = np.flatnonzero(factor > _FAINT)
        total[index] += factor[index] * _visible(caster, starts[index], point)
    return total


def _gather(
    starts: np.ndarray, normals: np.ndarray, caster: RayCaster, sent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return light that arrives after one bounce (V, 3), and how open the surroundings are (V,), 0…1.

    Args:
        sent: (F, 3) what each face of the caster gives back of its direct light.
    """
    bounced, openness = np.zeros((len(starts), 3)), np.zeros(len(starts))
    sent = np.vstack([sent, np.zeros((1, 3))])  # face −1: nothing
    tangent, other = _frame(normals)
    for a, b, c in _hemisphere(GATHER_RAYS):
        distance, face = caster.cast(starts, a * tangent + b * other + c * normals)
        bounced += sent[face]
        openness += 1 - np.exp(-distance / 0.6)
    return bounced / GATHER_RAYS, openness / GATHER_RAYS


def _face_albedo(mesh: Mesh) -> np.ndarray:
    """Return (F, 3) linear mean reflectance."""
    means = np.array([*(t.reshape(-1, 3).mean(axis=0) for t in mesh.textures), (255.0, 255.0, 255.0)]) / 255
    return (mesh.rgb[mesh.faces].mean(axis=1) / 255 * means[mesh.face_texture]) ** _GAMMA


def _face_area(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def _room_of(vertices: np.ndarray, rooms: Sequence[Rect]) -> np.ndarray:
    """Return (V,) index of the room whose outline each vertex is nearest to."""
    outside = [
        np.maximum.reduce([r.x0 - vertices[:, 0], vertices[:, 0] - r.x1, r.z0 - vertices[:, 2], vertices[:, 2] - r.z1])
        for r in rooms
    ]
    return np.argmin(outside, axis=0)


def _uncovered(light: np.ndarray, scene: Lit, caster: RayCaster, starts: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Give vertices hidden behind a picture, a handle or under a rug the light of their neighbours.

    Nobody sees them; the dark there would only spread, across the triangles around, to what can be seen.
    """
    faces = scene.mesh.faces
    shell = np.zeros(len(light), bool)
    shell[faces[scene.trusted].ravel()] = True
    distance, _ = caster.cast(starts, normals)
    hidden = distance < np.where(shell, 0.08, 0.025)
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    ends = ends[hidden[ends[:, 0]]]
    light = light.copy()
    for _ in range(4):
        known = ends[~hidden[ends[:, 1]]]
        count = np.bincount(known[:, 0], minlength=len(light))
        total = np.stack([np.bincount(known[:, 0], light[known[:, 1], k], len(light)) for k in range(3)], axis=1)
        filled = hidden & (count > 0)
        light[filled] = total[filled] / count[filled, None]
        hidden = hidden & ~filled
    return light


def _room_means(values: np.ndarray, weight: np.ndarray, place: np.ndarray, rooms: int) -> np.ndarray:
    total = np.bincount(place, weight, rooms)
    return np.stack([np.bincount(place, values[:, k] * weight, rooms) / total for k in range(3)], axis=1)


def _ambient(bounced: np.ndarray, weight: np.ndarray, place: np.ndarray, rooms: int) -> np.ndarray:
    """Return (V, 3) what further bounces add, from everywhere: about a room's mean first bounce once more."""
    return 0.9 * _room_means(bounced, weight, place, rooms)[place]


def _balanced(light: np.ndarray, weight: np.ndarray, place: np.ndarray, rooms: int) -> np.ndarray:
    """Even out rooms and the cast of colour in part, as a camera does that adapts to where it is."""
    mean = _room_means(light, weight, place, rooms)
    level = mean.mean(axis=1, keepdims=True)
    cast = mean / np.maximum(level, 1e-9)
    scale = np.maximum(level, 1e-9) ** -0.75
    return light * (scale / np.maximum(cast, 0.05) ** 0.6)[place]


def _exposed(light: np.ndarray, mesh: Mesh, albedo: np.ndarray, weight: np.ndarray, brightness: float) -> np.ndarray:
    """Return (V, 3) display factors 0…1, exposed so that surfaces have the mean brightness asked for.

    Args:
        weight: (F,) area of each face, as far as it can be seen.
    """
    some = slice(None, None, max(1, len(albedo) // 8000))
    reflectance, weight = albedo[some] ** (1 / _GAMMA), weight[some] / weight[some].sum()
    at_face = light[mesh.faces[some]].mean(axis=1)
    low, high = 1e-3, 1e3
    for _ in range(30):
        gain = np.sqrt(low * high)
        seen = (_tone(gain * at_face) * reflectance).mean(axis=1) * 255
        if (seen * weight).sum() < brightness:
            low = gain
        else:
            high = gain
    return _tone(gain * light)


def _tone(light: np.ndarray) -> np.ndarray:
    """Return display factors: brightness rolls off towards white as on film, then gamma."""
    return (1 - np.exp(-light)) ** (1 / _GAMMA)


def _bulb_glow(scene: Lit, lamps: Sequence[LampLight], mood: Mood) -> np.ndarray:
    """Return (V, 3) display factors of what shines because a bulb is inside it."""
    glow = np.zeros((len(scene.mesh.vertices), 3))
    own = np.zeros(len(glow), bool)
    own[scene.mesh.faces[~scene.solid].ravel()] = True
    index = np.flatnonzero(own)
    tint = (0.5 + 0.5 * np.array(mood.lamp)) ** (1 / _GAMMA)
    for lamp in lamps:
        distance = np.linalg.norm(scene.mesh.vertices[index] - lamp.position, axis=1)
        near = np.exp(-((distance / (0.12 + lamp.radius)) ** 2))
        glow[index] = np.maximum(glow[index], near[:, None] * tint)
    return glow
