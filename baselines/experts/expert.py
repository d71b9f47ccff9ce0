"""What is particular about an expert: its class in transformers, what of it is the encoder, how it answers.

transformers is an extra and slow to import, so it is imported by what needs it, not by this package.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

EXTRA = "experts"
STRIDE = 16
"""Pixels to a token: what an expert's encoder hands to its decoder comes in several strides, and is brought to this."""


@dataclass(frozen=True, eq=False)
class Expert(ABC):
    """One published expert. A subclass is one kind of network; an instance one set of weights.

    Attributes:
        repository: of the weights on the Hugging Face hub.
        shape: arguments of the configuration class that build the published network; what is left out is the default.
        task: that it answers without any transfer.
        files: besides the weights, that its folder must hold.
        mean, std: of sRGB in 0…1, as it was trained with.
        trained_at: pixels of the shorter side of its own input.
        multiple: pixels to which sides are rounded up.
    """

    task: ClassVar[str]
    files: ClassVar[tuple[str, ...]] = ("config.json", "preprocessor_config.json")
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]
    trained_at: ClassVar[int]
    multiple: ClassVar[int]

    repository: str
    shape: Mapping[str, Any] = field(default_factory=dict)

    @abstractmethod
    def classes(self) -> tuple[type, type, type]:
        """Return transformers' classes of configuration, model and image processor."""

    @abstractmethod
    def encoder(self, model: Any) -> ExpertFeatures:
        """Return the part of a model before its decoder."""

    @abstractmethod
    def answer(self, session: Session, rgb: np.ndarray) -> Any:
        """Return what the head of the task would give for (N, H, W, 3) uint8 frames."""

    def without_meaning(self, session: Session) -> list[str]:
        """Return the expert's own classes that mean none of the categories and therefore count for none."""
        return []

    def random_model(self) -> Any:
        """Return the published network with random weights."""
        configuration, model, _ = self.classes()
        return model(configuration(**self.shape))


class ExpertFeatures(nn.Module, ABC):
    """What an expert's encoder hands to its decoder, on one grid.

    Attributes:
        channels: of a token.
    """

    channels: int

    @abstractmethod
    def forward(self, rgb: Tensor) -> Tensor:
        """Normalised (B, 3, H, W) → (B, channels, H / stride, W / stride)."""


@dataclass(frozen=True, eq=False)
class Session:
    """An expert with its weights, ready to answer.

    Attributes:
        model: the whole network, in evaluation mode.
        processor: resizes and normalises frames as the network was trained with.
        folder: where both come from.
        categories: evaluation categories of the task, ids 1…K; empty for tasks without.
        device: of the model.
    """

    model: Any
    processor: Any
    folder: Path
    categories: tuple[str, ...]
    device: torch.device

    def pixels(self, rgb: np.ndarray) -> Tensor:
        """Return the network's input for (N, H, W, 3) uint8 frames: its own size and normalisation."""
        prepared = self.processor(images=list(rgb), return_tensors="pt", input_data_format="channels_last")
        values: Tensor = prepared["pixel_values"]
        return values.to(self.device)

    @property
    def labels(self) -> list[str]:
        """The network's own names of its classes, in their order."""
        names = json.loads((self.folder / "config.json").read_text(encoding="utf-8")).get("id2label", {})
        return [names[key] for key in sorted(names, key=int)]


def on_one_grid(maps: Sequence[Tensor], grid: tuple[int, int]) -> Tensor:
    """Bring feature maps of several strides to one grid and put their channels behind each other.

    Args:
        maps: (B, C_i, h_i, w_i) each.
        grid: (rows, columns); finer maps are averaged over a cell, coarser ones interpolated.

    Returns:
        (B, Σ C_i, rows, columns).
    """
    finer = [m.shape[2] >= grid[0] and m.shape[3] >= grid[1] for m in maps]
    return torch.cat(
        [
            F.adaptive_avg_pool2d(m, grid) if fine else F.interpolate(m, grid, mode="bilinear")
            for m, fine in zip(maps, finer, strict=True)
        ],
        dim=1,
    )


def tokens_to_map(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """Turn (B, prefix + rows · columns, C) tokens into (B, C, rows, columns), without the prefix."""
    return tokens[:, -rows * columns :].transpose(1, 2).reshape(len(tokens), -1, rows, columns)
