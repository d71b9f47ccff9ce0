"""Draw a space from above as a labelled floor plan."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from sim_envs.engines.geometry import NO_FACE, RayCaster
from sim_envs.space import Place, Space
from sim_envs.spaces.info import floor_height, present_categories, space_info
from sim_envs.taxonomy import NYU40

CUT_HEIGHT = 1.5
"""Where the plan cuts through walls and tall furniture, metres above the floor: architects' 1 to 1.5 m."""

_MARGIN = 0.25
_LONG_SIDE_PX = 1600
_WALL_GAP = 0.45
_MIN_NAMED_AREA = 0.06
_TONES = ((0.64, 0.6), (0.47, 0.55), (0.78, 0.75), (0.55, 0.75), (0.7, 0.45))
_INK = (45, 48, 54)
_PAPER = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class TopView:
    """What lies below a cut, seen straight from above; row 0 is at the lowest z, x runs to the right.

    Attributes:
        face: (H, W) int32, ``NO_FACE`` where there is nothing.
        height: (H, W) float32, metres above the floor; 0 where there is nothing.
        origin: (x, z) of the top left corner, metres.
        pixel: width of a pixel, metres.
        cut_segments: (S, 2, 2) float64, the cut through the mesh as (x, z) line segments.
        cut_faces: (S,) the face each segment lies on.
    """

    face: np.ndarray
    height: np.ndarray
    origin: tuple[float, float]
    pixel: float
    cut_segments: np.ndarray
    cut_faces: np.ndarray


def top_view(space: Space, cut_height: float = CUT_HEIGHT) -> TopView:
    """Cast one ray straight down for each pixel from a plane above the floor."""
    floor = floor_height(space)
    x0, _, z0 = (space.bounds[0] - _MARGIN).tolist()
    x1, _, z1 = (space.bounds[1] + _MARGIN).tolist()
    pixel = max(x1 - x0, z1 - z0) / _LONG_SIDE_PX
    columns, rows = int(np.ceil((x1 - x0) / pixel)), int(np.ceil((z1 - z0) / pixel))
    origins = np.empty((rows, columns, 3), np.float32)
    origins[..., 0] = x0 + (np.arange(columns) + 0.5) * pixel
    origins[..., 1] = floor + cut_height
    origins[..., 2] = (z0 + (np.arange(rows) + 0.5) * pixel)[:, None]
    down = np.broadcast_to(np.array([0, -1, 0], np.float32), (rows * columns, 3))
    distance, face = RayCaster(space.vertices, space.faces).cast(origins.reshape(-1, 3), down)
    height = np.where(face == NO_FACE, 0, cut_height - distance)
    segments, cut_faces = cut(space.vertices, space.faces, floor + cut_height)
    return TopView(
        face=face.reshape(rows, columns),
        height=height.reshape(rows, columns).astype(np.float32),
        origin=(x0, z0),
        pixel=pixel,
        cut_segments=segments,
        cut_faces=cut_faces,
    )


