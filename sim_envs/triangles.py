"""What is computed for each triangle of a mesh, a block of them at a time: scans have millions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_BLOCK = 1 << 18


def blocks(count: int) -> Iterator[slice]:
    """Cut ``count`` rows into blocks, so that what is computed for each row takes little memory at a time."""
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def face_crosses(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (F, 3) float64 cross products of two sides of each face, and (F, 1) their lengths: twice its area.

    Meant for a block of faces (see :func:`blocks`).

    Args:
        vertices: (V, 3) of any float type.
        faces: (F, 3).
    """
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    return cross, np.linalg.norm(cross, axis=1, keepdims=True)
