"""The table of objectives: what a pre-training can learn. A row of the zoo names one.

An entry is called with (row of the zoo, shape of the encoder, settings of the loop, trained network to go on from or
None) and returns an :class:`~baselines.pretraining.objective.Objective`.
"""

from __future__ import annotations

from typing import Protocol

from baselines.encoder import EncoderConfig
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.objective import Objective
from baselines.tst.start import Start
from baselines.zoo.model import Model
from sim_envs.registry import Table


class Build(Protocol):
    """What a row of the table is."""

    def __call__(self, model: Model, encoder: EncoderConfig, loop: LoopConfig, start: Start | None) -> Objective:
        """Return the objective with its initial weights, which follow from ``loop.seed``."""


OBJECTIVES: Table[Build] = Table(
    "objective",
    {
        "masked": "baselines.tst.masked:masked_modelling",
        "self-distillation": "baselines.self_distillation.objective:self_distillation",
        "tokens": "baselines.tokens.objective:masked_tokens",
    },
    group="tst_bench.objectives",
)
