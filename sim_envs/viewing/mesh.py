"""The mesh of a space in Rerun: one entity a category, so that any can be hidden, and a named box an instance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rerun as rr

from sim_envs.modalities import id_colours
from sim_envs.space import NO_TEXTURE, UNLABELLED, Space
from sim_envs.taxonomy import NYU40

MESH = "world/space"
BOXES = "world/instances"
UNLABELLED_NAME = "unlabelled"
SHARED_NAME = "several categories"
ENCLOSING = ("wall", "floor", "ceiling")  # their boxes would be as large as the space
MAX_TEXTURE_BYTES = 64_000_000  # of the copies of one texture, which every category that bears it gets


@dataclass(frozen=True, eq=False)
class Part:
    """Faces that are shown and hidden together and have one texture, or none.

    Attributes:
        name: category, ``unlabelled`` or ``several categories``.
        texture: index into the textures of the space, or ``NO_TEXTURE``.
        faces: (N,) numbers of faces.
    """

    name: str
    texture: int
    faces: np.ndarray


def log_space(stream: rr.RecordingStream, space: Space) -> None:
    """Log mesh and instance boxes, for all times.

    Colours are those of the space, unlit. Where a face has both, Rerun multiplies texture and vertex colour
    as light does, and the engines as bytes, which is a little darker.
    """
    for part in mesh_parts(space):
        path = [*MESH.split("/"), part.name, *([] if part.texture == NO_TEXTURE else [f"texture {part.texture}"])]
        stream.log(path, _mesh(space, part), static=True)
    if space.has_labels:
        stream.log(BOXES, _boxes(space), static=True)


def mesh_parts(space: Space) -> Iterator[Part]:
    """Divide the faces of a space by category and texture.

    A texture that many categories share, as in a scan with one atlas, is not copied for each of them beyond
    ``MAX_TEXTURE_BYTES``: such faces become two parts, the ceiling, which hides all else from above, and the rest.
    """
    names = np.array([UNLABELLED_NAME, *space.categories, SHARED_NAME], dtype=object)
    category = space.instance_category[space.face_instance].astype(np.int64)
    ceiling = np.append(NYU40.lookup(space.categories) == NYU40.evaluation_id("ceiling"), False)
    for number, texture in enumerate(space.textures):
        bearing = space.face_texture == number
        if texture.nbytes * len(np.unique(category[bearing])) > MAX_TEXTURE_BYTES:
            category[bearing & ~ceiling[category]] = len(names) - 1
    pairs, of_face = np.unique(np.stack([category, space.face_texture], axis=1), axis=0, return_inverse=True)
    order = np.argsort(of_face.reshape(-1), kind="stable")
    ends = np.cumsum(np.bincount(of_face.reshape(-1)))
    for (name, texture_number), faces in zip(pairs.tolist(), np.split(order, ends[:-1]), strict=True):
        yield Part(str(names[name]), texture_number, faces)


def _mesh(space: Space, part: Part) -> rr.Mesh3D:
    used, triangles = np.unique(space.faces[part.faces], return_inverse=True)
    textured = {}
    if part.texture != NO_TEXTURE:
        u, v = space.uv[used].T
        textured = {"vertex_texcoords": np.stack([u, 1 - v], axis=1), "albedo_texture": space.textures[part.texture]}
    return rr.Mesh3D(
        vertex_positions=space.vertices[used],
        triangle_indices=triangles.reshape(-1, 3),
        vertex_colors=space.vertex_rgb[used],
        **textured,
    )


def _boxes(space: Space) -> rr.Boxes3D:
    """Return the axis-aligned box of every labelled instance, with the name of its category."""
    low = np.full((len(space.instance_category), 3), np.inf)
    high = -low
    for corner in space.faces.T:
        np.minimum.at(low, space.face_instance, space.vertices[corner])
        np.maximum.at(high, space.face_instance, space.vertices[corner])
    enclosing = np.isin(NYU40.lookup(space.categories), [NYU40.evaluation_id(name) for name in ENCLOSING])
    category = space.instance_category
    shown = np.isfinite(low).all(axis=1) & (category != UNLABELLED) & ~enclosing[category]
    low, high = low[shown], high[shown]
    return rr.Boxes3D(
        centers=(low + high) / 2,
        half_sizes=(high - low) / 2,
        labels=[space.categories[i - 1] for i in category[shown]],
        colors=id_colours(len(space.categories) + 1)[category[shown]],
        show_labels=True,
    )
