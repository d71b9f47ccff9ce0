"""Masking: which tokens the encoder sees, and which of the others the decoders must predict.

Each sample gets the same number of visible tokens, divided over the modalities by a draw from a symmetric
Dirichlet distribution (MultiMAE, Bachmann et al. 2022). A share of the samples sees RGB alone, as the
finished encoder will. A modality decodes only some of its masked tokens a step: it is cheaper, and with
queries that do not see each other it changes only how many terms the mean has (CrossMAE, Fu et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sim_envs.errors import UserError


@dataclass(frozen=True)
class MaskPlan:
    """How masks are drawn.

    Attributes:
        modalities: how many; number 0 is RGB.
        tokens: of one modality.
        visible: tokens the encoder sees of each sample, over all modalities.
        decoded: tokens each modality decodes of each sample.
        alpha: concentration of the Dirichlet draw: small gives one modality most, large divides evenly.
        rgb_only_share: probability that a sample's visible tokens are all RGB.
    """

    modalities: int
    tokens: int
    visible: int
    decoded: int
    alpha: float = 1.0
    rgb_only_share: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.visible < self.modalities * self.tokens:
            raise UserError(
                f"{self.visible} visible tokens of {self.modalities * self.tokens}:"
                " at least one must be visible, and one masked."
            )
        if not 1 <= self.decoded <= self.tokens:
            raise UserError(f"{self.decoded} decoded tokens of {self.tokens} is out of range.")
        if not self.alpha > 0:
            raise UserError(f"Dirichlet alpha {self.alpha} must be above 0.")
        if not 0 <= self.rgb_only_share <= 1:
            raise UserError(f"rgb_only_share {self.rgb_only_share} must be from 0 to 1.")
        if self.rgb_only_share > 0 and self.visible > self.tokens:
            raise UserError(
                f"RGB alone has {self.tokens} tokens, fewer than the {self.visible} that should be visible:"
                " lower visible_tokens, or set rgb_only_share to 0."
            )


@dataclass(frozen=True)
class Masks:
    """Masks of one batch: M modalities with T tokens each, numbered m · T + t.

    Attributes:
        visible: (B, V) int64 numbers of the visible tokens, ascending.
        decoded: (B, M, Q) int64 tokens (0 … T − 1) each modality decodes.
        scored: (B, M, Q) bool; False where a decoded token is visible (too few were masked): not to count.
    """

    visible: Tensor
    decoded: Tensor
    scored: Tensor

    def __getitem__(self, frames: slice) -> Masks:
        """Return the masks of some of the frames."""
        return Masks(self.visible[frames], self.decoded[frames], self.scored[frames])

    def to(self, device: torch.device) -> Masks:
        """Return the masks on a device."""
        return Masks(*(part.to(device, non_blocking=True) for part in (self.visible, self.decoded, self.scored)))


def sample_masks(rng: np.random.Generator, batch: int, plan: MaskPlan) -> Masks:
    """Draw the masks of a batch; they are on the CPU."""
    counts = visible_counts(rng, batch, plan)
    order = rng.random((batch, plan.modalities, plan.tokens), dtype=np.float32).argsort(axis=-1)
    rank = np.arange(plan.tokens)
    shown = np.zeros(order.shape, dtype=bool)
    np.put_along_axis(shown, order, rank < counts[:, :, None], axis=-1)
    visible = np.nonzero(shown.reshape(batch, -1))[1].reshape(batch, plan.visible)
    decoded = order[:, :, plan.tokens - plan.decoded :]  # visible tokens rank first, so these are masked if any are
    scored = rank[plan.tokens - plan.decoded :] >= counts[:, :, None]
    return Masks(*(torch.from_numpy(np.ascontiguousarray(a)) for a in (visible, decoded, scored)))


def visible_counts(rng: np.random.Generator, batch: int, plan: MaskPlan) -> np.ndarray:
    """Return (B, M) int64: visible tokens of each sample and modality, summing to ``plan.visible``."""
    shares = rng.dirichlet([plan.alpha] * plan.modalities, size=batch)
    rgb_only = rng.random(batch) < plan.rgb_only_share
    shares[rgb_only] = np.eye(plan.modalities)[0]
    return apportion(shares, plan.visible, plan.tokens)


def apportion(shares: np.ndarray, budget: int, capacity: int) -> np.ndarray:
    """Divide a budget of whole tokens in proportion to shares, none above a capacity.

    Each round hands out what is left by largest remainders and fills at least one more modality, so there are
    at most M rounds.

    Args:
        shares: (B, M), rows sum to 1.
        budget: ≤ M · capacity.

    Returns:
        (B, M) int64, rows sum to ``budget``.
    """
    counts = np.zeros(shares.shape, dtype=np.int64)
    shares = shares + 1e-9  # so that what one modality cannot hold always has somewhere to go
    while (left := budget - counts.sum(axis=1)).any():
        open_shares = np.where(counts < capacity, shares, 0)
        quota = left[:, None] * open_shares / open_shares.sum(axis=1, keepdims=True)
        given = np.floor(quota).astype(np.int64)
        by_remainder = np.argsort(given - quota, axis=1, kind="stable")
        bonus = np.zeros_like(given)
        short = left - given.sum(axis=1)
        np.put_along_axis(bonus, by_remainder, np.arange(shares.shape[1]) < short[:, None], axis=1)
        counts = np.minimum(counts + given + bonus, capacity)
    return counts
