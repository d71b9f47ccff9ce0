"""A tiny room in closed form, shown to both engines: vertex colours, a texture, a sheet seen from behind, a hole."""

from __future__ import annotations

import numpy as np
import trimesh

from sim_envs.rig import Rig
from sim_envs.space import NO_TEXTURE, Space

RIG = Rig(64, 48, 80.0)
TEXTURE_SIZE = 16


def tiny_room() -> Space:
    """Return a room of 4 × 2.5 × 3 m: floor and four walls, no ceiling, a textured and two plain boxes, a sheet.

    Instance ids are not in the order of categories; one is high, one thing is unlabelled. The sheet is one face
    thick and its front looks away from three of the four :func:`cameras`.
    """
    corners = [[2.9, 0.4, 1.0], [2.9, 2.0, 1.0], [2.9, 2.0, 2.2], [2.9, 0.4, 2.2]]
    sheet = trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3]], process=False)
    things = [
        (_box((0, -0.1, 0), (4, 0, 3)), 3, 1),
        (_box((-0.1, 0, 0), (0, 2.5, 3)), 1, 2),
        (_box((4, 0, 0), (4.1, 2.5, 3)), 7, 2),
        (_box((0, 0, -0.1), (4, 2.5, 0)), 8, 2),
        (_box((0, 0, 3), (4, 2.5, 3.1)), 4, 2),
        (_box((0.4, 0, 0.3), (1.2, 0.9, 1.1)), 40000, 3),
        (_box((1.6, 0, 2.0), (2.1, 0.45, 2.6)), 2, 4),
        (_box((2.0, 1.1, 0.0), (2.6, 1.5, 0.25)), 0, 0),
        (sheet, 9, 5),
    ]
    meshes = [mesh for mesh, _, _ in things]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float32)
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)])
    counts = [len(mesh.faces) for mesh in meshes]
    category = np.zeros(40001, np.uint16)
    for _, instance, of in things:
        category[instance] = of
    textured = np.repeat([instance == 40000 for _, instance, _ in things], counts)
    # Smooth colours, so that half a pixel more or less shows as little as it should.
    smooth = 128 + 90 * np.sin(vertices @ np.array([[0.9, 0.3, 0.5], [0.4, 0.8, 0.2], [0.3, 0.6, 0.9]]))
    return Space(
        id="test/tiny-room",
        vertices=vertices,
        faces=faces.astype(np.int32),
        vertex_rgb=np.rint(smooth).astype(np.uint8),
        face_instance=np.repeat([instance for _, instance, _ in things], counts).astype(np.uint16),
        instance_category=category,
        categories=("floor", "wall", "crate", "stool", "sheet"),
        uv=(vertices[:, [0, 1]] + vertices[:, [2, 2]] * 0.5).astype(np.float32),
        face_texture=np.where(textured, 0, NO_TEXTURE).astype(np.int32),
        textures=(_texture(),),
    )


def cameras() -> np.ndarray:
    """Return four (4, 4) poses inside the room: level, tilted, rolled, and one that sees the sheet from its front."""
    places = [
        ((0.6, 1.2, 2.6), (-40, -8, 0)),
        ((1.4, 1.9, 1.6), (-95, -25, 0)),
        ((1.0, 0.7, 1.9), (-70, 10, 20)),
        ((3.6, 1.5, 1.5), (85, -10, -5)),
    ]
    poses = []
    for position, (yaw, pitch, roll) in places:
        pose = trimesh.transformations.euler_matrix(*np.radians([yaw, pitch, roll]), axes="ryxz")
        pose[:3, 3] = position
        poses.append(pose)
    return np.array(poses)


def _box(low: tuple[float, float, float], high: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.creation.box(bounds=(low, high))


def _texture() -> np.ndarray:
    """Return a red and green gradient with a blue quarter: which way round it lies is plain to see."""
    ramp = np.linspace(40, 240, TEXTURE_SIZE)
    texture = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE, 3))
    texture[..., 0], texture[..., 1] = ramp[None, :], ramp[:, None]
    texture[: TEXTURE_SIZE // 2, : TEXTURE_SIZE // 2, 2] = 220
    return np.rint(texture).astype(np.uint8)
