"""One small pre-training, as every process that takes part in a test builds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from baselines.encoder import EncoderConfig
from baselines.objectives import OBJECTIVES
from baselines.pretraining.config import LoopConfig
from baselines.pretraining.objective import Objective
from baselines.tst.config import MaskedConfig
from baselines.tst.masked import MaskedModelling
from baselines.tst.model import DecoderConfig
from baselines.zoo import ZOO
from sim_envs.modalities import SENSED
from sim_envs.recordings.sensed import SensedFrames

CONFIG = LoopConfig(steps=12, batch=8, log_every=4, checkpoint_seconds=0)
SHAPE = EncoderConfig(image_size=32, patch_size=8, width=32, depth=2, heads=2)
DECODER = DecoderConfig(width=24, heads=2)


def masked(modalities: tuple[str, ...] = SENSED, seed: int = 0) -> MaskedModelling:
    """Return masked modelling with 16 tokens a modality."""
    return MaskedModelling(MaskedConfig(SHAPE, modalities, decoder=DECODER), seed=seed)


def of_row(name: str, config: LoopConfig) -> Objective:
    """Return the objective of a row of the zoo, as a run builds it."""
    model = ZOO[name]
    return OBJECTIVES[model.objective](model, SHAPE, config, None)


def write_frames(frames: SensedFrames, path: Path) -> None:
    """Write frames for another process to read."""
    np.savez(path, **{name: frames.get(name, slice(None)) for name in SENSED})


def read_frames(path: Path) -> SensedFrames:
    """Read what :func:`write_frames` wrote."""
    arrays = dict(np.load(path))
    return SensedFrames(arrays, np.arange(len(arrays["rgb"])))
