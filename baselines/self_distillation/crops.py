"""Multi-crop: views of frames that differ in place, scale, colour and sharpness, as DINO draws them.

Crops zoom, which masked modelling must not (it would make depth untrue): with RGB alone nothing is said of distance.
What is left to chance is drawn first, for all views of all frames; then the views are made on the frames' device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.encoder import RGB_MEAN, RGB_STD
from baselines.self_distillation.config import CropPlan

ASPECT = 4 / 3  # of a crop's sides, at most
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL turns colours to grey
SHARPEST = 0.1 / 2.0  # least deviation of the blur over the greatest


@dataclass(frozen=True)
class Views:
    """What decides V views of each of B frames, global ones first. Frame-wise: an index gives fewer frames.

    Attributes:
        boxes: (B, V, 4) centre x, centre y, half width, half height of the crop; the frame spans −1…1, and a negative
            half width mirrors.
        brightness, contrast, saturation: (B, V) factors; a saturation of 0 leaves greys.
        hue: (B, V) turn, as a share of the circle.
        blur: (B, V) deviation, as a share of a frame's side; 0 leaves a view sharp.
        solarised: (B, V) bool.
    """

    boxes: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    saturation: np.ndarray
    hue: np.ndarray
    blur: np.ndarray
    solarised: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: slice | np.ndarray) -> Views:
        return Views(*(getattr(self, field.name)[rows] for field in fields(self)))

    def view(self, number: int) -> Views:
        """Return one view of every frame: all arrays without their second axis."""
        return Views(*(getattr(self, field.name)[:, number] for field in fields(self)))


def draw_views(rng: np.random.Generator, frames: int, plan: CropPlan) -> Views:
    """Draw all views of some frames."""
    large, views = plan.global_crops, plan.global_crops + plan.local_crops
    size = (frames, views)
    kind = np.minimum(np.arange(views), 1) + (np.arange(views) >= large)  # first global, other global, local

    def happens(probability: float | tuple[float, ...]) -> np.ndarray:
        return rng.random(size) < (np.array(probability)[kind] if isinstance(probability, tuple) else probability)

    def around(middle: float, limit: float) -> np.ndarray:
        return np.where(jittered, rng.uniform(middle - limit, middle + limit, size), middle)

    jittered = happens(plan.jittered)
    areas = [plan.global_area if view < large else plan.local_area for view in range(views)]
    return Views(
        boxes=np.stack([draw_boxes(rng, frames, area) for area in areas], axis=1),
        brightness=around(1, plan.brightness),
        contrast=around(1, plan.contrast),
        saturation=np.where(happens(plan.grey), 0, around(1, plan.saturation)),
        hue=around(0, plan.hue),
        blur=np.where(happens(plan.blurred), rng.uniform(SHARPEST * plan.blur, plan.blur, size), 0),
        solarised=happens(plan.solarised),
    )


def draw_boxes(rng: np.random.Generator, count: int, area: tuple[float, float]) -> np.ndarray:
    """Draw crops of a share of the area, of aspect 3:4 to 4:3, anywhere in the frame, half of them mirrored.

    A box that would be wider or higher than the frame gets the frame's side.

    Returns:
        (count, 4) as :attr:`Views.boxes`.
    """
    share = rng.uniform(*area, count)
    ratio = np.exp(rng.uniform(-math.log(ASPECT), math.log(ASPECT), count))
    half = np.minimum(1.0, np.sqrt(np.stack([share * ratio, share / ratio], axis=1)))
    centre = rng.uniform(-1, 1, (count, 2)) * (1 - half)
    half[:, 0] *= np.where(rng.random(count) < 0.5, -1, 1)
    return np.concatenate([centre, half], axis=1)


def show(rgb: Tensor, views: Views, numbers: range, size: int) -> Tensor:
    """Return (len(numbers) · B, 3, size, size) views of normalised (B, 3, S, S) frames, one view after the other."""
    made = [rgb.new_empty(0, 3, size, size)]
    for number in numbers:
        view = views.view(number)
        made.append(change_colours(crop(rgb, view.boxes, size), view, blur_px=view.blur * rgb.shape[-1]))
    return torch.cat(made)


def crop(frames: Tensor, boxes: np.ndarray, size: int) -> Tensor:
    """Cut one box out of each (B, C, H, W) frame and resample it to (B, C, size, size).

    A small view is read at twice its size and averaged: its crop may have more pixels than it has.
    """
    fine = size if size >= frames.shape[-1] else 2 * size
    centre_x, centre_y, half_width, half_height = torch.from_numpy(boxes).to(frames.device, frames.dtype).unbind(1)
    zero = torch.zeros_like(centre_x)
    affine = torch.stack([half_width, zero, centre_x, zero, half_height, centre_y], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(affine, [len(frames), frames.shape[1], fine, fine], align_corners=False)
    cut = F.grid_sample(frames, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return cut if fine == size else F.avg_pool2d(cut, 2)


def change_colours(rgb: Tensor, view: Views, blur_px: np.ndarray) -> Tensor:
    """Jitter, blur and solarise normalised (B, 3, H, W) crops by one view's (B,) numbers each."""
    mean, std = (torch.tensor(v, device=rgb.device).view(3, 1, 1) for v in (RGB_MEAN, RGB_STD))

    def column(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(rgb.device, rgb.dtype).view(-1, 1, 1, 1)

    colours = ((rgb * std + mean) * column(view.brightness)).clamp(0, 1)
    middle = grey(colours).mean(dim=(2, 3), keepdim=True)
    colours = torch.lerp(middle, colours, column(view.contrast)).clamp(0, 1)
    colours = torch.lerp(grey(colours).expand_as(colours), colours, column(view.saturation))
    colours = blurred(turn_hue(colours, view.hue).clamp(0, 1), blur_px)
    turned_over = (column(view.solarised) > 0) & (colours >= 0.5)
    return (torch.where(turned_over, 1 - colours, colours) - mean) / std


def grey(colours: Tensor) -> Tensor:
    """Return the (B, 1, H, W) luma of (B, 3, H, W) colours."""
    weights = torch.tensor(LUMA, device=colours.device, dtype=colours.dtype).view(3, 1, 1)
    return (colours * weights).sum(dim=1, keepdim=True)


def turn_hue(colours: Tensor, turn: np.ndarray) -> Tensor:
    """Turn (B, 3, H, W) colours about the axis of greys, which stay what they are.

    A rotation instead of the paper's detour over HSV: a third of a turn makes red green in both, and this is one
    product for all frames.

    Args:
        turn: (B,) share of the circle.
    """
    angle = 2 * np.pi * turn
    along = np.full((3, 3), 1 / 3)
    across = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    rotation = cos * np.eye(3) + (1 - cos) * along + sin * across  # Rodrigues
    matrix = torch.from_numpy(rotation).to(colours.device, colours.dtype)
    return (matrix @ colours.flatten(2)).view_as(colours)


def blurred(colours: Tensor, deviation_px: np.ndarray) -> Tensor:
    """Blur each (C, H, W) picture of a batch by a Gaussian of its own deviation; 0 leaves it as it is."""
    reach = max(1, math.ceil(2 * deviation_px.max(initial=0)))
    offsets = np.arange(-reach, reach + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        kernels = np.exp(-0.5 * (offsets / deviation_px[:, None]) ** 2)
    kernels = np.where(deviation_px[:, None] > 0, kernels, offsets == 0)
    kernels /= kernels.sum(axis=1, keepdims=True)
    weights = torch.from_numpy(kernels).to(colours.device, colours.dtype).view(len(colours), -1, 1, 1, 1)
    for axis in (2, 3):
        padding = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
        padded = F.pad(colours, padding, mode="replicate")
        parts = [padded.narrow(axis, i, colours.shape[axis]) * weights[:, i] for i in range(len(offsets))]
        colours = torch.stack(parts).sum(dim=0)
    return colours
