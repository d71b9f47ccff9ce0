"""Models with the suite's own ViT: specialists of the test space, and the controls they are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from baselines.ledger import Role
from baselines.zoo.model import Model
from sim_envs.errors import UserError
from sim_envs.modalities import SENSED

_RGB = ("rgb",)
_MIX: Mapping[Role, float] = {"test": 0.5, "transfer": 0.5}

SCRATCH = Model("scratch", "random weights; everything it knows comes from the transfer set")
SCRATCH_MULTIMODAL = Model(
    "scratch-multimodal",
    "scratch that reads every sensor when it predicts, not RGB alone: what more sensors would give at test time",
    inputs=SENSED,
    unranked="reads depth, normals and edges when it predicts, where all others read RGB alone",
)
TST_MAE = Model("tst-mae", "masked RGB modelling in the test space", _RGB, {"test": 1.0})
TST = Model("tst", "cross-modal masked modelling of all sensors in the test space", SENSED, {"test": 1.0})
TST_DINO = Model(
    "tst-dino", "self-distillation (DINO) on RGB of the test space", _RGB, {"test": 1.0}, objective="self-distillation"
)
TST_TOKENS = Model(
    "tst-tokens",
    "masked modelling of tokens of all sensors; the tokenizers too learn in the test space",
    SENSED,
    {"test": 1.0},
    objective="tokens",
)
DINO_EXTERNAL = Model(
    "dino-external",
    "the objective of tst-dino on external spaces only",
    _RGB,
    {"external": 1.0},
    objective="self-distillation",
)
TST_EXTERNAL = Model("tst-external", "the objective of tst on external spaces only", SENSED, {"external": 1.0})
MAE_EXTERNAL = Model("mae-external", "the objective of tst-mae on external spaces only", _RGB, {"external": 1.0})
TST_MIX = Model("tst-mix", "tst; half its frames are unlabelled frames of the transfer spaces", SENSED, _MIX)
TST_MAE_MIX = Model("tst-mae-mix", "tst-mae; half its frames are unlabelled transfer frames", _RGB, _MIX)
ORACLE = Model(
    "oracle",
    "tst whose head learns from labels of the test space: how far labels there would get",
    SENSED,
    {"test": 1.0},
    labels_from="test",
)

SPECIALISTS = (
    SCRATCH,
    SCRATCH_MULTIMODAL,
    TST_MAE,
    TST_DINO,
    TST,
    TST_TOKENS,
    TST_MIX,
    TST_MAE_MIX,
    TST_EXTERNAL,
    MAE_EXTERNAL,
    DINO_EXTERNAL,
    ORACLE,
)


def tst_external(count: str) -> Model:
    """Return ``tst-external:N``."""
    return _of_spaces(TST_EXTERNAL, count)


def mae_external(count: str) -> Model:
    """Return ``mae-external:N``."""
    return _of_spaces(MAE_EXTERNAL, count)


def dino_external(count: str) -> Model:
    """Return ``dino-external:N``."""
    return _of_spaces(DINO_EXTERNAL, count)


def _of_spaces(model: Model, count: str) -> Model:
    """Return a control that draws the same number of frames from ``count`` external spaces.

    Raises:
        UserError: no whole number above 0.
    """
    if not (count.isdecimal() and count.isascii() and int(count) > 0):
        raise UserError(f"{model.name}:{count}: give the number of external spaces, e.g. {model.name}:4.")
    spaces = int(count)
    return replace(
        model,
        name=f"{model.name}:{spaces}",
        summary=f"{model.summary}, {spaces} of them",
        external_spaces=spaces,
    )
