"""Where a pre-training starts that goes on from a trained network: its ViT, its normalisation, its input size.

Frames are enlarged to the network's size as :class:`~baselines.frame_encoder.FrameEncoder` does it, so that what is
learned here is what transfer will use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer

from baselines.batches import Batch
from baselines.encoder import EncoderConfig
from baselines.frame_encoder import FrameEncoder, TimmFeatures, is_plain_vit
from sim_envs.errors import UserError
from sim_envs.modalities import modality

LR_SCALE = 0.1
"""Of the start's weights to those that begin at random: the suite's rate would wash out what they know."""


@dataclass(frozen=True, eq=False)
class Start:
    """A trained ViT to go on from.

    Attributes:
        encoder: with its trained weights; pre-training changes them.
        frame_size: pixels of a side of the recorded frames.
        call: arguments of ``timm.create_model`` that build the network.
        identity: JSON-like; which network and which weights.

    Raises:
        UserError: the network is no plain ViT, or its input not square.
    """

    encoder: FrameEncoder
    frame_size: int
    call: Mapping[str, Any]
    identity: Mapping[str, Any]

    def __post_init__(self) -> None:
        features = self.encoder.network
        name = self.call["model_name"]
        if not (isinstance(features, TimmFeatures) and is_plain_vit(features.model)):
            raise UserError(f"{name} is no plain ViT with learned positions: masked modelling cannot go on from it.")
        if self.encoder.size is None or self.encoder.size[0] != self.encoder.size[1]:
            raise UserError(f"{name}: masked modelling needs square frames.")

    @property
    def vit(self) -> VisionTransformer:
        """The network itself."""
        return self.encoder.network.model

    @property
    def config(self) -> EncoderConfig:
        """Its shape at its working size."""
        assert self.encoder.size is not None
        blocks = self.vit.blocks
        return EncoderConfig(
            image_size=self.encoder.size[0],
            patch_size=self.vit.patch_embed.patch_size[0],
            width=self.vit.embed_dim,
            depth=len(blocks),
            heads=blocks[0].attn.num_heads,
        )


def enlarged(batch: Batch, size: int) -> Batch:
    """Return a batch at another size of its square frames: colours are interpolated, all else is repeated.

    What is coarser than pixels lies on the network's patches already, and stays as it is.
    """
    if batch.values["rgb"].shape[-1] == size:
        return batch
    values = {}
    for name, value in batch.values.items():
        if modality(name).cells:
            values[name] = value
        elif modality(name).loss == "patch_mse":
            values[name] = F.interpolate(value, (size, size), mode="bicubic", antialias=True)
        else:
            values[name] = F.interpolate(value, (size, size), mode="nearest-exact")
    measured = {
        name: mask
        if modality(name).cells
        else F.interpolate(mask[:, None].to(values[name].dtype), (size, size), mode="nearest-exact")[:, 0] > 0
        for name, mask in batch.measured.items()
    }
    return Batch(values, measured, batch.rows)
