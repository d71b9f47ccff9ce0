"""Show where two engines differ: every modality of some views side by side, and the difference below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from sim_envs.engines.compare import Frame, angle_deg, depth_difference_mm
from sim_envs.modalities import MODALITIES
from sim_envs.storage import write_whole

SHOWN = ("rgb", "depth", "normals", "instance")
VIEWS_A_PICTURE = 3
FULL_DEPTH_MM, FULL_ANGLE_DEG, RGB_GAIN = 20.0, 45.0, 4
_TILE = 192  # pixels at most
_GAP, _HEAD = 3, 18


def write_difference_pictures(
    ours: Sequence[Frame], theirs: Sequence[Frame], names: tuple[str, str], folder: Path
) -> list[Path]:
    """Write ``differences-00.png`` …, three views each, and return their paths.

    Args:
        ours, theirs: frames of the same poses.
        names: of the two engines.
        folder: made if need be; pictures of an earlier, longer comparison are removed.

    Raises:
        UserError: the disk refused.
    """
    paths: list[Path] = []
    for start in range(0, len(ours), VIEWS_A_PICTURE):
        few = slice(start, start + VIEWS_A_PICTURE)
        picture = difference_picture(ours[few], theirs[few], names)
        path = folder / f"differences-{len(paths):02d}.png"
        write_whole(path, lambda beside, picture=picture: picture.save(beside, format="PNG"))  # type: ignore[misc]
        paths.append(path)
    for stale in set(folder.glob("differences-*.png")) - set(paths):
        stale.unlink()
    return paths


def difference_picture(ours: Sequence[Frame], theirs: Sequence[Frame], names: tuple[str, str]) -> Image.Image:
    """Draw views one below the other: in the columns the modalities, each of both engines and their difference.

    Differences are black where there is none, and white at 64 grey levels, 20 mm, 45 degrees, or another id.
    """
    rows = [[tile for name in SHOWN for tile in _tiles(name, a, b)] for a, b in zip(ours, theirs, strict=True)]
    height, width = rows[0][0].shape[:2]
    sheet = Image.new(
        "RGB", (len(rows[0]) * (width + _GAP) + _GAP, len(rows) * (height + _GAP) + _HEAD + _GAP), "white"
    )
    draw = ImageDraw.Draw(sheet)
    labels = [f"{name}, {of}" for name in SHOWN for of in (*names, "difference")]
    for j, label in enumerate(labels):
        draw.text((_GAP + j * (width + _GAP), 3), label, fill="#444")
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (_GAP + j * (width + _GAP), _HEAD + i * (height + _GAP)))
    return sheet


def _tiles(name: str, ours: Frame, theirs: Frame) -> list[np.ndarray]:
    """Return the (h, w, 3) pictures of one modality: ours, theirs, difference."""
    show = MODALITIES[name].display
    return [_small(picture) for picture in (show(ours[name]), show(theirs[name]), _difference(name, ours, theirs))]


def _difference(name: str, ours: Frame, theirs: Frame) -> np.ndarray:
    both = (ours["depth"] > 0) & (theirs["depth"] > 0)
    if name == "rgb":
        return np.minimum(cv2.absdiff(ours[name], theirs[name]).astype(np.uint16) * RGB_GAIN, 255).astype(np.uint8)
    if name == "depth":
        share = np.where(both | (ours[name] == theirs[name]), depth_difference_mm(ours[name], theirs[name]), np.inf)
        share = share / FULL_DEPTH_MM
    elif name == "normals":
        share = np.where(both, angle_deg(ours[name], theirs[name]), 0) / FULL_ANGLE_DEG
    else:
        share = ours[name] != theirs[name]
    return np.repeat((255 * np.clip(share, 0, 1)).astype(np.uint8)[..., None], 3, axis=-1)


def _small(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(1.0, _TILE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
