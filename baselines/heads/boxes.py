"""The head of boxes: FCOS of torchvision on a pyramid made from one grid of tokens.

FCOS (Tian et al., ICCV 2019) has no anchor shapes to choose: each cell of a feature map says how far the four sides of
the box around it are. The pyramid is the simple one of ViTDet (Li et al., ECCV 2022): a plain encoder has tokens of
one size, and finer and coarser maps are made from those. Both work in *cells*: ``CELL`` units to a token, whatever
its size in pixels is, so that encoders of any patch size and frames of any size get the same head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOS, FCOSHead

from baselines.heads import HeadSpec, Strength
from baselines.heads.head import Head

CELL = 8
"""Units to a side of a token. The FCOS of torchvision gives a map with cells of n units the boxes that reach no further
than 8 n from the cell, so the finest map (4 units) takes everything up to four tokens and the token map up to eight."""

PRIOR = 0.05
"""Score of every category before the first step. FCOS's own 0.01 is for runs a hundred times as long; from it a head is
at 2.8 % mAP after 400 steps in small frames, from here at 3.6 %."""

MOST_BOXES = 100
LEAST_SCORE = 0.02
NMS_IOU = 0.6


class TokenMap(nn.Module):
    """The tokens as they are, normalised."""

    strides = (CELL,)

    def __init__(self, token_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.out_channels = token_width

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """(B, h, w, token_width) → one map (B, token_width, h, w)."""
        return [self.norm(tokens).permute(0, 3, 1, 2)]


class SimplePyramid(nn.Module):
    """Maps of half, one and two tokens to a cell, from the tokens alone."""

    strides = (CELL // 2, CELL, 2 * CELL)

    def __init__(self, token_width: int, width: int = 64) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.out_channels = width
        self.finer = nn.Sequential(nn.ConvTranspose2d(token_width, width, 2, stride=2), _mix(width))
        self.same = nn.Sequential(nn.Conv2d(token_width, width, 1), _mix(width))
        self.coarser = nn.Sequential(
            nn.Conv2d(token_width, width, 1), nn.MaxPool2d(2, stride=2, ceil_mode=True), _mix(width)
        )

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """(B, h, w, token_width) → three maps (B, width, …), the finest first."""
        x = self.norm(tokens).permute(0, 3, 1, 2)
        return [self.finer(x), self.same(x), self.coarser(x)]


def _mix(width: int) -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(8, width), nn.GELU(), nn.Conv2d(width, width, 3, padding=1))


PYRAMIDS: dict[Strength, tuple[type[TokenMap] | type[SimplePyramid], int]] = {
    "linear": (TokenMap, 0),
    "strong": (SimplePyramid, 1),
}
"""The maps, and how many convolutions the classes and the sides of boxes get to themselves before a linear one."""


Targets = list[dict[str, Tensor]]
"""Of each frame of a batch: ``boxes`` (n, 4) float32 in cells, and ``labels`` (n,) int64, evaluation ids less 1."""


class _TrueBoxes(Protocol):
    """The part of the task's truth that is learnt from (``benchmark.boxes.TrueBoxes``)."""

    count: np.ndarray
    box: np.ndarray
    category: np.ndarray
    ignored: np.ndarray


