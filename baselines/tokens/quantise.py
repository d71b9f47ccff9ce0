"""Finite scalar quantisation (Mentzer et al. 2023): each of a few numbers is rounded to one of a few levels.

There is no codebook to learn, so none of it can fall out of use; the code of a point is the tuple of its levels, or
one whole number that counts through all tuples.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EDGE = 1e-3  # how far the outermost levels stay from the bounds, so that rounding never leaves them


class FiniteScalarQuantiser(nn.Module):
    """Round D numbers to ``levels[d]`` values each, evenly spaced in −1…1.

    An even number of levels lies from −1 to just below 1, as in the paper; 0 is always one of them.

    Args:
        levels: of each number, 3 or more (of two, zero could not be one).
    """

    counts: Tensor
    steps: Tensor

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        if not levels or min(levels) < 3:
            raise ValueError(f"levels {levels}: each number needs three or more")
        self.levels = tuple(levels)
        counts = torch.tensor(levels)
        self.register_buffer("counts", counts, persistent=False)
        self.register_buffer("steps", F.pad(counts.cumprod(0)[:-1], (1, 0), value=1), persistent=False)

    @property
    def codes(self) -> int:
        """How many different codes there are."""
        return math.prod(self.levels)

    def bound(self, numbers: Tensor) -> Tensor:
        """Squash (…, D) numbers into the range of their levels, in units of one level; 0 stays 0."""
        half = (self.counts - 1) * (1 - EDGE) / 2
        offset = torch.where(self.counts % 2 == 1, 0.0, 0.5)
        return torch.tanh(numbers + torch.atanh(offset / half)) * half - offset

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (…, D) values of the nearest levels; the gradient is that of :meth:`bound` (straight through)."""
        bounded = self.bound(numbers)
        return (bounded + (bounded.round() - bounded).detach()) / self._half

    def to_levels(self, values: Tensor) -> Tensor:
        """Return the (…, D) int64 levels, from 0, of quantised values."""
        return (values * self._half + self._half).round().long()

    def from_levels(self, levels: Tensor) -> Tensor:
        """Return the (…, D) float32 values of levels."""
        return (levels - self._half) / self._half

    def to_index(self, levels: Tensor) -> Tensor:
        """Return the (…) int64 number of a code, the first level running fastest."""
        return (levels * self.steps).sum(dim=-1)

    def from_index(self, index: Tensor) -> Tensor:
        """Return the (…, D) levels of (…) codes."""
        return index.unsqueeze(-1) // self.steps % self.counts

    def one_hot(self, levels: Tensor) -> Tensor:
        """Return (…, sum of all levels) float32: a one for each number of the code."""
        parts = [F.one_hot(levels[..., d], count) for d, count in enumerate(self.levels)]
        return torch.cat(parts, dim=-1).to(torch.float32)

    def most_likely(self, logits: Tensor) -> Tensor:
        """Return the (…, D) levels with the highest of (…, sum of all levels) logits."""
        return torch.stack([part.argmax(dim=-1) for part in logits.split(self.levels, dim=-1)], dim=-1)

    def cross_entropy(self, logits: Tensor, levels: Tensor) -> Tensor:
        """Return the (…) share of its nats that a code's prediction leaves open: 1 for a guess among all codes.

        The numbers of a code are predicted one beside the other, so a code of 15,360 needs 35 logits.

        Args:
            logits: (…, sum of all levels).
            levels: (…, D), the truth.
        """
        said = [part.log_softmax(dim=-1) for part in logits.split(self.levels, dim=-1)]
        nats = [-part.gather(-1, levels[..., d : d + 1]).squeeze(-1) for d, part in enumerate(said)]
        return torch.stack(nats).sum(dim=0) / math.log(self.codes)

    @property
    def _half(self) -> Tensor:
        return self.counts // 2


def perplexity(index: Tensor, codes: int) -> Tensor:
    """Return how many codes are in use, as the exponential of the entropy of (…) indices; equal use of K gives K."""
    share = torch.bincount(index.flatten(), minlength=codes) / max(1, index.numel())
    return torch.special.entr(share).sum().exp()
