"""Adapters: patches of each modality to tokens of one width, on one grid, with one positional embedding.

RGB goes through the encoder's own patch embedding and gets no modality embedding: with RGB alone the model
*is* the timm encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.batches import Batch
from baselines.encoder import patch_positions
from baselines.frame_encoder import FrameEncoder
from baselines.tst.masking import Masks
from baselines.values import patch_cells
from sim_envs.modalities import modality

ID_WIDTH = 16  # numbers that an id is embedded into before its patch becomes a token


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """Cut (B, C, H, W) into (B, T, C, P): T patches row by row, P pixels each, row by row."""
    batch, channels, height, width = images.shape
    rows, columns = height // patch_size, width // patch_size
    cut = images.reshape(batch, channels, rows, patch_size, columns, patch_size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, channels, patch_size**2)


@dataclass(frozen=True)
class Patches:
    """A batch cut into patches: M modalities with T patches of P pixels, or of P coarser cells.

    Attributes:
        values: modality → (B, T, C, P) float32.
        measured: modality → (B, T, P) bool.
    """

    values: dict[str, Tensor]
    measured: dict[str, Tensor]


def cut(batch: Batch, patch_size: int) -> Patches:
    """Cut every modality of a batch into patches."""
    return Patches(
        {name: patchify(values, patch_cells(name, patch_size)) for name, values in batch.values.items()},
        {
            name: patchify(mask.unsqueeze(1), patch_cells(name, patch_size)).squeeze(2)
            for name, mask in batch.measured.items()
        },
    )


def unpatchify(patches: Tensor, patch_size: int) -> Tensor:
    """Undo :func:`patchify` for square images."""
    batch, tokens, channels, _ = patches.shape
    grid = round(tokens**0.5)
    cut = patches.reshape(batch, grid, grid, channels, patch_size, patch_size)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels, grid * patch_size, grid * patch_size)


def input_channels(name: str) -> int:
    """Return how many channels an adapter reads: depth comes with a channel that says where it was measured.

    Other values are 0 only where nothing was measured, so they need none. Ids come as their embeddings.
    """
    row = modality(name)
    return ID_WIDTH if row.categories else row.channels + (row.loss == "depth_l1")


def module_name(name: str) -> str:
    """Return a modality's name as torch allows it for a module: without full stops."""
    return name.replace(".", "-")


class Adapters(nn.Module):
    """Input adapters of all modalities but RGB, which has the encoder's.

    Args:
        start: the trained encoder that is gone on from; its RGB is normalised as it expects.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, modalities: tuple[str, ...], patch_size: int, width: int, start: FrameEncoder | None = None
    ) -> None:
        super().__init__()
        self.modalities = modalities
        self.as_it_is = start is None or start.as_it_is
        if start is not None:
            self.register_buffer("scale", start.scale.flatten(1), persistent=False)
            self.register_buffer("shift", start.shift.flatten(1), persistent=False)
        others = {module_name(name): name for name in modalities if name != "rgb"}
        self.project = nn.ModuleDict(
            {
                key: nn.Linear(input_channels(name) * patch_cells(name, patch_size) ** 2, width)
                for key, name in others.items()
            }
        )
        self.modality_embedding = nn.ParameterDict({name: torch.randn(width) * 0.02 for name in self.project})
        categories = {key: modality(name).categories for key, name in others.items()}
        self.id_embedding = nn.ModuleDict(
            {key: nn.Embedding(count + 1, ID_WIDTH, padding_idx=count) for key, count in categories.items() if count}
        )

    def forward(self, patches: Patches, masks: Masks, encoder: VisionTransformer) -> Tensor:
        """Embed the visible tokens, and only those.

        Returns:
            (B, V, width) tokens in the order of ``masks.visible``, with positions added.
        """
        batch, visible = masks.visible.shape
        tokens = patches.values["rgb"].shape[1]
        of_modality = (masks.visible // tokens).flatten()
        place = masks.visible % tokens
        frame = torch.arange(batch, device=place.device)[:, None]
        flat = (frame * tokens + place).flatten()  # which patch of its modality's B · T each visible token is
        embedded, origin = [], []
        for index, name in enumerate(self.modalities):
            here = (of_modality == index).nonzero().squeeze(1)
            origin.append(here)
            chosen = patches.values[name].flatten(0, 1)[flat[here]]
            if modality(name).categories:
                chosen = self._embed_ids(name, chosen, patches.measured[name].flatten(0, 1)[flat[here]])
            elif input_channels(name) > chosen.shape[1]:
                seen = patches.measured[name].flatten(0, 1)[flat[here]]
                chosen = torch.cat([chosen, seen.unsqueeze(1).to(chosen.dtype)], dim=1)
            if name == "rgb" and not self.as_it_is:
                chosen = torch.addcmul(self.shift, chosen, self.scale)
            embedded.append(self._embed(name, chosen.flatten(1), encoder))
        back = torch.cat(origin).argsort()
        width = embedded[0].shape[-1]
        positions = patch_positions(encoder)[place]
        return torch.cat(embedded)[back].view(batch, visible, width) + positions

    def _embed(self, name: str, patches: Tensor, encoder: VisionTransformer) -> Tensor:
        if name == "rgb":
            convolution = encoder.patch_embed.proj  # stride equals kernel: a product with the flattened kernel
            return nn.functional.linear(patches, convolution.weight.flatten(1), convolution.bias)
        key = module_name(name)
        return self.project[key](patches) + self.modality_embedding[key]

    def _embed_ids(self, name: str, ids: Tensor, measured: Tensor) -> Tensor:
        """Return (N, ID_WIDTH, P) embeddings of (N, 1, P) ids; zeros where nothing was measured."""
        embedding = self.id_embedding[module_name(name)]
        nothing = modality(name).categories
        return embedding(torch.where(measured, ids[:, 0].long(), nothing)).transpose(1, 2)
