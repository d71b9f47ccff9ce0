"""When two views show the same place: what retrieval is scored by, and what its head learns from. Numpy only."""

from __future__ import annotations

import numpy as np

NEAR_M, NEAR_DEG = 1.0, 30.0
"""Views show the same place when their camera centres are at most so far apart and their viewing directions at most
so different, both."""

FAR_M, FAR_DEG = 2.0, 60.0
"""Views show different places for learning when either is exceeded; between the two rules nothing is taught."""


def viewing_directions(camera_to_world: np.ndarray) -> np.ndarray:
    """Return the unit vectors along which (..., 4, 4) OpenGL cameras look, (..., 3), in the world's frame."""
    axis = -camera_to_world[..., :3, 2]
    return np.asarray(axis / np.linalg.norm(axis, axis=-1, keepdims=True))


def separation(
    position: np.ndarray, direction: np.ndarray, other_position: np.ndarray, other_direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return metres between camera centres and degrees between viewing directions, both (...,).

    Args:
        position, other_position: (..., 3) metres; they broadcast.
        direction, other_direction: (..., 3) unit vectors.
    """
    metres = np.linalg.norm(position - other_position, axis=-1)
    chord = np.linalg.norm(direction - other_direction, axis=-1)  # exact for small angles; an arc cosine is not
    return metres, np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))


def same_place(metres: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return where views that are so far apart show the same place, bool."""
    return (metres <= NEAR_M) & (degrees <= NEAR_DEG)
