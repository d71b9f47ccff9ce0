"""The ``annotation_3d.json`` of Structured3D: junctions are joined by lines, lines go around planes, rooms have planes.

Format as in ``data_organization.md`` of https://github.com/bertjiazheng/Structured3D. Ids are places in its lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, FiniteFloat, ValidationError

from sim_envs.errors import UserError
from sim_envs.spaces.formats.json_file import read_json
from sim_envs.spaces.formats.outlines import closed_loops

OPENINGS = ("door", "window")
OUTSIDE = "outwall"
_METRES = 1e-3
_Point = tuple[FiniteFloat, FiniteFloat, FiniteFloat]


class Plane(BaseModel):
    """A flat surface: its type (floor, ceiling or wall), and the direction of the empty space before it."""

    type: str
    normal: _Point


class Semantic(BaseModel):
    """What planes belong to: a room by its type, a door, a window, or the outside of the building."""

    type: str
    planeID: list[int]


class _Junction(BaseModel):
    coordinate: _Point


class _File(BaseModel):
    junctions: list[_Junction]
    lines: list[dict[str, object]]
    planes: list[Plane]
    semantics: list[Semantic]
    planeLineMatrix: list[list[int]]
    lineJunctionMatrix: list[list[int]]


@dataclass(frozen=True, eq=False)
class Annotation:
    """An annotation with its matrices resolved.

    Attributes:
        points: (J, 3) float64, the junctions in metres, Z up.
        planes, semantics: as in the file.
        ends: line → the two junctions it joins.
        broken: the lines that do not join two junctions.
        around: plane → the lines around it and around the openings in it.
    """

    points: np.ndarray
    planes: list[Plane]
    semantics: list[Semantic]
    ends: Mapping[int, tuple[int, int]]
    broken: frozenset[int]
    around: list[list[int]]

    def owners(self) -> dict[int, int]:
        """Return plane → the first room, door or window that has it; planes that none has are not in it."""
        owners: dict[int, int] = {}
        for number, semantic in enumerate(self.semantics):
            if semantic.type != OUTSIDE:
                for plane in semantic.planeID:
                    owners.setdefault(plane, number)
        return owners

    def outside(self) -> set[int]:
        """Return the planes of the outside of the building."""
        return {plane for semantic in self.semantics if semantic.type == OUTSIDE for plane in semantic.planeID}

    def opening_lines(self) -> dict[int, set[int]]:
        """Return door or window → the lines of its planes."""
        return {
            number: {line for plane in semantic.planeID for line in self.around[plane]}
            for number, semantic in enumerate(self.semantics)
            if semantic.type in OPENINGS
        }

    def corners(self, plane: int) -> np.ndarray:
        """Return (N, 3) the ends of the lines around a plane."""
        joined = {junction for line in self.around[plane] for junction in self.ends.get(line, ())}
        return self.points[sorted(joined)]

    def loops(self, lines: Iterable[int]) -> list[list[int]] | None:
        """Return the closed loops of some lines, as junctions; None where they do not close or there are none."""
        chosen = list(lines)
        if not chosen or not self.broken.isdisjoint(chosen):
            return None
        return closed_loops([self.ends[line] for line in chosen])


def read_annotation(path: Path) -> Annotation:
    """Read an ``annotation_3d.json``.

    Raises:
        UserError: it is not one, its matrices do not fit its lists, or it names a plane that it does not hold.
    """
    try:
        file = _File.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise UserError(f"{path} is not an annotation_3d.json of Structured3D: {where}: {first['msg']}.") from error
    sizes = len(file.planes), len(file.lines), len(file.junctions)
    _check_matrix(path, "planeLineMatrix", file.planeLineMatrix, *sizes[:2], "planes and lines")
    _check_matrix(path, "lineJunctionMatrix", file.lineJunctionMatrix, *sizes[1:], "lines and junctions")
    for semantic in file.semantics:
        for plane in semantic.planeID:
            if not 0 <= plane < len(file.planes):
                raise UserError(f"{path} is damaged: a {semantic.type} has plane {plane} of {len(file.planes)}.")
    joined = [np.flatnonzero(row).tolist() for row in file.lineJunctionMatrix]
    ends = {line: (found[0], found[1]) for line, found in enumerate(joined) if len(found) == 2}
    return Annotation(
        points=np.array([j.coordinate for j in file.junctions], np.float64).reshape(-1, 3) * _METRES,
        planes=file.planes,
        semantics=file.semantics,
        ends=ends,
        broken=frozenset(range(len(joined))) - frozenset(ends),
        around=[np.flatnonzero(row).tolist() for row in file.planeLineMatrix],
    )


def _check_matrix(path: Path, name: str, matrix: list[list[int]], rows: int, columns: int, of: str) -> None:
    widths = sorted({len(row) for row in matrix})
    if len(matrix) != rows or any(width != columns for width in widths):
        found = f"{len(matrix)} rows of {' and '.join(map(str, widths)) or 'no'} entries"
        raise UserError(f"{path} is damaged: {name} has {found} for {rows} and {columns} {of}.")
