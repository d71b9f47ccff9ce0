"""The head of place recognition: one vector a frame, alike where frames show the same place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.heads import HeadSpec, Strength
from baselines.heads.head import Head
from baselines.places import FAR_DEG, FAR_M, NEAR_DEG, NEAR_M, same_place, separation

TEMPERATURE = 0.1
VIEWS_OF_A_PLACE = 4
"""Frames that a batch takes of one place. Half of a batch is mirrored, and a mirrored place is another one."""

SPACES_OF_A_BATCH = 2
"""Few: places of one space are told apart in the end, and places of different spaces look different anyhow."""


class MeanDescriptor(nn.Module):
    """Normalise tokens, take their mean and map it linearly."""

    def __init__(self, token_width: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.project = nn.Linear(token_width, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, h, w, token_width) tokens → (B, channels)."""
        described: Tensor = self.project(self.norm(tokens).mean(dim=(1, 2)))
        return described


class PooledDescriptor(nn.Module):
    """Project tokens, pool them by a generalised mean with a learned exponent (Radenović et al. 2018), map linearly."""

    def __init__(self, token_width: int, channels: int, width: int = 256) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(token_width)
        self.project = nn.Linear(token_width, width)
        self.exponent = nn.Parameter(torch.tensor(3.0))
        self.out = nn.Linear(width, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, h, w, token_width) tokens → (B, channels)."""
        exponent = self.exponent.clamp(min=1)
        x = F.softplus(self.project(self.norm(tokens)).float()).clamp(min=1e-4)
        described: Tensor = self.out((x**exponent).mean(dim=(1, 2)) ** (1 / exponent))
        return described


DESCRIBERS: dict[Strength, type[nn.Module]] = {"linear": MeanDescriptor, "strong": PooledDescriptor}


class PlaceTruth(NamedTuple):
    """Which frames of a batch show the same place, and which surely do not; (B, B) bool, the diagonal in neither."""

    same: Tensor
    other: Tensor


class DescriptorHead(Head):
    """Turn a grid of tokens into one vector of ``channels`` numbers; frames are compared by cosine.

    Learns by the supervised contrastive loss (Khosla et al. 2020) from where frames were taken: those of one place
    (:func:`~baselines.places.same_place`) attract each other, those of other places and other spaces repel.

    The truth about frames has ``position`` (N, 3) in metres, ``direction`` (N, 3) and ``space`` (N,), a number.
    """

    def __init__(self, spec: HeadSpec, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__(spec, token_width, grid)
        self.describe = DESCRIBERS[spec.strength](token_width, spec.channels)

    def batches(self, target: Any, batch: int, steps: int, generator: torch.Generator) -> list[Tensor]:
        """Draw places of a few spaces, and several views of each; a place seen once is drawn again and again."""
        position, direction, space = target.position, target.direction, target.space
        frames_of = [np.flatnonzero(space == s) for s in np.unique(space)]
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
        drawn = []
        for _ in range(steps):
            chosen = rng.choice(len(frames_of), min(SPACES_OF_A_BATCH, len(frames_of)), replace=False)
            rows: list[int] = []
            while len(rows) < batch:
                frames = frames_of[chosen[len(rows) // VIEWS_OF_A_PLACE % len(chosen)]]
                anchor = rng.choice(frames)
                near = frames[
                    same_place(*separation(position[anchor], direction[anchor], position[frames], direction[frames]))
                ]
                rows += [anchor, *rng.choice(near, VIEWS_OF_A_PLACE - 1, replace=len(near) < VIEWS_OF_A_PLACE)]
            drawn.append(torch.tensor(rows[:batch]))
        return drawn

    def truth(self, target: Any, mirrored: Tensor, frame: tuple[int, int]) -> PlaceTruth:
        """Compare all pairs of a batch; a mirrored frame is of the mirrored space."""
        position, direction, space = (
            torch.as_tensor(np.asarray(v), device=mirrored.device)
            for v in (target.position, target.direction, target.space)
        )
        metres = torch.linalg.vector_norm(position[:, None] - position, dim=-1)
        chord = torch.linalg.vector_norm(direction[:, None] - direction, dim=-1)
        degrees = torch.rad2deg(2 * torch.arcsin((chord / 2).clamp(max=1)))
        one_space, alike = space[:, None] == space, mirrored[:, None] == mirrored
        different = ~torch.eye(len(space), dtype=torch.bool, device=mirrored.device)
        same = one_space & alike & (metres <= NEAR_M) & (degrees <= NEAR_DEG) & different
        return PlaceTruth(same, ~one_space | (metres > FAR_M) | (degrees > FAR_DEG))

    def loss(self, tokens: Tensor, frame: tuple[int, int], truth: PlaceTruth, generator: torch.Generator) -> Tensor:
        """Return the mean of −ln(likeness to a view of the same place / to it and all others), over such pairs."""
        described = F.normalize(self.describe(tokens).float(), dim=-1)
        likeness = described @ described.T / TEMPERATURE
        rivals = likeness.masked_fill(~(truth.same | truth.other), -torch.inf).logsumexp(dim=1, keepdim=True)
        pairs = torch.where(truth.same, rivals - likeness, 0).sum(dim=1)
        counts = truth.same.sum(dim=1)
        anchors = (counts > 0).sum().clamp(min=1)
        return (pairs / counts.clamp(min=1)).sum() / anchors

    def answer(self, tokens: Tensor, frame: tuple[int, int]) -> np.ndarray:
        """Return (B, channels) float32, of any length."""
        described: np.ndarray = self.describe(tokens).float().cpu().numpy()
        return described