class BoxHead(Head):
    """Turn a grid of tokens into at most 100 scored boxes a frame; channel c scores category c + 1.

    ``linear``: one 3×3 convolution on the tokens. ``strong``: a pyramid of three maps and a small FCOS head.
    """

    def __init__(self, spec: HeadSpec, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__(spec, token_width, grid)
        kind, convolutions = PYRAMIDS[spec.strength]
        pyramid = kind(token_width)
        head = FCOSHead(pyramid.out_channels, 1, spec.channels, convolutions)
        nn.init.constant_(head.classification_head.cls_logits.bias, math.log(PRIOR / (1 - PRIOR)))
        # Of FCOS itself only what it makes of maps is used: its own resizing of pictures stays out of the way.
        self.fcos = FCOS(
            pyramid,
            spec.channels,
            head=head,
            score_thresh=LEAST_SCORE,
            nms_thresh=NMS_IOU,
            detections_per_img=MOST_BOXES,
        )

    def truth(self, target: _TrueBoxes, mirrored: Tensor, frame: tuple[int, int]) -> Targets:
        """Return the boxes that count; ignored ones teach neither something nor nothing in particular."""
        width = frame[1]
        box = torch.from_numpy(target.box).to(mirrored.device)
        mirrored_box = torch.stack([width - box[:, 2], box[:, 1], width - box[:, 0], box[:, 3]], dim=1)
        count = torch.from_numpy(target.count)
        turned = mirrored.repeat_interleave(count.to(mirrored.device))
        cells = torch.where(turned[:, None], mirrored_box, box) * self._cells_to_a_pixel(frame).to(mirrored.device)
        labels = torch.from_numpy(target.category.astype(np.int64)).to(mirrored.device) - 1
        counts = torch.from_numpy(~target.ignored).to(mirrored.device)
        parts = zip(*(values.split(count.tolist()) for values in (cells, labels, counts)), strict=True)
        return [{"boxes": b[keep], "labels": label[keep]} for b, label, keep in parts]

    def loss(self, tokens: Tensor, frame: tuple[int, int], truth: Targets, generator: torch.Generator) -> Tensor:
        """Return the sum of the focal, GIoU and centre losses of FCOS."""
        maps = self.fcos.backbone(tokens)
        output = {name: values.float() for name, values in self.fcos.head(maps).items()}
        points, sizes = self._points(maps)
        losses = self.fcos.compute_loss(truth, output, [points] * len(tokens), sizes)
        total: Tensor = torch.stack(list(losses.values())).sum()
        return total

    def answer(self, tokens: Tensor, frame: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (B, 100, 4) float32 boxes in pixels, (B, 100) evaluation ids and (B, 100) scores, 0 = no box."""
        maps = self.fcos.backbone(tokens)
        points, sizes = self._points(maps)
        output = {name: values.detach().float().split(sizes, dim=1) for name, values in self.fcos.head(maps).items()}
        extent = (self.grid[0] * CELL, self.grid[1] * CELL)
        found = self.fcos.postprocess_detections(output, [points.split(sizes)] * len(tokens), [extent] * len(tokens))
        pixels = 1 / self._cells_to_a_pixel(frame)
        boxes = np.zeros((len(tokens), MOST_BOXES, 4), np.float32)
        labels, scores = (np.zeros((len(tokens), MOST_BOXES), kind) for kind in (np.int64, np.float32))
        for i, one in enumerate(found):
            count = len(one["scores"])
            in_frame = (one["boxes"].cpu() * pixels).numpy()
            boxes[i, :count] = in_frame.clip(0, np.array([frame[1], frame[0]] * 2, np.float32))
            labels[i, :count] = one["labels"].cpu().numpy() + 1
            scores[i, :count] = one["scores"].cpu().numpy()
        return boxes, labels, scores

    def _cells_to_a_pixel(self, frame: tuple[int, int]) -> Tensor:
        """Return the (4,) factors from pixels to cells."""
        y, x = (CELL * self.grid[i] / frame[i] for i in range(2))
        return torch.tensor([x, y, x, y])

    def _points(self, maps: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Return the cells of all maps as (P, 4) boxes, and how many each map has."""
        boxes = []
        for stride, features in zip(self.fcos.backbone.strides, maps, strict=True):
            rows, columns = features.shape[2:]
            y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            corner = torch.stack([x, y], dim=-1).reshape(-1, 2) * stride
            boxes.append(torch.cat([corner, corner + stride], dim=1))
        return torch.cat(boxes).to(maps[0].device, torch.float32), [len(b) for b in boxes]
