"""Tokenizers: a patch of one modality to a code of a few whole numbers, and a frame of codes back to values.

A patch is looked at by itself, so that the code of a visible token tells nothing of a hidden neighbour. The way back
sees all codes of a frame: neighbours may agree on a line that runs through both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.tokens.config import LEVELS, TokenizerConfig
from baselines.tokens.quantise import FiniteScalarQuantiser
from baselines.tst.adapters import Patches, input_channels
from baselines.tst.objective import LOSSES, SCALE
from sim_envs.modalities import modality

COLOUR_SCALE = 0.3  # mean squared error of the best constant colour in the built-in flats, as SCALE has it for others


class Agree(nn.Module):
    """One round of looking at the neighbours: a convolution over the grid of tokens, residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.look = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, T, width) tokens of square frames."""
        grid = round(tokens.shape[1] ** 0.5)
        square = self.norm(tokens).transpose(1, 2).unflatten(2, (grid, grid))
        return tokens + nn.functional.gelu(self.look(square)).flatten(2).transpose(1, 2)


class Tokenizer(nn.Module):
    """The tokenizer of one modality.

    Args:
        name: of the modality.
        patch_size: pixels of a side.
    """

    def __init__(self, name: str, patch_size: int, config: TokenizerConfig) -> None:
        super().__init__()
        self.name = name
        self.channels = modality(name).channels
        self.quantiser = FiniteScalarQuantiser(LEVELS[modality(name).loss])
        pixels, width, numbers = patch_size**2, config.width, len(self.quantiser.levels)
        self.look = nn.Sequential(
            nn.Linear(input_channels(name) * pixels, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.LayerNorm(width),
            nn.Linear(width, numbers),
        )
        self.draw = nn.Sequential(
            nn.Linear(numbers, width),
            nn.GELU(),
            *(Agree(width) for _ in range(config.depth)),
            nn.LayerNorm(width),
            nn.Linear(width, self.channels * pixels),
        )

    def encode(self, patches: Patches) -> Tensor:
        """Return the (B, T, D) quantised values of a batch's patches, with a gradient straight through."""
        values, measured = patches.values[self.name], patches.measured[self.name]
        if input_channels(self.name) > values.shape[2]:
            values = torch.cat([values, measured.unsqueeze(2).to(values.dtype)], dim=2)
        return self.quantiser(self.look(values.flatten(2)).float())

    def decode(self, quantised: Tensor) -> Tensor:
        """Return the (B, T, C, P) raw patches of (B, T, D) quantised values, which the modality's loss reads."""
        return self.draw(quantised).unflatten(-1, (self.channels, -1)).float()

    def error(self, raw: Tensor, patches: Patches, count: Tensor) -> Tensor:
        """Return the reconstruction error of (B, T, C, P) raw patches; a constant prediction scores about 1.

        It is the loss of the modality table. Colours alone are compared as they are, not patch by patch: a picture
        must come back.

        Args:
            count: of the measured pixels that the sum is divided by.
        """
        measured = patches.measured[self.name].flatten(0, 1)
        target = torch.where(measured.unsqueeze(1), patches.values[self.name].flatten(0, 1), 0.0)
        kind = modality(self.name).loss
        if kind == "patch_mse":
            errors = (raw.flatten(0, 1) - target).square().mean(dim=1) / COLOUR_SCALE
        else:
            errors = LOSSES[kind](raw.flatten(0, 1), target, measured) / SCALE[kind]
        return torch.where(measured, errors, 0.0).sum() / (count + (count == 0))

    def values(self, raw: Tensor) -> Tensor:
        """Return raw patches as values of the modality, for pictures."""
        return raw.sigmoid() if modality(self.name).loss == "bce" else raw
