"""Small spaces made of boxes, whose free floor and distances can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh

from sim_envs.space import NO_TEXTURE, Space

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Lowest and highest corner, metres."""


def space_of_boxes(boxes: Sequence[Box], name: str = "test/room") -> Space:
    """Return a space in which each box is an instance; the fronts of its faces are outside."""
    meshes = [trimesh.creation.box(bounds=box) for box in boxes]
    return space_of_meshes(meshes, name)


def space_of_meshes(meshes: Sequence[trimesh.Trimesh], name: str = "test/room") -> Space:
    """Return a space in which each mesh is an instance of one category."""
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    vertices = np.concatenate([m.vertices for m in meshes]).astype(np.float32)
    faces = np.concatenate([m.faces + s for m, s in zip(meshes, starts[:-1], strict=True)]).astype(np.int32)
    instance = np.repeat(np.arange(1, len(meshes) + 1), [len(m.faces) for m in meshes]).astype(np.uint16)
    return Space(
        id=name,
        vertices=vertices,
        faces=faces,
        vertex_rgb=np.full((len(vertices), 3), 128, np.uint8),
        face_instance=instance,
        instance_category=np.array([0] + [1] * len(meshes), np.uint16),
        categories=("thing",),
        uv=np.zeros((len(vertices), 2), np.float32),
        face_texture=np.full(len(faces), NO_TEXTURE, np.int32),
    )


def shell(width: float, depth: float, height: float = 2.5, ceiling: bool = True) -> list[Box]:
    """Return floor, walls and ceiling around 0…width × 0…height × 0…depth, 0.1 m thick."""
    t = 0.1
    boxes: list[Box] = [
        ((-t, -t, -t), (width + t, 0, depth + t)),
        ((-t, 0, -t), (0, height, depth + t)),
        ((width, 0, -t), (width + t, height, depth + t)),
        ((0, 0, -t), (width, height, 0)),
        ((0, 0, depth), (width, height, depth + t)),
    ]
    if ceiling:
        boxes.append(((-t, height, -t), (width + t, height + t, depth + t)))
    return boxes


def empty_room() -> Space:
    """A room of 5 × 4 m and nothing in it."""
    return space_of_boxes(shell(5, 4))


def room_with_block() -> Space:
    """A room of 5 × 4 m with a block of 1 × 1 × 1 m in the middle and a rug of 2 cm."""
    return space_of_boxes([*shell(5, 4), ((2, 0, 1.5), (3, 1, 2.5)), ((0.5, 0, 0.5), (1.5, 0.02, 1.5))])


def furnished_room(ceiling: bool = True) -> Space:
    """A room of 5 × 4 m with a table on legs, a cupboard, a shelf on the wall, a lamp and a rug."""
    legs: list[Box] = [((x, 0, z), (x + 0.05, 0.7, z + 0.05)) for x in (2.0, 3.15) for z in (1.6, 2.35)]
    return space_of_boxes(
        [
            *shell(5, 4, ceiling=ceiling),
            ((2.0, 0.7, 1.6), (3.2, 0.74, 2.4)),
            *legs,
            ((0.0, 0.0, 0.5), (0.5, 1.9, 1.7)),
            ((2.0, 1.3, 3.75), (3.5, 1.35, 4.0)),
            ((2.2, 1.35, 3.8), (2.3, 1.6, 3.9)),
            ((2.7, 1.35, 3.8), (3.0, 1.5, 3.95)),
            ((4.2, 0.0, 0.0), (5.0, 0.5, 2.0)),
            ((2.5, 1.9, 1.9), (2.7, 2.1, 2.1)),
            ((2.3, 0.74, 1.8), (2.5, 0.95, 2.0)),
        ]
    )


def two_rooms(door: float) -> Space:
    """Two rooms of 3 × 4 m, joined by an opening ``door`` wide and 2 m high; the second holds a bench."""
    low, high = 2 - door / 2, 2 + door / 2
    return space_of_boxes(
        [
            *shell(6.1, 4),
            ((3, 0, 0), (3.1, 2.5, low)),
            ((3, 0, high), (3.1, 2.5, 4)),
            ((3, 2, low), (3.1, 2.5, high)),
            ((5.5, 0, 1), (6.1, 0.5, 3)),
            ((0, 0, 3.5), (1.5, 1.0, 4)),
        ]
    )
