"""What a pre-training learns: networks, what chance decides of a step, and losses.

The loop knows nothing else of an objective. It draws what a step leaves to chance for the whole batch at once and
hands the objective parts of it, so that a batch in one piece, in several pieces one after the other, and in pieces on
several devices give the same gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from baselines.augmentation import Augmentation
from baselines.batches import Batch
from baselines.encoder import EncoderConfig, save_encoder


@dataclass(frozen=True)
class Losses:
    """``total`` is what is minimised, a scalar; ``parts`` are the columns of the log, scalars, detached."""

    total: Tensor
    parts: Mapping[str, Tensor]


class Objective(nn.Module, ABC):
    """Networks and what they are trained for. Whatever changes from step to step is in ``state_dict()``.

    Attributes:
        modalities: sensed ones that the frames must have.
        loss_names: names of :attr:`Losses.parts`, in the order of the log's columns.
        image_size: pixels of a side of the frames that :meth:`losses` takes.
        augmentation: what is done to the frames before.
        shape: of the encoder.
        all_learn: whether every parameter gets a gradient in every step, which spares several processes a search.
        identity: JSON-like; with the loop's settings and the frames it decides the weights.
    """

    modalities: tuple[str, ...]
    loss_names: tuple[str, ...]
    image_size: int
    augmentation: Augmentation
    shape: EncoderConfig
    all_learn: bool = False
    identity: Mapping[str, Any]

    @abstractmethod
    def draw(self, rng: np.random.Generator, frames: int) -> Any:
        """Return what a step leaves to chance for a whole batch: masks, crops.

        Returns:
            Frame-wise: indexing with a slice or an array of positions gives the same thing for fewer frames. Nothing
            in it is on a device; :meth:`losses` moves what it needs.
        """

    @abstractmethod
    def losses(self, batch: Batch, drawn: Any, step: int, counts: Tensor) -> Losses:
        """Return the losses of a part of a batch. Their mean over the equally long parts is that of the whole batch.

        Called with matrix products in the run's number format; :func:`~baselines.precision.exactly` leaves it.

        Args:
            drawn: what :meth:`draw` gave for these frames.
            step: from 0.
            counts: what :meth:`counts` returned, as the mean over all parts of the batch.
        """

    @abstractmethod
    def encoder(self) -> VisionTransformer:
        """Return the network that is saved and transferred."""

    def counts(self, batch: Batch, drawn: Any) -> Tensor:
        """Return the (K,) numbers that :meth:`losses` divides by where they differ between parts (measured pixels).

        The mean of two ratios is not the ratio of the means: who divides by what a batch happens to hold takes the
        divisor from here. A loss that is a plain mean over frames needs none.
        """
        return torch.zeros(0, device=batch.device)

    def after_step(self, step: int, steps: int) -> None:
        """Change what the optimiser does not (a momentum teacher), after its step number ``step`` of 0 … steps − 1.

        Every process calls it once a step, after its last part; ``accelerate.utils.reduce(tensor, "mean")`` is the mean
        over all processes.
        """

    def picture(self, batch: Batch) -> np.ndarray | None:
        """Return an (H, W, 3) uint8 picture of what the networks make of a few frames, or None."""
        return None

    def parameter_rates(self) -> Mapping[str, float]:
        """Return name of a submodule (``model.encoder``) → what its learning rate is multiplied by."""
        return {}

    def save_encoder(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the encoder as :func:`~baselines.encoder.save_encoder` does."""
        save_encoder(self.encoder(), self.shape, path, provenance=provenance)

    def repeated_blocks(self) -> Iterable[nn.Module]:
        """Return the modules that ``torch.compile`` should fuse, each by itself."""
        return self.encoder().blocks

    def forward(self, batch: Batch, drawn: Any, step: int, counts: Tensor) -> Losses:
        """Return :meth:`losses`: what wraps a module (several processes) goes through here."""
        return self.losses(batch, drawn, step, counts)
