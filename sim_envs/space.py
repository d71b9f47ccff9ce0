"""A space: one 3D environment with its appearance, its instances and their categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sim_envs.storage import digest_arrays

NO_TEXTURE = -1
UNLABELLED = 0


class Place(Protocol):
    """What can be recorded: a :class:`Space`, which engines render, or a capture, which is played back."""

    @property
    def id(self) -> str:
        """``source/name``."""

    @property
    def has_labels(self) -> bool:
        """Whether anything in it carries a category."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the category ids 1…C, in the words of the source."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that can be seen or labelled."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """JSON-like: where it came from."""


@dataclass(frozen=True, eq=False)
class Space:
    """Geometry, appearance and labels of one environment, in the form every engine takes.

    World: right-handed, Y up, metres. The colour of a surface point is
    ``texture(uv) · vertex_rgb / 255`` (both sRGB bytes, multiplied as they are), or ``vertex_rgb`` alone
    where a face has no texture. Light is part of these colours; engines add none.

    Attributes:
        id: ``source/name``, e.g. ``builtin/flat-01``.
        vertices: (V, 3) float32, metres.
        faces: (F, 3) int32, indices into ``vertices``; both sides are visible.
        vertex_rgb: (V, 3) uint8.
        face_instance: (F,) uint16; 0 = none.
        instance_category: (I + 1,) uint16, category id of each instance id; entry 0 is 0.
        categories: names of the category ids 1…C, in the words of the source.
        uv: (V, 2) float32, u to the right, v up, repeated outside 0…1; zeros where unused.
        face_texture: (F,) int32, index into ``textures`` or ``NO_TEXTURE``.
        textures: (h, w, 3) uint8 sRGB arrays, row 0 on top.
        provenance: JSON-like: where it came from, digests, authors, licences, conversions.
    """

    id: str
    vertices: np.ndarray
    faces: np.ndarray
    vertex_rgb: np.ndarray
    face_instance: np.ndarray
    instance_category: np.ndarray
    categories: tuple[str, ...]
    uv: np.ndarray
    face_texture: np.ndarray
    textures: tuple[np.ndarray, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shapes, types and index ranges: every engine relies on them.

        Raises:
            ValueError: names the field and what is wrong with it.
        """
        vertex_count, face_count = len(self.vertices), len(self.faces)
        expected: dict[str, tuple[tuple[int, ...], type]] = {
            "vertices": ((vertex_count, 3), np.float32),
            "faces": ((face_count, 3), np.int32),
            "vertex_rgb": ((vertex_count, 3), np.uint8),
            "face_instance": ((face_count,), np.uint16),
            "instance_category": ((len(self.instance_category),), np.uint16),
            "uv": ((vertex_count, 2), np.float32),
            "face_texture": ((face_count,), np.int32),
        }
        for name, (shape, dtype) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"{self.id}: {name} is {array.dtype}{array.shape}, not {dtype.__name__}{shape}")
        if not face_count:
            raise ValueError(f"{self.id}: a mesh without faces")
        if not np.isfinite(self.vertices).all():
            raise ValueError(f"{self.id}: vertices that are not finite")
        limits = {
            "faces": (self.faces, vertex_count),
            "face_instance": (self.face_instance, len(self.instance_category)),
            "instance_category": (self.instance_category, len(self.categories) + 1),
            "face_texture": (self.face_texture - NO_TEXTURE, len(self.textures) + 1),
        }
        for name, (indices, limit) in limits.items():
            if len(indices) and (indices.min() < 0 or indices.max() >= limit):
                raise ValueError(f"{self.id}: {name} has values outside its range")
        if len(self.instance_category) == 0 or self.instance_category[0] != UNLABELLED:
            raise ValueError(f"{self.id}: instance 0 must be unlabelled")

    @property
    def has_labels(self) -> bool:
        """Whether any face carries a category."""
        return bool(self.instance_category[self.face_instance].any())

    @cached_property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner, metres."""
        # Axis by axis: NumPy reduces a column ten times faster than the first axis of three columns.
        return np.array([[ends(axis) for axis in self.vertices.T] for ends in (np.min, np.max)])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that can be seen or labelled (not of ``provenance``)."""
        arrays = {
            name: getattr(self, name)
            for name in ("vertices", "faces", "vertex_rgb", "face_instance", "instance_category", "uv", "face_texture")
        }
        arrays |= {f"texture{i}": texture for i, texture in enumerate(self.textures)}
        return digest_arrays(arrays, extra=list(self.categories))
