"""Labels painted as colours: which instance the colour of a face stands for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim_envs.spaces.scans.mesh_files import RawMesh

# Places within a triangle (weights of its corners) at which its texture is read: near the corners, near the middles
# of the sides, and at the centre, all a little inside, so that the paint of a neighbour does not count.
_SAMPLES = np.array(
    [
        (1, 1, 1),
        *((8, 1, 1), (1, 8, 1), (1, 1, 8)),
        *((4.5, 4.5, 1), (4.5, 1, 4.5), (1, 4.5, 4.5)),
        *((2, 1, 1), (1, 2, 1), (1, 1, 2)),
    ],
    np.float64,
)
_SAMPLES /= _SAMPLES.sum(axis=1, keepdims=True)
_CHUNK = 1 << 18


def ids_of_colours(mesh: RawMesh, id_of_colour: Mapping[int, int], none: int) -> np.ndarray:
    """Return (F,) the id that most of a triangle is painted in.

    Args:
        mesh: with vertex colours, or with textures (read without filtering: mixed paint stands for nothing).
        id_of_colour: 0xRRGGBB → id.
        none: the id where no part of a triangle bears a known colour.
    """
    known = np.array(sorted(id_of_colour), np.int64)
    ids = np.array([id_of_colour[colour] for colour in known.tolist()], np.int64)
    out = np.empty(len(mesh.faces), np.int64)
    for start in range(0, len(out), _CHUNK):
        part = slice(start, start + _CHUNK)
        colours = _painted(mesh, part)
        at = np.searchsorted(known, colours).clip(max=len(known) - 1)
        out[part] = most_frequent(np.where(known[at] == colours, ids[at], none), none)
    return out


def most_frequent(votes: np.ndarray, none: int) -> np.ndarray:
    """Return (N,) the most frequent value of each row of (N, K), not counting ``none``; the lowest in a tie."""
    votes = np.sort(votes, axis=1)
    best, most = np.full(len(votes), none, votes.dtype), np.zeros(len(votes), np.int64)
    for column in votes.T:
        count = np.where(column == none, 0, (votes == column[:, None]).sum(axis=1))
        better = count > most
        best[better], most[better] = column[better], count[better]
    return best


def _painted(mesh: RawMesh, part: slice) -> np.ndarray:
    """Return (n, K) colours 0xRRGGBB of some triangles: of their corners, or of points of their texture."""
    corners = mesh.faces[part]
    rgb = np.full((len(mesh.vertices), 3), 255, np.uint8) if mesh.vertex_rgb is None else mesh.vertex_rgb
    colours = np.full((len(corners), len(_SAMPLES)), -1, np.int64)
    colours[:, :9] = np.repeat(_hex(rgb[corners]), 3, axis=1)  # three votes a corner
    for number, texture in enumerate(mesh.textures):
        textured = np.flatnonzero(mesh.face_texture[part] == number)
        uv = np.einsum("kc,ncd->nkd", _SAMPLES, mesh.uv[corners[textured]].astype(np.float64))
        height, width = texture.shape[:2]
        column = np.floor(uv[..., 0] * width).astype(np.int64) % width
        row = np.floor((1 - uv[..., 1]) * height).astype(np.int64) % height
        colours[textured] = _hex(texture)[row, column]
    return colours


def _hex(rgb: np.ndarray) -> np.ndarray:
    wide = rgb.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
