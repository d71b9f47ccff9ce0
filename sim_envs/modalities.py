"""The modality table: one row says how a modality is stored, flipped, shown, and what pre-training does with it.

A new sensor is one row here and the functions it names. Rows marked ``sensed`` are what a device would measure; rows
marked ``taught`` are what a trained network says of the RGB (its features, or labels it guesses), computed once on a
recording and kept beside it, never in it; the others are labels, which the readers given to pre-training refuse to
open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim_envs.errors import unknown

Array = np.ndarray


@dataclass(frozen=True)
class Modality:
    """One row of the table.

    Attributes:
        name: also the file name, ``<name>.npy``.
        dtype: of the stored array, (N, H, W) or (N, H, W, channels).
        channels: values per pixel; 1 means no channel axis on disk.
        sensed: a device measures it; pre-training may see it.
        derived_from: modality it is computed from, or None when an engine renders it.
        flip: mirror (..., H, W[, C]) stored values left to right.
        display: stored (H, W[, C]) → (H, W, 3) uint8 picture.
        loss: name of the reconstruction loss in pre-training ("" for labels).
        taught: a trained network computes it from RGB; pre-training may see it, in the distilled track.
        cells: of an encoder's patch along a side, for what is coarser than pixels: 1 is one value a token. None is
            one value a pixel.
        categories: of values that are ids 0 … categories − 1; 0 for values that are quantities.
    """

    name: str
    dtype: type
    channels: int
    sensed: bool
    flip: Callable[[Array], Array]
    display: Callable[[Array], Array]
    derived_from: str | None = None
    loss: str = ""
    taught: bool = False
    cells: int | None = None
    categories: int = 0

    def frame_shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of one stored frame."""
        return (height, width) if self.channels == 1 else (height, width, self.channels)


def _flip_map(values: Array) -> Array:
    return values[..., ::-1]


def _flip_colour(values: Array) -> Array:
    return values[..., ::-1, :]


def _flip_normals(values: Array) -> Array:
    flipped = values[..., ::-1, :].copy()
    flipped[..., 0] = 255 - flipped[..., 0]  # n_x → −n_x in the encoding round((n + 1) · 127.5)
    return flipped


def _show_colour(values: Array) -> Array:
    return values


def _show_depth(depth_mm: Array) -> Array:
    """Near is bright; no measurement is black. Fixed scale (0 to 6 m), so frames compare."""
    metres = depth_mm.astype(np.float32) / 1000
    grey = (255 * (1 - 0.9 * np.clip(metres / 6, 0, 1))).astype(np.uint8)
    grey[depth_mm == 0] = 0
    return np.repeat(grey[..., None], 3, axis=-1)


def _show_edges(edges: Array) -> Array:
    return np.repeat(255 - edges[..., None], 3, axis=-1)


def _show_ids(ids: Array) -> Array:
    """Give every id a colour of its own; 0 is black."""
    return id_colours(int(ids.max(initial=0)) + 1)[ids]


def _show_masks(ids: Array) -> Array:
    """As ids, where 0 is a category like any other."""
    return id_colours(int(ids.max(initial=0)) + 2)[ids.astype(np.int64) + 1]


def _show_features(features: Array) -> Array:
    """Show the first three components as red, green and blue; mid-grey is the mean of the space."""
    return np.asarray((127.5 * (1 + np.tanh(features[..., :3].astype(np.float32) / 2))).round().astype(np.uint8))


def feature_map(model: str) -> Modality:
    """Return the row of a network's feature map: principal components, one vector a token."""
    name = f"{FEATURES}:{model}"
    return Modality(
        name, np.float16, COMPONENTS, False, _flip_colour, _show_features, "rgb", "feature", taught=True, cells=1
    )


def id_colours(count: int) -> Array:
    """Return (count, 3) uint8 colours, one an id; id 0 is black; the same id always looks the same."""
    ids = np.arange(count)
    hue = (ids * 0.61803398875) % 1.0
    value = 0.55 + 0.4 * ((ids * 7) % 5) / 4
    saturation = 0.45 + 0.45 * ((ids * 3) % 4) / 3
    k = (hue[:, None] * 6 + np.array([5, 3, 1])) % 6
    rgb = value[:, None] * (1 - saturation[:, None] * np.clip(np.minimum(k, 4 - k), 0, 1))
    rgb[0] = 0
    return (255 * rgb).round().astype(np.uint8)


MODALITIES: dict[str, Modality] = {
    m.name: m
    for m in (
        Modality("rgb", np.uint8, 3, True, _flip_colour, _show_colour, loss="patch_mse"),
        Modality("depth", np.uint16, 1, True, _flip_map, _show_depth, loss="depth_l1"),
        Modality("normals", np.uint8, 3, True, _flip_normals, _show_colour, loss="cosine"),
        Modality("edges", np.uint8, 1, True, _flip_map, _show_edges, derived_from="rgb", loss="bce"),
        Modality("semantic", np.uint16, 1, False, _flip_map, _show_ids),
        Modality("instance", np.uint16, 1, False, _flip_map, _show_ids),
    )
}

FEATURES = "features"
"""What is before the colon of a feature map's name: ``features:clip-vit-b16``."""

COMPONENTS = 64
"""Principal components that a feature map is kept by, whatever network it comes from."""

COCO_THINGS = 80  # categories of boxes; id 0 is no box, so ids go to 80
COCO_PANOPTIC = 133  # categories of masks, things and stuff: every pixel has one

PSEUDO_LABELS: dict[str, Modality] = {
    m.name: m
    for m in (
        Modality("sam-edges", np.uint8, 1, False, _flip_map, _show_edges, "rgb", "bce", taught=True),
        Modality(
            "det-boxes",
            np.uint8,
            1,
            False,
            _flip_map,
            _show_ids,
            "rgb",
            "categories",
            taught=True,
            cells=4,
            categories=COCO_THINGS + 1,
        ),
        Modality(
            "seg-masks",
            np.uint8,
            1,
            False,
            _flip_map,
            _show_masks,
            "rgb",
            "categories",
            taught=True,
            cells=4,
            categories=COCO_PANOPTIC,
        ),
    )
}

SENSED: tuple[str, ...] = tuple(name for name, m in MODALITIES.items() if m.sensed)
RENDERED: tuple[str, ...] = tuple(name for name, m in MODALITIES.items() if m.derived_from is None)


def modality(name: str) -> Modality:
    """Return a row, or raise :class:`~sim_envs.errors.UserError` with the near names."""
    if name in MODALITIES:
        return MODALITIES[name]
    if name in PSEUDO_LABELS:
        return PSEUDO_LABELS[name]
    family, colon, model = name.partition(":")
    if family == FEATURES and colon and model:
        return feature_map(model)
    raise unknown("modality", name, (*MODALITIES, *PSEUDO_LABELS))
