"""The zoo: every model is an RGB encoder and the story of how its weights came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from baselines.ledger import Role
from sim_envs.modalities import SENSED
from sim_envs.registry import Table


@dataclass(frozen=True)
class Model:
    """One row of the zoo.

    Attributes:
        name: as typed after ``--model``.
        summary: one line for ``--help`` and the report.
        modalities: what masked modelling reads and predicts; empty means no pre-training.
        sources: role → share of the pre-training frames drawn from spaces of that role; shares sum to 1.
            The number of frames and of optimiser steps is the suite's and equal for every row.
    """

    name: str
    summary: str
    modalities: tuple[str, ...] = ()
    sources: Mapping[Role, float] | None = None

    @property
    def pretrains(self) -> bool:
        """Whether there is a pre-training stage."""
        return bool(self.modalities)


_RGB = ("rgb",)

SCRATCH = Model("scratch", "random weights; everything it knows comes from the transfer set")
TST_MAE = Model("tst-mae", "masked RGB modelling in the test space", _RGB, {"test": 1.0})
TST = Model("tst", "cross-modal masked modelling of all sensors in the test space", SENSED, {"test": 1.0})
TST_EXTERNAL = Model("tst-external", "the objective of tst on external spaces only", SENSED, {"external": 1.0})
MAE_EXTERNAL = Model("mae-external", "the objective of tst-mae on external spaces only", _RGB, {"external": 1.0})
_MIX: Mapping[Role, float] = {"test": 0.5, "transfer": 0.5}
TST_MIX = Model("tst-mix", "tst; half its frames are unlabelled frames of the transfer spaces", SENSED, _MIX)
TST_MAE_MIX = Model("tst-mae-mix", "tst-mae; half its frames are unlabelled transfer frames", _RGB, _MIX)

ZOO: Table[Model] = Table(
    "model",
    {
        "scratch": "baselines.zoo:SCRATCH",
        "tst-mae": "baselines.zoo:TST_MAE",
        "tst": "baselines.zoo:TST",
        "tst-external": "baselines.zoo:TST_EXTERNAL",
        "mae-external": "baselines.zoo:MAE_EXTERNAL",
        "tst-mix": "baselines.zoo:TST_MIX",
        "tst-mae-mix": "baselines.zoo:TST_MAE_MIX",
    },
    group="tst_bench.models",
)
