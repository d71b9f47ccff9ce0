"""Reduce a triangle mesh to a number of faces: quadric edge collapse (Garland & Heckbert 1997), in numpy.

Vertices only move onto other vertices of the mesh, many at a time; a surviving face keeps its material, and
its texture coordinates follow by extending its own flat mapping to where its corners went.
"""

from __future__ import annotations

import numpy as np

from sim_envs.spaces.furniture.indexing import unique_rows

BORDER_WEIGHT = 10.0
ROUNDS = 60
ROW, COLUMN = np.triu_indices(4)  # the ten different entries of a symmetric 4 × 4 quadric


def simplify(
    vertices: np.ndarray, faces: np.ndarray, face_group: np.ndarray, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """Collapse edges until at most ``target`` faces are left, or nothing more collapses without folding.

    Args:
        vertices: (V, 3); vertices in the same place count as one.
        faces: (F, 3).
        face_group: (F,) e.g. materials; borders between groups are held in place.
        target: wished number of faces.

    Returns:
        ``kept`` (K,) indices of the surviving faces, and ``corners`` (K, 3, 3) where their corners are now.
    """
    scale = max(float(np.ptp(vertices, axis=0).max()), 1e-12)
    _, welded = unique_rows(np.round(vertices / scale * 1e6).astype(np.int64))
    count = int(welded.max()) + 1
    positions = np.zeros((count, 3))
    positions[welded] = (vertices - vertices.mean(axis=0)) / scale
    current = welded[faces]
    kept = np.flatnonzero(_proper(current))
    current = current[kept]
    quadrics = _quadrics(positions, current, face_group[kept])
    reluctance = np.ones(count)
    for _ in range(ROUNDS):
        if len(kept) <= target:
            break
        wished = _one_round(positions, current, quadrics, reluctance, len(kept) - target)
        moved_to = _without_folds(positions, current, wished)
        # Moves that would have folded the surface stand back, so that others get their turn.
        reluctance[moved_to != wished] *= 30.0
        sources = np.flatnonzero(moved_to != np.arange(count))
        quadrics[moved_to[sources]] += quadrics[sources]
        current = moved_to[current]
        alive = np.flatnonzero(_proper(current))
        current, kept = current[alive], kept[alive]
    return kept, positions[current] * scale + vertices.mean(axis=0)


def _proper(faces: np.ndarray) -> np.ndarray:
    """Return which faces have three different corners."""
    a, b, c = faces.T
    return (a != b) & (b != c) & (c != a)


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (E, 2) sorted distinct edges and, for each face side, its edge (3 F,)."""
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    codes = sides[:, 0].astype(np.int64) * (int(faces.max()) + 1) + sides[:, 1]
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return sides[first], inverse.reshape(-1)


def _quadrics(positions: np.ndarray, faces: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return (V, 10) sums of squared-distance quadrics of face planes and of borders."""
    corners = positions[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    unit = normals / np.maximum(area, 1e-18)[:, None]
    quadrics = np.zeros((len(positions), len(ROW)))
    _add_planes(quadrics, faces, unit, corners[:, 0], area)
    edges, side_edge = _edges(faces)
    uses = np.bincount(side_edge, minlength=len(edges))
    low = np.full(len(edges), np.iinfo(np.int64).max)
    high = np.full(len(edges), -1)
    np.minimum.at(low, side_edge, np.tile(group, 3))
    np.maximum.at(high, side_edge, np.tile(group, 3))
    border = np.flatnonzero(((uses == 1) | (low != high))[side_edge])
    ends = edges[side_edge[border]]
    along = positions[ends[:, 1]] - positions[ends[:, 0]]
    wall = np.cross(along, unit[border % len(faces)])
    length = np.linalg.norm(wall, axis=1)
    wall /= np.maximum(length, 1e-18)[:, None]
    _add_planes(quadrics, ends, wall, positions[ends[:, 0]], BORDER_WEIGHT * length**2)
    return quadrics


def _add_planes(
    quadrics: np.ndarray, indices: np.ndarray, normals: np.ndarray, points: np.ndarray, weights: np.ndarray
) -> None:
    """Add weighted plane quadrics to every vertex named in a row of ``indices``."""
    planes = np.concatenate([normals, -(normals * points).sum(axis=1, keepdims=True)], axis=1)
    products = weights[:, None] * planes[:, ROW] * planes[:, COLUMN]
    for place in range(len(ROW)):
        for column in indices.T:
            quadrics[:, place] += np.bincount(column, products[:, place], len(quadrics))


def _one_round(
    positions: np.ndarray, faces: np.ndarray, quadrics: np.ndarray, reluctance: np.ndarray, excess: int
) -> np.ndarray:
    """Return (V,) where each vertex goes in one round of cheap collapses, no two at the same vertex."""
    edges, _ = _edges(faces)
    a, b = edges.T
    together = quadrics[a] + quadrics[b]
    points = np.concatenate([positions, np.ones((len(positions), 1))], axis=1)
    monomials = points[:, ROW] * points[:, COLUMN] * np.where(ROW == COLUMN, 1.0, 2.0)
    onto_b = np.einsum("ei,ei->e", together, monomials[b])
    onto_a = np.einsum("ei,ei->e", together, monomials[a])
    # Among equally flat places, short edges go first: they leave well-shaped triangles.
    length = ((positions[a] - positions[b]) ** 2).sum(axis=1)
    onto_b, onto_a = (onto_b + 1e-7 * length) * reluctance[a], (onto_a + 1e-7 * length) * reluctance[b]
    cost = np.minimum(onto_a, onto_b)
    source = np.where(onto_b <= onto_a, a, b)
    target = np.where(onto_b <= onto_a, b, a)
    rank = np.empty(len(edges), dtype=np.int64)
    rank[np.argsort(cost, kind="stable")] = np.arange(len(edges))
    best = np.full(len(positions), len(edges))
    np.minimum.at(best, a, rank)
    np.minimum.at(best, b, rank)
    chosen = np.flatnonzero((rank == best[a]) & (rank == best[b]) & (rank < len(edges) * 0.4))
    # A collapse takes about two faces with it.
    chosen = chosen[np.argsort(rank[chosen])][: max(1, excess // 2)]
    moved_to = np.arange(len(positions))
    moved_to[source[chosen]] = target[chosen]
    return moved_to


def _without_folds(positions: np.ndarray, faces: np.ndarray, moved_to: np.ndarray) -> np.ndarray:
    """Take back the moves that would turn a surviving face over."""
    own = np.arange(len(positions))
    touched = faces[(moved_to[faces] != faces).any(axis=1)]
    for _ in range(4):
        after = moved_to[touched]
        alive = _proper(after)
        before_normal = _normals(positions[touched[alive]])
        after_normal = _normals(positions[after[alive]])
        product = (before_normal * after_normal).sum(axis=1)
        lengths = np.linalg.norm(before_normal, axis=1) * np.linalg.norm(after_normal, axis=1)
        folded = touched[alive][product < 0.15 * lengths]
        if not len(folded):
            return moved_to
        moved_to = moved_to.copy()
        moved_to[folded] = own[folded]
    return moved_to


def _normals(corners: np.ndarray) -> np.ndarray:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def extended_uv(old_corners: np.ndarray, old_uv: np.ndarray, new_corners: np.ndarray) -> np.ndarray:
    """Return the texture coordinates of moved corners by each face's own affine mapping.

    Args:
        old_corners, new_corners: (F, 3, 3) positions before and after.
        old_uv: (F, 3, 2).

    Returns:
        (F, 3, 2); faces without an area keep their coordinates.
    """
    first, second = old_corners[:, 1] - old_corners[:, 0], old_corners[:, 2] - old_corners[:, 0]
    g11, g12, g22 = (first * first).sum(1), (first * second).sum(1), (second * second).sum(1)
    determinant = g11 * g22 - g12**2
    flat = determinant <= 1e-12 * np.maximum(g11 * g22, 1e-30)
    offset = new_corners - old_corners[:, :1]
    p1 = (offset * first[:, None]).sum(axis=2)
    p2 = (offset * second[:, None]).sum(axis=2)
    safe = np.where(flat, 1.0, determinant)[:, None]
    s = (g22[:, None] * p1 - g12[:, None] * p2) / safe
    t = (g11[:, None] * p2 - g12[:, None] * p1) / safe
    base = old_uv[:, :1]
    extended = base + s[:, :, None] * (old_uv[:, 1:2] - base) + t[:, :, None] * (old_uv[:, 2:3] - base)
    return np.where(flat[:, None, None], old_uv, extended)
