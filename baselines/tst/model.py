"""The masked model: one ViT over the visible tokens of all modalities, one light decoder for each modality.

A decoder's queries attend to the encoder's tokens and not to each other, so what is predicted for one patch
does not depend on which others happen to be decoded. With ``modalities=("rgb",)`` it is a masked autoencoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from timm.layers import Mlp
from torch import Tensor, nn

from baselines.encoder import EncoderConfig, build_encoder, prefix_tokens, sincos_grid
from baselines.precision import attention
from baselines.tst.adapters import Adapters, Patches, module_name
from baselines.tst.masking import Masks
from baselines.tst.start import Start
from baselines.values import patch_cells, value_channels
from sim_envs.errors import UserError


@dataclass(frozen=True)
class DecoderConfig:
    """Shape of each modality's decoder: ``depth`` blocks of cross-attention and an MLP."""

    width: int = 96
    depth: int = 1
    heads: int = 3
    mlp_ratio: float = 2.0

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4 or self.width % self.heads or self.depth < 1:
            raise UserError(
                f"A decoder of width {self.width} cannot have {self.heads} heads and depth {self.depth}:"
                " the width must be a multiple of 4 and of the heads."
            )


class CrossBlock(nn.Module):
    """Let queries read the context, then think for themselves (pre-norm, residual)."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm_query = nn.LayerNorm(config.width)
        self.query = nn.Linear(config.width, config.width)
        self.key_value = nn.Linear(config.width, 2 * config.width)
        self.project = nn.Linear(config.width, config.width)
        self.norm_mlp = nn.LayerNorm(config.width)
        self.mlp = Mlp(config.width, round(config.width * config.mlp_ratio))

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """Return (B, Q, width) from (B, Q, width) queries and a (B, S, width) normalised context."""
        batch, count, width = queries.shape
        query = self.query(self.norm_query(queries)).view(batch, count, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(context).view(batch, -1, 2, self.heads, width // self.heads).unbind(2)
        read = attention(query, key.transpose(1, 2), value.transpose(1, 2))
        queries = queries + self.project(read.transpose(1, 2).reshape(batch, count, width))
        return queries + self.mlp(self.norm_mlp(queries))


class Decoder(nn.Module):
    """Predict patches of one modality: one learned query a position, cross-attention, a linear head."""

    def __init__(self, config: DecoderConfig, places: Tensor, channels: int, pixels: int) -> None:
        super().__init__()
        self.channels = channels
        self.queries = nn.Parameter(places.clone())
        self.blocks = nn.ModuleList(CrossBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, channels * pixels)

    def forward(self, context: Tensor, decoded: Tensor) -> Tensor:
        """Return (B, Q, C, P) values of the ``decoded`` (B, Q) positions."""
        queries = self.queries[decoded]
        for block in self.blocks:
            queries = block(queries, context)
        return self.head(self.norm(queries)).unflatten(-1, (self.channels, -1))


class MaskedModel(nn.Module):
    """Encoder, adapters and decoders.

    Args:
        modalities: the first is ``rgb``.
        seed: of the initial weights; nothing else influences them.
        start: a trained ViT to go on from, of the shape ``config``; None begins at random.
    """

    places: Tensor

    def __init__(
        self,
        config: EncoderConfig,
        modalities: tuple[str, ...],
        decoder: DecoderConfig,
        *,
        seed: int = 0,
        start: Start | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.modalities = modalities
        self.encoder = start.vit if start else build_encoder(config, seed=seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)
            self.adapters = Adapters(modalities, config.patch_size, config.width, start.encoder if start else None)
            self.to_context = nn.Linear(config.width, decoder.width)
            self.norm_context = nn.LayerNorm(decoder.width)
            places = sincos_grid(config.grid, decoder.width)
            self.register_buffer("places", places, persistent=False)
            self.modality_embedding = nn.Parameter(torch.randn(len(modalities), decoder.width) * 0.02)
            self.decoders = nn.ModuleDict(
                {
                    module_name(name): Decoder(
                        decoder, places, value_channels(name), patch_cells(name, config.patch_size) ** 2
                    )
                    for name in modalities
                }
            )
            for name, module in self.named_modules():
                if isinstance(module, nn.Linear) and not name.startswith("encoder."):
                    nn.init.trunc_normal_(module.weight, std=0.02) if ".head" in name else nn.init.xavier_uniform_(
                        module.weight
                    )
                    nn.init.zeros_(module.bias)

    def forward(self, patches: Patches, masks: Masks) -> dict[str, Tensor]:
        """Return modality → (B, Q, C, P) predictions of ``masks.decoded``; C is K scores where values are ids."""
        context = self.context(self.encode(self.adapters(patches, masks, self.encoder)), masks)
        return {
            name: self.decoders[module_name(name)](context, masks.decoded[:, index])
            for index, name in enumerate(self.modalities)
        }

    def encode(self, tokens: Tensor) -> Tensor:
        """Run the ViT: (B, V, width) embedded tokens → (B, P + V, width), class and register tokens first."""
        encoder = self.encoder
        first = prefix_tokens(encoder).expand(len(tokens), -1, -1)
        return encoder.norm(encoder.blocks(encoder.norm_pre(torch.cat([first, tokens], dim=1))))

    def context(self, encoded: Tensor, masks: Masks) -> Tensor:
        """Project (B, P + V, width) to the decoders' width; say where each token lies and what it shows."""
        tokens, prefix = len(self.places), encoded.shape[1] - masks.visible.shape[1]
        origin = self.places[masks.visible % tokens] + self.modality_embedding[masks.visible // tokens]
        return self.norm_context(self.to_context(encoded) + nn.functional.pad(origin, (0, 0, prefix, 0)))
