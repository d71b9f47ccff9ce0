"""What teachers that guess labels have in common: a checkpoint of ``transformers``, and answers in pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.ledger import Entry
from baselines.teachers.checkpoint import Checkpoint
from baselines.teachers.teacher import Answers, Teacher
from baselines.weights import WeightsFile
from sim_envs.errors import UserError


class Guesses(Answers):
    """A network of ``transformers`` with its processor, in memory."""

    batch = 8

    def __init__(self, network: Any, processor: Any, device: torch.device) -> None:
        self.network, self.processor, self.device = network, processor, device


@dataclass(frozen=True)
class Labeller(Teacher):
    """A teacher that guesses labels.

    Attributes:
        name: also that of its modality.
        auto_model: class of ``transformers`` that reads the checkpoint.
    """

    name: str
    conventions: str
    checkpoint: Checkpoint
    auto_model: str
    data: tuple[Entry, ...]
    licence: str = ""

    @property
    def modality(self) -> str:  # type: ignore[override]
        """Of its own name."""
        return self.name

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Numbers that decide its answers, JSON-like."""

    @abstractmethod
    def answers(self, network: Any, processor: Any, device: torch.device) -> Answers:
        """Return the loaded network as a teacher."""

    @property
    def network(self) -> Mapping[str, Any]:
        """The library's class, and the settings."""
        return {"class": self.auto_model, **self.settings}

    def find_weights(self, given: Path | None = None) -> WeightsFile:
        """Find the checkpoint's folder."""
        return self.checkpoint.find(self.name, given)

    def at_hand(self) -> bool:
        """Look into the hub's cache."""
        return self.checkpoint.at_hand() is not None

    def check(self, weights: WeightsFile, height: int, width: int) -> None:
        """Read the configuration."""
        self.checkpoint.check(weights.path)

    def open(self, weights: WeightsFile | None, height: int, width: int, device: torch.device) -> Answers:
        """Load network and image processor."""
        assert weights is not None, f"{self.name} makes no sense without weights"
        return self.answers(*self.checkpoint.load(weights.path, self.auto_model, device), device)


def pictures(rgb: np.ndarray) -> list[np.ndarray]:
    """Return (B, H, W, 3) frames as the library's image processors take them."""
    return list(np.ascontiguousarray(rgb))


def require_categories(network: Any, count: int, name: str, what: str) -> None:
    """Refuse a network that tells other categories apart than the modality has.

    Raises:
        UserError: it does.
    """
    found = int(network.config.num_labels)
    if found != count:
        raise UserError(f"The network given for {name} knows {found} categories, and {what} are {count}. Take another.")
