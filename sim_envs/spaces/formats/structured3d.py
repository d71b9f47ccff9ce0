"""Structured3D (Zheng et al., arXiv:1908.00222): the layout of designed flats, without their furniture.

A door or window of this data set is a tunnel through a wall: its planes are sill, lintel and jambs, and its lines go
around holes in the walls at both ends. Here each hole is closed with a surface of the door or window, so that rooms
are closed and what lies in an opening has a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim_envs.errors import UserError
from sim_envs.spaces.formats.instances import labelled_scan
from sim_envs.spaces.formats.layout import LaidOut, Layout, SceneFile
from sim_envs.spaces.formats.outlines import Frame, area_within, crosses_itself, triangulate
from sim_envs.spaces.formats.structured3d_annotation import Annotation, read_annotation
from sim_envs.spaces.scans.assemble import RawScan
from sim_envs.spaces.scans.mesh_files import RawMesh, untextured

_PICTURES = "2D_rendering"
_NO_INSTANCE = 0
_SAME_PLANE_M = 1e-3
_SHOWN_IDS = 8
_COLOURS = {
    "floor": (176, 148, 116),
    "ceiling": (236, 236, 232),
    "wall": (206, 200, 188),
    "door": (140, 96, 62),
    "window": (150, 186, 214),
}
_OTHER_COLOUR = (160, 160, 160)
_LIGHT = np.array([0.36, 0.48, 0.8])
_LAYOUT_NOTE = (
    "layout only: the furniture is in the panoramas, which are not read; colours are made up, one a category and "
    "shaded by direction, so they give the categories away"
)
_SHUT_NOTE = (
    "doors are shut, so planned trajectories stay in the room with the most free floor; poses given with "
    "--trajectories may be in any"
)


class Structured3D(LaidOut):
    """Floors, ceilings, walls, doors and windows; each plane is an instance, and each door and window."""

    title = "Structured3D, the layout"
    layout = Layout(
        folders=("scene_*", "Structured3D/scene_*"),
        needed=(SceneFile("layout", ("annotation_3d.json",), hint="of the archive Structured3D_annotation_3d.zip"),),
    )

    def scenes(self, root: Path) -> list[str]:
        """Return the ids of the scenes, those too of which only pictures are there: the layout may come apart."""
        folders = (root.resolve(), *(path for pattern in self.layout.folders for path in root.glob(pattern)))
        return sorted({*super().scenes(root), *(path.name for path in folders if (path / _PICTURES).is_dir())})

    def read(self, root: Path, scene: str) -> RawScan:
        """Read one scene. Instance ids are those of the planes plus 1; those of doors and windows come after."""
        if scene not in self.layout.scenes(root):
            raise UserError(f"The layout of scene {scene} is missing in {root}. It needs {self.files[0]}.")
        path = self.layout.find(root, scene)["layout"]
        made = build_surfaces(read_annotation(path))
        if not made.surfaces:
            raise UserError(f"{path} holds no surface: {'; '.join(made.notes()) or 'it has no planes'}.")
        shut = (_SHUT_NOTE,) if any(surface.category == "door" for surface in made.surfaces) else ()
        counts = [len(surface.triangles) for surface in made.surfaces]
        colours = [_COLOURS.get(surface.category, _OTHER_COLOUR) for surface in made.surfaces]
        return labelled_scan(
            _mesh(np.concatenate([surface.triangles for surface in made.surfaces]), np.repeat(colours, counts, axis=0)),
            np.repeat([surface.instance for surface in made.surfaces], counts),
            {surface.instance: surface.category for surface in made.surfaces},
            none=_NO_INSTANCE,
            files={"mesh": path},
            source=f"{self.title}, scene {scene}",
            up="z",
            notes=(_LAYOUT_NOTE, *shut, *made.notes()),
        )


@dataclass(frozen=True, eq=False)
class Surface:
    """A flat piece of one instance.

    Attributes:
        triangles: (T, 3, 3) corners in metres, Z up, counter-clockwise as seen from the empty space.
        instance: its id.
        category: its name.
    """

    triangles: np.ndarray
    instance: int
    category: str


@dataclass(eq=False)
class Made:
    """The surfaces of an annotation, and the planes that gave none or other than their outline says."""

    annotation: Annotation
    surfaces: list[Surface] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    crossing: set[int] = field(default_factory=set)
    several: set[int] = field(default_factory=set)

    def notes(self) -> tuple[str, ...]:
        """Say what was left out, with counts."""
        owned, outside = set(self.annotation.owners()), self.annotation.outside()
        unowned = set(range(len(self.annotation.planes))) - owned - outside
        counted: tuple[tuple[Iterable[int], str, str], ...] = (
            (outside - owned, "plane", "of the outer wall left out, only seen from outside"),
            (unowned, "plane", "left out: in no room, door or window"),
            (self.annotation.broken, "line", "left out: not between two junctions"),
            (self.open, "plane", "left out: not closed by the lines, or without area"),
            (self.crossing, "plane", "with an outline that crosses itself, taken for what it encloses"),
            (self.several, "plane", "with several outlines that are no door or window: one within another is a hole"),
        )
        return tuple(_counted(sorted(ids), noun, what) for ids, noun, what in counted if ids)

    def frame(self, plane: int, loops: list[list[int]] | None) -> Frame | None:
        """Return the frame of a plane with these loops; a plane without one is noted."""
        points = [self.annotation.points[loop] for loop in loops or ()]
        frame = Frame.of(points, np.array(self.annotation.planes[plane].normal)) if points else None
        if frame is None:
            self.open.add(plane)
        return frame

    def shape(self, plane: int, loops: list[list[int]], frame: Frame) -> Any:
        """Return what loops enclose in a plane; loops that cross themselves are noted."""
        flat = [frame.flat(self.annotation.points[loop]) for loop in loops]
        if any(map(crosses_itself, flat)):
            self.crossing.add(plane)
        return area_within(flat)

    def add(self, plane: int, shape: Any, frame: Frame, instance: int, category: str) -> None:
        """Fill a shape in a plane with triangles."""
        triangles = triangulate(shape, frame, self.annotation.corners(plane))
        if len(triangles):
            self.surfaces.append(Surface(triangles, instance, category))


def build_surfaces(annotation: Annotation) -> Made:
    """Make the surfaces of rooms, what closes the openings in them, and the insides of doors and windows."""
    made = Made(annotation)
    owners, opening_lines = annotation.owners(), annotation.opening_lines()
    insides: dict[int, tuple[list[list[int]], Frame]] = {}
    for plane, owner in owners.items():
        if owner in opening_lines:
            loops = annotation.loops(annotation.around[plane])
            if (frame := made.frame(plane, loops)) is not None and loops is not None:
                insides[plane] = loops, frame
    for plane, owner in owners.items():
        if owner not in opening_lines:
            _add_room_plane(made, plane, opening_lines, [loops for loops, _ in insides.values()])
    for plane, (loops, frame) in insides.items():
        made.add(plane, made.shape(plane, loops, frame), frame, *_opening(annotation, owners[plane]))
    return made


def _add_room_plane(
    made: Made, plane: int, opening_lines: Mapping[int, set[int]], insides: list[list[list[int]]]
) -> None:
    """Add one floor, ceiling or wall without its openings, and the openings in it."""
    annotation = made.annotation
    outline, holes = _split(annotation, plane, opening_lines)
    if (frame := made.frame(plane, outline)) is None or outline is None:
        return
    if len(outline) > 1:
        made.several.add(plane)
    rest = made.shape(plane, outline, frame)
    # A plane of a door that lies in the wall instead of leading through it takes the place of the wall.
    for loops in insides:
        if all(frame.holds(annotation.points[loop], _SAME_PLANE_M) for loop in loops):
            rest = rest.difference(area_within([frame.flat(annotation.points[loop]) for loop in loops]))
    for opening, loops in holes.items():
        hole = made.shape(plane, loops, frame)
        made.add(plane, rest.intersection(hole), frame, *_opening(annotation, opening))
        rest = rest.difference(hole)
    made.add(plane, rest, frame, plane + 1, annotation.planes[plane].type)


def _split(
    annotation: Annotation, plane: int, opening_lines: Mapping[int, set[int]]
) -> tuple[list[list[int]] | None, dict[int, list[list[int]]]]:
    """Return the loops of a plane's outline and, by door or window, those of the openings in it."""
    around = set(annotation.around[plane])
    shared = {opening: around & lines for opening, lines in opening_lines.items() if not around.isdisjoint(lines)}
    outline = annotation.loops(sorted(around.difference(*shared.values())))
    if outline is None:
        # An opening as wide or high as its wall shares lines with the wall's outline.
        return annotation.loops(sorted(around)), {}
    holes = {opening: annotation.loops(sorted(lines)) for opening, lines in shared.items()}
    return outline, {opening: loops for opening, loops in holes.items() if loops}


