"""What every head is to the transfer: tokens in, a loss while it learns, answers afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from baselines.frame_encoder import FrameEncoder
from baselines.heads import HEADS, HeadSpec


class Head(nn.Module, ABC):
    """A network on the tokens of an encoder.

    Args:
        spec: what the task asks for.
        token_width: channels of a token.
        grid: (rows, columns) of tokens.
    """

    def __init__(self, spec: HeadSpec, token_width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.spec, self.token_width, self.grid = spec, token_width, grid

    def prepare(self, target: Any) -> None:
        """Look at the truth of all training frames once, before the first step: class frequencies, say.

        What is needed to answer as well must be kept in the ``state_dict``.
        """

    def batches(self, target: Any, batch: int, steps: int, generator: torch.Generator) -> list[Tensor]:
        """Return ``steps`` batches of row numbers to train on, from the truth of all training frames.

        Here every row is seen once before any is seen again.
        """
        count, needed = len(target), steps * batch
        orders = [torch.randperm(count, generator=generator) for _ in range(-(-needed // count))]
        return list(torch.cat(orders)[:needed].split(batch))

    @abstractmethod
    def truth(self, target: Any, mirrored: Tensor, frame: tuple[int, int]) -> Any:
        """Return the truth of a batch as :meth:`loss` takes it.

        Args:
            target: answers about B frames, of the task's kind.
            mirrored: (B,) bool, on the device that the truth is to be on; where true, the truth of the frame
                mirrored left to right.
            frame: (height, width) in pixels.
        """

    @abstractmethod
    def loss(self, tokens: Tensor, frame: tuple[int, int], truth: Any, generator: torch.Generator) -> Tensor:
        """Return the loss of a batch, a float32 scalar; called under autocast.

        Args:
            tokens: (B, rows, columns, token_width).
            frame: (height, width) in pixels.
            truth: from :meth:`truth`.
            generator: on the CPU; the only source of randomness.
        """

    @abstractmethod
    def answer(self, tokens: Tensor, frame: tuple[int, int]) -> Any:
        """Return the raw output for B frames without torch, as the task's ``encode_prediction`` takes it.

        Args:
            tokens: (B, rows, columns, token_width).
            frame: (height, width) in pixels.
        """


class HeadedEncoder(nn.Module):
    """An RGB encoder with a head: RGB in, answers out.

    Args:
        frame: (height, width) in pixels of the frames to come.
    """

    def __init__(self, encoder: FrameEncoder, spec: HeadSpec, frame: tuple[int, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = HEADS[spec.output](spec, encoder.channels, token_grid(encoder, frame))

    def tokens(self, rgb: Tensor, *, train_encoder: bool) -> Tensor:
        """(B, 3, H, W) frames in −1…1 → (B, rows, columns, channels), with gradients if the encoder learns."""
        with torch.set_grad_enabled(train_encoder and torch.is_grad_enabled()):
            tokens: Tensor = self.encoder(rgb)
        return tokens

    def answer(self, rgb: Tensor) -> Any:
        """(B, 3, H, W) frames in −1…1 → the head's raw output."""
        return self.head.answer(self.tokens(rgb, train_encoder=False), (rgb.shape[2], rgb.shape[3]))


def token_grid(encoder: FrameEncoder, frame: tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns) of the tokens that an encoder gives for frames of (height, width)."""
    weight = next(encoder.parameters(), torch.empty(0))
    with torch.no_grad():
        tokens = encoder(torch.zeros(1, 3, *frame, device=weight.device))
    return int(tokens.shape[1]), int(tokens.shape[2])
