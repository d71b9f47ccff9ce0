"""A row of the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from baselines.ledger import Role
from baselines.networks import Network


@dataclass(frozen=True)
class Model:
    """An RGB encoder and the story of how its weights came about.

    Attributes:
        name: as typed after ``--model``.
        summary: one line for ``--help`` and the report.
        modalities: what pre-training reads and learns from; empty means no pre-training in this benchmark.
        sources: role → share of the pre-training frames drawn from spaces of that role; shares sum to 1.
            The number of frames and of optimiser steps is the suite's and equal for every row.
        external_spaces: how many external spaces the frames are drawn from; None is all that the suite has.
        objective: of the pre-training, a name of :data:`~baselines.objectives.OBJECTIVES`.
        network: where the encoder comes from; None is the suite's own ViT with random weights.
        labels_from: whose labelled frames the transfer learns from; ``test`` is for an oracle alone.
        unranked: why the row is shown apart and never ranked, "" for a regular one.
    """

    name: str
    summary: str
    modalities: tuple[str, ...] = ()
    sources: Mapping[Role, float] | None = None
    external_spaces: int | None = None
    objective: str = "masked"
    network: Network | None = None
    labels_from: Literal["transfer", "test"] = "transfer"
    unranked: str = ""

    @property
    def pretrains(self) -> bool:
        """Whether there is a pre-training stage."""
        return bool(self.modalities)
