"""A row of the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from baselines.ledger import Role
from baselines.networks import Network
from baselines.sensor_inputs import RGB_ALONE


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
        budget: fields of the suite's pre-training budget that this row has otherwise; empty for all but variations.
        objective: of the pre-training, a name of :data:`~baselines.objectives.OBJECTIVES`.
        mask_ratio: share of all tokens that masked modelling hides from the encoder; None leaves it to the number of
            modalities, see :class:`~baselines.tst.config.MaskedConfig`.
        network: where the encoder comes from; None is the suite's own ViT with random weights.
        teachers: networks that are asked about the pre-training frames, see :mod:`baselines.teachers`; their answers
            are among ``modalities``.
        inputs: sensors that it reads when it predicts, ``rgb`` first. RGB alone is the protocol; a row that reads more
            says so in ``unranked``, has random weights of the suite's ViT, and is refused for tasks that ask for
            what it reads.
        labels_from: whose labelled frames the transfer learns from; ``test`` is for an oracle alone.
        unranked: why the row is shown apart and never ranked, "" for a regular one.
    """

    name: str
    summary: str
    modalities: tuple[str, ...] = ()
    sources: Mapping[Role, float] | None = None
    external_spaces: int | None = None
    budget: Mapping[str, float] = field(default_factory=dict)
    objective: str = "masked"
    mask_ratio: float | None = None
    network: Network | None = None
    teachers: tuple[str, ...] = ()
    inputs: tuple[str, ...] = RGB_ALONE
    labels_from: Literal["transfer", "test"] = "transfer"
    unranked: str = ""

    @property
    def trained_elsewhere(self) -> bool:
        """Whether it begins with weights that were trained outside this benchmark."""
        return self.network is not None and bool(self.network.data)

    @property
    def pretrains(self) -> bool:
        """Whether there is a pre-training stage."""
        return bool(self.modalities)