def _opening(annotation: Annotation, number: int) -> tuple[int, str]:
    """Return the instance id and the category of a door or window."""
    return len(annotation.planes) + 1 + number, annotation.semantics[number].type


def _mesh(triangles: np.ndarray, rgb: np.ndarray) -> RawMesh:
    """Return triangles (T, 3, 3) with a colour each, shaded by direction; no two share a vertex."""
    count = len(triangles)
    vertices, faces = triangles.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)
    across = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    facing = across @ _LIGHT / np.maximum(np.linalg.norm(across, axis=1), np.finfo(float).tiny)
    shaded = np.rint(rgb * (0.8 + 0.2 * facing)[:, None]).astype(np.uint8)
    return RawMesh(
        vertices=vertices,
        faces=faces,
        vertex_rgb=np.repeat(shaded, 3, axis=0),
        uv=np.zeros((3 * count, 2), np.float32),
        face_texture=untextured(count),
        textures=(),
        vertex_origin=np.arange(3 * count),
        face_origin=np.arange(count),
        file_counts=(3 * count, count),
    )


def _counted(ids: list[int], noun: str, what: str) -> str:
    shown = ", ".join(map(str, ids[:_SHOWN_IDS])) + (", …" if len(ids) > _SHOWN_IDS else "")
    return f"{len(ids)} {noun}{'s' if len(ids) > 1 else ''} {what} ({shown})"
