"""Look at a space: a labelled floor plan, and a contact sheet of what a device would sense there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sim_envs.engines import ENGINES
from sim_envs.modalities import MODALITIES
from sim_envs.rig import Rig
from sim_envs.space import Place, Space
from sim_envs.spaces.info import space_info
from sim_envs.spaces.plan_view import category_colours, draw_floor_plan
from sim_envs.storage import write_whole
from sim_envs.trajectories.plan import plan_trajectories

__all__ = ["preview_space", "space_info"]

VIEWS = 12
SHOWN = ("rgb", "depth", "normals", "semantic")
_TILE = 192
RIG = Rig(width=_TILE, height=_TILE, hfov=80.0)
_GAP = 3
_VIEWS_PER_ROW = 2
_HEAD = 46
_LEGEND_ROW = 20


def preview_space(space: Space, out: Path) -> list[Path]:
    """Write ``floorplan.png`` and ``contact-sheet.png`` into a folder, and return their paths.

    The views are those of planned trajectories, one each, so they are what a recording would hold.

    Raises:
        UserError: the folder cannot be written, or the space has no place for a camera.
    """
    plan, sheet = out / "floorplan.png", out / "contact-sheet.png"
    write_whole(plan, lambda beside: draw_floor_plan(space, beside))
    picture = contact_sheet(space, _frames(space))
    write_whole(sheet, lambda beside: picture.save(beside, format="PNG"))
    return [plan, sheet]


def contact_sheet(space: Place, frames: Sequence[dict[str, np.ndarray]]) -> Image.Image:
    """Lay views out in every modality, side by side, with the colours of the categories below.

    Args:
        frames: of :data:`RIG`, as an engine gives them.
    """
    shown = [name for name in SHOWN if name != "semantic" or space.has_labels]
    rows = [_view_tiles(space, frame, shown) for frame in frames]
    line_count = -(-len(rows) // _VIEWS_PER_ROW)
    block = len(shown) * (_TILE + _GAP)
    width = _VIEWS_PER_ROW * block + (_VIEWS_PER_ROW - 1) * 4 * _GAP + _GAP
    entries = _legend_entries(space, rows)
    legend = _legend(entries, width)
    height = _HEAD + line_count * (_TILE + _GAP) + legend.height
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP + 2, 5), space.id, font=_font(15, bold=True), fill="black")
    for i, (tiles, _) in enumerate(rows):
        left = _GAP + (i % _VIEWS_PER_ROW) * (block + 4 * _GAP)
        top = _HEAD + i // _VIEWS_PER_ROW * (_TILE + _GAP)
        for j, (name, tile) in enumerate(zip(shown, tiles, strict=True)):
            sheet.paste(Image.fromarray(tile), (left + j * (_TILE + _GAP), top))
            if i < _VIEWS_PER_ROW:
                draw.text((left + j * (_TILE + _GAP) + 2, 28), name, font=_font(12), fill="#444")
    sheet.paste(legend, (0, height - legend.height))
    return sheet


def _frames(space: Space) -> list[dict[str, np.ndarray]]:
    """Render one view of each of twelve planned trajectories."""
    trajectories = plan_trajectories(space, RIG, "auto", {"test": (VIEWS, 1)}, seed=0)
    engine = ENGINES["raycast"](space, RIG)
    try:
        return [engine.render(trajectory.camera_to_world[0]) for trajectory in trajectories]
    finally:
        engine.close()


def _view_tiles(space: Place, frame: dict[str, np.ndarray], shown: list[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the pictures of one view, and how many of its pixels each category has."""
    colours = category_colours(space)
    colours[0] = 0
    tiles = [colours[frame[name]] if name == "semantic" else MODALITIES[name].display(frame[name]) for name in shown]
    pixels = frame["semantic"] if space.has_labels else np.zeros(1, np.uint16)
    return tiles, np.bincount(pixels.reshape(-1), minlength=len(space.categories) + 1)


def _legend_entries(
    space: Place, rows: list[tuple[list[np.ndarray], np.ndarray]]
) -> list[tuple[str, tuple[int, int, int]]]:
    """Return name and colour of the categories in view, the most seen first."""
    pixels = np.sum([counts for _, counts in rows], axis=0)
    colours = category_colours(space)
    entries = []
    for i in np.argsort(-pixels, kind="stable"):
        if i and pixels[i]:
            r, g, b = colours[i].tolist()
            entries.append((space.categories[i - 1], (r, g, b)))
    return entries


def _legend(entries: list[tuple[str, tuple[int, int, int]]], width: int) -> Image.Image:
    """Set swatches and names in lines of the given width."""
    font, places, x, y = _font(12), [], 6, 6
    for name, colour in entries:
        step = 20 + round(font.getlength(name)) + 14
        if x + step > width:
            x, y = 6, y + _LEGEND_ROW
        places.append((x, y, name, colour))
        x += step
    picture = Image.new("RGB", (width, y + _LEGEND_ROW + 4 if places else 4), "white")
    draw = ImageDraw.Draw(picture)
    for x, y, name, colour in places:
        draw.rectangle((x, y + 1, x + 13, y + 14), fill=colour, outline="#888")
        draw.text((x + 19, y), name, font=font, fill="#222")
    return picture


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font that comes with matplotlib, so that previews look alike everywhere."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
