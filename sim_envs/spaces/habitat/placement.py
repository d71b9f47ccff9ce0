"""Where habitat-sim puts the mesh of a stage or an object: axes, scale, own origin, rotation, translation.

Column vectors: a point of the file is taken to the world by ``matrix @ (x, y, z, 1)``.
"""

from __future__ import annotations

import numpy as np

from sim_envs.spaces.habitat.attributes import Instance, ObjectAttributes, RenderAttributes

ASSET_LOCAL = "asset_local"


def axes_to_world(up: tuple[float, float, float], front: tuple[float, float, float]) -> np.ndarray:
    """Return the (3, 3) rotation that takes ``up`` to +Y and ``front`` to −Z; the identity if they are not square."""
    if np.linalg.norm(up) == 0 or np.linalg.norm(front) == 0 or abs(np.dot(up, front)) > 1e-5:
        return np.eye(3)
    y, z = np.divide(up, np.linalg.norm(up)), -np.divide(front, np.linalg.norm(front))
    return np.stack([np.cross(y, z), y, z])


def rotation_matrix(wxyz: tuple[float, float, float, float]) -> np.ndarray:
    """Return the (3, 3) rotation of a quaternion, which need not be of unit length."""
    w, x, y, z = np.divide(wxyz, np.linalg.norm(wxyz))
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def transformed_box(box: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Return the (2, 3) box around a (2, 3) box that a (3, 3) matrix has turned and stretched."""
    centre, half = linear @ box.mean(axis=0), np.abs(linear) @ (0.5 * np.ptp(box, axis=0))
    return np.stack([centre - half, centre + half])


def _scale(attributes: RenderAttributes, instance: Instance) -> np.ndarray:
    return np.multiply(attributes.scale, instance.non_uniform_scale) * instance.uniform_scale


def stage_to_world(attributes: RenderAttributes, instance: Instance) -> np.ndarray:
    """Return the (4, 4) matrix of a stage: habitat-sim turns and scales it, and ignores its translation."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(_scale(attributes, instance)) @ axes_to_world(attributes.up, attributes.front)
    return matrix


def object_to_world(
    attributes: ObjectAttributes, instance: Instance, scene_origin: str, file_box: np.ndarray
) -> np.ndarray:
    """Return the (4, 4) matrix of an object in a scene.

    Args:
        scene_origin: the ``translation_origin`` of the scene.
        file_box: (2, 3) box of the mesh file, for objects that give no centre of mass.
    """
    scale = _scale(attributes, instance)
    local = np.diag(scale) @ axes_to_world(attributes.up, attributes.front)
    own_origin = np.multiply(scale, attributes.com or 0.0)
    if attributes.com is None:
        own_origin = transformed_box(file_box, local).mean(axis=0)
    by_file = instance.translation_origin.lower() == ASSET_LOCAL or (
        scene_origin.lower() == ASSET_LOCAL and instance.translation_origin.lower() != "com"
    )
    rotation = rotation_matrix(instance.rotation)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ local
    matrix[:3, 3] = instance.translation if by_file else instance.translation - rotation @ own_origin
    return matrix
