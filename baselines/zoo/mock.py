"""A model that learns nothing worth knowing, fast: it takes the whole pipeline through its paces in seconds."""

from __future__ import annotations

import torch
from torch import nn

from baselines.frame_encoder import FrameEncoder
from baselines.networks import Network
from baselines.zoo.model import Model

PATCH_SIZE = 8
CHANNELS = 16


class MockNetwork(Network):
    """One random convolution over patches of 8 pixels, which are what a token knows."""

    parameters = CHANNELS * (3 * PATCH_SIZE**2 + 1)

    def build(self, height: int, width: int, *, seed: int = 0) -> FrameEncoder:
        """Return the encoder; sides that are no multiple of 8 are stretched to one."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = nn.Sequential(nn.Conv2d(3, CHANNELS, PATCH_SIZE, PATCH_SIZE), nn.GELU())
        size = (-(-height // PATCH_SIZE) * PATCH_SIZE, -(-width // PATCH_SIZE) * PATCH_SIZE)
        return FrameEncoder(network, CHANNELS, size=size)


MOCK = Model(
    "mock",
    "one random convolution: tries the whole pipeline in seconds",
    network=MockNetwork(),
    unranked="a mock, to try the pipeline with",
)
