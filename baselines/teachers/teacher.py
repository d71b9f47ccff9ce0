"""What a teacher is: a network with published weights, RGB frames in, one stored map a frame out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.ledger import Entry
from baselines.weights import WeightsFile


class Answers(ABC):
    """A teacher with its weights in memory.

    Attributes:
        sample_frames: how many frames :meth:`fit` wants to see of the space, 0 for teachers that fit nothing.
        batch: frames that are asked about at a time.
    """

    sample_frames = 0
    batch = 32

    @abstractmethod
    def ask(self, rgb: np.ndarray) -> np.ndarray:
        """Answer on (B, H, W, 3) uint8 frames: (B, h, w[, C]) in the stored type of the teacher's modality."""

    def fit(self, sample: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """Learn from batches of (B, H, W, 3) frames of the space how answers are kept: arrays for :meth:`use`."""
        del sample
        return {}

    def use(self, fitted: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Keep answers as :meth:`fit` found; return what of it is worth telling, JSON-like."""
        del fitted
        return {}


class Teacher(ABC):
    """One row of the table of teachers.

    Attributes:
        name: as typed after ``tst+``; what ``--weights`` calls it.
        modality: the row of the modality table that it fills.
        conventions: what the stored values mean, in a sentence.
        data: what it was trained on. The track of its pupils follows from it.
        licence: of its weights, in a few words, "" where there is nothing to say.
        network: JSON-like; what, besides weights, decides its answers.
    """

    name: str
    modality: str
    conventions: str
    data: tuple[Entry, ...] = ()
    licence: str = ""

    @property
    @abstractmethod
    def network(self) -> Mapping[str, Any]: ...

    @abstractmethod
    def find_weights(self, given: Path | None = None) -> WeightsFile | None:
        """Return what its weights are read from; None where they are random or come from a run of this benchmark.

        Raises:
            UserError: there are none, with what to do about it.
        """

    @abstractmethod
    def at_hand(self) -> bool:
        """Tell whether all that it needs is on this machine; nothing is fetched."""

    @abstractmethod
    def check(self, weights: WeightsFile, height: int, width: int) -> None:
        """Make sure, before a run begins, that :meth:`open` will take the weights.

        Raises:
            UserError: they are damaged, or of another network.
        """

    @abstractmethod
    def open(self, weights: WeightsFile | None, height: int, width: int, device: torch.device) -> Answers:
        """Load it for frames of a size.

        Raises:
            UserError: the weights are damaged, or of another network.
        """