def cut(vertices: np.ndarray, faces: np.ndarray, y: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut a mesh by a level plane; return (S, 2, 2) segments as (x, z), and (S,) the face of each."""
    above = vertices[:, 1] > y
    corners_above = above[faces].sum(axis=1)
    crossed = np.flatnonzero((corners_above == 1) | (corners_above == 2))
    triangle = faces[crossed]
    # Turn each face so that its first corner is alone on its side; the cut then runs through edges 0-1 and 0-2.
    side = above[triangle]
    alone = np.argmax(side == (corners_above[crossed] == 1)[:, None], axis=1)
    triangle = triangle[np.arange(len(triangle))[:, None], (alone[:, None] + np.arange(3)) % 3]
    p = vertices[triangle].astype(np.float64)
    ends = []
    for other in (1, 2):
        t = (y - p[:, 0, 1]) / (p[:, other, 1] - p[:, 0, 1])
        ends.append(p[:, 0] + t[:, None] * (p[:, other] - p[:, 0]))
    return np.stack(ends, axis=1)[:, :, [0, 2]], crossed


def category_colours(space: Place) -> np.ndarray:
    """Return (C + 1, 3) uint8 colours of a space's categories, soft enough to write on; 0 is light grey.

    Hues go round by the golden ratio, which comes close to itself after 8, 13, 21 … steps; lightness has a
    period of five, so that those differ in it.
    """
    colours = np.empty((len(space.categories) + 1, 3))
    for i in range(len(colours)):
        lightness, saturation = _TONES[i % len(_TONES)]
        colours[i] = colorsys.hls_to_rgb(0.61803398875 * i % 1.0, lightness, saturation)
    colours = (255 * colours).round()
    evaluated = NYU40.lookup(space.categories)
    for name, colour in (("floor", (240, 234, 222)), ("wall", (150, 152, 158)), ("ceiling", (225, 228, 232))):
        colours[evaluated == NYU40.evaluation_id(name)] = colour
    colours[0] = (206, 206, 206)
    return colours.astype(np.uint8)


def draw_floor_plan(space: Space, path: Path) -> None:
    """Write the floor plan of a space as a PNG: areas by category, names on what is large, scale, legend.

    Without labels the areas bear the colours of their surfaces.
    """
    view = top_view(space)
    picture = _paint(space, view)
    rows, columns = picture.shape[:2]
    dpi, top_in = 150, 0.55
    names = len(present_categories(space))
    legend_in = 0.2 if not names else 1.75 if names <= _legend_lines(rows / dpi) else 3.1
    width, height = columns / dpi + legend_in, rows / dpi + top_in
    figure = Figure(figsize=(width, height), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, columns / dpi / width, rows / dpi / height))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    _draw_cut(space, view, axes)
    _name_objects(space, view, axes, canvas, taken=_name_rooms(space, view, axes, canvas))
    _scale_bar(view, axes)
    info = space_info(space)
    size = " × ".join(f"{side:.1f}" for side in info["size_m"])
    figure.text(0.1 / width, 1 - 0.22 / height, space.id, fontsize=13, weight="bold", va="center")
    figure.text(
        0.1 / width,
        1 - 0.43 / height,
        f"{size} m (x × y × z)   floor {info['floor_area_m2']:.1f} m²   {info['faces']:,} faces   "
        f"cut {CUT_HEIGHT:g} m above the floor",
        fontsize=8.5,
        color="#555",
        va="center",
    )
    if space.has_labels:
        _legend(space, figure, columns / dpi / width, width, height)
    figure.savefig(path, dpi=dpi, facecolor="white", format="png")


def _paint(space: Space, view: TopView) -> np.ndarray:
    """Return the (H, W, 3) uint8 areas: by category, or by surface colour where there are no labels."""
    hit = view.face != NO_FACE
    if space.has_labels:
        colours = category_colours(space)[space.instance_category[space.face_instance]]
    else:
        colours = _surface_colours(space)
    picture = colours[view.face].astype(np.float32)
    # Higher is lighter, and a step down throws a line: enough to read shapes without a light.
    picture *= (0.95 + 0.05 * np.clip(view.height / CUT_HEIGHT, 0, 1))[..., None]
    instance = np.where(hit, space.face_instance[view.face].astype(np.int32), -1)
    lines = np.zeros(hit.shape, bool)
    for axis in (0, 1):
        step = np.abs(np.diff(view.height, axis=axis)) > 0.04
        border = np.diff(instance, axis=axis) != 0
        first = tuple(slice(None, -1) if i == axis else slice(None) for i in range(2))
        lines[first] |= (step | border) & hit[first]
    picture[lines] *= 0.62
    picture[~hit] = _PAPER
    picture[_walls(space, view) & ~hit] = _INK
    return picture.round().clip(0, 255).astype(np.uint8)


def _surface_colours(space: Space) -> np.ndarray:
    """Return (F, 3) mean colours of faces."""
    rgb = space.vertex_rgb[space.faces].mean(axis=1)
    mean_texel = np.array([texture.reshape(-1, 3).mean(axis=0) for texture in space.textures] + [[255.0] * 3])
    return (rgb * mean_texel[space.face_texture] / 255).astype(np.uint8)


def _walls(space: Space, view: TopView) -> np.ndarray:
    """Return the (H, W) inside of walls: what the two cut faces of a wall enclose."""
    raster = np.zeros(view.face.shape, np.uint8)
    points = np.round((view.cut_segments - view.origin) / view.pixel).astype(np.int32)
    cv2.polylines(raster, list(points), False, 1)
    reach = max(1, round(_WALL_GAP / view.pixel / 2))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    padded = cv2.copyMakeBorder(raster, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[reach:-reach, reach:-reach]
    return closed.astype(bool)


def _draw_cut(space: Space, view: TopView, axes: Any) -> None:
    pixels = (view.cut_segments - view.origin) / view.pixel - 0.5
    axes.add_collection(LineCollection(list(pixels), colors=[tuple(c / 255 for c in _INK)], linewidths=0.9))


def _name_rooms(space: Space, view: TopView, axes: Any, canvas: FigureCanvasAgg) -> list[Any]:
    """Write use and area of the rooms that the provenance gives; return the boxes of the texts."""
    boxes = []
    for room in space.provenance.get("rooms", ()):
        corners = np.array(room["polygon"], np.float64)
        x, z = corners.T
        area = abs(np.dot(x, np.roll(z, 1)) - np.dot(z, np.roll(x, 1))) / 2
        u, v = (corners.mean(axis=0) - view.origin) / view.pixel
        text = axes.text(
            u,
            v,
            f"{room['use']}\n{area:.1f} m²",
            fontsize=11,
            weight="bold",
            color="#2f3a4a",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2.5, foreground="#ffffffdd")],
        )
        boxes.append(text.get_window_extent(canvas.get_renderer()))
    return boxes


def _name_objects(space: Space, view: TopView, axes: Any, canvas: FigureCanvasAgg, taken: list[Any]) -> None:
    """Write category names on objects, the largest first, where nothing is written yet."""
    if not space.has_labels:
        return
    hit = view.face != NO_FACE
    instance = np.where(hit, space.face_instance[view.face], 0)
    ids, counts = np.unique(instance, return_counts=True)
    skip = {NYU40.evaluation_id(name) for name in ("wall", "floor", "ceiling")}
    evaluated = NYU40.lookup(space.categories)
    taken = list(taken)
    for i in ids[np.argsort(-counts, kind="stable")]:
        category = space.instance_category[i]
        mask = (instance == i).astype(np.uint8)
        area = mask.sum() * view.pixel**2
        if not category or evaluated[category] in skip or area < _MIN_NAMED_AREA:
            continue
        depth = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)
        v, u = np.unravel_index(int(np.argmax(depth)), depth.shape)
        text = axes.text(
            u - 1,
            v - 1,
            space.categories[category - 1],
            fontsize=float(np.clip(5 + 4 * np.sqrt(area), 6, 9.5)),
            ha="center",
            va="center",
            color="#15171a",
            path_effects=[withStroke(linewidth=1.8, foreground="#ffffffcc")],
        )
        box = text.get_window_extent(canvas.get_renderer())
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)


def _scale_bar(view: TopView, axes: Any) -> None:
    rows = view.face.shape[0]
    start, v, metre = 0.35 * _MARGIN / view.pixel, rows - 0.4 * _MARGIN / view.pixel, 1 / view.pixel
    axes.plot([start, start + metre], [v, v], color="black", linewidth=3, solid_capstyle="butt")
    axes.text(start + metre * 1.05, v, "1 m", fontsize=9, va="center")
    axes.set_xlim(-0.5, view.face.shape[1] - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)


def _legend_lines(inches: float) -> int:
    """Return how many lines of legend fit into a column."""
    return max(8, int((inches - 0.35) / 0.165))


def _legend(space: Space, figure: Figure, left: float, width: float, height: float) -> None:
    colours = category_colours(space) / 255
    rows = present_categories(space)
    handles = [
        Patch(
            facecolor=colours[space.categories.index(name) + 1],
            edgecolor="#888",
            linewidth=0.4,
            label=f"{name}  {row['instances']}" + ("" if row["evaluated_as"] else "  (not evaluated)"),
        )
        for name, row in rows.items()
    ]
    if (space.instance_category[space.face_instance] == 0).any():
        handles.append(Patch(facecolor=colours[0], edgecolor="#888", linewidth=0.4, label="unlabelled"))
    per_column = _legend_lines(height - 0.55)
    columns = min(2, -(-len(handles) // per_column))
    size = 7.5 if len(handles) <= columns * per_column else 7.5 * columns * per_column / len(handles)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(left + 0.05 / width, 1 - 0.3 / height),
        ncols=columns,
        fontsize=max(size, 4.5),
        frameon=False,
        title="category, instances",
        title_fontsize=8,
        alignment="left",
        columnspacing=1.0,
        handlelength=1.3,
        borderaxespad=0,
    )
