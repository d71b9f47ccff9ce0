"""The projection head: from a view's features to logits over prototypes, as in DINO, without batch norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """An MLP of three layers onto a sphere, and a last layer whose rows have length 1.

    The last layer is weight normalisation (Salimans and Kingma 2016) with its gain fixed at 1: logits are cosines.
    """

    def __init__(self, width: int, hidden: int, bottleneck: int, outputs: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, bottleneck),
        )
        self.prototypes = nn.Parameter(torch.randn(outputs, bottleneck))
        for module in self.mlp:
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, features: Tensor, *, learn_prototypes: bool = True) -> Tensor:
        """Return (N, outputs) cosines of (N, width) features.

        Args:
            learn_prototypes: False lets no gradient reach the last layer, which keeps the start of a run calm.
        """
        prototypes = self.prototypes if learn_prototypes else self.prototypes.detach()
        place = F.normalize(self.mlp(features), dim=-1)
        return F.linear(place, F.normalize(prototypes, dim=-1).to(place.dtype))
